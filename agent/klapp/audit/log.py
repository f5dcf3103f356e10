"""The append-only, encrypted log of everything that coworkers do.

Rows are only ever added; triggers in the database refuse every change. Each row carries a hash over itself and the hash
of the row before it, so an edit, a removal or a change of order inside the log shows (``verify``).
"""

from __future__ import annotations

import hashlib
import json
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from threading import RLock
from typing import Any

from klapp.vault.database import Connection, DatabaseError, connect

INTENT, OUTCOME = "intent", "outcome"
SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, run INTEGER, kind TEXT NOT NULL, coworker TEXT, body TEXT NOT NULL,
    chain BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS entries_by_run ON entries (run);
CREATE INDEX IF NOT EXISTS entries_by_coworker ON entries (coworker, run) WHERE coworker IS NOT NULL;
CREATE TABLE IF NOT EXISTS blobs (digest BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS open_runs (run INTEGER PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS numbers (last_run INTEGER NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS entries_stay BEFORE UPDATE ON entries BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS entries_remain BEFORE DELETE ON entries BEGIN SELECT raise(ABORT, 'append only'); END;
"""


class LogError(Exception):
    """The log can not be read or written; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: ``body`` is what JSON can hold. ``seq`` and ``at`` (ns since 1970, UTC) are the log's to fill in."""

    run: int | None
    kind: str
    body: dict[str, Any]
    seq: int = 0
    at: int = 0


def digest(data: bytes) -> str:
    """The name of a blob: SHA-256, in hex."""
    return hashlib.sha256(data).hexdigest()


class Log:
    """One log. Safe to use from several threads, and from several processes at a time."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.lock = RLock()
        connection.executescript(SCHEMA)
        connection.execute("INSERT INTO numbers SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM numbers)")

    @classmethod
    def open(cls, path: Path, key: bytes) -> Log:
        """Open or make the log at ``path``; raises LogError for a foreign or damaged one and for a wrong key."""
        try:
            connection = connect(path, key)
        except DatabaseError as error:
            raise LogError(str(error)) from None
        return cls(connection)

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
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

    def append(self, entries: Sequence[Entry], blobs: Iterable[bytes] = ()) -> None:
        """Add entries, and the blobs that they name, in one durable transaction."""
        at = time.time_ns()
        stored = [(hashlib.sha256(data).digest(), zlib.compress(data, 1)) for data in blobs]
        with self.lock:
            run = self.connection.execute
            run("BEGIN IMMEDIATE")
            try:
                last = run("SELECT seq, chain FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
                rows = _chained(entries, at, *(last or (0, b"")))
                self.connection.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", stored)
                self.connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                begun = [(entry.run,) for entry in entries if entry.kind == INTENT]
                ended = [(entry.run,) for entry in entries if entry.kind == OUTCOME]
                self.connection.executemany("INSERT OR IGNORE INTO open_runs VALUES (?)", begun)
                self.connection.executemany("DELETE FROM open_runs WHERE run = ?", ended)
                run("COMMIT")
            except BaseException:
                run("ROLLBACK")
                raise

    # -- reading ------------------------------------------------------------------------------------------------------

    def blob(self, name: str) -> bytes:
        """The blob of that digest; raises LogError where it is not there."""
        with self.lock:
            row = self.connection.execute("SELECT data FROM blobs WHERE digest = ?", (bytes.fromhex(name),)).fetchone()
        if row is None:
            raise LogError("A part of the log is missing. Bring the log back from a backup.")
        return zlib.decompress(row[0])

    def entries(self, run: int) -> list[Entry]:
        """What the log says of one run, oldest first; empty for a number that there was not."""
        with self.lock:
            rows = self.connection.execute(f"{_SELECT} WHERE run = ? ORDER BY seq", (run,)).fetchall()
        return [_entry(row) for row in rows]

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
        for condition, value in (("coworker = ?", coworker), ("run >= ?", first), ("run <= ?", last)):
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
            marks = ",".join("?" * len(part))
            with self.lock:
                rows = self.connection.execute(f"{_SELECT} WHERE run IN ({marks}) ORDER BY run, seq", part).fetchall()
            for _, group in groupby(map(_entry, rows), key=lambda entry: entry.run):
                yield list(group)

    def unfinished(self) -> list[int]:
        """The runs that have an intent and no outcome."""
        with self.lock:
            return [row[0] for row in self.connection.execute("SELECT run FROM open_runs ORDER BY run")]

    def undos(self, run: int) -> list[int]:
        """The runs after ``run`` that took others back, oldest first."""
        with self.lock:
            rows = self.connection.execute(
                "SELECT body FROM entries WHERE kind = 'undone' AND seq > (SELECT min(seq) FROM entries WHERE run = ?) ORDER BY seq",
                (run,),
            ).fetchall()
        return [int(json.loads(body)["by"]) for (body,) in rows]

    def last_batch(self) -> tuple[int, int] | None:
        """The first and last run of the newest batch, or None in an empty log."""
        with self.lock:
            row = self.connection.execute(
                f"SELECT run, body FROM entries WHERE kind = '{INTENT}' ORDER BY run DESC LIMIT 1"  # noqa: S608
            ).fetchone()
        return (int(json.loads(row[1])["batch"]), int(row[0])) if row else None

    def count(self) -> int:
        """How many entries there are."""
        with self.lock:
            (number,) = self.connection.execute("SELECT count(*) FROM entries").fetchone()
        return int(number)

    def verify(self) -> str | None:
        """None where every row follows from the one before; else a sentence that names the first that does not."""
        chain, expected = b"", 1
        with self.lock:
            for seq, at, run, kind, _, body, found in self.connection.execute(
                "SELECT seq, at, run, kind, coworker, body, chain FROM entries ORDER BY seq"
            ):
                if seq != expected:
                    return f"Entry {expected} of the log is missing."
                chain = _link(chain, seq, at, run, kind, body)
                if chain != found:
                    return f"Entry {seq} of the log (run {run}) was changed."
                expected += 1
        return None


_to_json = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_SELECT = "SELECT seq, at, run, kind, body FROM entries"


def _entry(row: Sequence[Any]) -> Entry:
    seq, at, run, kind, body = row
    return Entry(run, kind, json.loads(body), seq, at)


def _link(chain: bytes, seq: int, at: int, run: int | None, kind: str, body: str) -> bytes:
    return hashlib.sha256(chain + f"{seq}\0{at}\0{run}\0{kind}\0{body}".encode()).digest()


def _chained(entries: Sequence[Entry], at: int, seq: int, chain: bytes) -> list[tuple[Any, ...]]:
    rows = []
    for entry in entries:
        seq += 1
        body = _to_json(entry.body)
        chain = _link(chain, seq, at, entry.run, entry.kind, body)
        coworker = entry.body.get("coworker") if entry.kind == INTENT else None
        rows.append((seq, at, entry.run, entry.kind, coworker, body, chain))
    return rows
