"""What a file can tell of itself: one declaration for each property."""

from __future__ import annotations

from klapp.properties import mail
from klapp.properties.content import HASH, KIND, TEXT_OF
from klapp.properties.plain import AGE, CREATED, EXTENSION, FOLDER, MODIFIED, NAME, PATH_OF, SIZE_OF, STEM
from klapp.properties.tables import SHEETS, TABLE
from klr.vocabulary import Property

ALL: tuple[Property, ...] = (
    NAME,
    STEM,
    EXTENSION,
    FOLDER,
    PATH_OF,
    SIZE_OF,
    MODIFIED,
    CREATED,
    AGE,
    KIND,
    TEXT_OF,
    TABLE,
    SHEETS,
    HASH,
    *mail.ALL,
)
