"""The text of a document: plain text in whatever encoding, and PDF."""

from __future__ import annotations

import atexit
from typing import Protocol

from klapp.files.shown import shown
from klapp.sandbox import Failed, Reader
from klapp.sandbox.documents import LONGEST
from klr.effects import EffectError


class Reads(Protocol):
    """Reads documents; raises ``klapp.sandbox.Failed``."""

    def text(self, data: bytes) -> str: ...
    def cells(self, data: bytes, every: bool = False) -> list[list[str]]: ...


_OWN = Reader()
atexit.register(_OWN.close)
READER: Reads = _OWN
"""One for the whole process: it costs nothing until the first document. A worker has another, which asks the agent."""


def text_of(kind: str, data: bytes, path: str) -> str:
    """The text of a file of kind "pdf" or "text", line breaks as ``\\n``; raises EffectError("value")."""
    text = _pdf(data, path) if kind == "pdf" else _plain(data)
    return text.replace("\r\n", "\n").replace("\r", "\n")[:LONGEST]


def _plain(data: bytes) -> str:
    """Text by its byte order mark, else UTF-8, else as Windows wrote it (every byte means something then)."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _pdf(data: bytes, path: str) -> str:
    """Read in a process of its own that can reach nothing: a PDF is the most hostile thing that a mailbox brings."""
    try:
        return READER.text(data)
    except Failed as error:
        raise EffectError(f"{shown(path)} {error}.", "value") from None
