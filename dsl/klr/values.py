"""The values that a coworker computes with.

Every type of the language maps to exactly one Python type, so the type of a value can be read off it:

    text      str                 number    decimal.Decimal (exact, never float)
    yes/no    bool                size      int (bytes)
    date      datetime.datetime   duration  datetime.timedelta
    time      datetime.time       file      FileValue
    months    Months
    list of T tuple               path      str, absolute, '/' between components
    mail      MailValue           attachment AttachmentValue

A date is a wall-clock moment in the person's own time zone and therefore naive. Paths and names are Python strings
decoded with ``surrogateescape``, so that a name that is not UTF-8 survives every step unchanged.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Months:
    """A number of calendar months, to be added to a date: a year is twelve of them. A month has no length of its own."""

    count: int

    def __add__(self, other: Months) -> Months:
        return Months(self.count + other.count)

    def __sub__(self, other: Months) -> Months:
        return Months(self.count - other.count)

    def __neg__(self) -> Months:
        return Months(-self.count)

    def __radd__(self, date: datetime) -> datetime:
        """The same day of a later month, or its last day where it has not so many. OverflowError beyond year 9999."""
        years, month = divmod(date.year * 12 + date.month - 1 + self.count, 12)
        if not 1 <= years <= 9999:
            raise OverflowError("there is no such year")
        return date.replace(year=years, month=month + 1, day=min(date.day, monthrange(years, month + 1)[1]))

    def __rsub__(self, date: datetime) -> datetime:
        """As ``__radd__``, of an earlier month."""
        return date + -self


class FileValue(NamedTuple):
    """One file as it was when it entered the program: immutable, and free of any access to the disk.

    Attributes:
        path: absolute path, '/' between components.
        size: length in bytes.
        modified: last change, wall-clock time in the person's zone, microseconds.
        stamp: last change in nanoseconds since 1970 (UTC), exact; part of the file's identity.
        device: number of the file system that holds it.
        inode: number of the file within ``device``.
    """

    path: str
    size: int
    modified: datetime
    stamp: int = 0
    device: int = 0
    inode: int = 0

    @property
    def name(self) -> str:
        """The last component of the path, such as ``"march.pdf"``."""
        return self.path.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without its extension."""
        return split_name(self.name)[0]

    @property
    def extension(self) -> str:
        """What follows the last dot, in lower case, or ``""``: ``"pdf"`` for ``March.PDF``."""
        return split_name(self.name)[1][1:].lower()

    @property
    def folder(self) -> str:
        """The path of the folder that holds the file."""
        return self.path.rpartition("/")[0] or "/"

    @property
    def identity(self) -> tuple[int, int, int, int]:
        """(device, inode, stamp, size): equal for two looks exactly when nobody changed the file in between."""
        return (self.device, self.inode, self.stamp, self.size)

    def moved_to(self, path: str) -> FileValue:
        """The same file at another place."""
        return FileValue(path, *self[1:])


class AttachmentValue(NamedTuple):
    """What one attachment of a mail tells of itself; its bytes are kept by whoever received the mail.

    Attributes:
        mail: the key of its mail; ``number`` is its place among the attachments, from 0.
        name: as a file may be called: one component, free of control and direction characters.
        size: bytes, decoded.
        kind: what it is by its content, as ``file.kind``.
    """

    mail: str
    number: int
    name: str
    size: int
    kind: str

    @property
    def stem(self) -> str:
        """The name without its extension."""
        return split_name(self.name)[0]

    @property
    def extension(self) -> str:
        """As of a file."""
        return split_name(self.name)[1][1:].lower()


class MailValue(NamedTuple):
    """A mail that was received: all of it but the bytes of its attachments.

    Attributes:
        key: "account/validity/number", which no other mail has.
        sender: the address alone, in small letters; ``sender_name`` is what stands beside it.
        recipients: the addresses of To and Cc.
        date: when it was sent, wall-clock time in the person's zone; when it was received, where it does not say.
        text: its text, cut off where it is too long.
    """

    account: str
    key: str
    subject: str
    sender: str
    sender_name: str
    recipients: tuple[str, ...]
    date: datetime
    text: str
    attachments: tuple[AttachmentValue, ...]


def split_name(name: str) -> tuple[str, str]:
    """Split a file name into stem and extension (with its dot); ``stem + extension == name`` always.

    A dot in first place makes a hidden file, not an extension: ``split_name(".profile") == (".profile", "")``.
    A dot in last place is part of the stem: ``split_name("what.") == ("what.", "")``.
    """
    dot = name.rfind(".")
    if dot <= 0 or dot == len(name) - 1:
        return name, ""
    return name[:dot], name[dot:]


def numbered(name: str, number: int) -> str:
    """The name that takes the place of a taken ``name``: ``numbered("a.pdf", 2) == "a (2).pdf"``; number >= 2."""
    stem, extension = split_name(name)
    return f"{stem} ({number}){extension}"


Value = str | bool | int | object
"""Any value of the language; the checker, not Python's type system, keeps the kinds apart."""
