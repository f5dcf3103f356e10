"""Mails that a server was told the end of and has not answered for: kept, encrypted, until it is known or decided."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from klapp.mail.mime import mail_of
from klapp.vault.database import Connection, has_table
from klapp.vault.shelf import Shelf

_PREFIX = "mail on its way:"
KEPT = timedelta(days=30)
"""Afterwards nobody would want it to be sent any more."""


@dataclass(frozen=True, slots=True)
class OnItsWay:
    """A mail of which it is not known whether it was sent: ``data`` is all of it, ``at`` when (UTC)."""

    token: str
    coworker: str
    to: str
    subject: str
    at: datetime
    data: bytes
    account: str = ""


class Outbox:
    """The mails on their way, by the token of the step that sends each."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def put(self, mail: OnItsWay) -> None:
        """Keep a mail, right before its end is told."""
        kept = {
            "coworker": mail.coworker,
            "to": mail.to,
            "subject": mail.subject,
            "at": mail.at.isoformat(),
            "data": base64.b64encode(mail.data).decode("ascii"),
            "account": mail.account,
        }
        self._shelf.put(_PREFIX + mail.token, kept)

    def forget(self, token: str) -> None:
        """It is known, or decided, what became of it."""
        self._shelf.delete(_PREFIX + token)

    def all(self) -> list[OnItsWay]:
        """The mails that are kept, oldest first; those that are too old are forgotten."""
        found = []
        for key, kept in self._shelf.items(_PREFIX).items():
            token, at = key.removeprefix(_PREFIX), datetime.fromisoformat(kept["at"])
            if datetime.now(UTC) - at > KEPT:
                self.forget(token)
                continue
            data = base64.b64decode(kept["data"])
            found.append(
                OnItsWay(token, kept["coworker"], kept["to"], kept["subject"], at, data, kept.get("account", ""))
            )
        return sorted(found, key=lambda mail: (mail.at, mail.token))


def forget_unsure(connection: Connection, meant: Callable[[str], bool]) -> None:
    """Within the caller's transaction: let go of the mails in which something is meant; nobody can send them any more."""
    like = (f"{_PREFIX}%",)
    if not has_table(connection, "shelf"):
        return
    gone = []
    for name, value in connection.execute("SELECT name, value FROM shelf WHERE name LIKE ?", like):
        mail = mail_of(base64.b64decode(json.loads(value)["data"]), "", "", datetime.min)
        if any(map(meant, (mail.subject, *mail.recipients, mail.text, *(one.name for one in mail.attachments)))):
            gone.append((name,))
    connection.executemany("DELETE FROM shelf WHERE name = ?", gone)
