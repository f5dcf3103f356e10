"""The agent's end of the process that reads documents: starts it when it is needed, and outlives whatever it does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from klapp.sandbox.reader import ANSWER, REQUEST

PATIENCE = 30.0
"""Seconds for one document."""
IDLE = 60.0
"""Seconds without work after which the process is let go."""
NEEDED = ("SYSTEMROOT",)
"""Without this one, Windows starts nothing."""
LONGEST_ANSWER = 64_000_000


class Failed(Exception):
    """The document could not be read; the message completes "FILE ...": "takes too long to read"."""


class Reader:
    """One process, started on first use. Safe to use from several threads; they take turns."""

    def __init__(self, *, patience: float = PATIENCE, idle: float = IDLE) -> None:
        self.patience = patience
        self.idle = idle
        self.confined: dict[str, object] = {}
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None

    def text(self, data: bytes) -> str:
        """The text of a PDF document; raises Failed."""
        text = self._answered("pdf", data, "text")
        if isinstance(text, str):
            return text
        raise Failed("can not be read")

    def cells(self, data: bytes) -> list[list[str]]:
        """The cells of a workbook's first sheet, row by row; raises Failed."""
        rows = self._answered("workbook", data, "cells")
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
        process = self._process if self._process and self._process.poll() is None else self._start()
        killer = threading.Timer(self.patience, process.kill)
        killer.start()
        try:
            request = json.dumps(wish).encode("ascii")
            assert process.stdin
            process.stdin.write(REQUEST.pack(len(request), len(data)) + request)
            process.stdin.write(data)
            process.stdin.flush()
            return self._answer(process)
        except (OSError, EOFError, ValueError):
            late = not killer.is_alive()
            self._end()
            raise Failed("takes too long to read" if late else "can not be read; it may be damaged") from None
        finally:
            killer.cancel()

    def _start(self) -> subprocess.Popen[bytes]:
        self._end()
        # -I: no environment variable and no folder of the person's decides what is loaded. The agent's own folders
        # are named, for an installation that was not made by pip has them nowhere else.
        roots = [str(Path(__file__).parents[2]), *_language_root()]
        code = f"import sys; sys.path[:0] = {roots!r}; from klapp.sandbox.reader import main; main()"
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in NEEDED if name in os.environ},
            cwd="/",
            close_fds=True,
        )
        killer = threading.Timer(self.patience, self._process.kill)
        killer.start()
        try:
            self.confined = self._answer(self._process)
        except (OSError, EOFError, ValueError):
            self._end()
            raise Failed("can not be read: the process that reads documents does not start") from None
        finally:
            killer.cancel()
        return self._process

    @staticmethod
    def _answer(process: subprocess.Popen[bytes]) -> dict[str, object]:
        assert process.stdout
        header = process.stdout.read(ANSWER.size)
        if len(header) < ANSWER.size:
            raise EOFError
        (length,) = ANSWER.unpack(header)
        if length > LONGEST_ANSWER:
            raise ValueError("an answer of that length is none")
        body = process.stdout.read(length)
        if len(body) < length:
            raise EOFError
        answer = json.loads(body)
        if not isinstance(answer, dict):
            raise ValueError("not an answer")
        return answer

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()
        process.wait()

    # -- idleness -----------------------------------------------------------------------------------------------------

    def _stay(self) -> None:
        if self._idle:
            self._idle.cancel()

    def _rest(self) -> None:
        self._idle = threading.Timer(self.idle, self.close)
        self._idle.daemon = True
        self._idle.start()


def _language_root() -> list[str]:
    import klr

    return [str(Path(klr.__file__).parents[1])]
