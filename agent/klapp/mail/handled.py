"""What was done to mails on their servers, in the encrypted database: noted before it is begun, and once it is done.

So each change is finished after a cut, none is done twice, and each can be taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock
from typing import Literal

from klapp.audit.erasing import without
from klapp.mail.folders import Spot
from klapp.vault.database import Connection, has_table, transaction

INBOX = "INBOX"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a mail.

    Attributes:
        token, mail: its own, and the key of the mail.
        kind, value: "move" and the folder, or "mark" and the mark.
        place: where the mail was before.
        goal: for a move, the folder and the number that its next mail had; once it is done, that of the mail there.
        had: for a mark, whether the mail had it already.
        done: whether it is known to be done.
    """

    token: str
    mail: str
    kind: Literal["move", "mark"]
    value: str
    place: Spot
    goal: Spot
    had: bool = False
    done: bool = False


_COLUMNS = "token, mail, kind, value, folder, validity, uid, goal, goal_validity, goal_uid, had, done"


class Handled:
    """The changes of the mails of all accounts."""

    def __init__(self, connection: Connection, lock: RLock) -> None:
        self._connection = connection
        self._lock = lock
        with lock:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS mail_change (number INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, mail TEXT"
                " NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, folder TEXT NOT NULL, validity INTEGER NOT NULL, uid"
                " INTEGER NOT NULL, goal TEXT NOT NULL, goal_validity INTEGER NOT NULL, goal_uid INTEGER NOT NULL, had"
                " INTEGER NOT NULL, done INTEGER NOT NULL) STRICT"
            )
            connection.execute("CREATE INDEX IF NOT EXISTS mail_change_mail ON mail_change (mail)")

    def put(self, change: Change) -> None:
        """Note a change, in place of what was noted of it."""
        row = (
            change.token, change.mail, change.kind, change.value, *change.place, *change.goal, change.had, change.done,
        )  # fmt: skip
        marks = ", ".join("?" * len(row))
        news = "goal_validity = excluded.goal_validity, goal_uid = excluded.goal_uid, done = excluded.done"
        with transaction(self._connection, self._lock):
            self._connection.execute(
                f"INSERT INTO mail_change ({_COLUMNS}) VALUES ({marks}) ON CONFLICT (token) DO UPDATE SET {news}",  # noqa: S608 - of constants alone
                row,
            )

    def forget(self, token: str) -> None:
        """A change of which nothing was done."""
        with transaction(self._connection, self._lock):
            self._connection.execute("DELETE FROM mail_change WHERE token = ?", (token,))

    def of(self, token: str) -> Change | None:
        """The change of a token."""
        return next(iter(self._select("token = ?", token)), None)

    def unfinished(self, mail: str) -> list[Change]:
        """The changes of a mail that were begun and are not known to be done, oldest first."""
        return self._select("mail = ? AND done = 0 ORDER BY number", mail)

    def place(self, mail: str) -> Spot:
        """Where a mail is as far as is known: where it was moved last, or in the inbox where it came."""
        moves = self._select("mail = ? AND kind = 'move' AND done = 1 ORDER BY number DESC LIMIT 1", mail)
        if moves:
            return moves[0].goal
        _, validity, uid = mail.rsplit("/", 2)
        return Spot(INBOX, int(validity), int(uid))

    def _select(self, where: str, value: str) -> list[Change]:
        with self._lock:
            query = f"SELECT {_COLUMNS} FROM mail_change WHERE {where}"  # noqa: S608 - of constants alone
            rows = self._connection.execute(query, (value,)).fetchall()
        return [
            Change(token, mail, kind, told, Spot(*row[:3]), Spot(*row[3:6]), bool(row[6]), bool(row[7]))
            for token, mail, kind, told, *row in rows
        ]


def forget_handled(connection: Connection, meant: Callable[[str], bool]) -> None:
    """Within the caller's transaction: let go of the changes in whose folders something is meant. They can not be taken
    back any more."""
    if not has_table(connection, "mail_change"):
        return
    rows = connection.execute("SELECT number, value, folder, goal FROM mail_change WHERE done = 1").fetchall()
    gone = [(number,) for number, *names in rows if any(map(meant, names))]
    connection.executemany("DELETE FROM mail_change WHERE number = ?", gone)
    without(connection, "mail_change", "0")
