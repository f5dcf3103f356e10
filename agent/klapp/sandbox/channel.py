"""Messages between the agent and a worker: data of bounded length, and nothing that could be code.

A message is one byte that tells its kind (``J`` for JSON, ``B`` for bytes), four for its length, and the content.
Texts cross as JSON escapes, so that a name that is not UTF-8 arrives as it was. Neither end is ever sent a handle.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

HEADER = struct.Struct("!cI")
LONGEST = 256 << 20
"""Bytes of one message."""
BLOCK = 1 << 20
"""Bytes that are written or read at once."""
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False).encode


class Lost(Exception):
    """The other end is gone, hangs, or says what it must not; the message completes "the worker ...": "ended"."""


class Channel:
    """One end of a connection over a handle that reads and writes. Not for several threads at a time."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self._buffer = bytearray()

    @classmethod
    def over(cls, connection: socket.socket, patience: float) -> Channel:
        """One over a socket, which is this channel's from now on; ``patience`` is how long the other end may take nothing
        of what is sent, in seconds."""
        limit = struct.pack("ll", int(patience), int(patience % 1 * 1_000_000))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        return cls(connection.detach())

    def fileno(self) -> int:
        """The handle."""
        return self.handle

    def close(self) -> None:
        """Let go of the handle."""
        handle, self.handle = self.handle, -1
        if handle >= 0:
            os.close(handle)

    def send(self, message: Any) -> None:
        """Send what JSON can hold. Raises Lost."""
        self._send(b"J", _encode(message).encode("ascii"))

    def send_text(self, message: str) -> None:
        """Send what is JSON, in ASCII, already. Raises Lost."""
        self._send(b"J", message.encode("ascii"))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes. Raises Lost."""
        self._send(b"B", data)

    def receive(self, patience: float | None = None) -> Any:
        """The next message, which must be JSON. Raises Lost; also where nothing comes for ``patience`` seconds."""
        data = self._receive(b"J", patience)
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise Lost("says what makes no sense") from None

    def receive_bytes(self, patience: float | None = None) -> bytes:
        """The next message, which must be bytes. Raises Lost."""
        return self._receive(b"B", patience)

    def _send(self, kind: bytes, content: bytes) -> None:
        if len(content) > LONGEST:
            raise Lost("has more to say than a message can hold")
        self._write(HEADER.pack(kind, len(content)) + content)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self.handle, view) :]
        except OSError:
            raise Lost("ended") from None

    def _receive(self, wanted: bytes, patience: float | None) -> bytes:
        until = None if patience is None else time.monotonic() + patience
        kind, length = HEADER.unpack(self._read(HEADER.size, until))
        if kind != wanted or length > LONGEST:
            raise Lost("says what makes no sense")
        return self._read(length, until)

    def _read(self, length: int, until: float | None) -> bytes:
        buffer = self._buffer
        while len(buffer) < length:
            block = self._more(length - len(buffer), until)
            if not block:
                raise Lost("ended")
            buffer += block
        content = bytes(buffer[:length])
        del buffer[:length]
        return content

    def _more(self, length: int, until: float | None) -> bytes:
        """Some of the bytes that come next; b"" at the end. ``length`` are waited for."""
        if until is not None:
            self._await(until)
        try:
            return os.read(self.handle, max(1 << 16, min(length, BLOCK)))
        except OSError:
            raise Lost("ended") from None

    def _await(self, until: float) -> None:
        poll = select.poll() if hasattr(select, "poll") else None
        left = max(0.0, until - time.monotonic())
        if poll is not None:
            poll.register(self.handle, select.POLLIN)
            ready: Any = poll.poll(left * 1000)
        else:
            ready = select.select([self.handle], [], [], left)[0]
        if not ready:
            raise Lost("hangs")


class Connection(Protocol):
    """What a channel is spoken over where one handle can not both read and write, as ``multiprocessing`` has it."""

    def send_bytes(self, data: bytes, /) -> None: ...
    def recv_bytes(self, maxlength: int, /) -> bytes: ...
    def poll(self, timeout: float, /) -> bool: ...
    def close(self) -> None: ...


class PipeChannel(Channel):
    """A channel over a named pipe of Windows. ``stuck`` is called where the other end takes nothing for
    ``patience`` seconds, and must make the pipe break."""

    def __init__(
        self, connection: Connection, stuck: Callable[[], None] = lambda: None, patience: float | None = None
    ) -> None:
        super().__init__(-1)
        self._connection = connection
        self._stuck = stuck
        self._patience = patience

    def close(self) -> None:
        self._connection.close()

    def _write(self, data: bytes) -> None:
        watch = threading.Timer(self._patience, self._stuck) if self._patience is not None else None
        if watch:
            watch.daemon = True
            watch.start()
        try:
            for start in range(0, len(data), BLOCK):
                self._connection.send_bytes(data[start : start + BLOCK])
        except (OSError, ValueError):
            raise Lost("ended") from None
        finally:
            if watch:
                watch.cancel()

    def _more(self, length: int, until: float | None) -> bytes:
        try:
            if until is not None and not self._connection.poll(max(0.0, until - time.monotonic())):
                raise Lost("hangs")
            return self._connection.recv_bytes(BLOCK)
        except (OSError, EOFError, ValueError):
            raise Lost("ended") from None
