"""The append-only, encrypted log of everything that klapp does.

Entries are only ever added; triggers in the database refuse every change. All of them are leaves of one Merkle tree,
whose root is signed with each transaction, so a change inside the log shows, and where a checkpoint is kept elsewhere
(``klapp.audit.witness``) also one of the log as a whole (``klapp.audit.verify``). What an entry holds of names and
values is sealed under a key of its own (``klapp.audit.sealing``). Knows nothing of coworkers.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from klapp.audit import schema
from klapp.audit.appending import Appender
from klapp.audit.entry import COLUMNS, INTENT, OUTCOME, Entry, digest, line, read, user
from klapp.audit.events import Event, acting_now
from klapp.audit.notes import Signer
from klapp.audit.sealing import Unsealable, stored_key
from klapp.vault.database import Connection, DatabaseError, connect, failures, transaction, unusable

if TYPE_CHECKING:
    from klapp.audit.verify import Problem

__all__ = ["INTENT", "OUTCOME", "Entry", "Log", "LogError", "digest"]


MISSING = "A part of the log is missing. Bring the log back from a backup."


class LogError(Exception):
    """The log can not be read or written; the message says why and what to do."""


class Log:
    """One log. Safe to use from several threads, and from several processes at a time."""

    def __init__(self, connection: Connection, again: Callable[[], Connection]) -> None:
        self.connection = connection
        self.lock = RLock()
        self.again = again
        self.after_append: Callable[[], None] = lambda: None
        self._waiting: list[Entry] = []
        form = schema.form_of(connection)
        if form == 0:
            from klapp.audit.earlier import take_over

            take_over(connection)
        elif form is None:
            connection.execute("BEGIN IMMEDIATE")
            schema.make(connection)
            connection.execute("COMMIT")
        elif form != schema.FORM:
            raise LogError("This log was written by a newer klapp. Install that version; nothing was changed.")
        self.signer = signer_of(connection)
        self._appender = Appender(connection, self.signer)
        self.tree = self._appender.tree

    @classmethod
    def open(cls, path: Path, key: bytes) -> Log:
        """Open or make the log at ``path``; raises LogError for a foreign or damaged one and for a wrong key."""
        try:
            connection = connect(path, key)
        except DatabaseError as error:
            raise LogError(str(error)) from None
        try:
            return cls(connection, lambda: connect(path, key))
        except failures() as error:
            connection.close()
            raise LogError(str(unusable(path, error))) from None
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            try:
                self.flush()
            finally:
                self.connection.close()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- writing ------------------------------------------------------------------------------------------------------

    def reserve(self, count: int) -> int:
        """The first of ``count`` run numbers in a row that nobody had before."""
        with self.lock:
            (last,) = self.connection.execute(
                "UPDATE numbers SET last_run = last_run + ? RETURNING last_run", (count,)
            ).fetchone()
        return int(last) - count + 1

    def append(
        self, entries: Sequence[Entry], blobs: Iterable[bytes] = (), within: Callable[[], None] = lambda: None
    ) -> None:
        """Add entries, and the blobs whose digests stand in their bodies' ``uses``, in one durable transaction, and do in
        that what ``within`` does to other tables of the database."""
        with self.lock:
            # What waits would be lost with an outer transaction that fails.
            waiting = [] if self.connection.in_transaction else list(self._waiting)
            with self.transaction() as appender:
                appender.append([*waiting, *entries], blobs)
                within()
            del self._waiting[: len(waiting)]
        self.after_append()

    def record(self, event: Event, *, owner: str = "") -> None:
        """Add what happened; one whose kind is not ``durable`` waits for the next that is, or for ``flush``."""
        acting = acting_now()
        body = event.body()
        named = owner or body.get("coworker") or ""
        entry = Entry(
            None,
            event.kind,
            body,
            at=time.time_ns(),
            owner=named,
            mono=time.monotonic_ns(),
            who=line(acting.who or user()),
            origin=line(acting.origin),
        )
        if event.durable:
            self.append([entry])
            return
        with self.lock:
            self._waiting.append(entry)

    def flush(self) -> None:
        """Make durable what waits."""
        if self._waiting:
            self.append([])

    @contextmanager
    def transaction(self) -> Iterator[Appender]:
        """What is done in the context becomes durable as a whole at its end, or not at all.

        Whoever changes what the database keeps does it in one of these with ``record``: no change without its entry.
        """
        try:
            with transaction(self.connection, self.lock):
                yield self._appender
        except BaseException:
            self._appender.forget()
            raise

    # -- reading ------------------------------------------------------------------------------------------------------

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """A connection that sees the log as it is now for as long as the context lasts, and holds nobody up."""
        connection = self.again()
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()

    def blob(self, name: str) -> bytes:
        """The blob of that digest; raises LogError where it is not there."""
        data = self._content("digest", bytes.fromhex(name))
        if digest(data) != name:
            raise LogError(MISSING)
        return data

    def content(self, number: int) -> bytes:
        """The stored text of that number, as it stands in entries' ``uses``; raises LogError where it is not there."""
        return self._content("number", number)

    def _content(self, column: str, value: bytes | int) -> bytes:
        query = f"{CONTENTS} WHERE c.{column} = ?"
        with self.lock:
            row = self.connection.execute(query, (value,)).fetchone()
        if row is None:
            raise LogError(MISSING)
        try:
            return zlib.decompress(stored_key(row[2:]).open(row[1]))
        except (Unsealable, zlib.error):
            raise LogError(MISSING) from None

    def entries(self, run: int) -> list[Entry]:
        """What the log says of one run, oldest first; empty for a number that there was not."""
        return list(self.select("e.run = ? ORDER BY e.seq", (run,)))

    def select(self, condition: str, values: Sequence[Any] = ()) -> list[Entry]:
        """The entries of an SQL condition over ``e``, whatever stands behind WHERE. For the modules of this package."""
        with self.lock:
            rows = self.connection.execute(f"{SELECT} WHERE {condition}", values).fetchall()
        return list(map(entry_of, rows))

    def runs(
        self,
        *,
        coworker: str | None = None,
        first: int | None = None,
        last: int | None = None,
        newest: int | None = None,
    ) -> Iterator[list[Entry]]:
        """The entries of each run, ordered by run: of one coworker, a range of numbers, the newest few."""
        where, values = ["run IS NOT NULL", f"kind = '{INTENT}'"], []
        for condition, value in (("owner = ?", coworker), ("run >= ?", first), ("run <= ?", last)):
            if value is not None:
                where.append(condition)
                values.append(value)
        chosen = (
            f"SELECT DISTINCT run FROM entries WHERE {' AND '.join(where)} ORDER BY run DESC LIMIT {int(newest or -1)}"  # noqa: S608
        )
        with self.lock:
            numbers = [row[0] for row in self.connection.execute(chosen, values)]
        numbers.reverse()
        for start in range(0, len(numbers), 500):
            part = numbers[start : start + 500]
            found = self.select(f"e.run IN ({','.join('?' * len(part))}) ORDER BY e.run, e.seq", part)
            for _, group in groupby(found, key=lambda entry: entry.run):
                yield list(group)

    def unfinished(self) -> list[int]:
        """The runs that have an intent and no outcome."""
        with self.lock:
            return [row[0] for row in self.connection.execute("SELECT run FROM open_runs ORDER BY run")]

    def oldest_open(self) -> int:
        """The number of the first entry of the runs that have an intent and no outcome; 0 where there are none."""
        query = "SELECT coalesce(min(seq), 0) FROM entries WHERE run IN (SELECT run FROM open_runs)"
        with self.lock:
            return int(self.connection.execute(query).fetchone()[0])

    def undos(self, run: int) -> list[int]:
        """The runs after ``run`` that took others back, oldest first."""
        with self.lock:
            rows = self.connection.execute(
                "SELECT public FROM entries WHERE kind = 'undone' AND seq > (SELECT min(seq) FROM entries WHERE run = ?) ORDER BY seq",
                (run,),
            ).fetchall()
        return [int(json.loads(public)["by"]) for (public,) in rows]

    def last_batch(self) -> tuple[int, int] | None:
        """The first and last run of the newest batch, or None in an empty log."""
        with self.lock:
            row = self.connection.execute(
                f"SELECT run, public FROM entries WHERE kind = '{INTENT}' ORDER BY run DESC LIMIT 1"  # noqa: S608
            ).fetchone()
        return (int(json.loads(row[1])["batch"]), int(row[0])) if row else None

    def count(self) -> int:
        """How many entries there are, and were: those that retention let go are counted."""
        with self.lock:
            return self.tree.tip().size

    def checkpoint(self) -> str:
        """The newest signed checkpoint; "" in an empty log."""
        with self.lock:
            newest = self.tree.newest()
        return newest[1] if newest else ""

    def verify(
        self, witnesses: Sequence[tuple[str, str]] = (), progress: Callable[[int, int], None] | None = None
    ) -> Problem | None:
        """The first thing in the log that is not as it was written, or None (see ``klapp.audit.verify``)."""
        from klapp.audit.verify import verify

        return verify(self, witnesses, progress)


SELECT = f"SELECT {', '.join(f'e.{name}' for name in COLUMNS.split(', '))}, k.* FROM entries e LEFT JOIN keys k ON k.id = e.key"  # noqa: S608
CONTENTS = "SELECT c.number, e.sealed, k.* FROM contents c JOIN entries e ON e.seq = c.seq JOIN keys k ON k.id = e.key"
_WIDTH = COLUMNS.count(",") + 1


def entry_of(row: Sequence[Any]) -> Entry:
    """An entry of a row of ``SELECT``; raises LogError where it was changed."""
    try:
        return read(tuple(row[:_WIDTH]), row[_WIDTH:])
    except (Unsealable, ValueError):
        raise LogError(f"Entry {row[0]} of the log was changed. See: klapp audit verify") from None


def signer_of(connection: Connection) -> Signer:
    """Signs for the log in a database, with a key that lies nowhere else."""
    seed = schema.trait(connection, "seed") or ""
    if len(seed) != 64:
        raise LogError("The log has lost the key that signs it. Bring it back from a backup; nothing was changed.")
    return Signer(schema.trait(connection, "origin") or "", bytes.fromhex(seed))
