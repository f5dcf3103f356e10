"""Mail accounts in the encrypted database: server, user and password, each by a name that the person gave it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from klapp.vault.shelf import Shelf
from klr.secrets import account_problem

PORTS: Mapping[str, int] = {"tls": 993, "starttls": 143}
"""The usual port of each way to encrypt; there is no other way."""
LONGEST = 1024
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9a-f:]+")
_PREFIX = "mail account:"


class AccountError(ValueError):
    """An account can not be kept; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Account:
    """One mailbox at one server. ``encryption`` is "tls" from the first byte, or "starttls" before anything is said."""

    name: str
    server: str
    port: int
    user: str
    password: str = field(repr=False)
    encryption: str = "tls"

    @property
    def shown(self) -> str:
        """The server, as the log and people are told of it."""
        return f"imap://{self.server}:{self.port}"


class Accounts:
    """The mail accounts of one person."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def put(self, account: Account) -> None:
        """Keep an account, in place of one of that name. Raises AccountError for what can be none."""
        if problem := account_problem(account.name):
            raise AccountError(problem)
        if not _HOST.fullmatch(account.server):
            raise AccountError("A server is named by its host alone, such as imap.example.com.")
        if account.encryption not in PORTS or not 0 < account.port < 65536:
            raise AccountError("A server is reached at a port between 1 and 65535, by tls or starttls.")
        for what, text in (("user", account.user), ("password", account.password)):
            if not text or len(text) > LONGEST or not text.isprintable():
                raise AccountError(f"A {what} is one line of at most {LONGEST} characters.")
        self._shelf.put(_PREFIX + account.name, asdict(account))

    def get(self, name: str) -> Account | None:
        """The account of that name, or None."""
        kept = self._shelf.get(_PREFIX + name)
        return None if kept is None else Account(**kept)

    def delete(self, name: str) -> None:
        """Forget an account."""
        self._shelf.delete(_PREFIX + name)

    def all(self) -> list[Account]:
        """All accounts, by name."""
        return [Account(**kept) for kept in self._shelf.items(_PREFIX).values()]
