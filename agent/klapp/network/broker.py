"""Makes requests to granted hosts, and to nothing else: resolves, looks at the address, pins it, verifies, limits."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from urllib.parse import urljoin

from klapp.network import wire
from klapp.network.addresses import Resolver, addresses_of, system_resolver

SECONDS = 30.0
"""A whole request may take so long, from the name's look-up to the last byte of the answer."""
LARGEST_ANSWER = 10_000_000
"""Bytes."""
LARGEST_BODY = 100_000_000
MOST_REDIRECTS = 5
_URL = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([0-9]{1,5}))?(/[!-~]*|\?[!-~]*)?", re.IGNORECASE)
"""Written anew here, apart from what the language lets through: the broker trusts no one's proof."""
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset((301, 302, 303, 307, 308))


class NetworkError(Exception):
    """A request could not be made, or came to nothing; the message is a sentence for a person.

    ``begun`` tells that the request, or a part of it, may have reached the host.
    """

    def __init__(self, message: str, begun: bool = False, status: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.begun = begun
        self.status = status


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries, and its media type."""

    data: bytes
    type: str


@dataclass(frozen=True, slots=True)
class Request:
    """``header`` is one more header, with a secret in it; it is told to nobody but the host."""

    method: str
    address: str
    body: Body | None = None
    header: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A host's answer. ``sent`` and ``received`` count the bytes of the bodies."""

    status: int
    body: bytes
    type: str
    sent: int
    received: int

    def text(self) -> str:
        """The body as text: in the charset that the host names if it is a usual one, else as UTF-8."""
        match = re.search(r"charset=\"?([A-Za-z0-9_-]+)", self.type)
        charset = match[1].lower() if match else "utf-8"
        if charset not in ("utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"):
            charset = "utf-8"
        return self.body.decode(charset, "replace").removeprefix("\ufeff")


@dataclass(frozen=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        usual = self.port == _PORTS[self.scheme]
        return f"{self.scheme}://{self.host}" + ("" if usual else f":{self.port}")


def target_of(address: str) -> _Target:
    """The parts of a web address. Raises NetworkError for everything that is not plainly one."""
    match = _URL.fullmatch(address)
    if match is None or "#" in address or "\\" in address:
        raise NetworkError("This is not a web address that can be reached.")
    scheme, host, path = match[1].lower(), match[2].lower(), match[4] or "/"
    port = int(match[3] or _PORTS[scheme])
    if not 0 < port < 65536 or ".." in host:
        raise NetworkError("This is not a web address that can be reached.")
    return _Target(scheme, host, port, path if path.startswith("/") else f"/{path}")


class Broker:
    """Makes requests. ``resolver`` and ``context`` are the system's own unless a test puts others in their place."""

    def __init__(
        self,
        *,
        resolver: Resolver = system_resolver,
        context: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
        largest_answer: int = LARGEST_ANSWER,
    ) -> None:
        self.resolver = resolver
        self._context = context
        self.seconds = seconds
        self.largest_answer = largest_answer

    def request(
        self,
        request: Request,
        granted: Collection[str],
        begun: Callable[[], None] = lambda: None,
        *,
        largest: int | None = None,
    ) -> Answer:
        """Make one request; ``granted`` are hosts in the form ``https://api.example.com``, with an unusual port.

        ``begun`` is called once, right before the first byte goes out. ``largest`` is how many bytes an answer may have, if
        not as many as any. A redirect is followed only where nothing is
        sent, and only within the same host, scheme and port. Raises NetworkError; no other answer than one of success
        is returned.
        """
        target = target_of(request.address)
        if target.origin not in granted:
            raise NetworkError(f"{target.origin} may not be contacted. Nothing was sent.")
        if request.body is not None and len(request.body.data) > LARGEST_BODY:
            raise NetworkError(f"More than {LARGEST_BODY // 1_000_000} MB can not be sent at once. Nothing was sent.")
        deadline = wire.Deadline(self.seconds)
        told = _Once(begun)
        most = self.largest_answer if largest is None else largest
        try:
            for _ in range(MOST_REDIRECTS):
                reply = self._exchange(request, target, deadline, told, most)
                if reply.status not in _REDIRECTS:
                    return self._judged(request, target, reply)
                target = self._redirected(request, target, reply)
            raise NetworkError(f"{target.origin} leads from one place to the next and never answers.", True)
        finally:
            deadline.cancel()

    def _exchange(
        self, request: Request, target: _Target, deadline: wire.Deadline, told: _Once, most: int
    ) -> wire.Reply:
        connection: socket.socket | None = None
        try:
            connection = self._connected(target, deadline)
            body = request.body.data if request.body is not None else None
            reply = wire.exchange(
                connection, target.host, target.port, request.method, target.path, _headers(request, target), body, most, told
            )  # fmt: skip
            if deadline.over:
                raise TimeoutError  # what was cut off can look like a whole answer
            return reply
        except wire.TooLarge:
            raise NetworkError(f"{target.origin} answered with more than {_size(most)}.", told.done) from None
        except wire.Encoded:
            raise NetworkError(
                f"{target.origin} answered in a compressed form, which is not read.", told.done
            ) from None
        except ssl.SSLCertVerificationError as error:
            reason = error.verify_message or "it can not be verified"
            raise NetworkError(
                f"{target.origin} can not prove that it is that host: {reason}. Nothing was sent."
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NetworkError(_reason(target, error, deadline.over, told.done), told.done) from None
        finally:
            if connection is not None:
                connection.close()

    def _connected(self, target: _Target, deadline: wire.Deadline) -> socket.socket:
        failure: OSError = OSError("there is no way to it")
        for address in addresses_of(target.host, target.port, self.resolver, deadline.left):
            try:
                connection = wire.connect(address, target.port, deadline)
            except OSError as error:
                failure = error
                continue
            deadline.guard(connection)
            if target.scheme == "http":
                return connection
            try:
                secure = wire.encrypted(connection, target.host, self.context, deadline)
            except BaseException:
                connection.close()
                raise
            deadline.guard(secure)
            return secure
        raise failure

    @property
    def context(self) -> ssl.SSLContext:
        """The system's certificates, verified. Made here, since ``create_default_context`` obeys SSLKEYLOGFILE."""
        if self._context is None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._context.load_default_certs()
        return self._context

    @staticmethod
    def _redirected(request: Request, target: _Target, reply: wire.Reply) -> _Target:
        """Where a redirect leads, if it may be followed."""
        place = urljoin(f"{target.origin}{target.path}", reply.headers.get("Location", ""))
        if request.body is not None or request.method != "GET":
            raise NetworkError(
                f"{target.origin} wants this sent to another place, which is not done.", True, reply.status
            )
        try:
            following = target_of(place.partition("#")[0])
        except NetworkError:
            following = None
        if following is None or following.origin != target.origin:
            raise NetworkError(f"{target.origin} leads to another host, which is not followed.", True, reply.status)
        return following

    @staticmethod
    def _judged(request: Request, target: _Target, reply: wire.Reply) -> Answer:
        if not 200 <= reply.status < 300:
            raise NetworkError(
                f"{target.origin} answered {reply.status} ({http.client.responses.get(reply.status, 'unknown')}).",
                True,
                reply.status,
            )
        sent = len(request.body.data) if request.body is not None else 0
        return Answer(reply.status, reply.body, reply.headers.get("Content-Type", ""), sent, len(reply.body))


class _Once:
    """Calls what it is given the first time only, and remembers that it did."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.done = False

    def __call__(self) -> None:
        if not self.done:
            self.call()
            self.done = True


def _size(count: int) -> str:
    return f"{count // 1_000_000} MB" if count >= 1_000_000 else f"{count // 1000} KB"


def _headers(request: Request, target: _Target) -> dict[str, str]:
    usual = target.port == _PORTS[target.scheme]
    headers = {
        "Host": target.host if usual else f"{target.host}:{target.port}",
        "User-Agent": wire.USER_AGENT,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if request.body is not None:
        headers["Content-Type"] = request.body.type
    if request.header is not None:
        name, value = request.header
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError("a secret holds a character that no header can hold")
        headers[name] = value
    return headers


def _reason(target: _Target, error: Exception, over: bool, begun: bool) -> str:
    """What went wrong, in a sentence. Nothing of what the host said is repeated."""
    end = " Perhaps what was sent has arrived." if begun else " Nothing was sent."
    if over or isinstance(error, TimeoutError):
        return f"{target.origin} took too long.{end}"
    if isinstance(error, socket.gaierror):
        return f"There is no host {target.host}, or no network.{end}"
    if isinstance(error, http.client.HTTPException):
        return f"{target.origin} answered with something that is not HTTP.{end}"
    if isinstance(error, ValueError):
        return f"{str(error).rstrip('.')}.{end}"
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ssl.SSLError):
        return f"{target.origin} could not be reached: {error.strerror}.{end}"
    return f"The connection to {target.origin} failed.{end}"
