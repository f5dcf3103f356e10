"""What a path tells of itself, without a look at the disk."""

from __future__ import annotations

from klr.types import FOLDER, PATH, TEXT, Type
from klr.values import split_name
from klr.vocabulary import Property


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _above(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0] or "/"


def _of(kind: Type) -> tuple[Property, ...]:
    return (
        Property("name", TEXT, "Its last part.", "file.folder.name", pure=_name, names=True, of=kind),
        Property("folder", FOLDER, "The folder that it lies in.", "file.folder.folder", pure=_above, of=kind),
    )


PROPERTIES: tuple[Property, ...] = (
    *_of(PATH),
    *_of(FOLDER),
    Property("stem", TEXT, "The name without its extension.", "file.path.stem", pure=lambda path: split_name(_name(path))[0], names=True, of=PATH),
    Property("extension", TEXT, "What follows the last dot of the name, in small letters.", 'file.path.extension is "pdf"', pure=lambda path: split_name(_name(path))[1][1:].lower(), names=True, of=PATH),
)  # fmt: skip
