"""The agent's end of the process that reads documents: starts it when it is needed, and outlives whatever it does."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from typing import Protocol

from klapp.sandbox.channel import Channel, Lost
from klapp.sandbox.launch import Process, start

PATIENCE = 30.0
"""Seconds for one document."""
IDLE = 60.0
"""Seconds without work after which the process is let go."""
ENTRY = "klapp.sandbox.reader"


class Failed(Exception):
    """The document could not be read; the message completes "FILE ...": "takes too long to read"."""


class Reader:
    """One process, started on first use. Safe to use from several threads; they take turns."""

    def __init__(self, *, patience: float = PATIENCE, idle: float = IDLE) -> None:
        self.patience = patience
        self.idle = idle
        self.confined: dict[str, object] = {}
        self._lock = threading.Lock()
        self._process: ReaderProcess | None = None
        self._idle: threading.Timer | None = None

    def text(self, data: bytes) -> str:
        """The text of a PDF document; raises Failed."""
        text = self._answered("pdf", data, "text")
        if isinstance(text, str):
            return text
        raise Failed("can not be read")

    def cells(self, data: bytes, every: bool = False) -> list[list[str]]:
        """The cells of a workbook's first sheet, row by row; with ``every`` those of all sheets, each row with its sheet's
        name before it. Raises Failed."""
        rows = self._answered("workbook", data, "cells", **({"every": "yes"} if every else {}))
        if isinstance(rows, list) and all(
            isinstance(row, list) and all(isinstance(cell, str) for cell in row) for row in rows
        ):
            return rows
        raise Failed("can not be read")

    def words(self, kind: str, data: bytes) -> tuple[str, bool]:
        """All that a document says, and whether that is all; ``kind`` as ``file.kind`` tells it. Raises Failed."""
        match self._answered("words", data, "words", kind=kind):
            case [str(text), bool(whole)]:
                return text, whole
        raise Failed("can not be read")

    def _answered(self, form: str, data: bytes, wanted: str, **more: str) -> object:
        with self._lock:
            self._stay()
            try:
                answer = self._asked({"as": form, **more}, data)
            finally:
                self._rest()
        if wanted in answer:
            return answer[wanted]
        raise Failed(str(answer.get("unreadable", "can not be read")))

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stay()
            self._end()

    # -- the process --------------------------------------------------------------------------------------------------

    def _asked(self, wish: dict[str, str], data: bytes) -> dict[str, object]:
        process = self._process if self._process and self._process.is_running() else self._start()
        try:
            process.channel.send(wish)
            process.channel.send_bytes(data)
            answer = process.channel.receive(self.patience)
        except Lost as error:
            self._end()
            late = str(error) == "hangs"
            raise Failed("takes too long to read" if late else "can not be read; it may be damaged") from None
        if not isinstance(answer, dict):
            self._end()
            raise Failed("can not be read")
        return answer

    def _start(self) -> ReaderProcess:
        self._end()
        process = None
        try:
            process = _contained() if sys.platform == "win32" else _Started(self.patience)
            self.confined = process.channel.receive(self.patience)
        except Lost:
            if process:
                process.end()
            raise Failed("can not be read: the process that reads documents does not start") from None
        self._process = process
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()

    # -- idleness -----------------------------------------------------------------------------------------------------

    def _stay(self) -> None:
        if self._idle:
            self._idle.cancel()

    def _rest(self) -> None:
        self._idle = threading.Timer(self.idle, self.close)
        self._idle.daemon = True
        self._idle.start()


class ReaderProcess(Process, Protocol):
    """A reader that runs."""

    def is_running(self) -> bool:
        """Whether its process has not ended."""


class _Started:
    """A reader that confines itself. ``patience`` is how long it may take nothing of what is sent, in seconds."""

    def __init__(self, patience: float) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process: subprocess.Popen[bytes] = start(
                f"from {ENTRY} import main; main()", (), stdin=theirs.fileno()
            )
        self.channel = Channel.over(ours, patience)

    def is_running(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        self.channel.close()
        self.process.kill()
        self.process.wait()


def _contained() -> ReaderProcess:
    from klapp.sandbox.contained import READER, READERS_MEMORY, Contained

    return Contained(ENTRY, name=READER, memory=READERS_MEMORY).started()
