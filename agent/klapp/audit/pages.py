"""Finding entries: the newest first, by what is asked of them, a page at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from klapp.audit.entry import CONTENT, INTENT, Entry
from klapp.audit.events import KINDS
from klapp.audit.log import Log
from klapp.audit.search import match

PAGE = 100


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked of entries; None where it does not matter. ``since`` and ``until`` in ns since 1970; ``file`` the
    path that a run is about; ``text`` words to search for (bring the index up to date first, ``search.indexing``)."""

    kinds: Sequence[str] = ()
    coworker: str | None = None
    since: int | None = None
    until: int | None = None
    run: int | None = None
    outcome: str | None = None
    file: str | None = None
    text: str | None = None

    def condition(self) -> tuple[list[str], list[Any]]:
        """Conditions in SQL, and their values. Raises ValueError for kinds that there are not."""
        unknown = set(self.kinds) - set(KINDS)
        if unknown:
            raise ValueError(f"There is no kind {min(unknown)!r}. There are: {', '.join(sorted(KINDS))}.")
        conditions: list[str] = []
        values: list[Any] = []
        for condition, value in (
            ("e.owner <> '' AND e.owner = ?", self.coworker),
            ("e.at >= ?", self.since),
            ("e.at < ?", self.until),
            ("e.run IS NOT NULL AND e.run = ?", self.run),
            (f"{_ENDED_BADLY}e.outcome = ?" if self.outcome != "done" else "e.outcome = ?", self.outcome),
            (_ABOUT, self.file.encode("utf-8", "surrogateescape") if self.file is not None else None),
            ("e.seq IN (SELECT rowid FROM search WHERE search MATCH ?)", match(self.text) if self.text else None),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        if self.kinds:
            rare = "" if _COMMON & set(self.kinds) else "e.kind NOT IN ('intent', 'outcome', 'content') AND "
            conditions.append(f"{rare}e.kind IN ({', '.join('?' * len(self.kinds))})")
            values.extend(self.kinds)
        elif self.run is None:
            conditions.append(f"e.kind <> '{CONTENT}'")
        return conditions, values


_COMMON = {"intent", "outcome", "content"}
_ABOUT = "e.run IN (SELECT s.run FROM entries s WHERE s.key IN (SELECT id FROM keys WHERE subject = ?))"
_ENDED_BADLY = "e.outcome NOT IN ('', 'done') AND "  # the very words of the index


def page(log: Log, wanted: Filter, *, before: int | None = None, limit: int = PAGE) -> list[Entry]:
    """The newest ``limit`` entries that fit, of those behind which ``before`` stands; newest first: by their time where
    a time was asked for, for a clock may have been set back, and else by their number."""
    conditions, values = wanted.condition()
    timed = wanted.since is not None or wanted.until is not None
    if before is not None:
        conditions.append("(e.at, e.seq) < ((SELECT at FROM entries WHERE seq = ?), ?)" if timed else "e.seq < ?")
        values.extend([before, before] if timed else [before])
    order = "e.at DESC, e.seq DESC" if timed else "e.seq DESC"
    return log.select(f"{' AND '.join(conditions or ['1'])} ORDER BY {order} LIMIT ?", [*values, limit])


def every(log: Log, wanted: Filter, last: int = 1 << 62, size: int = 1000) -> Iterator[Entry]:
    """All entries up to number ``last`` that fit, oldest first, in little memory."""
    conditions, values = wanted.condition()
    after = 0
    while True:
        where = " AND ".join([*conditions, "e.seq > ?", "e.seq <= ?"])
        found = log.select(f"{where} ORDER BY e.seq LIMIT ?", [*values, after, last, size])
        yield from found
        if len(found) < size:
            return
        after = found[-1].seq


def count(log: Log, wanted: Filter, last: int) -> int:
    """How many ``every`` gives."""
    conditions, values = wanted.condition()
    where = " AND ".join([*conditions, "e.seq <= ?"])
    with log.lock:
        row = log.connection.execute(f"SELECT count(*) FROM entries e WHERE {where}", [*values, last]).fetchone()  # noqa: S608
    return int(row[0])


class _Told(dict[str, Any]):
    """Values for a sentence; what is not there was erased."""

    def __missing__(self, name: str) -> str:
        return "(erased)" if self.get("erased") else "-"


def sentence(entry: Entry) -> str:
    """What an entry says, in plain words."""
    kind = KINDS.get(entry.kind)
    if kind is None:
        return entry.kind + (f": {json.dumps(entry.body, ensure_ascii=False)}" if entry.body else "")
    values = {name: _plain(value) for name, value in entry.body.items()}
    named = f'"{entry.body["coworker"]}"' if entry.body.get("coworker") else ""
    values |= {"whose": named or "all coworkers", "holder": named or "klapp"}
    told = kind.says.format_map(_Told(values, run=entry.run, erased=entry.erased))
    if entry.kind == INTENT:
        told = f"{told[:-1]}: {entry.subject}" if entry.subject else told
    elif entry.body.get("reason"):
        told = f"{told[:-1]}: {entry.body['reason']}"
    return told + (" Its values were erased." if entry.erased else "")


def _plain(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def as_data(entry: Entry) -> Mapping[str, Any]:
    """An entry for programs."""
    return {
        "entry": entry.seq,
        "time": entry.at,
        "monotonic": entry.mono,
        "kind": entry.kind,
        "coworker": entry.owner or None,
        "run": entry.run,
        "who": entry.who,
        "from": entry.origin,
        "file": entry.subject or None,
        "says": sentence(entry),
        "erased": entry.erased,
        "values": entry.body,
    }
