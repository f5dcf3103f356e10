"""The types of the language, and how each is said in plain words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Type:
    """A type; ``element`` is set for lists and for what may be missing. Two types are the same when they compare equal."""

    name: str
    element: Type | None = None

    def __str__(self) -> str:
        if self.name == "maybe":
            return f"{self.element} that may be missing"
        return f"list of {self.element}" if self.element else self.name


TEXT = Type("text")
NUMBER = Type("number")
YES_NO = Type("yes/no")
DATE = Type("date")
TIME = Type("time")
DURATION = Type("duration")
MONTHS = Type("months")
SIZE = Type("size")
PATH = Type("path")
FOLDER = Type("folder")  # a path that leads to a folder
FILE = Type("file")
GONE = Type("file that is gone")  # what `when file leaves` gives: what is known of it is all there is
ERROR = Type("error")  # what `on error` catches: it has a message
WORD = Type("word")  # one of a slot's fixed words, such as the policies of `on conflict`
UNKNOWN = Type("unknown")  # the type of what is already reported wrong; fits everything, so nothing is said twice
NOTHING = Type("nothing")  # the element type of the empty list

BY_NAME: dict[str, Type] = {t.name: t for t in (TEXT, NUMBER, YES_NO, DATE, TIME, DURATION, MONTHS, SIZE, PATH, FOLDER)}
"""The types that a person can write, as in ``setting large: number``."""
OF_PARAMETERS = {**BY_NAME, FILE.name: FILE}
"""The types that the parameters of a definition can have."""


PATHS = (PATH, FOLDER)
"""The types whose values are paths."""


def list_of(element: Type) -> Type:
    """The type of a list whose elements are ``element``."""
    return Type("list", element)


def maybe(element: Type) -> Type:
    """The type of a value that may be missing, until `default` says what stands in for it."""
    return Type("maybe", element)


def fits(given: Type, wanted: Type) -> bool:
    """Whether a value of type ``given`` may stand where ``wanted`` is asked for. There is no implicit conversion.

    A folder is a path, so it may stand where a path is wanted; not the other way round.
    """
    if UNKNOWN in (given, wanted) or given == wanted or (given == FOLDER and wanted == PATH):
        return True
    if given.name == wanted.name and given.element and wanted.element:
        return given.element == NOTHING or fits(given.element, wanted.element)
    return False
