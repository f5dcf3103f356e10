"""A small table of named values for the agent's own state: approvals, pauses, last good versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import RLock
from typing import Any

from klapp.vault.database import Connection, has_table, transaction


def rewrite(connection: Connection, name: str, change: Callable[[Any], Any]) -> None:
    """Within the caller's transaction, without a shelf's own: put what ``change`` makes of a value in its place, if there
    is one."""
    if not has_table(connection, "shelf"):
        return
    row = connection.execute("SELECT value FROM shelf WHERE name = ?", (name,)).fetchone()
    if row is not None:
        connection.execute("UPDATE shelf SET value = ? WHERE name = ?", (json.dumps(change(json.loads(row[0]))), name))


class Shelf:
    """Values that JSON can hold, by name; each change is durable when the method returns."""

    def __init__(self, connection: Connection, lock: RLock) -> None:
        self._connection = connection
        self._lock = lock
        with lock:
            connection.execute("CREATE TABLE IF NOT EXISTS shelf (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")

    def together(self) -> AbstractContextManager[None]:
        """What is changed in the context, and what the log is told of it, becomes durable as a whole or not at all."""
        return transaction(self._connection, self._lock)

    def get(self, name: str) -> Any | None:
        """The value of that name, or None."""
        with self._lock:
            row = self._connection.execute("SELECT value FROM shelf WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, name: str, value: Any) -> None:
        """Set a value, in place of an older one."""
        with self._lock:
            self._connection.execute("INSERT OR REPLACE INTO shelf VALUES (?, ?)", (name, json.dumps(value)))

    def delete(self, name: str) -> None:
        """Forget a value; one that is not there is fine."""
        with self._lock:
            self._connection.execute("DELETE FROM shelf WHERE name = ?", (name,))

    def items(self, prefix: str) -> dict[str, Any]:
        """All values whose names begin so, by name."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT name, value FROM shelf WHERE substr(name, 1, ?) = ? ORDER BY name", (len(prefix), prefix)
            ).fetchall()
        return {name: json.loads(value) for name, value in rows}
