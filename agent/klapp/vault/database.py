"""Encrypted databases: SQLCipher with a raw key, durable at each commit."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from klapp.vault.errors import VaultError

if TYPE_CHECKING:
    from klapp.vault.keys import Vault

Connection = Any
"""A ``sqlcipher3`` connection; the library has no types."""


NO_ROOM = "there is not enough room on its disk, or the disk does not answer"


class DatabaseError(Exception):
    """A database can not be opened; the message says why and what to do."""


def connect(path: Path, key: bytes) -> Connection:
    """Open, or make, an encrypted database; ``key`` has 32 bytes. Raises DatabaseError.

    The connection may be used from several threads if its owner lets only one of them in at a time.
    """
    from sqlcipher3 import dbapi2

    try:
        if os.name == "posix" and not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        connection = dbapi2.connect(str(path), check_same_thread=False, isolation_level=None, timeout=30)
    except (OSError, dbapi2.Error):
        raise DatabaseError(f"{path} can not be opened. Look whether you may read and write it.") from None
    try:
        _unlock(connection, key)
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "temp_store = MEMORY",
            "cipher_memory_security = OFF",  # it costs seven times the time in batches; see docs/vault.md
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except dbapi2.Error as error:
        connection.close()
        raise unusable(path, error) from None
    return connection


def told(error: Exception) -> str | None:
    """What a person is told of what a connection to klapp's database has raised; None where it was not one."""
    if not type(error).__module__.startswith("sqlcipher3"):
        return None
    return _now("What klapp stores", error) or (
        "What klapp stores was changed by something other than klapp, or its disk is damaged. Nothing was done. See where: "
        "klapp audit verify. Bring back a copy of klapp's folder."
    )


def unusable(path: Path, error: Exception) -> DatabaseError:
    """Why a database can not be opened, because of what a connection to it has raised."""
    return DatabaseError(
        _now(str(path), error)
        or f"{path} is not a log of this klapp, or is damaged. It was left untouched: move it aside, or bring back a copy."
    )


def _now(what: str, error: Exception) -> str | None:
    """A sentence for what may be otherwise in a while."""
    from sqlcipher3 import dbapi2

    if not isinstance(error, dbapi2.OperationalError):
        return None
    why = "another program holds it" if "locked" in str(error) else NO_ROOM
    return f"{what} can not be used now: {why}. Nothing was changed; try again."


def damaged_pages(connection: Connection) -> list[int]:
    """The pages of a database's file, from 1, that are not as they were written: those, too, that no query reads.

    Each page has a code of its own (HMAC-SHA-512); see https://www.zetetic.net/sqlcipher/sqlcipher-api/. Somebody may
    be writing a page while it is looked at, so what is wrong is looked at again.
    """
    found: set[str] | None = None
    for _ in range(3):
        now = {row[0] for row in connection.execute("PRAGMA cipher_integrity_check")}
        found = now if found is None else found & now
        if not found:
            return []
    return sorted(int(number[0]) for text in found or () if (number := re.findall(r"page (\d+)", text)))


def has_table(connection: Connection, name: str) -> bool:
    """Whether a table is there."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone() is not None


@contextmanager
def transaction(connection: Connection, lock: RLock) -> Iterator[None]:
    """What is done in the context becomes durable as a whole at its end, or not at all.

    Others wait meanwhile. One within another is a part of it: it fails by itself, and is durable when the outer one is.
    """
    with lock:
        inner = connection.in_transaction
        connection.execute("SAVEPOINT part" if inner else "BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("RELEASE part" if inner else "COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk may have ended all of it
                connection.execute("ROLLBACK TO part" if inner else "ROLLBACK")
                if inner:
                    connection.execute("RELEASE part")
            raise


def failures() -> type[Exception]:
    """What a connection raises where its file can not be read, or is not what was written."""
    from sqlcipher3 import dbapi2

    error: type[Exception] = dbapi2.Error
    return error


def _unlock(connection: Connection, key: bytes) -> None:
    connection.execute("PRAGMA cipher_log_level = NONE")  # it would speak to the terminal
    # A statement can not take the key as a parameter; "from None" above keeps it out of every traceback.
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")


class RenewedDatabase:
    """An encrypted database whose content can be written anew under another key (``klapp.vault.management.Store``)."""

    def __init__(self, path: Path, purpose: str) -> None:
        self.path = path
        self.name = path.name
        self.purpose = purpose

    @contextmanager
    def renewing(self, old: Vault, new: Vault, goal: Path) -> Iterator[None]:
        """Write all of it to ``goal``, durably; while the context lasts nobody else can open it.

        Raises VaultError where another program has it open, and where there is no room.
        """
        from sqlcipher3 import dbapi2

        if not self.path.exists():
            yield
            return
        connection = connect(self.path, old.key(self.purpose))
        try:
            _alone(connection)
            try:
                _export(connection, goal, new.key(self.purpose))
            except dbapi2.Error as error:
                said = "there is not enough room" if "full" in str(error) else "the disk did not take it"
                raise VaultError(f"What klapp stores can not be written anew: {said}. Nothing was changed.") from None
            yield
        finally:
            with suppress(dbapi2.Error):
                connection.close()


def _alone(connection: Connection) -> None:
    """Be the only one who has the database open, with all of it in its one file; raises VaultError."""
    from sqlcipher3 import dbapi2

    try:
        connection.execute("PRAGMA busy_timeout = 1000")
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchone()
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except dbapi2.Error as error:
        if "locked" not in str(error):
            raise VaultError(f"What klapp stores can not be written anew: {NO_ROOM}. Nothing was changed.") from None
        raise VaultError(
            "klapp is at work with this state folder. Quit it, let its commands end, and try again. Nothing was changed."
        ) from None


def _export(connection: Connection, goal: Path, key: bytes) -> None:
    """Copy the whole database into a new file with another key (https://www.zetetic.net/sqlcipher/sqlcipher-api/)."""
    os.close(os.open(goal, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection.execute("ATTACH DATABASE ? AS following KEY ?", (str(goal), f"x'{key.hex()}'"))
    connection.execute("SELECT sqlcipher_export('following')")
    for pragma in ("user_version", "application_id"):
        (value,) = connection.execute(f"PRAGMA main.{pragma}").fetchone()
        connection.execute(f"PRAGMA following.{pragma} = {int(value)}")
    connection.execute("DETACH DATABASE following")
    with goal.open("rb+") as file:
        os.fsync(file.fileno())
