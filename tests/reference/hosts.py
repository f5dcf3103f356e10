"""What is sent to hosts and to people, as bytes, and where: addresses, bodies, and what a host answers to it all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from tests.reference import showing
from tests.reference.numbers import Number
from tests.reference.operators import Failure
from tests.reference.tables import Row

PLAIN, JSON, BYTES = "text/plain; charset=utf-8", "application/json", "application/octet-stream"
LONGEST_ADDRESS = 8000
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
EDGE = "EDGE"
"""In place of what parts a form: klapp draws one by lot."""
ANSWERS = ("1", "Total 12,5", "", "a/b", "yes\n2026-03-09", "x\0", "abc", "é")


@dataclass
class Hosts:
    """Everything that was said to hosts and people, in order; what a host answers follows from all that it heard.

    The host ``contrary`` answers otherwise than it would.
    """

    contrary: str = ""
    heard: list[tuple[Any, ...]] = field(default_factory=list)

    def tell(self, method: str, address: str, kind: str, body: bytes, secret: str) -> None:
        self.heard.append((host_of(address), method, address, kind, body, secret))

    def ask(self, address: str, secret: str) -> str:
        self.heard.append((host_of(address), "GET", address, "", b"", secret))
        known = [one for one in self.heard if one[0] == host_of(address)]
        chosen = sha256(repr(known).encode("utf-8", "surrogatepass")).digest()[0] + (host_of(address) == self.contrary)
        return ANSWERS[chosen % len(ANSWERS)]

    def mail(self, to: str, subject: str, text: str, attached: Sequence[tuple[str, bytes]], account: str) -> None:
        self.heard.append((to, subject, text, tuple(attached), account))

    def handle(self, what: str, how: str) -> None:
        """The mail that came is moved, or marked."""
        self.heard.append((f"its own server: {what}", how))


def host_of(address: str) -> str:
    """``https://host``, where no port and no user can be."""
    return "/".join(address.split("?")[0].split("/")[:3])


def address(pieces: Sequence[tuple[str, bool]]) -> str:
    """An address of pieces and whether each comes from a hole; what does is written so that it means nothing there."""
    made = [(encoded(text) if is_hole else text, is_hole) for text, is_hole in pieces]
    whole, path, parts, is_in_query = "", "", [["", False]], False
    for text, is_hole in made:
        whole += text
        for letter in text:
            is_in_query = is_in_query or (letter == "?" and not is_hole)
            if is_in_query:
                continue
            path += letter
            if letter == "/" and not is_hole:
                parts.append(["", False])
            else:
                parts[-1][0] += letter  # type: ignore[operator]
        if is_hole and not is_in_query:
            parts[-1][1] = True
    for part, has_hole in parts[3:]:
        if has_hole and str(part).lower() in ("", ".", "..", "%2e", ".%2e", "%2e.", "%2e%2e"):
            said = str(part).lower()
            raise Failure("value", f'A hole makes "{said}" of a part of the path {path[:200]}. Nothing was sent.')
    if len(whole) > LONGEST_ADDRESS:
        message = f"The address {whole[:80]}... is longer than {LONGEST_ADDRESS} characters."
        raise Failure("value", message)
    return whole


def encoded(text: str) -> str:
    return "".join(chr(b) if b in UNRESERVED else f"%{b:02X}" for b in text.encode("utf-8", "surrogateescape"))


def body_of(value: Any, form: str) -> tuple[str, bytes]:
    """The media type and the bytes of what is sent, but for files."""
    if isinstance(value, str) and form != "json":
        return PLAIN, value.encode("utf-8", "replace")
    return JSON, as_json(value).encode("utf-8", "replace")


def as_json(value: Any) -> str:
    match value:
        case str() | bool() | int():
            return json.dumps(str(value) if isinstance(value, str) else value, ensure_ascii=False)
        case Number():
            return str(value)
        case datetime():
            return json.dumps(value.isoformat())
        case Row():
            cells = zip(value.columns, value.cells, strict=True)
            return "{" + ", ".join(f"{as_json(column)}: {as_json(cell)}" for column, cell in cells) + "}"
        case tuple():
            return "[" + ", ".join(as_json(item) for item in value) + "]"
    return json.dumps(showing.show(value), ensure_ascii=False)


def form_of(name: str, content: bytes) -> bytes:
    """A form with one file in it."""
    safe = "".join({'"': "%22", "\r": "%0D", "\n": "%0A"}.get(c, c) for c in name).encode("utf-8", "replace")
    lines = (
        b"--" + EDGE.encode(),
        b'Content-Disposition: form-data; name="file"; filename="' + safe + b'"',
        b"Content-Type: application/octet-stream",
        b"",
        content,
        b"--" + EDGE.encode() + b"--",
        b"",
    )
    return b"\r\n".join(lines)


def in_one_line(text: str) -> str:
    """A subject: whatever is no visible sign parts words."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
