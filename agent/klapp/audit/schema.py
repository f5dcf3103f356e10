"""The tables of the log, and what they are called by those who read them."""

from __future__ import annotations

import secrets

from klapp.vault.database import Connection, has_table

FORM = 2
"""The form of the tables, in the database's ``user_version``; 0 was a chain of hashes, see ``klapp.audit.earlier``."""
TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, mono INTEGER NOT NULL, run INTEGER, kind TEXT NOT NULL,
    owner TEXT NOT NULL, who TEXT NOT NULL, origin TEXT NOT NULL, outcome TEXT NOT NULL, key INTEGER,
    public TEXT NOT NULL, sealed BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS entries_by_run ON entries (run) WHERE run IS NOT NULL;
CREATE INDEX IF NOT EXISTS entries_by_key ON entries (key) WHERE key IS NOT NULL;
CREATE INDEX IF NOT EXISTS entries_by_owner ON entries (owner) WHERE owner <> '';
CREATE INDEX IF NOT EXISTS entries_by_time ON entries (at);
CREATE INDEX IF NOT EXISTS intents ON entries (owner, run) WHERE kind = 'intent';
CREATE INDEX IF NOT EXISTS entries_ended_badly ON entries (outcome) WHERE outcome NOT IN ('', 'done');
CREATE INDEX IF NOT EXISTS entries_by_kind ON entries (kind) WHERE kind NOT IN ('intent', 'outcome', 'content');
CREATE TABLE IF NOT EXISTS leaves (seq INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS nodes (
    level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checkpoints (size INTEGER PRIMARY KEY, note TEXT NOT NULL, peaks BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS keys (
    id INTEGER PRIMARY KEY, secret BLOB NOT NULL, owner TEXT NOT NULL, subject BLOB NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS contents (
    number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, seq INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS open_runs (run INTEGER PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS numbers (last_run INTEGER NOT NULL, last_key INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE IF NOT EXISTS traits (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS entries_stay BEFORE UPDATE ON entries BEGIN SELECT raise(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS entries_remain BEFORE DELETE ON entries
    WHEN NOT EXISTS (SELECT 1 FROM traits WHERE name = 'retiring' AND old.seq <= CAST(value AS INTEGER))
    BEGIN SELECT raise(ABORT, 'append only'); END;
"""


def form_of(connection: Connection) -> int | None:
    """The form of the log in a database; None where there is no log yet."""
    (form,) = connection.execute("PRAGMA user_version").fetchone()
    return int(form) if form or has_table(connection, "entries") else None


def make(connection: Connection) -> None:
    """Make the tables that are missing; within the caller's transaction, if there is one."""
    for statement in _statements():
        connection.execute(statement)
    connection.execute("INSERT INTO numbers SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM numbers)")
    name = f"klapp.invalid/log/{secrets.token_hex(8)}"  # a name that no other log has, and no place anywhere (RFC 2606)
    connection.execute("INSERT OR IGNORE INTO traits VALUES ('origin', ?)", (name,))
    connection.execute("INSERT OR IGNORE INTO traits VALUES ('signing', ?)", (secrets.token_hex(32),))
    # The log's own, and not derived from the vault's key: a new one of those must not change who signs.
    connection.execute("INSERT OR IGNORE INTO traits VALUES ('seed', ?)", (secrets.token_hex(32),))
    connection.execute(f"PRAGMA user_version = {FORM}")


def _statements() -> list[str]:
    """One by one, for ``executescript`` would commit the caller's transaction."""
    statements, statement = [], ""
    for line in TABLES.strip().split("\n"):
        statement += line + "\n"
        whole = statement.rstrip().endswith("END;") if "TRIGGER" in statement else line.endswith(";")
        if whole:
            statements.append(statement)
            statement = ""
    return statements


def trait(connection: Connection, name: str) -> str | None:
    """What is noted of the log as a whole under a name, or None."""
    row = connection.execute("SELECT value FROM traits WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else None


def set_trait(connection: Connection, name: str, value: str | None) -> None:
    """Note something of the log as a whole; None forgets it."""
    if value is None:
        connection.execute("DELETE FROM traits WHERE name = ?", (name,))
    else:
        connection.execute("INSERT OR REPLACE INTO traits VALUES (?, ?)", (name, value))
