"""The types of the language, and how each is said in plain words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Type:
    """A type; two types are the same when they compare equal.

    ``element`` is set for lists, tables, groups, and for what may be missing; ``key`` for groups, and ``fields`` for what
    a pattern with named groups found.
    """

    name: str
    element: Type | None = None
    key: Type | None = None
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.name == "maybe":
            return f"{self.element} that may be missing"
        if self.name in ("list", "group"):
            return f"{self.name} of {self.element}"
        return self.name


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
MAIL = Type("mail")
ATTACHMENT = Type("attachment")
ROW = Type("row")
TABLE = Type("table", ROW)
ERROR = Type("error")  # what `on error` catches: it has a message
ACCOUNT = Type("mail account")  # known to the program by its name alone
ADDRESS = Type("web address")  # written out in its place, with holes: nothing else is of this type
RECIPIENT = Type("mail address")  # a text that has to be one when mail is sent to it
MAILBOX = Type("mail folder")  # written out in its place, with holes that each stand for one name or a piece of one
ATTACHED = Type("file or list of files")  # what goes along with a mail: files, or what came with another mail
SECRET = Type("secret")  # known to the program by its name alone
SENDABLE = Type("value")  # what a slot takes that takes any value: a file, or what can be a text or JSON
WORD = Type("word")  # one of a slot's fixed words, such as the policies of `on conflict`
UNKNOWN = Type("unknown")  # the type of what is already reported wrong; fits everything, so nothing is said twice
NOTHING = Type("nothing")  # the element type of the empty list

BY_NAME: dict[str, Type] = {t.name: t for t in (TEXT, NUMBER, YES_NO, DATE, TIME, DURATION, MONTHS, SIZE, PATH, FOLDER)}
"""The types that a person can write, as in ``setting large: number``."""
OF_PARAMETERS = {**BY_NAME, **{t.name: t for t in (FILE, TABLE, ROW, MAIL, ATTACHMENT)}}
"""The types that the parameters of a definition can have."""


PATHS = (PATH, FOLDER)
"""The types whose values are paths."""


def list_of(element: Type) -> Type:
    """The type of a list whose elements are ``element``."""
    return Type("list", element)


def maybe(element: Type) -> Type:
    """The type of a value that may be missing, until `default` says what stands in for it."""
    return Type("maybe", element)


def match_of(fields: tuple[str, ...]) -> Type:
    """The type of what a pattern with these named groups found."""
    return Type("match", fields=fields)


def group_of(element: Type, key: Type) -> Type:
    """The type of a group of elements that have a key in common."""
    return Type("group", element, key)


_NARROWER = (
    (FOLDER, PATH), (TABLE, Type("list", ROW)), (TEXT, RECIPIENT), (FILE, ATTACHED), (Type("list", FILE), ATTACHED),
    (ATTACHMENT, ATTACHED), (Type("list", ATTACHMENT), ATTACHED),
)  # fmt: skip


def element_of(kind: Type) -> Type | None:
    """The type of the elements of a list or table; None for everything else."""
    return kind.element if kind.name in ("list", "table") else None


def fits(given: Type, wanted: Type) -> bool:
    """Whether a value of type ``given`` may stand where ``wanted`` is asked for. There is no implicit conversion.

    A folder is a path, so it may stand where a path is wanted, and a table is a list of rows; not the other way round. A
    text may be a mail address, which is looked at when it is known.
    """
    if UNKNOWN in (given, wanted) or given == wanted or (given, wanted) in _NARROWER:
        return True
    if given.name == wanted.name and given.element and wanted.element:
        return given.element == NOTHING or fits(given.element, wanted.element)
    return False
