"""Starts that wait: until a time of day, until all is quiet, for another try, or until a coworker may work again.

They are kept in the encrypted database, so they outlive the agent. A start that is taken out to be tried is forgotten
only when it has been dealt with.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from threading import RLock
from typing import Any

from klapp.audit.erasing import without
from klapp.dispatch import Start
from klapp.engine.encoding import decode, encode
from klapp.vault.database import Connection, has_table, transaction

RETRY, QUIET, WINDOW, NOT_READY, OFFERED = "retry", "quiet", "window", "not ready", "offered"
"""Why a start waits."""


class Agenda:
    """Waiting starts, each due at a moment (seconds since 1970), or, for None, when it is asked for. Safe to use from
    several threads."""

    def __init__(self, connection: Connection, lock: RLock, clock: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._lock = lock
        self._clock = clock
        with lock:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS agenda (number INTEGER PRIMARY KEY, coworker TEXT NOT NULL, rule INTEGER NOT"
                " NULL, path TEXT, why TEXT NOT NULL, due REAL, body TEXT NOT NULL) STRICT"
            )
            rows = connection.execute("SELECT number, due FROM agenda").fetchall()
        self._due: dict[int, float | None] = dict(rows)
        self._last = 0  # no number is given twice, for somebody may still hold on to it

    def __len__(self) -> int:
        """How many wait."""
        return len(self._due)

    def hold(self, start: Start, why: str, due: float | None, *, instead: bool = False) -> None:
        """Have a start wait; ``instead`` of those of the same rule and path that wait for the same reason."""
        path = None if start.path is None else json.dumps(start.path)  # a name need not be UTF-8
        with self.transaction():
            if start.held is not None:
                self._forget([start.held])
            if instead:
                self._forget(
                    row[0]
                    for row in self._connection.execute(
                        "SELECT number FROM agenda WHERE coworker = ? AND rule = ? AND path IS ? AND why = ?",
                        (*start.key, path, why),
                    ).fetchall()
                )
            self._due[self._inserted(start, path, why, due)] = due

    def enlist(self, start: Start) -> Start:
        """Keep a start that is about to be tried: the same, as if it had waited until now."""
        path = None if start.path is None else json.dumps(start.path)
        with self._lock:
            return replace(start, held=self._inserted(start, path, OFFERED, self._clock()))

    def _inserted(self, start: Start, path: str | None, why: str, due: float | None) -> int:
        (newest,) = self._connection.execute("SELECT coalesce(max(number), 0) FROM agenda").fetchone()
        self._last = max(self._last, newest) + 1
        row = (self._last, *start.key, path, why, due, json.dumps(start_to_json(start)))
        self._connection.execute("INSERT INTO agenda VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return self._last

    def holds(self, number: int) -> bool:
        """Whether the start of that number has not been dealt with."""
        with self._lock:
            found = self._connection.execute("SELECT 1 FROM agenda WHERE number = ?", (number,)).fetchone()
        return found is not None

    def waits_at(self, key: tuple[str, int], moment: datetime) -> bool:
        """Whether a start of a rule of the clock that struck at that moment has not been dealt with."""
        query = "SELECT 1 FROM agenda WHERE coworker = ? AND rule = ? AND json_extract(body, '$.moment') = ?"
        with self._lock:
            found = self._connection.execute(query, (*key, moment.astimezone(UTC).isoformat())).fetchone()
        return found is not None

    def transaction(self) -> AbstractContextManager[None]:
        """What is done in the context becomes durable as a whole at its end, or with the transaction that is open."""
        return transaction(self._connection, self._lock)

    def take_due(self) -> list[Start]:
        """The starts whose moment has come, the first first. They are kept until they are forgotten."""
        now = self._clock()
        with self._lock:
            found = sorted((due, number) for number, due in self._due.items() if due is not None and due <= now)
            return self._taken([number for _, number in found])

    def take_of(self, coworker: str | None) -> list[Start]:
        """The starts of a coworker, or of all for None, that wait until it may work; as ``take_due``."""
        query = "SELECT number FROM agenda WHERE why = ? AND (? IS NULL OR coworker = ?) ORDER BY number"
        with self._lock:
            rows = self._connection.execute(query, (NOT_READY, coworker, coworker)).fetchall()
            return self._taken([number for (number,) in rows if number in self._due])

    def _taken(self, numbers: Sequence[int]) -> list[Start]:
        """Those of them that were not erased meanwhile. Where they can not be read, none is taken."""
        query = "SELECT body FROM agenda WHERE number = ?"
        rows = [self._connection.execute(query, (number,)).fetchone() for number in numbers]
        for number in numbers:
            del self._due[number]
        return [
            replace(start_of_json(json.loads(row[0])), held=number)
            for number, row in zip(numbers, rows, strict=True)
            if row is not None
        ]

    def forget(self, starts: Iterable[Start]) -> None:
        """These have been dealt with."""
        self.forget_numbers(start.held for start in starts if start.held is not None)

    def forget_numbers(self, numbers: Iterable[int]) -> None:
        """As ``forget``, by what they are held as."""
        with self._lock:
            self._forget(numbers)

    def _forget(self, numbers: Iterable[int]) -> None:
        gone = list(numbers)
        for number in gone:
            self._due.pop(number, None)
        if gone:
            self._connection.executemany("DELETE FROM agenda WHERE number = ?", [(number,) for number in gone])

    def give_up(self, key: tuple[str, int], why: str) -> int:
        """Forget all starts of a rule that wait for this reason; gives how many there were."""
        with self._lock:
            query = "SELECT number FROM agenda WHERE coworker = ? AND rule = ? AND why = ?"
            rows = self._connection.execute(query, (*key, why)).fetchall()
            self._forget(number for (number,) in rows)
        return len(rows)

    def count(self, coworker: str, rule: int | None = None, why: str | None = None) -> int:
        """How many starts of a coworker wait: of one rule, or for one reason."""
        query = "SELECT count(*) FROM agenda WHERE coworker = ? AND (? IS NULL OR rule = ?) AND (? IS NULL OR why = ?)"
        with self._lock:
            (number,) = self._connection.execute(query, (coworker, rule, rule, why, why)).fetchone()
        return int(number)

    def waiting(self, coworker: str) -> dict[str, tuple[int, float | None]]:
        """The starts of a coworker that wait, by why: how many, and when the first is due."""
        query = "SELECT why, count(*), min(due) FROM agenda WHERE coworker = ? GROUP BY why"
        with self._lock:
            return {why: (count, due) for why, count, due in self._connection.execute(query, (coworker,)).fetchall()}

    def next_due(self) -> float | None:
        """Seconds until the next start is due; None where none ever is by itself."""
        with self._lock:
            soonest = min((due for due in self._due.values() if due is not None), default=None)
        return None if soonest is None else max(0.0, soonest - self._clock())


def forget_gone(connection: Connection, meant: Callable[[str], bool]) -> None:
    """Within the caller's transaction: forget starts that are about files which are meant, and are not there any more."""
    if not has_table(connection, "agenda"):
        return
    known = connection.execute("SELECT number, path FROM agenda WHERE path IS NOT NULL").fetchall()
    gone = [(number,) for number, path in known if meant(json.loads(path)) and not os.path.lexists(json.loads(path))]
    connection.executemany("DELETE FROM agenda WHERE number = ?", gone)
    without(connection, "agenda", "0")
    if has_table(connection, "dealt"):
        paths = connection.execute("SELECT DISTINCT path FROM dealt").fetchall()
        gone = [row for row in paths if meant(json.loads(row[0])) and not os.path.lexists(json.loads(row[0]))]
        connection.executemany("DELETE FROM dealt WHERE path = ?", gone)
        without(connection, "dealt", "0")


def start_to_json(start: Start) -> dict[str, Any]:
    """A start as data that JSON can hold."""
    body = asdict(start)
    return body | {
        "moment": start.moment.astimezone(UTC).isoformat() if start.moment else None,
        "answers": {name: encode(value) for name, value in start.answers.items()},
        "through": sorted(start.through, key=repr),
    }


def start_of_json(body: dict[str, Any]) -> Start:
    """The opposite of ``start_to_json``."""
    given = body | {
        "version": tuple(body["version"]) if body["version"] else None,
        "moment": datetime.fromisoformat(body["moment"]) if body["moment"] else None,
        "answers": {name: decode(value) for name, value in body["answers"].items()},
        "through": frozenset((name, rule) for name, rule in body["through"]),
    }
    return Start(**given)
