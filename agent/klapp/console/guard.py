"""What stands before every request: it lets in who came by a link, from this very page, and says what browsers must not do.

Against a page on the web whose name suddenly leads here (DNS rebinding): the Host has to be this page's. Against forms and
scripts of other pages: Origin, Sec-Fetch-Site, a cookie that is not sent along from elsewhere, and a token in each form.
Against frames: Content-Security-Policy and X-Frame-Options. See OWASP ASVS 5, chapters V3 and V4.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from klapp.console.doors import LIVE, Doors
from klapp.console.peers import is_another_persons

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY = 2 << 20
MOST_FIELDS = 200
A_SECOND, AT_ONCE = 40.0, 200.0
"""Requests that are served a second in the long run, and in a burst; ten times fewer from who has not come in."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), usb=()"),
    (b"cache-control", b"no-store"),
]


class Refused(Exception):
    """A request that is not served: ``status`` and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Bucket:
    """Lets so many through a second, and some more at once."""

    def __init__(self, rate: float, most: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._most, self._clock = rate, most, clock
        self._left, self._then = most, clock()

    def take(self) -> bool:
        """Whether one more may pass now."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._then) * self._rate)
        self._then = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Guard:
    """Wraps the application of a page at ``localhost:port``. It hands on ``scope["visit"]`` and ``scope["form"]``."""

    def __init__(self, inner: Application, doors: Doors, port: int) -> None:
        self._inner = inner
        self._doors = doors
        self._port = port
        self.host = f"localhost:{port}"
        self.origin = f"http://{self.host}"
        self.cookie = f"klapp-{port}"
        self._within, self._outside = Bucket(A_SECOND, AT_ONCE), Bucket(A_SECOND / 10, AT_ONCE / 10)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http":
            return

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*HEADERS, *message.get("headers", ())]
            await send(message)

        try:
            await self._examine(scope, receive)
        except Refused as refused:
            body = f"{refused}\n".encode()
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
            await sending({"type": "http.response.start", "status": refused.status, "headers": headers})
            await sending({"type": "http.response.body", "body": body})
            return
        await self._inner(scope, receive, sending)

    async def _examine(self, scope: Scope, receive: Receive) -> None:
        client = scope.get("client")
        if client is None or is_another_persons(client[1], self._port):
            raise Refused(403, "This page belongs to another person of this machine.")
        headers = _headers(scope)
        if headers.get("host") != self.host:
            raise Refused(421, f"This page is only at {self.origin}.")
        method, path = scope["method"], scope["path"]
        if method not in ("GET", "HEAD", "POST"):
            raise Refused(405, "This page knows no such request.")
        token = _cookie(headers.get("cookie", ""), self.cookie)
        visit = self._doors.visit(token, by_person=LIVE not in headers)
        if not (self._within if visit else self._outside).take():
            raise Refused(429, "Too many requests at once. Wait a moment, and load the page again.")
        scope["visit"], scope["token"], scope["form"] = visit, token, {}
        if path.startswith(("/enter/", "/static/")) and method != "POST":
            return
        if visit is None:
            raise Refused(401, "This page is closed. Open it again with: klapp console")
        # A link from elsewhere is no way in, either; the browser says where a request comes from.
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refused(403, "This was asked for by another page.")
        if method == "POST":
            if headers.get("origin") != self.origin:
                raise Refused(403, "This was asked for by another page.")
            scope["form"] = await _form(headers, receive)
            if not visit.is_csrf(scope["form"].get("csrf", "")):
                raise Refused(403, "This form is of an earlier visit. Load the page again, and send it once more.")


def _headers(scope: Scope) -> dict[str, str]:
    """The headers by name. Raises Refused for one that comes twice where that would leave a choice."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        if key in found and key in ("host", "origin", "cookie", "content-length", "content-type", "sec-fetch-site"):
            raise Refused(400, "This request says the same thing twice.")
        found[key] = value.decode("latin-1")
    return found


def _cookie(header: str, name: str) -> str:
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


async def _form(headers: dict[str, str], receive: Receive) -> dict[str, str]:
    """The fields of a form; of a field that comes several times, the last. Raises Refused."""
    if headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise Refused(415, "This page takes forms only.")
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(400, "The request ended before it was whole.")
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise Refused(413, "That is too much for this page.")
        more = message.get("more_body", False)
    try:
        fields = parse_qs(bytes(body).decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Refused(400, "This form can not be read.") from error
    return {name: values[-1] for name, values in fields.items()}
