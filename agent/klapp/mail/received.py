"""The mails that were received, in the encrypted database, and how far each inbox was read: both change as one.

So a mail is never lost between the server and what it starts, and none comes twice: not after a kill, not when a server
numbers its mails anew (then they are known by the hash of all that they are).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import RLock

from klapp.audit.erasing import without
from klapp.mail.imap import Place
from klapp.mail.mime import attachment_of, mail_of, message_id_of
from klapp.vault.database import Connection, has_table, transaction
from klr.values import MailValue

KEPT = 30 * 86400.0
"""Seconds for which a mail that has been dealt with is kept, for what still waits to save its attachments."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail that nobody has dealt with yet."""

    number: int
    mail: MailValue


class Received:
    """The mails of all accounts. Safe to use from several threads."""

    def __init__(self, connection: Connection, lock: RLock, clock: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._lock = lock
        self._clock = clock
        with lock:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS mail (number INTEGER PRIMARY KEY, account TEXT NOT NULL, key TEXT NOT NULL"
                " UNIQUE, hash BLOB NOT NULL, received REAL NOT NULL, dealt INTEGER NOT NULL DEFAULT 0, raw BLOB,"
                " UNIQUE (account, hash)) STRICT"
            )
            connection.execute(
                "CREATE TABLE IF NOT EXISTS inbox (account TEXT PRIMARY KEY, validity INTEGER NOT NULL, next INTEGER NOT"
                " NULL, at REAL NOT NULL) STRICT"
            )

    def place(self, account: str) -> tuple[Place, datetime] | None:
        """How far an inbox was read, and when; None for one that never was."""
        with self._lock:
            query = "SELECT validity, next, at FROM inbox WHERE account = ?"
            row = self._connection.execute(query, (account,)).fetchone()
        return (Place(row[0], row[1]), datetime.fromtimestamp(row[2])) if row else None

    def begin(self, account: str, place: Place) -> None:
        """An inbox is read from here on, up to here it is known."""
        with transaction(self._connection, self._lock):
            self._put(account, place)

    def add(self, account: str, validity: int, uid: int, raw: bytes) -> bool:
        """A mail, and that its inbox is read up to it; whether it is a new one."""
        key, digest = f"{account}/{validity}/{uid}", hashlib.sha256(raw).digest()
        with transaction(self._connection, self._lock):
            self._put(account, Place(validity, uid + 1))
            added = self._connection.execute(
                "INSERT OR IGNORE INTO mail (account, key, hash, received, raw) VALUES (?, ?, ?, ?, ?)",
                (account, key, digest, self._clock(), raw),
            )
            return bool(added.rowcount)

    def waiting(self, account: str | None = None) -> list[Waiting]:
        """The mails that nobody has dealt with, in the order in which they came."""
        query = (
            "SELECT number, account, key, received, raw FROM mail WHERE dealt = 0 AND raw IS NOT NULL"
            " AND (? IS NULL OR account = ?) ORDER BY number"
        )
        with self._lock:
            rows = self._connection.execute(query, (account, account)).fetchall()
        return [
            Waiting(number, mail_of(raw, of, key, datetime.fromtimestamp(int(received))))
            for number, of, key, received, raw in rows
        ]

    def dealt(self, numbers: Iterable[int], unwanted: Iterable[int] = ()) -> None:
        """These have been dealt with. Those that nobody wanted, and the oldest, are let go: that they were here is left."""
        with transaction(self._connection, self._lock):
            self._connection.executemany("UPDATE mail SET dealt = 1 WHERE number = ?", [(one,) for one in numbers])
            self._connection.executemany("UPDATE mail SET raw = NULL WHERE number = ?", [(one,) for one in unwanted])
            self._connection.execute(
                "UPDATE mail SET raw = NULL WHERE dealt = 1 AND received < ?", (self._clock() - KEPT,)
            )

    def fingerprint(self, key: str) -> tuple[int, bytes] | None:
        """The bytes and the SHA-256 of a mail as it came; None where it is not kept any more."""
        with self._lock:
            query = "SELECT length(raw), hash FROM mail WHERE key = ? AND raw IS NOT NULL"
            row = self._connection.execute(query, (key,)).fetchone()
        return (int(row[0]), bytes(row[1])) if row else None

    def known(self, key: str) -> tuple[bytes, str] | None:
        """The SHA-256 of a mail as it came, and its Message-ID as long as it is kept; None for one that never came."""
        with self._lock:
            row = self._connection.execute("SELECT hash, raw FROM mail WHERE key = ?", (key,)).fetchone()
        return (bytes(row[0]), message_id_of(row[1]) if row[1] is not None else "") if row else None

    def attachment(self, key: str, index: int) -> bytes | None:
        """The bytes of an attachment, or None where the mail is not kept any more."""
        with self._lock:
            row = self._connection.execute("SELECT raw FROM mail WHERE key = ?", (key,)).fetchone()
        return attachment_of(row[0], index) if row and row[0] is not None else None

    def forget(self, account: str) -> None:
        """All of an account."""
        with transaction(self._connection, self._lock):
            self._connection.execute("DELETE FROM mail WHERE account = ?", (account,))
            self._connection.execute("DELETE FROM inbox WHERE account = ?", (account,))

    def _put(self, account: str, place: Place) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO inbox VALUES (?, ?, ?, ?)", (account, place.validity, place.next, self._clock())
        )


def forget_meant(connection: Connection, meant: Callable[[str], bool]) -> None:
    """Within the caller's transaction: let go of the mails in which something is meant, but for those that still wait.

    That they were here, by a hash, is kept: they would be taken for new ones.
    """
    if not has_table(connection, "mail"):
        return
    gone = []
    for number, raw in connection.execute("SELECT number, raw FROM mail WHERE dealt = 1 AND raw IS NOT NULL"):
        mail = mail_of(raw, "", "", datetime.min)
        named = (mail.subject, mail.sender, mail.sender_name, *mail.recipients, *(one.name for one in mail.attachments))
        if any(map(meant, (*named, mail.text))):
            gone.append((number,))
    connection.executemany("UPDATE mail SET raw = NULL WHERE number = ?", gone)
    without(connection, "mail", "0")
