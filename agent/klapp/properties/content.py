"""Properties that are read from a file's content: its kind, its text, its hash."""

from __future__ import annotations

from klapp.files.protocol import Files
from klapp.files.shown import shown
from klapp.properties.kinds import HEAD, kind_of
from klapp.properties.texts import text_of
from klr.effects import EffectError
from klr.types import TEXT
from klr.values import FileValue
from klr.vocabulary import Property

LARGEST_TEXT = 50_000_000
LARGEST_HASHED = 2_000_000_000


def refuse_large(name: str, size: int, most: int, what: str) -> None:
    """Raise EffectError("value") for what has more than ``most`` bytes."""
    if size > most:
        message = f"{shown(name)} is too large for its {what} to be read: the limit is {most // 1_000_000} MB."
        raise EffectError(message, "value")


def whole(files: Files, file: FileValue, most: int, what: str) -> bytes:
    """The whole content; raises EffectError("value") for a file of more than ``most`` bytes."""
    refuse_large(file.path, file.size, most, what)
    return files.read(file.path, most + 1)


def _kind(files: Files, file: FileValue) -> str:
    head = files.read(file.path, HEAD)
    # What a container holds is told by the list at its end; a large one is told by its first name alone.
    data = files.read(file.path, LARGEST_TEXT) if head.startswith(b"PK") and file.size <= LARGEST_TEXT else head
    return kind_of(data)


def _text(files: Files, file: FileValue) -> str:
    head = files.read(file.path, HEAD)
    kind = kind_of(head)
    if kind not in ("pdf", "text"):
        return ""
    return text_of(kind, whole(files, file, LARGEST_TEXT, "text"), file.path)


def _hash(files: Files, file: FileValue) -> str:
    refuse_large(file.path, file.size, LARGEST_HASHED, "hash")
    return files.hashed(file.path, LARGEST_HASHED).hexdigest()


KIND = Property(
    "kind",
    TEXT,
    'What it is by its content, whatever its name says: "pdf", "image", "text", "spreadsheet", "document", '
    '"presentation", "archive", "audio", "video", "program", "empty" or "unknown".',
    'file.kind is "pdf"',
    ask=_kind,
    source="contents",
)
TEXT_OF = Property(
    "text",
    TEXT,
    "What stands in it, for text files and PDFs; empty for every other kind.",
    'file.text contains "Invoice"',
    ask=_text,
    at_path=True,
    source="contents",
)
HASH = Property(
    "hash",
    TEXT,
    "The SHA-256 of its content, as 64 small letters and digits: equal for equal files.",
    "file.hash",
    ask=_hash,
    source="contents",
)
