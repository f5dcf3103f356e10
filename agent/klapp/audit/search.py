"""Full-text search over what the log holds: an index inside the encrypted database (SQLite's FTS5).

It is brought up to date when somebody searches, so logging never waits for it, and thrown away whole by an erasure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from klapp.audit import schema
from klapp.audit.choosing import texts_in
from klapp.audit.entry import Entry
from klapp.audit.log import Log, LogError
from klapp.vault.database import Connection

CHUNK = 5000
INDEXED = "indexed"
TABLE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS search USING "
    "fts5(text, content='', detail=none, columnsize=0, tokenize='unicode61 remove_diacritics 2')"
)
"""Which entries have a word, and not where in them: that takes less room and time."""
_WORD = re.compile(r"([^\W_]+)(\*?)")


def indexing(log: Log) -> Iterator[tuple[int, int]]:
    """Bring the index up to date; gives how many entries are in it, and of how many."""
    log.flush()
    total = log.count()
    while True:
        with log.lock:
            done = int(schema.trait(log.connection, INDEXED) or 0)
            found = log.select("e.seq > ? AND e.kind <> 'content' ORDER BY e.seq LIMIT ?", (done, CHUNK))
            if not found:
                return
            rows = [(entry.seq, _text(log, entry)) for entry in found if not entry.erased]
            with log.transaction():
                log.connection.execute(TABLE)
                log.connection.executemany("INSERT INTO search (rowid, text) VALUES (?, ?)", rows)
                schema.set_trait(log.connection, INDEXED, str(found[-1].seq))
        yield found[-1].seq, total


def _text(log: Log, entry: Entry) -> str:
    """All that an entry says in words; of the texts that it refers to, those that it was given, not its own rules."""
    parts = [entry.kind, entry.owner, entry.who, entry.subject, *texts_in(entry.body)]
    for number in (entry.body.get("uses") or ())[1:]:
        try:
            parts.append(log.content(number).decode("utf-8", "replace"))
        except LogError:
            continue
    return unicodedata.normalize("NFC", "\n".join(parts)).encode("utf-8", "replace").decode("utf-8")


def match(words: str) -> str:
    """What a person searches for, as FTS5 takes it: entries with all of the words; ``*`` ends the beginning of one.

    Raises ValueError where there is no word in it.
    """
    found = _WORD.finditer(unicodedata.normalize("NFC", words))
    terms = [f'"{word[1]}"{word[2]}' for word in found]
    if not terms:
        raise ValueError("Name at least one word to search for.")
    return " ".join(terms)


def forget_index(connection: Connection) -> None:
    """Throw the index away; the next search makes it anew."""
    connection.execute("DROP TABLE IF EXISTS search")
    schema.set_trait(connection, INDEXED, None)
