"""Workers' processes: begun, kept for a few seconds after their work, and ended.

A worker serves one coworker. It is kept for a while, for there may be more to do, and then let go. It holds the folders
that stood at its places when it was confined: where another folder stands there now, another worker is started.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klapp.audit.log import digest
from klapp.sandbox.channel import Lost
from klapp.sandbox.launch import Launcher, Process

IDLE = 10.0
"""Seconds after which a worker without work is let go."""
MOST_IDLE = 4
PATIENCE = 60.0
"""Seconds for what takes no time; more is added for what does."""


@dataclass(slots=True)
class Running:
    """A worker, what it was begun with (by its hash), and what its system holds it to."""

    process: Process
    key: str
    holds: Mapping[str, Any]


class KeptWorkers:
    """Workers of all coworkers of one agent. Safe to use from several threads.

    ``lock_file`` is held by a worker while it changes anything. ``holds`` is what the newest worker is held to.
    """

    def __init__(self, launcher: Launcher, lock_file: Path, idle: float = IDLE) -> None:
        self.launcher = launcher
        self.lock_file = lock_file
        self.holds: Mapping[str, Any] = {}
        self._idle_for = idle
        self._idle: list[Running] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def take(self, begin: dict[str, Any], fingerprint: object) -> Running:
        """A worker that was begun so: an idle one, or a fresh one. Raises Lost."""
        key = digest(repr((begin, fingerprint)).encode("utf-8", "surrogatepass"))
        with self._lock:
            for running in self._idle:
                if running.key == key:
                    self._idle.remove(running)
                    return running
        return self._launched(key, begin)

    def give_back(self, running: Running) -> None:
        """Keep a worker for a while."""
        with self._lock:
            self._idle.append(running)
            spare = self._idle.pop(0) if len(self._idle) > MOST_IDLE else None
            self._rest()
        if spare:
            spare.process.end()

    def close(self) -> None:
        """End all workers that are idle."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
                self._timer = None
            idle, self._idle = self._idle, []
        for running in idle:
            running.process.end()

    def _rest(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = threading.Timer(self._idle_for, self.close)
        self._timer.daemon = True
        self._timer.start()

    def _launched(self, key: str, begin: dict[str, Any]) -> Running:
        lock = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            process = self.launcher.launch(lock)
        finally:
            os.close(lock)
        try:
            process.channel.send(begin)
            self.holds = _holds(process.channel.receive(PATIENCE))
        except BaseException:
            process.end()
            raise
        return Running(process, key, self.holds)


def _holds(told: Any) -> Mapping[str, Any]:
    if isinstance(told, dict) and all(type(value) in (int, bool) for value in told.values()):
        return told
    raise Lost("says what makes no sense")
