"""What a notice is: something that a person is told outside of the terminal and the page, with what can be done about it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from klapp.addresses import address

LONGEST = 500


class Kind(StrEnum):
    """What a notice is about; in the order of their weight."""

    SUMMARY = "summary"
    """What coworkers did."""
    MESSAGE = "message"
    """What a coworker was written to tell, or what klapp itself says."""
    APPROVAL = "approval"
    """A coworker asks for permissions."""
    FAILURE = "failure"
    """A run failed, and is not tried again."""
    ANOMALY = "anomaly"
    """Something is not as usual, see ``klapp.unusual``."""
    UPDATE = "update"
    """A newer klapp closes a hole in this one."""

    @property
    def weight(self) -> int:
        """How much it matters, from 0."""
        return list(Kind).index(self)


class Action(NamedTuple):
    """A button: its label, and the method of ``klapp.service`` that it stands for, with its arguments."""

    label: str
    method: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to be told.

    Attributes:
        kind: what it is about.
        title: the coworker's name, or "klapp".
        text: what may be read on a locked screen: no name of a file, nothing out of one.
        private: the same in full; "" where ``text`` says it all.
        group: notices of one group that come close together become one.
        actions: what can be done about it, the first by a click on the notice itself.
        count: for how many runs, or other things of its kind, it stands.
    """

    kind: Kind
    title: str
    text: str
    private: str = ""
    group: str = ""
    actions: tuple[Action, ...] = ()
    count: int = 1

    @property
    def full(self) -> str:
        """The text for a screen that is not locked."""
        return self.private or self.text

    def to_json(self) -> dict[str, Any]:
        """As data that JSON can hold."""
        return {
            "about": str(self.kind),
            "title": self.title,
            "text": self.full,
            "plain": self.text if self.private else "",
            "group": self.group,
            "actions": [[label, method, list(arguments)] for label, method, arguments in self.actions],
            "count": self.count,
        }

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> Notice:
        """The notice of such data."""
        plain = data["plain"]
        return cls(
            Kind(data["about"]),
            data["title"],
            plain or data["text"],
            data["text"] if plain else "",
            data["group"],
            tuple(Action(label, method, tuple(arguments)) for label, method, arguments in data["actions"]),
            data["count"],
        )


def opens(label: str, path: str, **query: str) -> Action:
    """A button that opens an address of klapp's page."""
    return Action(label, "open_page", (address(path, **query),))


ALL = opens("Look", "/notices")
"""The button of what stands for several notices."""


def message(title: str, text: str) -> Notice:
    """What a coworker, or klapp under its own name, tells in words of its own, which may name files."""
    whose = "klapp" if title == "klapp" else "It"
    return Notice(Kind.MESSAGE, title, f"{whose} has something to tell you.", text, f"message {title}", (ALL,))


def cleaned(text: str) -> str:
    """The text in one line, with nothing in it that could steer who shows it, and not too long."""
    line = "".join(
        " "
        if character in "\t\n\r"
        else "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(character) in _HIDDEN
        else character
        for character in text
    )
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"


_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
