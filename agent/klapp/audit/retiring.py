"""Retention: lets the oldest entries go, and signs for them, so that the tree still verifies from there on.

What stays of them is a tombstone: how many there were, the root hash over them, signed, and the edge of the tree at
which it goes on. A log that merely lost its beginning has none.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from klapp.audit import schema
from klapp.audit.appending import Appender
from klapp.audit.entry import Entry
from klapp.audit.erasing import clean_slate, without
from klapp.audit.events import Retired, SettingChanged
from klapp.audit.log import CONTENTS, Log
from klapp.audit.notes import RETIRED
from klapp.audit.search import forget_index
from klapp.audit.tree import TILE
from klapp.counts import counted
from klapp.vault.database import Connection

POLICY, TOMBSTONE = "retention", "tombstone"
DAY = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Retention:
    """How long entries are kept: ``days``, and ``megabytes`` that they may take; None for as long, or as much, as there is."""

    days: int | None = None
    megabytes: int | None = None

    def in_words(self) -> str:
        """As a person reads it: "for 30 days and up to 500 MB"."""
        kept = [f"for {counted(self.days, 'day')}"] if self.days else []
        kept += [f"up to {self.megabytes:,} MB"] if self.megabytes else []
        return " and ".join(kept) or "for ever"


def policy(log: Log) -> Retention:
    """The rule that is in force."""
    with log.lock:
        text = schema.trait(log.connection, POLICY)
    return Retention(**json.loads(text)) if text else Retention()


def set_policy(log: Log, retention: Retention) -> None:
    """Put a rule in force from now on, and log that."""
    before = policy(log)
    if retention == before:
        return
    with log.transaction():
        log.record(SettingChanged("", "retention", before.in_words(), retention.in_words()))
        text = json.dumps({"days": retention.days, "megabytes": retention.megabytes})
        schema.set_trait(log.connection, POLICY, text)


def retire(log: Log, retention: Retention, now: int | None = None) -> int:
    """Let go of what the rule does not keep, in whole blocks of entries; returns how many entries went.

    Runs that have not ended stay, and so does what lies behind them. Texts to which later runs refer are stored anew.
    """
    connection = log.connection
    log.flush()
    with log.lock:
        begin = retired(connection)
        end = min(_end(connection, retention, begin, now or time.time_ns()), _first_open(connection)) // TILE * TILE
        if end <= begin:
            return 0
        why = " and ".join(name for name, limit in (("age", retention.days), ("size", retention.megabytes)) if limit)
        with clean_slate(connection), log.transaction() as appender:
            _carry_on(connection, appender, end)
            event = Retired(end - begin, why)
            appender.append([Entry(None, event.kind, event.body())])
            _let_go(log, end)
            forget_index(connection)
            appender.forget()
    return end - begin


def retired(connection: Connection) -> int:
    """How many entries were let go so far."""
    text = schema.trait(connection, TOMBSTONE)
    return int(json.loads(text)["size"]) if text else 0


def _end(connection: Connection, retention: Retention, begin: int, now: int) -> int:
    """The last entry that is not kept."""
    ends = [begin]
    if retention.days is not None:
        query = "SELECT coalesce(min(seq) - 1, (SELECT max(seq) FROM entries)) FROM entries WHERE at >= ?"
        (end,) = connection.execute(query, (now - retention.days * DAY,)).fetchone()
        ends.append(end or begin)
    if retention.megabytes is not None:
        pragmas = ("page_count", "page_size", "freelist_count")
        pages, size, free = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in pragmas)
        (last,) = connection.execute("SELECT max(seq) FROM entries").fetchone()
        used, count = (pages - free) * size, (last or 0) - begin
        excess = used - retention.megabytes * 1_000_000
        if excess > 0:
            ends.append(begin + count * excess // used)
    return max(ends)


def _first_open(connection: Connection) -> int:
    query = "SELECT min(seq) - 1 FROM entries WHERE run IN (SELECT run FROM open_runs)"
    (first,) = connection.execute(query).fetchone()
    return int(first) if first is not None else 1 << 62


def _carry_on(connection: Connection, appender: Appender, end: int) -> None:
    """Store anew the texts that later runs refer to and whose entries go."""
    used = (
        "SELECT j.value FROM entries u JOIN keys v ON v.id = u.key, json_each(u.public, '$.uses') j "
        "WHERE u.seq > ? AND u.run IS NOT NULL"
    )
    rows = connection.execute(f"{CONTENTS} WHERE c.seq <= ? AND c.number IN ({used})", (end, end)).fetchall()
    if rows:
        appender.append_again(rows)


def _let_go(log: Log, end: int) -> None:
    connection = log.connection
    edge = log.tree.frontier(end)
    stone: dict[str, Any] = {
        "size": end,
        "peaks": edge.to_bytes().hex(),
        "note": log.signer.sign(end, edge.root(), about=RETIRED),
    }
    schema.set_trait(connection, TOMBSTONE, json.dumps(stone))
    schema.set_trait(connection, "retiring", str(end))
    run = connection.execute
    gone = "SELECT key FROM entries WHERE seq <= {end} AND key IS NOT NULL"
    kept = "SELECT key FROM entries WHERE seq > {end} AND key IS NOT NULL"
    without(connection, "keys", f"id IN ({gone}) AND id NOT IN ({kept})".format(end=int(end)))
    run("DELETE FROM contents WHERE seq <= ?", (end,))
    run("DELETE FROM entries WHERE seq <= ?", (end,))
    run("DELETE FROM leaves WHERE seq <= ?", (end,))
    run("DELETE FROM checkpoints WHERE size <= ?", (end,))
    run("DELETE FROM nodes WHERE ((position + 1) << level) <= ?", (end,))
    connection.executemany("INSERT INTO nodes VALUES (?, ?, ?)", _peaks(end, edge.peaks))
    schema.set_trait(connection, "retiring", None)


def _peaks(size: int, peaks: list[bytes]) -> list[tuple[int, int, bytes]]:
    """Level, position and hash of the perfect subtrees that the first ``size`` leaves are made of."""
    levels = [level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1]
    begin, found = 0, []
    for level, hash in zip(levels, peaks, strict=True):
        found.append((level, begin >> level, hash))
        begin += 1 << level
    return found
