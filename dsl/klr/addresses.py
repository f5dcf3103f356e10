"""Web addresses as a coworker writes them: which host one reaches, and that no hole in it can change that.

The forms are a strict part of RFC 3986: a scheme, a host in ASCII, a port where it is not the usual one, a path and a
query. There is no user, no password, no fragment, and no segment `.` or `..`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from klr.effects import EffectError

_NAME = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
_ORIGIN = re.compile(rf"(https?)://(\[[0-9a-f:.]+\]|{_NAME})(?::([0-9]{{1,5}}))?", re.IGNORECASE)
_REST = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")
USUAL_PORTS = {"http": 80, "https": 443}
LONGEST_ADDRESS = 8000
"""Characters; servers are asked to bear 8000 octets (RFC 9110, section 4.1)."""


class AddressError(ValueError):
    """A text that is no web address, or no host; the message says why, in a sentence."""


def host_of(text: str) -> str:
    """The one form in which a host is compared: ``https://api.example.com``, with a port where it is not the usual.

    ``text`` is a host alone. Raises AddressError.
    """
    host, rest = _split(text)
    if rest:
        raise AddressError(
            "A host ends where its path begins: write `https://api.example.com`, with nothing behind it."
        )
    return host


def _split(text: str) -> tuple[str, str]:
    """(the host in its one form, what follows it)."""
    match = _ORIGIN.match(text)
    rest = text[match.end() :] if match else ""
    if match is None or rest[:1] not in ("", "/", "?"):
        if not text.startswith(("https://", "http://")):
            raise AddressError("A web address begins with `https://` and the name of a host, written out.")
        if not text.isascii():
            raise AddressError("The name of a host is written in ASCII: `xn--mller-kva.example` for `müller.example`.")
        raise AddressError("Behind `https://` stands the name of a host, and nothing else before its `/`.")
    scheme, name, port = match[1].lower(), match[2].lower(), match[3]
    if port is not None and not 0 < int(port) < 65536:
        raise AddressError(f"There is no port {port}.")
    usual = port is None or int(port) == USUAL_PORTS[scheme]
    return f"{scheme}://{name}" + ("" if usual else f":{int(port)}"), rest


def address(parts: Sequence[str | None]) -> str:
    """The host of an address that is written in pieces; None stands for a hole.

    Raises AddressError where a hole could change the host, or a piece holds what no address may.
    """
    written = "".join("\0" if part is None else part for part in parts)
    first = written.partition("\0")[0]
    host, rest = _split(first)
    if "\0" in written and not rest:
        raise AddressError("A hole can not be part of the host: write the host out, with a `/` behind it.")
    tail = written[len(first) - len(rest) :]
    if "#" in tail:
        raise AddressError("An address to be reached has no `#`: what follows it would not be sent.")
    if not _REST.fullmatch(tail.replace("\0", "")):
        raise AddressError("This holds a character that no address can hold. Put it into a hole, or write it as `%20`.")
    if any(segment in _DOTS for segment in tail.partition("?")[0].lower().split("/")):
        raise AddressError("A path of an address holds no `.` or `..` between its `/`. Write it out.")
    return host


_DOTS = (".", "..", "%2e", ".%2e", "%2e.", "%2e%2e")


# -- at run time ------------------------------------------------------------------------------------------------------


def address_part(text: str) -> str:
    """A text as it stands in an address: everything but letters, digits and ``-._~`` is percent-encoded."""
    return quote(text, safe="", errors="surrogateescape")


def addressed(pieces: Sequence[str]) -> str:
    """The whole address; pieces at odd places come from holes, each of them encoded.

    Encoded text holds no sign that means something in an address, so host, scheme, port, and the number of segments
    and fields are those that are written. What is left is a hole that makes a segment empty, ``.`` or ``..``, which a
    host would take for another path: raises EffectError("value") for it.
    """
    path = []
    for index, piece in enumerate(pieces):
        before, question, _ = piece.partition("?")
        path.append(before)
        if question and index % 2 == 0:
            break
    written = "".join("\0" if index % 2 else piece for index, piece in enumerate(path))
    made = "".join(path)
    for was, now in zip(written.split("/")[3:], made.split("/")[3:], strict=True):
        if "\0" in was and now.lower() in ("", *_DOTS):
            raise EffectError(f'A hole makes "{now}" of a part of the path {made[:200]}. Nothing was sent.', "value")
    whole = "".join(pieces)
    if len(whole) > LONGEST_ADDRESS:
        raise EffectError(f"The address {whole[:80]}... is longer than {LONGEST_ADDRESS} characters.", "value")
    return whole
