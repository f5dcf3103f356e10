"""Properties that follow from a file's name and dates."""

from __future__ import annotations

from datetime import datetime, timedelta

from klapp.files.moments import wall_clock
from klapp.files.protocol import Files
from klr.moments import between
from klr.types import DATE, DURATION, PATH, SIZE, TEXT
from klr.types import FOLDER as FOLDER_TYPE
from klr.values import FileValue
from klr.vocabulary import Attribute, Property


def _created(files: Files, file: FileValue) -> datetime:
    return wall_clock(files.born(file.path))


def _age(file: FileValue, now: datetime, zone: str) -> timedelta:
    return between(now, file.modified, zone)


NAME = Property(
    "name", TEXT, 'The name with its extension: "March 1.pdf".', "file.name", pure=Attribute("name"), names=True
)
STEM = Property(
    "stem", TEXT, 'The name without its extension: "March 1".', "file.stem", pure=Attribute("stem"), names=True
)
EXTENSION = Property(
    "extension",
    TEXT,
    'What follows the last dot of the name, in small letters: "pdf" for "March 1.PDF"; empty where there is none.',
    'file.extension is any of ["jpg", "png"]',
    pure=Attribute("extension"),
    names=True,
)
FOLDER = Property(
    "folder",
    FOLDER_TYPE,
    "The folder that it lies in.",
    '"{file.folder}/old/{file.name}"',
    pure=Attribute("folder"),
)
PATH_OF = Property("path", PATH, "Its whole path.", 'notify "{file.path}"', pure=Attribute("path"))
SIZE_OF = Property("size", SIZE, "How large it is.", "file.size > 20 MB", pure=Attribute("size"))
MODIFIED = Property(
    "modified",
    DATE,
    "When its content last changed.",
    "file.modified < today - 30 days",
    pure=Attribute("modified"),
)
CREATED = Property(
    "created", DATE, "When it was made; its last change where the disk does not tell.", "file.created", ask=_created
)
AGE = Property(
    "age", DURATION, "How long ago its content last changed.", "file.age > 30 days", pure=_age, uses_now=True
)
