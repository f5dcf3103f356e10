"""What an operation is: one change of the world that happens as a whole, and that can be logged, settled and undone.

An operation is planned against an overlay and done on the disk. A file version that the same plan made is known to it
by the overlay's identity only; ``resolved`` puts the real one in its place once that is known.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from klapp.files.overlay import OWN_DEVICE
from klapp.files.protocol import Files, Identity
from klr.values import FileValue
from klr.vocabulary import Permission


class Letter(NamedTuple):
    """A mail: ``to`` one address, its ``subject`` in one line, its ``text``; ``attached`` gives the names and bytes of the
    files that go along, or raises FileError. ``account`` sends it; "" for the one that the person chose."""

    to: str
    subject: str
    text: str
    attached: Callable[[], Sequence[tuple[str, bytes]]]
    account: str = ""


class Mailbox(Protocol):
    """The mail on its servers, as operations change it. ``mail`` is the key of a mail that was received; each change has a
    ``token`` under which it is noted before it is begun. Every method raises FileError."""

    def move(self, mail: str, folder: str, token: str) -> None:
        """Move a mail to a folder of its account."""

    def mark(self, mail: str, mark: str, token: str) -> None:
        """Mark a mail as "read", "unread", "flagged" or "unflagged"."""

    def take_back(self, mail: str, of: str, token: str) -> None:
        """Take back the change whose token is ``of``, if the mail is as that left it."""

    def settled(self, token: str) -> bool:
        """Whether a change was begun. One that was cut short is finished."""


class World(Protocol):
    """What operations change: files, and what the person is told."""

    @property
    def files(self) -> Files: ...

    def notify(self, text: str) -> None: ...

    def send(self, method: str, address: str, type: str, body: Callable[[], bytes], secret: str, token: str) -> None:
        """Make a request, once; ``body`` gives what it carries, of a media type, ``secret`` names what to add to it.
        Raises FileError."""

    def was_sent(self, token: str) -> bool:
        """Whether the request or mail of this token was begun."""

    def mail(self, letter: Letter, token: str) -> None:
        """Send a mail, once. Raises FileError."""

    def attachment(self, mail: str, index: int) -> bytes:
        """The bytes of an attachment of a mail that was received. Raises FileError."""

    @property
    def mailbox(self) -> Mailbox:
        """The mail on its servers."""

    def open(self, path: str, app: str) -> None:
        """Open a file in an app. Raises FileError."""


@dataclass(frozen=True)
class Operation(ABC):
    """One atomic change. A subclass is a frozen dataclass whose fields are all that there is to know of it.

    Attributes:
        kind: its name in the log.
        settles: whether ``settle`` can tell at all that it was done; False for what leaves no trace.
    """

    kind: ClassVar[str]
    settles: ClassVar[bool] = True

    @abstractmethod
    def apply(self, world: World) -> Identity | None:
        """Do it. Returns the identity of the file that it made, moved or changed, if any; raises FileError."""

    @abstractmethod
    def settle(self, world: World) -> bool:
        """After a crash: True where it was done, or was half done and now is; False where it was not begun.

        Decides from the disk alone, by identities, contents and tokens, and needs what ``places`` says.
        """

    @abstractmethod
    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        """The operations, in order, that take this one back, where ``apply`` returned ``product``."""

    @abstractmethod
    def places(self) -> dict[Permission, tuple[str, ...]]:
        """Which paths it needs, and with which permission, to be done and to be settled."""

    @abstractmethod
    def sentence(self) -> str:
        """What it did, in plain words and past tense, such as "moved ~/a.pdf to ~/B/a.pdf"."""

    def takes(self) -> dict[str, Identity]:
        """The versions of files that are no longer at their paths once it is done."""
        return {}

    def makes(self) -> str | None:
        """The path of its product, if it has one."""
        return None

    def resolved(self, known: Mapping[Identity, Identity]) -> Self:
        """The same with every identity that ``known`` maps put right."""
        if not known:
            return self
        values = {name: getattr(self, name) for name, type_ in _fields(type(self)).items() if "Identity" in type_}
        news = {name: now for name, value in values.items() if (now := _newer(value, known)) != value}
        return replace(self, **news) if news else self

    def to_json(self) -> dict[str, Any]:
        """``{"do": kind, field: value, ...}``; bytes as text where they are UTF-8, otherwise as base64."""
        body: dict[str, Any] = {"do": self.kind}
        for name in _fields(type(self)):
            value = getattr(self, name)
            if value == _later(type(self)).get(name, ...):
                continue
            body[name] = value if type(value) is str else _encoded(value)
        return body

    @classmethod
    def of_json(cls, body: Mapping[str, Any]) -> Self:
        """The opposite of ``to_json``. Raises ValueError where a field is missing, unknown or of the wrong type."""
        wanted = _fields(cls)
        given = body.keys() - {"do"}
        if given - wanted.keys() or wanted.keys() - given - _later(cls).keys():
            raise ValueError(f"a logged “{cls.kind}” has other parts than it should")
        return cls(**{name: _decoded(body[name], type_) for name, type_ in wanted.items() if name in given})


@cache
def _fields(operation: type[Operation]) -> dict[str, str]:
    """The fields of an operation, and their types as written."""
    return {f.name: str(f.type) for f in fields(operation)}


@cache
def _later(operation: type[Operation]) -> dict[str, Any]:
    """The fields that came later than the first logs, and what they are where a log does not say it."""
    return {f.name: f.default for f in fields(operation) if f.default is not MISSING}


def _newer(value: Any, known: Mapping[Identity, Identity]) -> Any:
    """An identity, or each of several, put right."""
    several = isinstance(value, tuple) and all(isinstance(one, tuple) for one in value)
    return tuple(known.get(one, one) for one in value) if several else known.get(value, value)


def _encoded(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value).decode("ascii")}
    return list(value) if isinstance(value, tuple) else value


def _decoded(value: Any, type_: str) -> Any:
    """A field's value; ``type_`` is its annotation as written."""
    if type_ == "str" and type(value) is str:
        return value
    if type_ == "Identity" and type(value) is list and len(value) == 4 and all(type(part) is int for part in value):
        return tuple(value)
    if value is None and type_.endswith("| None"):
        return None
    match type_.removesuffix(" | None"), value:
        case "str", str():
            return value
        case "int", int() if not isinstance(value, bool):
            return value
        case "bool", bool():
            return value
        case "bytes", str():
            return value.encode("utf-8")
        case "bytes", {"base64": str(text)}:
            return base64.b64decode(text, validate=True)
        case "Identity", [int(), int(), int(), int()]:
            return tuple(value)
        case "tuple[str, ...]" | "tuple[int, ...]" | "tuple[Identity, ...]", list():
            element = type_.removeprefix("tuple[").partition(",")[0]
            return tuple(_decoded(one, element) for one in value)
    raise ValueError(f"a part of a logged operation is not of type {type_}")


def is_version(value: FileValue | None, identity: Identity) -> bool:
    """Whether a file is the version that ``identity`` tells; one that only a plan knew is told by its size."""
    if value is None or identity[0] == OWN_DEVICE:
        return value is not None and value.size == identity[3]
    return value.identity == identity


def has_traits(value: FileValue | None, identity: Identity) -> bool:
    """Whether a file can be a copy, with its times, of the version that ``identity`` tells."""
    if value is None or value.size != identity[3]:
        return False
    return identity[0] == OWN_DEVICE or value.stamp == identity[2]


def look(files: Files, path: str) -> FileValue | None:
    """The regular file at ``path``; None for anything else there, and for nothing."""
    return files.look(path) if files.kind_at(path) == "file" else None
