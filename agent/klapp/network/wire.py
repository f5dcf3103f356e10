"""HTTP/1.1 over one socket that is already connected to the right address: a request, its answer, and hard limits.

``http.client`` of the standard library writes and reads the messages. It takes the socket that it is given, keeps no
cookies, knows no proxies, follows nothing, and decompresses nothing; so there is nothing of that to be switched off.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

CHUNK = 64 * 1024
USER_AGENT = "klapp"


class Deadline:
    """Closes a socket when the time is over, whatever is being waited for: a handshake, a header that drips, a body."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds
        self.over = False
        self._sockets: list[socket.socket] = []
        self._timer: threading.Timer | None = None

    @property
    def left(self) -> float:
        """Seconds that are left, at least a few milliseconds; raises TimeoutError where there are none."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("it took too long")
        return left

    def guard(self, connection: socket.socket) -> None:
        """Close this socket at the end of the time."""
        self._sockets.append(connection)
        if self._timer is None:
            self._timer = threading.Timer(self.left, self._close)
            self._timer.daemon = True
            self._timer.start()

    def _close(self) -> None:
        self.over = True
        for connection in self._sockets:
            with suppress(OSError):
                # On the plain socket: TLS would politely wait for the other side.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def cancel(self) -> None:
        """The time no longer matters."""
        if self._timer is not None:
            self._timer.cancel()


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: ``body`` is whole, ``received`` counts its bytes."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class TooLarge(Exception):
    """An answer is larger than it may be."""


class Encoded(Exception):
    """An answer is compressed, though nobody asked for that."""


class _Pinned(http.client.HTTPConnection):
    """A connection whose socket was made by someone else, to an address that was looked at."""

    def __init__(self, host: str, port: int, connected: socket.socket) -> None:
        super().__init__(host, port)
        self.sock = connected

    def connect(self) -> None:
        """There is one socket, and no second attempt."""
        raise ConnectionError("the host closed the connection")


def connect(address: str, port: int, deadline: Deadline) -> socket.socket:
    """A TCP connection to exactly this numeric address. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(deadline.left)
        connection.connect((address, port))
    except BaseException:
        connection.close()
        raise
    return connection


def encrypted(connection: socket.socket, host: str, context: ssl.SSLContext, deadline: Deadline) -> ssl.SSLSocket:
    """TLS over a connection, the host's certificate verified for its name. Raises OSError (ssl.SSLError is one)."""
    connection.settimeout(deadline.left)
    return context.wrap_socket(connection, server_hostname=host.strip("[]"))


def exchange(
    connection: socket.socket,
    host: str,
    port: int,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes | None,
    most: int,
    begun: Callable[[], None],
) -> Reply:
    """Send one request and read its whole answer, at most ``most`` bytes of it.

    ``begun`` is called right before the first byte goes out. Raises OSError, http.client.HTTPException, TooLarge, Encoded.
    """
    wire = _Pinned(host, port, connection)
    try:
        wire.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            wire.putheader(name, value)
        if body is not None:
            wire.putheader("Content-Length", str(len(body)))
        begun()
        wire.endheaders(body)
        return _read(wire.getresponse(), most)
    finally:
        wire.close()


def _read(response: http.client.HTTPResponse, most: int) -> Reply:
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise Encoded
    if response.length is not None and response.length > most:
        raise TooLarge
    pieces: list[bytes] = []
    total = 0
    while piece := response.read(CHUNK):
        total += len(piece)
        if total > most:
            raise TooLarge
        pieces.append(piece)
    return Reply(response.status, response.headers, b"".join(pieces))
