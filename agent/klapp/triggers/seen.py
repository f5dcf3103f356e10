"""Which versions of files have been seen: so that what came, changed or left while nobody watched is found, and nothing
is told twice. A folder is seen like a file, under its path with a ``/`` behind it."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import RLock
from typing import Any, Protocol

from klapp.audit.erasing import without
from klapp.triggers.arrivals import Version
from klapp.triggers.mounts import numbers_last
from klapp.vault.database import Connection, has_table, transaction

Look = tuple[str, Version]
"""A path, and the version of the file that was there."""
KEPT = 90
"""Days for which a file that is gone is remembered: it may come back, as from an undo or a disk."""
_DAY = 86_400
_PACKED = struct.Struct("<qqQ")


class Seen(Protocol):
    """What a watch remembers of the files in its folders."""

    def has(self, folder: str) -> bool:
        """Whether a folder was begun before."""
        ...

    def begin(self, folder: str, there: Iterable[Look]) -> None:
        """A folder is watched for the first time; what is there is nothing new."""
        ...

    def keep_only(self, folders: Iterable[str]) -> None:
        """Only these are watched from now on; another one that is watched again later begins anew."""
        ...

    def unknown(self, folder: str, there: Iterable[Look]) -> list[str]:
        """The paths of those that were not seen in this version."""
        ...

    def there(self, folder: str) -> Iterator[str]:
        """The paths in a folder, or below it, of which a version was seen, and not that they are gone."""
        ...

    def version(self, path: str) -> Version | None:
        """The version that was seen last at a path; None where none was, or where it was seen to be gone."""
        ...

    def left(self, paths: Iterable[str]) -> None:
        """These are gone, and what that started is done. Their versions stay known: they may come back."""
        ...

    def told(self, looks: Iterable[Look]) -> None:
        """These have been told, and what they started is done."""
        ...


class SeenInMemory:
    """Remembers for as long as the process lives."""

    def __init__(self) -> None:
        self._folders: set[str] = set()
        self._versions: dict[str, Version] = {}
        self._gone: set[str] = set()

    def has(self, folder: str) -> bool:
        return folder in self._folders

    def begin(self, folder: str, there: Iterable[Look]) -> None:
        self._folders.add(folder)
        self._versions.update(there)

    def keep_only(self, folders: Iterable[str]) -> None:
        self._folders.intersection_update(folders)

    def unknown(self, folder: str, there: Iterable[Look]) -> list[str]:
        return [path for path, version in there if self._versions.get(path) != version]

    def there(self, folder: str) -> Iterator[str]:
        start = folder.rstrip("/") + "/"
        return iter([path for path in self._versions if path.startswith(start) and path not in self._gone])

    def version(self, path: str) -> Version | None:
        return None if path in self._gone else self._versions.get(path)

    def left(self, paths: Iterable[str]) -> None:
        self._gone.update(paths)

    def told(self, looks: Iterable[Look]) -> None:
        fresh = dict(looks)
        self._versions.update(fresh)
        self._gone.difference_update(fresh)


class SeenInDatabase:
    """Remembers in the encrypted database, over restarts. Safe to use from several threads."""

    def __init__(self, connection: Connection, lock: RLock) -> None:
        self._connection = connection
        self._lock = lock
        with lock:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS seen_folders (folder BLOB PRIMARY KEY) STRICT, WITHOUT ROWID"
            )
            connection.execute(
                "CREATE TABLE IF NOT EXISTS seen (path BLOB PRIMARY KEY, version BLOB NOT NULL, day INTEGER NOT NULL)"
                " STRICT, WITHOUT ROWID"
            )
            connection.execute("CREATE TABLE IF NOT EXISTS seen_gone (path BLOB PRIMARY KEY) STRICT, WITHOUT ROWID")

    def has(self, folder: str) -> bool:
        with self._lock:
            query = "SELECT 1 FROM seen_folders WHERE folder = ?"
            return self._connection.execute(query, (os.fsencode(folder),)).fetchone() is not None

    def begin(self, folder: str, there: Iterable[Look]) -> None:
        with self._lock:
            self.told(there)
            self._connection.execute("INSERT OR IGNORE INTO seen_folders VALUES (?)", (os.fsencode(folder),))

    def keep_only(self, folders: Iterable[str]) -> None:
        kept = set(map(os.fsencode, folders))
        with self._lock:
            known = self._connection.execute("SELECT folder FROM seen_folders").fetchall()
            gone = [row for row in known if row[0] not in kept]
            self._connection.executemany("DELETE FROM seen_folders WHERE folder = ?", gone)

    def unknown(self, folder: str, there: Iterable[Look]) -> list[str]:
        strict = numbers_last(folder)
        fresh = []
        with self._lock:
            for path, version in there:
                row = self._connection.execute(
                    "SELECT version FROM seen WHERE path = ?", (os.fsencode(path),)
                ).fetchone()
                if row is None or not _same(row[0], version, strict):
                    fresh.append(path)
        return fresh

    def told(self, looks: Iterable[Look]) -> None:
        day = int(time.time()) // _DAY
        rows = [(os.fsencode(path), _packed(version), day) for path, version in looks]
        self._write(
            ("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", rows),
            ("DELETE FROM seen_gone WHERE path = ?", [row[:1] for row in rows]),
        )

    def there(self, folder: str) -> Iterator[str]:
        start = os.fsencode(folder.rstrip("/")) + b"/"
        query = "SELECT path FROM seen WHERE path > ? AND path < ? AND path NOT IN (SELECT path FROM seen_gone)"
        with self._lock:
            rows = self._connection.execute(query, (start, start[:-1] + b"0")).fetchall()
        return (os.fsdecode(path) for (path,) in rows)

    def version(self, path: str) -> Version | None:
        query = "SELECT version FROM seen WHERE path = ? AND path NOT IN (SELECT path FROM seen_gone)"
        with self._lock:
            row = self._connection.execute(query, (os.fsencode(path),)).fetchone()
        if row is None:
            return None
        modified, size, inode = _PACKED.unpack(row[0])
        return 0, inode, modified, size

    def left(self, paths: Iterable[str]) -> None:
        rows = [(os.fsencode(path),) for path in paths]
        self._write(("INSERT OR IGNORE INTO seen_gone VALUES (?)", rows))

    def _write(self, *statements: tuple[str, list[Any]]) -> None:
        """Each statement with each of its rows, all in one transaction."""
        if not any(rows for _, rows in statements):
            return
        with transaction(self._connection, self._lock):
            for statement, rows in statements:
                self._connection.executemany(statement, rows)

    def forget(self, today: int | None = None) -> None:
        """Forget files that are gone for long; ``today`` in days since 1970."""
        before = (int(time.time()) // _DAY if today is None else today) - KEPT
        with self._lock:
            old = self._connection.execute("SELECT path FROM seen WHERE day < ?", (before,)).fetchall()
            gone: Sequence[tuple[bytes]] = [row for row in old if not os.path.lexists(row[0])]
            self._connection.executemany("DELETE FROM seen WHERE path = ?", gone)
            self._connection.execute("DELETE FROM seen_gone WHERE path NOT IN (SELECT path FROM seen)")


def forget_gone(connection: Connection, meant: Callable[[str], bool]) -> None:
    """Within the caller's transaction: forget those of which the path is meant, but for files that are still there, for
    they would be taken for new ones."""
    if not has_table(connection, "seen"):
        return
    known = connection.execute("SELECT path FROM seen").fetchall()
    gone = [row for row in known if meant(os.fsdecode(row[0])) and not os.path.lexists(row[0])]
    connection.executemany("DELETE FROM seen WHERE path = ?", gone)
    without(connection, "seen", "0")
    if has_table(connection, "seen_gone"):
        connection.executemany("DELETE FROM seen_gone WHERE path = ?", gone)
        without(connection, "seen_gone", "0")


def _packed(version: Version) -> bytes:
    """Without the device: the same disk can be another one tomorrow."""
    _, inode, modified, size = version
    return _PACKED.pack(modified, size, inode & 0xFFFFFFFFFFFFFFFF)


def _same(packed: bytes, version: Version, strict: bool) -> bool:
    return packed == _packed(version) if strict else packed[:16] == _packed(version)[:16]
