"""Takes over a log of klapp's first form, in which each entry carried a hash over itself and the one before."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator
from typing import Any

from klapp.audit import schema
from klapp.audit.appending import Appender
from klapp.audit.entry import INTENT, Entry
from klapp.audit.events import TakenOver
from klapp.vault.database import Connection

CHUNK = 2000


def take_over(connection: Connection) -> None:
    """Turn the log into one of today's form, in one transaction. What its chain says is told in the entry that is
    added behind it; nothing is left out, even where the chain was broken."""
    from klapp.audit.log import signer_of

    run = connection.execute
    run("BEGIN IMMEDIATE")
    try:
        for name in ("entries_stay", "entries_remain"):
            run(f"DROP TRIGGER IF EXISTS {name}")
        for name in ("entries_by_run", "entries_by_coworker"):
            run(f"DROP INDEX IF EXISTS {name}")
        run("ALTER TABLE entries RENAME TO entries_before")
        run("ALTER TABLE blobs RENAME TO blobs_before")
        run("ALTER TABLE numbers ADD COLUMN last_key INTEGER NOT NULL DEFAULT 0")
        schema.make(connection)
        appender = Appender(connection, signer_of(connection))
        chain = _Chain()
        for entries in _chunks(connection, chain):
            names = {name for entry in entries for name in entry.body["uses"]}
            appender.append(entries, _blobs(connection, names))
        event = TakenOver(chain.count, chain.link.hex(), chain.problem)
        appender.append([Entry(None, event.kind, event.body())])
        run("DROP TABLE entries_before")
        run("DROP TABLE blobs_before")
        run("COMMIT")
    except BaseException:
        run("ROLLBACK")
        raise


class _Chain:
    """The old chain of hashes, followed from its beginning."""

    def __init__(self) -> None:
        self.link, self.count, self.problem = b"", 0, ""

    def follow(self, seq: int, at: int, run: int | None, kind: str, body: str, found: bytes) -> None:
        self.count += 1
        self.link = hashlib.sha256(self.link + f"{seq}\0{at}\0{run}\0{kind}\0{body}".encode()).digest()
        if not self.problem and (seq != self.count or self.link != found):
            self.problem = f"Its entry {self.count} was changed or removed before that."
        self.link = bytes(found)


def _chunks(connection: Connection, chain: _Chain) -> Iterator[list[Entry]]:
    rows = connection.execute("SELECT seq, at, run, kind, coworker, body, chain FROM entries_before ORDER BY seq")
    while part := rows.fetchmany(CHUNK):
        yield [_entry(chain, *row) for row in part]


def _entry(chain: _Chain, seq: int, at: int, run: int | None, kind: str, owner: Any, text: str, found: bytes) -> Entry:
    chain.follow(seq, at, run, kind, text, found)
    body = json.loads(text)
    file = body.get("file") if kind == INTENT else None
    subject = file["f"][0] if isinstance(file, dict) and "f" in file else ""
    body["uses"] = sorted(set(_digests(body)))
    return Entry(
        run, kind, body, at=at, owner=owner or "", subject=subject, origin="an earlier form of the log", mono=-1
    )


def _digests(value: Any) -> Iterator[str]:
    """What may be the name of a blob, wherever it stands in a body."""
    if isinstance(value, dict):
        value = value.values()
    elif isinstance(value, str):
        if len(value) == 64 and all(character in "0123456789abcdef" for character in value):
            yield value
        return
    elif not isinstance(value, list):
        return
    for part in value:
        yield from _digests(part)


def _blobs(connection: Connection, names: set[str]) -> Iterator[bytes]:
    for name in sorted(names):
        row = connection.execute("SELECT data FROM blobs_before WHERE digest = ?", (bytes.fromhex(name),)).fetchone()
        if row is not None:
            yield zlib.decompress(row[0])
