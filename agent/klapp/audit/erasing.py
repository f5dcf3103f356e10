"""Erases values from the log by destroying their keys; the entries stay, and the tree with them.

Nothing of a destroyed key is left in the database: the table of keys is written anew without it, what the old one
occupied is overwritten with zeros, and so is the write-ahead log. What backups hold is beyond klapp's reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from klapp.audit import schema
from klapp.audit.choosing import Choice, Chosen
from klapp.audit.entry import Entry
from klapp.audit.events import Erased
from klapp.audit.log import Log
from klapp.audit.search import forget_index
from klapp.vault.database import Connection


def erase(
    log: Log, choice: Choice, chosen: Chosen, also: Callable[[Connection], None] = lambda _connection: None
) -> None:
    """Destroy what was chosen, and log that it was; all of it or nothing. ``also`` is done in the same transaction, for
    what else in the database knows of it."""
    connection = log.connection
    with log.lock, clean_slate(connection):
        log.flush()
        with log.transaction() as appender:
            doomed = set(chosen.keys)
            _list(connection, doomed)
            doomed |= _orphans(connection)
            _list(connection, doomed)
            connection.execute("DELETE FROM contents WHERE seq IN (SELECT seq FROM entries WHERE key IN doomed)")
            without(connection, "keys", "id IN doomed")
            without(connection, "contents", "0")
            forget_index(connection)
            also(connection)
            appender.forget()
            before = datetime.fromtimestamp(choice.before / 1e9, UTC).isoformat() if choice.before is not None else ""
            event = Erased(choice.words(), choice.coworker or "", before, chosen.entries, ranges(doomed))
            appender.append([Entry(None, event.kind, event.body(), owner=choice.coworker or "")])
            connection.execute("DROP TABLE doomed")


def _list(connection: Connection, keys: Iterable[int]) -> None:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS doomed (id INTEGER PRIMARY KEY)")
    connection.executemany("INSERT OR IGNORE INTO doomed VALUES (?)", [(key,) for key in keys])


def _orphans(connection: Connection) -> set[int]:
    """The keys of stored texts to which no run refers any more that can still be read."""
    rows = connection.execute(
        "SELECT e.key FROM contents c JOIN entries e ON e.seq = c.seq WHERE c.number NOT IN ("
        "SELECT j.value FROM entries u JOIN keys k ON k.id = u.key, json_each(u.public, '$.uses') j "
        "WHERE u.run IS NOT NULL AND u.key NOT IN doomed)"
    )
    return {row[0] for row in rows}


class clean_slate:
    """While it lasts, what is deleted is overwritten; at its end, so is what the write-ahead log held."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("PRAGMA secure_delete = ON").fetchone()

    def __exit__(self, *_: object) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._connection.execute("PRAGMA secure_delete = OFF").fetchone()


def without(connection: Connection, table: str, condition: str) -> None:
    """Write a table anew without the rows of a condition: deleting alone would leave what SQLite once moved about
    within its pages."""
    (made,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    connection.execute(made.replace(table, f"{table}_left", 1))
    connection.execute(f"INSERT INTO {table}_left SELECT * FROM {table} WHERE NOT ({condition})")  # noqa: S608
    connection.execute(f"DROP TABLE {table}")
    connection.execute(f"ALTER TABLE {table}_left RENAME TO {table}")
    schema.make(connection)


def ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Whole numbers as ranges, both ends included."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found
