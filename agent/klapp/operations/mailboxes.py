"""The operations on mail that lies on its server: it is moved to a folder, or marked, and that is taken back.

A server keeps no token of ours, so what was begun and where a mail lay before is noted in the encrypted database, by the
token of each (``klapp.mail.handled``). With that note each of them is finished after a cut, and done once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from klapp.files.protocol import Files, Identity
from klapp.files.shown import shown
from klapp.operations.keeping import new_token
from klapp.operations.operation import Operation, World
from klr.vocabulary import Permission


@dataclass(frozen=True)
class OfMailbox(Operation):
    """What they have in common: the key of the ``mail``, its ``subject`` for people, and the ``token`` of the note."""

    mail: str
    subject: str
    token: str

    def settle(self, world: World) -> bool:
        """Whether it was begun; then it is finished first. Raises FileError where the server can not be reached."""
        return world.mailbox.settled(self.token)

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {}

    @property
    def account(self) -> str:
        """The mail account."""
        return self.mail.partition("/")[0]

    def _named(self) -> str:
        return f"“{shown(self.subject)}”" if self.subject else "a mail without a subject"


@dataclass(frozen=True)
class MoveMail(OfMailbox):
    """Move a mail to a folder of its account, which is made where it is missing."""

    kind: ClassVar[str] = "move mail"
    folder: str

    def apply(self, world: World) -> None:
        world.mailbox.move(self.mail, self.folder, self.token)

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return (TakeMailBack(self.mail, self.subject, new_token(), "move", self.folder, self.token),)

    def sentence(self) -> str:
        return f"moved {self._named()} to {shown(self.folder)} of “{shown(self.account)}”"


@dataclass(frozen=True)
class MarkMail(OfMailbox):
    """Mark a mail: ``mark`` is "read", "unread", "flagged" or "unflagged"."""

    kind: ClassVar[str] = "mark mail"
    mark: str

    def apply(self, world: World) -> None:
        world.mailbox.mark(self.mail, self.mark, self.token)

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return (TakeMailBack(self.mail, self.subject, new_token(), "mark", self.mark, self.token),)

    def sentence(self) -> str:
        return f"marked {self._named()} of “{shown(self.account)}” as {shown(self.mark)}"


@dataclass(frozen=True)
class TakeMailBack(OfMailbox):
    """Take a move or mark back (``what``, to the folder or as the mark of ``value``), whose token was ``of``."""

    kind: ClassVar[str] = "take mail back"
    what: str
    value: str
    of: str

    def apply(self, world: World) -> None:
        world.mailbox.take_back(self.mail, self.of, self.token)

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        again = MoveMail if self.what == "move" else MarkMail
        return (again(self.mail, self.subject, new_token(), self.value),)

    def sentence(self) -> str:
        if self.what == "move":
            return f"moved {self._named()} of “{shown(self.account)}” back from {shown(self.value)}"
        return f"marked {self._named()} of “{shown(self.account)}” as it was, no more as {shown(self.value)}"
