"""The agent's end of workers: starts them, ends them, and outlives whatever they do.

``Launcher`` is the small interface that each system has an answer to: a worker is a process with a ``Channel`` to it.
On Linux it is forked from a zygote. Elsewhere it is started afresh: on macOS it confines itself, on Windows it is put
into its sandbox as it starts.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Protocol

from klapp.sandbox.channel import Channel, Lost
from klapp.sandbox.entry import READY
from klapp.sandbox.zygote import BURY, FORK

START_PATIENCE = 60.0
"""Seconds for the zygote to load what it needs."""
IDLE = 600.0
"""Seconds after which a zygote that nobody needs is let go."""
PASSED_ON = ("TZ", "TZDIR", "SYSTEMROOT")
"""The environment that tells the time zone; and without the last one, Windows starts nothing."""
WORKER = "klapp.worker"
HAS_WORKERS = sys.platform.startswith("linux") or sys.platform in ("darwin", "win32")
"""Elsewhere coworkers work in the agent's own process."""


class Process(Protocol):
    """A worker that runs."""

    channel: Channel

    def end(self) -> None:
        """End it at once, whatever it does, and wait until it is gone."""


class Launcher(Protocol):
    """Starts workers. ``opens_folders`` is whether the system can open folders to them; where it can not, they ask the
    agent about files, which does all that they plan."""

    opens_folders: bool

    def launch(self, lock: int) -> Process:
        """A fresh worker, not yet confined. ``lock`` is a handle that it keeps. Raises Lost."""

    def close(self) -> None:
        """Let go of what is kept for the next start."""


class Zygote:
    """Forks workers from one warmed process, which is started when it is needed. Safe to use from several threads."""

    opens_folders = True

    def __init__(self, entry: str = WORKER, paths: tuple[str, ...] = (), *, idle: float = IDLE) -> None:
        self._entry = entry
        self._paths = paths
        self._idle = idle
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owner = 0
        self._workers = 0
        self._timer: threading.Timer | None = None

    def launch(self, lock: int) -> Process:
        with self._lock:
            self._stay()
            ours, theirs = socket.socketpair()
            try:
                number = self._ask(FORK, theirs.fileno(), lock)
            except Lost:
                ours.close()
                raise
            finally:
                theirs.close()
            self._workers += 1
        return _Forked(self, number, Channel.over(ours, START_PATIENCE))

    def close(self) -> None:
        with self._lock:
            self._stay()
            self._end()

    def bury(self, number: int) -> None:
        """Reap a worker that was killed: until then its number is nobody else's."""
        with self._lock:
            self._workers -= 1
            with suppress(Lost):
                if self._owner == os.getpid() and self._control is not None:
                    self._asked(self._control, BURY + number.to_bytes(4, "big"), ())
            if self._workers <= 0:
                self._rest()

    def _ask(self, request: bytes, *handles: int) -> int:
        for attempt in (1, 2):
            control = self._started()
            try:
                return self._asked(control, request, handles)
            except Lost:
                self._end()
                if attempt == 2:
                    raise
        raise AssertionError

    @staticmethod
    def _asked(control: socket.socket, request: bytes, handles: tuple[int, ...]) -> int:
        try:
            if handles:
                socket.send_fds(control, [request], handles)
            else:
                control.sendall(request)
            answer = b""
            while len(answer) < 4:
                block = control.recv(4 - len(answer))
                if not block:
                    raise Lost("can not be started")
                answer += block
        except OSError:
            raise Lost("can not be started") from None
        return int.from_bytes(answer, "big")

    def _started(self) -> socket.socket:
        if self._owner != os.getpid():  # this process is a fork of the one that the zygote belongs to
            self._process = self._control = None
        if self._control is not None:
            return self._control
        ours, theirs = socket.socketpair()
        ours.settimeout(START_PATIENCE)
        code = f"from klapp.sandbox.zygote import main; main({self._entry!r})"
        with theirs:
            self._process = start(code, self._paths, stdin=theirs.fileno())
        self._owner = os.getpid()
        try:
            if ours.recv(len(READY)) != READY:
                raise Lost("can not be started")
        except OSError:
            raise Lost("can not be started") from None
        self._control = ours
        return ours

    def _end(self) -> None:
        process, control = self._process, self._control
        self._process = self._control = None
        self._workers = 0
        if self._owner != os.getpid():
            return
        if control is not None:
            control.close()
        if process is not None:
            process.kill()
            process.wait()

    def _stay(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _rest(self) -> None:
        self._stay()
        self._timer = threading.Timer(self._idle, self.close)
        self._timer.daemon = True
        self._timer.start()


class _Forked:
    """A worker that was forked from a zygote."""

    def __init__(self, zygote: Zygote, number: int, channel: Channel) -> None:
        self.zygote = zygote
        self.number = number
        self.channel = channel
        # A number may become another process's if the zygote dies; this handle stays that of the worker.
        self._handle = os.pidfd_open(number)

    def end(self) -> None:
        self.channel.close()
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        os.close(self._handle)
        self.zygote.bury(self.number)


@cache
def launcher() -> Launcher:
    """What starts the workers of this process, whichever system this is."""
    made = _of_this_system()
    atexit.register(made.close)
    return made


def _of_this_system() -> Launcher:
    if sys.platform == "win32":
        from klapp.sandbox.contained import Contained

        return Contained()
    if sys.platform == "darwin":
        from klapp.sandbox.spawner import Spawner

        return Spawner()
    return Zygote()


def command(code: str, paths: tuple[str, ...] = ()) -> list[str]:
    """How a Python of our own is started: no variable and no folder of the person's decides what it loads."""
    import klr

    # The agent's own folders are named, for an installation that was not made by pip has them nowhere else.
    roots = [*paths, str(Path(__file__).parents[2]), str(Path(klr.__file__).parents[1])]
    return [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = {roots!r}; {code}"]


def start(code: str, paths: tuple[str, ...], *, stdin: int, prefix: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start a Python of our own with next to no environment, no folder, and no handle but its standard input."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return subprocess.Popen(
        [*prefix, *command(code, paths)],
        stdin=stdin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd="/",
        close_fds=True,
    )
