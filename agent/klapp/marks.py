"""What came of starts, put down in the transaction in which the log learns how their runs ended.

So whatever moment a kill finds, a start has run and is known to have, or it has not and is offered again. What is put
down is told by the intent of the run alone (``mark``), so that whoever finishes a run after a crash puts down the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from threading import RLock
from typing import Any

from klapp.agenda import RETRY, Agenda, start_of_json, start_to_json
from klapp.dispatch import Start
from klapp.engine.record import Logged
from klapp.files.protocol import Identity
from klapp.lineage import Origin
from klapp.triggers.clock import Kept, is_served, served_until
from klapp.vault.database import Connection
from klr.effects import MAIL_GIVEN
from klr.values import MailValue

FINISHES, FAILS = "finishes", "fails"
Row = tuple[str, str, int, str, str]
"""A start about a file, a folder or a mail: which, coworker, rule, trigger, and version."""


def mark(
    start: Start, *, again: Start | None = None, wait: float = 0.0, through: Iterable[Origin] | None = None
) -> dict[str, Any]:
    """What an intent says of its start: its place in the agenda, or else the version of a file or the mail that is dealt
    with; the moment; what is tried ``again``, ``wait`` seconds after a failure; and the rules that led to whoever waits
    for its end, if anybody does. JSON can hold it."""
    body: dict[str, Any] = {"held": start.held}
    if start.held is None and (subject := _subject(start)) is not None:
        body["of"] = [start.phrase, subject, _version(start.version)]
    if start.moment is not None:
        body["moment"] = start.moment.astimezone(UTC).isoformat()
    if again is not None:
        body |= {"again": start_to_json(again), "wait": wait}
    if through is not None:
        body["through"] = sorted(map(list, through), key=repr)
    return body


class Marks:
    """Beside the log, in its database: starts about files and mails that were dealt with until the watch knows that too,
    and the coworkers whose end somebody still waits to be told of. ``kept`` holds how far the clock's plans are served.
    """

    def __init__(self, connection: Connection, lock: RLock, agenda: Agenda, kept: Kept) -> None:
        self._connection = connection
        self._lock = lock
        self._agenda = agenda
        self._kept = kept
        self._before: set[Row] = set()  # of before klapp was cut off; what is put down from then on is for after a kill
        with lock:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS dealt (path TEXT NOT NULL, coworker TEXT NOT NULL, rule INTEGER NOT NULL,"
                " phrase TEXT NOT NULL, version TEXT NOT NULL, PRIMARY KEY (path, coworker, rule, phrase, version))"
                " STRICT, WITHOUT ROWID"
            )
            connection.execute(
                "CREATE TABLE IF NOT EXISTS ended (coworker TEXT NOT NULL, how TEXT NOT NULL, through TEXT NOT NULL,"
                " PRIMARY KEY (coworker, how)) STRICT, WITHOUT ROWID"
            )

    def settle(self, runs: Iterable[Logged]) -> None:
        """Within the log's transaction: these runs have ended, as their outcomes say."""
        dealt: list[Row] = []
        told: dict[tuple[str, str], set[Origin]] = {}
        for run in runs:
            start, outcome = run.body.get("start"), (run.outcome or {}).get("outcome")
            if not start or outcome == "interrupted":
                continue
            name, rule = run.body["coworker"], run.body["rule"]
            if "of" in start:
                phrase, subject, version = start["of"]
                dealt.append((json.dumps(subject), name, rule, phrase, version))
            if start["held"] is not None:
                self._agenda.forget_numbers([start["held"]])
            if "moment" in start:
                served_until(self._kept, (name, rule), datetime.fromisoformat(start["moment"]))
            if outcome == "failed" and "again" in start and not run.unsure:
                due = datetime.now(UTC).timestamp() + start["wait"]
                self._agenda.hold(start_of_json(start["again"]), RETRY, due)
            elif "through" in start and outcome in ("done", "stopped", "failed"):
                how = FAILS if outcome == "failed" else FINISHES
                told.setdefault((name, how), set()).update((of, index) for of, index in start["through"])
        self._connection.executemany("INSERT OR IGNORE INTO dealt VALUES (?, ?, ?, ?, ?)", dealt)
        for (name, how), through in told.items():
            self._tell(name, how, through)

    def _tell(self, name: str, how: str, through: set[Origin]) -> None:
        query = "SELECT through FROM ended WHERE coworker = ? AND how = ?"
        row = self._connection.execute(query, (name, how)).fetchone()
        before = {(of, index) for of, index in json.loads(row[0])} if row else set()
        written = json.dumps(sorted(map(list, before | through), key=repr))
        self._connection.execute("INSERT OR REPLACE INTO ended VALUES (?, ?, ?)", (name, how, written))

    # -- starts that may be offered once more -------------------------------------------------------------------------

    def has(self, start: Start) -> bool:
        """Whether a start that is offered anew was dealt with, or put in the agenda, before klapp was cut off."""
        if start.held is not None or start.attempt:
            return False
        if start.moment is not None:
            return self._agenda.waits_at(start.key, start.moment)
        return bool(self._before) and _row(start) in self._before

    def dealt_with(self, start: Start) -> bool:
        """Whether a start that was to be run now has been: its run has ended, and the log knows."""
        if start.held is not None:
            return not self._agenda.holds(start.held)
        if start.moment is not None:
            return is_served(self._kept, start.key, start.moment)
        if (row := _row(start)) is None:
            return False
        query = "SELECT 1 FROM dealt WHERE path = ? AND coworker = ? AND rule = ? AND phrase = ? AND version = ?"
        with self._lock:
            return self._connection.execute(query, row).fetchone() is not None

    def hold(self, start: Start, why: str, due: float | None, *, instead: bool = False) -> None:
        """As ``Agenda.hold``, for a start that may be offered once more after a kill."""
        with self._agenda.transaction():
            self._agenda.hold(start, why, due, instead=instead)
            if start.held is None and (row := _row(start)) is not None:
                self._connection.execute("INSERT OR IGNORE INTO dealt VALUES (?, ?, ?, ?, ?)", row)

    def known_now(self, subjects: Iterable[tuple[str, Identity | None]]) -> None:
        """The watch knows that what happened to these versions of paths (None: to a mail of that ``mail_subject``) was
        dealt with: it need not be known here any more."""
        rows = {(json.dumps(_bare(subject)), _version(version)) for subject, version in subjects}
        with self._agenda.transaction():
            self._connection.executemany("DELETE FROM dealt WHERE path = ? AND version = ?", sorted(rows))
        if self._before:
            self._before = {row for row in self._before if (row[0], row[4]) not in rows}

    def keep(self, offered: Callable[[str, str, Sequence[int] | None], bool], mails: Collection[str]) -> None:
        """Keep only what can be offered again: ``offered`` tells it of files by trigger, path, and version (modified,
        size, inode; None where that was not known); ``mails`` are those that will be, by their ``mail_subject``."""
        with self._agenda.transaction():
            for path, phrase, version in self._connection.execute("SELECT path, phrase, version FROM dealt").fetchall():
                subject = json.loads(path)
                if subject not in mails and not offered(phrase, subject, json.loads(version)):
                    self._connection.execute(
                        "DELETE FROM dealt WHERE path = ? AND phrase = ? AND version = ?", (path, phrase, version)
                    )
            self._before = set(self._connection.execute("SELECT * FROM dealt").fetchall())

    # -- chains -------------------------------------------------------------------------------------------------------

    def untold(self) -> list[str]:
        """The coworkers that ended, and of whose end nobody was told."""
        with self._lock:
            return [row[0] for row in self._connection.execute("SELECT DISTINCT coworker FROM ended ORDER BY coworker")]

    def hand_on(self, name: str, starts: Callable[[str, frozenset[Origin]], Iterable[Start]]) -> list[Start]:
        """What the end of a coworker starts, held in the agenda: ``starts`` tells it by how that ended ("finishes" or
        "fails"), and the rules that led there. It is told once."""
        with self._agenda.transaction():
            query = "DELETE FROM ended WHERE coworker = ? RETURNING how, through"
            rows = sorted(self._connection.execute(query, (name,)).fetchall(), reverse=True)
            return [
                self._agenda.enlist(start)
                for how, through in rows
                for start in starts(how, frozenset((of, index) for of, index in json.loads(through)))
            ]


def mail_subject(mail: MailValue) -> str:
    """What a mail is known by here; no absolute path is the same."""
    return f"mail {mail.key}"


def _subject(start: Start) -> str | None:
    """What is offered again after a kill until the watch knows it to be dealt with; None for a start that is not."""
    mail = start.answers.get(MAIL_GIVEN)
    return mail_subject(mail) if mail is not None else start.path


def _row(start: Start) -> Row | None:
    subject = _subject(start)
    return None if subject is None else (json.dumps(subject), *start.key, start.phrase, _version(start.version))


def _bare(path: str) -> str:
    """A folder is told of with a ``/`` behind its path."""
    return path.rstrip("/")


def _version(version: Identity | None) -> str:
    """Without the device: the same disk can be another one tomorrow."""
    if version is None:
        return "null"
    _, inode, stamp, size = version
    return json.dumps([stamp, size, inode])
