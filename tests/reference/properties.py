"""What a file tells of itself. The kinds known here are those that the fuzzing writes; see ``KINDS``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.reference.world import File, World

KINDS = ((b"%PDF-", "pdf"), (b"\x89PNG\r\n\x1a\n", "image"), (b"PK\x03\x04", "archive"), (b"\x7fELF", "program"))
HEAD = 4096


class Refused(Exception):
    """Something could not be done; ``kind`` says why: "missing", "taken", "changed" or "value"."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Path(str):
    """A text that is the path of a file or folder; a text that is merely equal to it is no path."""

    __slots__ = ()


def name_of(path: str) -> str:
    return path.split("/")[-1]


def folder_of(path: str) -> str:
    return "/".join(path.split("/")[:-1]) or "/"


def halves(name: str) -> tuple[str, str]:
    """A name's stem and its extension with the dot; a dot at either end of a name parts nothing."""
    for at in range(len(name) - 1, 0, -1):
        if name[at] == ".":
            return (name, "") if at == len(name) - 1 else (name[:at], name[at:])
    return name, ""


def numbered(name: str, number: int) -> str:
    stem, extension = halves(name)
    return f"{stem} ({number}){extension}"


def _table(content: bytes) -> Any:
    from tests.reference.tables import table_in

    return table_in(content)


def _sheets(content: bytes) -> Any:
    from tests.reference.tables import in_one, table_in

    return in_one({"": table_in(content)})


def kind(content: bytes) -> str:
    if not content:
        return "empty"
    for start, known in KINDS:
        if content.startswith(start):
            return known
    head = content[:HEAD]
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return "text"
    odd = [byte for byte in head if byte < 32 and chr(byte) not in "\t\n\r\f\x1b"]
    return "unknown" if 0 in head or len(odd) * 100 > len(head) else "text"


def text(content: bytes) -> str:
    """The text of a text file; a PDF can not be read here, for the fuzzing writes only broken ones."""
    if kind(content) == "pdf":
        raise Refused("value")
    if kind(content) != "text":
        return ""
    return decoded(content).replace("\r\n", "\n").replace("\r", "\n")


def decoded(content: bytes) -> str:
    """A text file as text: by its byte order mark, else UTF-8, else as Windows wrote it."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        written = content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
    return written[1:] if written.startswith("\N{ZERO WIDTH NO-BREAK SPACE}") else written


TOLD: dict[str, Callable[[File], Any]] = {
    "name": lambda file: name_of(file.path),
    "stem": lambda file: halves(name_of(file.path))[0],
    "extension": lambda file: halves(name_of(file.path))[1][1:].lower(),
    "folder": lambda file: Path(folder_of(file.path)),
    "path": lambda file: Path(file.path),
    "size": lambda file: file.size,
    "modified": lambda file: file.modified,
}
"""What follows from a file as it was when the program met it; its age, of which the zone has a say, apart."""
OF_PATH: dict[str, Callable[[str], Any]] = {
    "name": lambda path: name_of(path.rstrip("/")),
    "folder": lambda path: Path(folder_of(path.rstrip("/"))),
    "stem": lambda path: halves(name_of(path.rstrip("/")))[0],
    "extension": lambda path: halves(name_of(path.rstrip("/")))[1][1:].lower(),
}

ASKED: dict[str, Callable[[World, str], Any]] = {
    "created": lambda world, path: world.there(path).created,
    "kind": lambda world, path: kind(world.there(path).content),
    "text": lambda world, path: text(world.there(path).content),
    "table": lambda world, path: _table(world.there(path).content),
    "sheets": lambda world, path: _sheets(world.there(path).content),
    "hash": lambda world, path: hashlib.sha256(world.there(path).content).hexdigest(),
}
"""What the world is asked for."""
REAL_NAMES = ("name", "stem", "extension")
"""Pieces of real names: in a path they may hold what names may hold."""
