"""Remembers what became of each text, so that a start with many coworkers proves only those that are new.

The answers lie in the encrypted database, whose every page is authenticated: a program that can write to the disk can
not put a proof there that was never made. An answer holds for one text and one state of the code that found it, told by
a hash over both; of any other it says nothing.
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from importlib.resources import files
from threading import RLock

from klapp.vault.database import Connection
from klr.loader import Loaded, load
from klr.stored import Unreadable, restored, stored
from klr.vocabulary import Vocabulary

MOST = 10_000
_TABLE = (
    "CREATE TABLE IF NOT EXISTS proofs (code BLOB NOT NULL, text BLOB NOT NULL, answer BLOB NOT NULL, "
    "PRIMARY KEY (code, text)) STRICT, WITHOUT ROWID"
)
_DECIDES = ("klr", "klr.proof", "klapp.verbs", "klapp.properties", "klapp.triggers")
"""The packages on whose code it depends what becomes of a text."""


class Proofs:
    """Loads texts, by memory where that is possible. Safe to use from several threads."""

    def __init__(self, connection: Connection, lock: RLock, vocabulary: Vocabulary) -> None:
        self._connection = connection
        self._lock = lock
        self._vocabulary = vocabulary
        self._code = code_digest()
        with lock:
            connection.execute(_TABLE)
            connection.execute("DELETE FROM proofs WHERE code <> ?", (self._code,))

    def load(self, text: str, name: str) -> Loaded:
        """As ``klr.loader.load``; ``name`` is what findings call the text."""
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        with self._lock:
            row = self._connection.execute(
                "SELECT answer FROM proofs WHERE code = ? AND text = ?", (self._code, digest)
            ).fetchone()
        if row is not None:
            try:
                return restored(row[0], text, self._vocabulary, name)
            except Unreadable:
                pass  # it is found out anew, and put in its place
        loaded = load(text, self._vocabulary, name)
        self._keep(digest, stored(loaded))
        return loaded

    def _keep(self, digest: bytes, answer: bytes) -> None:
        with self._lock:
            (count,) = self._connection.execute("SELECT count(*) FROM proofs").fetchone()
            if count >= MOST:
                self._connection.execute("DELETE FROM proofs")
            self._connection.execute("INSERT OR REPLACE INTO proofs VALUES (?, ?, ?)", (self._code, digest, answer))


def forget_proofs(connection: Connection) -> None:
    """Forget every answer: they hold patterns and settings, and are found out anew when they are needed."""
    connection.execute("DELETE FROM proofs")


@cache
def code_digest() -> bytes:
    """A hash over everything that decides what becomes of a text: the code itself, not a version that may lag behind."""
    whole = hashlib.sha256(sys.version.encode())
    for package in _DECIDES:
        for path in sorted(files(package).iterdir(), key=lambda path: path.name):
            if path.is_file() and path.name.endswith((".py", ".lark", ".json")):
                whole.update(f"{package}/{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.digest()
