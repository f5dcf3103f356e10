"""Workers where a warm process can not be forked safely (macOS): each is started afresh, warmed ahead of its work.

Python takes a third of a second to start with the language loaded. So that nobody waits for it, one worker is kept that
is warm and has begun nothing yet. It is confined as every other one, by itself, once it is told what it may reach.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading

from klapp.sandbox.channel import Channel, Lost
from klapp.sandbox.entry import GO, READY
from klapp.sandbox.launch import IDLE, START_PATIENCE, WORKER, Process, start


class Spawner:
    """Starts each worker as a process of its own. Safe to use from several threads."""

    opens_folders = True

    def __init__(self, entry: str = WORKER, paths: tuple[str, ...] = (), *, idle: float = IDLE) -> None:
        self._entry = entry
        self._paths = paths
        self._idle = idle
        self._lock = threading.Lock()
        self._spare: _Spawned | None = None
        self._owner = 0
        self._timer: threading.Timer | None = None

    def launch(self, lock: int) -> Process:
        with self._lock:
            spare, self._spare = (self._spare if self._owner == os.getpid() else None), None
        for worker in (spare, None):  # a spare one may have died while it waited
            worker = worker or self._started()
            try:
                worker.go(lock)
            except Lost:
                worker.end()
                if worker is not spare:
                    raise
            else:
                self._keep_one()
                return worker
        raise AssertionError

    def close(self) -> None:
        with self._lock:
            spare, self._spare = self._spare, None
            if self._timer:
                self._timer.cancel()
                self._timer = None
        if spare and self._owner == os.getpid():
            spare.end()

    def _keep_one(self) -> None:
        """Start the next worker, which nobody waits for; let go of it where none is needed for a while."""
        with self._lock:
            if self._spare is None or self._owner != os.getpid():
                self._spare, self._owner = self._started(), os.getpid()
            if self._timer:
                self._timer.cancel()
            self._timer = threading.Timer(self._idle, self.close)
            self._timer.daemon = True
            self._timer.start()

    def _started(self) -> _Spawned:
        ours, theirs = socket.socketpair()
        with theirs:
            code = f"from klapp.sandbox.entry import main; main({self._entry!r})"
            return _Spawned(start(code, self._paths, stdin=theirs.fileno()), ours)


class _Spawned:
    """A worker that was started afresh; ``number`` is that of its process."""

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket) -> None:
        self.number = process.pid
        self._process = process
        self._connection = connection
        self.channel = Channel(-1)

    def go(self, lock: int) -> None:
        """Hand it its lock once it is warm. Raises Lost."""
        connection = self._connection
        connection.settimeout(START_PATIENCE)
        try:
            if connection.recv(len(READY)) != READY:
                raise Lost("can not be started")
            socket.send_fds(connection, [GO], [lock])
        except OSError:
            raise Lost("can not be started") from None
        connection.settimeout(None)
        self.channel = Channel.over(connection, START_PATIENCE)

    def end(self) -> None:
        self.channel.close()
        self._connection.close()
        self._process.kill()
        self._process.wait()
