"""Encrypted databases: SQLCipher with a raw key, durable at each commit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

Connection = Any
"""A ``sqlcipher3`` connection; the library has no types."""


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
            "cipher_memory_security = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except dbapi2.Error:
        connection.close()
        raise DatabaseError(
            f"{path} is not a log of this klapp, or is damaged. It was left untouched: move it aside, or bring back a copy."
        ) from None
    return connection


def failures() -> type[Exception]:
    """What a connection raises where its file can not be read, or is not what was written."""
    from sqlcipher3 import dbapi2

    error: type[Exception] = dbapi2.Error
    return error


def _unlock(connection: Connection, key: bytes) -> None:
    connection.execute("PRAGMA cipher_log_level = NONE")  # it would speak to the terminal
    # A statement can not take the key as a parameter; "from None" above keeps it out of every traceback.
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
