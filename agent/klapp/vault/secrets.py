"""The values of secrets, in the encrypted database: each bound to its name and to the one host that it may go to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from klapp.vault.shelf import Shelf

LONGEST = 4096
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


class SecretError(ValueError):
    """A secret can not be kept; the message is a sentence for a person and holds nothing of the value."""


class Secrets:
    """The secrets of one person."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def put(self, host: str, name: str, value: str) -> None:
        """Keep a value. Raises SecretError for one that no header of a request can hold."""
        if len(value) > LONGEST or not _VALUE.fullmatch(value):
            raise SecretError(
                f"A secret is one line of at most {LONGEST} letters, digits and signs of ASCII, with no blank at its ends."
            )
        self._shelf.put(_slot(host, name), value)

    def get(self, host: str, name: str) -> str | None:
        """The value, or None where there is none."""
        value = self._shelf.get(_slot(host, name))
        return value if isinstance(value, str) else None

    def delete(self, host: str, name: str) -> bool:
        """Forget a value; whether there was one."""
        known = self._shelf.get(_slot(host, name)) is not None
        self._shelf.delete(_slot(host, name))
        return known

    def known(self) -> Iterator[tuple[str, str]]:
        """The (host, name) of every secret that has a value."""
        for slot in self._shelf.items("secret:"):
            host, _, name = slot.removeprefix("secret:").rpartition(" ")
            yield host, name


def _slot(host: str, name: str) -> str:
    return f"secret:{host} {name}"
