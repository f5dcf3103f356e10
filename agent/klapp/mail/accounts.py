"""Mail accounts in the encrypted database: servers, user and password, each by a name that the person gave it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from klapp.vault.shelf import Shelf
from klr.recipients import address_problem
from klr.secrets import account_problem

PORTS: Mapping[str, int] = {"tls": 993, "starttls": 143}
"""The usual port of each way to encrypt; there is no other way."""
SMTP_PORTS: Mapping[str, int] = {"tls": 465, "starttls": 587, "none": 25}
"""The same for sending; "none" is for a relay on this very machine."""
LONGEST = 1024
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9a-f:]+")
_PREFIX = "mail account:"
_SENDER = "mail sender"


class AccountError(ValueError):
    """An account can not be kept; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Account:
    """One mailbox at one server. ``encryption`` is "tls" from the first byte, or "starttls" before anything is said.

    Where it can send, that goes by ``smtp_server``, with the same user and password, from ``address``; ``sent_copy``
    tells that a copy of each mail is kept with the account.
    """

    name: str
    server: str
    port: int
    user: str
    password: str = field(repr=False)
    encryption: str = "tls"
    smtp_server: str = ""
    smtp_port: int = 0
    smtp_encryption: str = "tls"
    address: str = ""
    sent_copy: bool = True

    @property
    def shown(self) -> str:
        """The server, as the log and people are told of it."""
        return f"imap://{self.server}:{self.port}"

    @property
    def smtp_shown(self) -> str:
        """The server that sends, as the log and people are told of it."""
        return f"smtp://{self.smtp_server}:{self.smtp_port}"


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
        if account.smtp_server and (problem := _sending_problem(account)):
            raise AccountError(problem)
        self._shelf.put(_PREFIX + account.name, asdict(account))

    def get(self, name: str) -> Account | None:
        """The account of that name, or None."""
        kept = self._shelf.get(_PREFIX + name)
        return None if kept is None else Account(**kept)

    def delete(self, name: str) -> None:
        """Forget an account."""
        self._shelf.delete(_PREFIX + name)

    def choose_sender(self, name: str) -> None:
        """Have this account send the mails of coworkers."""
        self._shelf.put(_SENDER, {"name": name})

    def sender(self) -> Account | None:
        """The account that sends the mails of coworkers: the one that was chosen, or the only one that can send."""
        able = {account.name: account for account in self.all() if account.smtp_server}
        chosen = (self._shelf.get(_SENDER) or {}).get("name")
        return able.get(chosen) if chosen in able else next(iter(able.values())) if len(able) == 1 else None

    def all(self) -> list[Account]:
        """All accounts, by name."""
        return [Account(**kept) for kept in self._shelf.items(_PREFIX).values()]


def _sending_problem(account: Account) -> str:
    """What is wrong with how an account sends, or ""."""
    if not _HOST.fullmatch(account.smtp_server):
        return "A server is named by its host alone, such as smtp.example.com."
    if account.smtp_encryption not in SMTP_PORTS or not 0 < account.smtp_port < 65536:
        return "A server is reached at a port between 1 and 65535, by tls or starttls."
    if account.smtp_encryption == "none" and not _is_loopback(account.smtp_server):
        return "Mail is sent in the clear only to this machine itself, named as 127.0.0.1 or ::1."
    if problem := address_problem(account.address):
        return f"Say which address is yours, such as --address paula@example.com. {problem}"
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
