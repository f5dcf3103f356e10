"""Whether a log is as it was written: entry by entry, against its tree, its checkpoints, and those kept elsewhere.

One pass over the entries and the leaves side by side, in little memory however long the log is, and one over the file. What
differs first is named, with the kind of change that it was.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from klapp.audit import schema
from klapp.audit.entry import COLUMNS, CONTENT, INTENT, OUTCOME, Row, leaf_of
from klapp.audit.merkle import Frontier, leaf_hash
from klapp.audit.notes import RETIRED, Checkpoint, Signer, parse
from klapp.audit.sealing import Unsealable, stored_key
from klapp.audit.tree import SPACING, TILE_LEVEL
from klapp.counts import counted
from klapp.signednote import BadNote
from klapp.vault.database import Connection, damaged_pages, failures

if TYPE_CHECKING:
    from klapp.audit.log import Log

STEP = 5000
"""Entries between two words on how far it is."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is not as it was written.

    Attributes:
        kind: "changed", "deleted", "added", "duplicated", "reordered", "truncated", "rolled back", "forged checkpoint",
            "changed key", "changed tree" or "unreadable".
        entry: the first entry that is concerned.
        sentence: what was found, for a person.
    """

    kind: str
    entry: int
    sentence: str


class _Found(Exception):
    def __init__(self, kind: str, entry: int, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = Problem(kind, entry, sentence)


def verify(
    log: Log, witnesses: Sequence[tuple[str, str]] = (), progress: Callable[[int, int], None] | None = None
) -> Problem | None:
    """The first problem, or None. ``witnesses`` are (place, note) of checkpoints that were kept elsewhere;
    ``progress`` is told how many entries are done, and of how many."""
    steps = verifying(log, witnesses)
    while True:
        try:
            done, total = next(steps)
        except StopIteration as stop:
            problem: Problem | None = stop.value
            return problem
        if progress is not None:
            progress(done, total)


def verifying(log: Log, witnesses: Sequence[tuple[str, str]] = ()) -> Generator[tuple[int, int], None, Problem | None]:
    """As ``verify``, step by step: gives how many entries are done, and of how many."""
    with log.lock:
        log.flush()
    checking: _Checking | None = None
    try:
        with log.reader() as connection:
            checking = _Checking(connection, log.signer)
            yield from checking.run(witnesses)
    except _Found as found:
        return found.problem
    except failures() as error:
        at = checking.frontier.size + 1 if checking is not None else 1
        return Problem("unreadable", at, f"The log can not be read from entry {at} on: its file was changed ({error}).")
    return None


class _Checking:
    """One pass."""

    def __init__(self, connection: Connection, signer: Signer) -> None:
        self.connection = connection
        self.signer = signer
        self.frontier = Frontier()
        self.nodes: list[tuple[int, int, bytes]] = []
        self.counted_nodes = 0
        self.contents = 0
        self.open_runs: set[int] = set()
        self.last_key = self.last_run = self.total = 0

    def one(self, query: str, *values: Any) -> Any:
        row = self.connection.execute(query, values).fetchone()
        return row[0] if row else None

    def run(self, witnesses: Sequence[tuple[str, str]]) -> Iterator[tuple[int, int]]:
        begin = self._tombstone()
        expected = self._expected(witnesses, begin)
        self.erased = _Ranges(self._erasures())
        sizes = iter(sorted(expected))
        due = next(sizes, None)
        total = self.total = self.one("SELECT max(size) FROM checkpoints") or 0
        for seq, row, leaf, key in self._rows(begin):
            found = leaf_hash(leaf_of(row)) if row is not None else None
            if row is None or found is None or found != leaf:
                raise self._told_apart(seq, row)
            self._values(row, key)
            self._runs(row)
            self.frontier.add(found, self._made)
            while due is not None and due == self.frontier.size:
                self._compare(expected[due])
                due = next(sizes, None)
            if seq % STEP == 0:
                self._nodes()
                yield seq, total
        self._end(due, begin, total)
        yield total, total

    # -- where to begin, and what to expect ---------------------------------------------------------------------------

    def _tombstone(self) -> int:
        """How many entries were let go."""
        text = schema.trait(self.connection, "tombstone")
        if text is None:
            return 0
        try:
            stone = json.loads(text)
            retired = self.signer.open(stone["note"], about=RETIRED)
            self.frontier = Frontier.of_bytes(retired.size, bytes.fromhex(stone["peaks"]))
        except (ValueError, KeyError, TypeError):
            raise _Found(
                "forged checkpoint", 1, "The signature under what was let go of the log is not right."
            ) from None
        if self.frontier.root() != retired.root:
            raise _Found("forged checkpoint", 1, "What was let go of the log is not what was signed.")
        return retired.size

    def _expected(self, witnesses: Sequence[tuple[str, str]], begin: int) -> dict[int, list[tuple[str, Checkpoint]]]:
        """The checkpoints to hold the log against, by size, with the place of each ("" for the log's own)."""
        expected: dict[int, list[tuple[str, Checkpoint]]] = {}
        for size, note in self.connection.execute("SELECT size, note FROM checkpoints ORDER BY size"):
            try:
                checkpoint = parse(note)[0]
                fits = checkpoint.size == size and note == self.signer.sign(
                    size, checkpoint.root
                )  # it is deterministic
            except BadNote:
                fits = False
            if not fits:
                raise _Found("forged checkpoint", size, f"The checkpoint at entry {size} was not signed by this log.")
            expected.setdefault(size, []).append(("", checkpoint))
        newest = max(expected, default=0)
        for place, note in witnesses:
            try:
                checkpoint = self.signer.open(note)
            except BadNote as error:
                raise _Found(
                    "forged checkpoint", 1, f"The checkpoint kept in {place} is not of this log. {error}"
                ) from None
            if checkpoint.size > newest:
                raise _Found(
                    "rolled back",
                    newest + 1,
                    f"The log was set back to an older state: {place} knows {counted(checkpoint.size, 'entry', 'entries')}, here are "
                    f"{newest:,}. Entry {newest + 1} and those behind it are gone.",
                )
            expected.setdefault(checkpoint.size, []).append((place, checkpoint))
        return {size: some for size, some in expected.items() if size > begin}

    def _erasures(self) -> list[list[int]]:
        rows = self.connection.execute("SELECT public FROM entries WHERE kind = 'erased' ORDER BY seq")
        return [span for (public,) in rows for span in json.loads(public).get("keys") or ()]

    # -- entry by entry -----------------------------------------------------------------------------------------------

    def _rows(self, begin: int) -> Iterator[tuple[int, Row | None, bytes | None, Row]]:
        """Entries and leaves by number; None for one that is missing."""
        query = (
            f"SELECT {', '.join(f'e.{name}' for name in COLUMNS.split(', '))}, k.*, l.hash FROM entries e "  # noqa: S608
            "LEFT JOIN keys k ON k.id = e.key LEFT JOIN leaves l ON l.seq = e.seq WHERE e.seq > ? ORDER BY e.seq"
        )
        width = COLUMNS.count(",") + 1
        expected = begin + 1
        for row in self.connection.execute(query, (begin,)):
            if row[0] != expected:
                yield expected, None, None, ()
                return
            yield row[0], row[:width], row[-1], row[width:-1]
            expected += 1

    def _values(self, row: Row, key: Row) -> None:
        """Sealed values must open, unless their key was destroyed by an erasure that is in the log."""
        seq, kind, identity, sealed = row[0], row[4], row[9], row[11]
        if identity is None:
            return
        if key[0] is None:
            if not self.erased.has(identity):
                raise _Found("deleted", seq, f"The key of entry {seq} was removed, and no erasure in the log says so.")
            return
        try:
            values = stored_key(key).open(sealed)
            if kind == CONTENT:
                self._content(row, zlib.decompress(values))
        except (Unsealable, zlib.error):
            raise _Found(
                "changed key", seq, f"The key of entry {seq} was changed: its values can not be opened."
            ) from None

    def _content(self, row: Row, data: bytes) -> None:
        number = json.loads(row[10])["number"]
        found = self.connection.execute("SELECT digest, seq FROM contents WHERE number = ?", (number,)).fetchone()
        if found is None or (found[1] == row[0] and bytes(found[0]) != hashlib.sha256(data).digest()):
            raise _Found("changed", row[0], f"Where runs find the text of entry {row[0]} was changed.")
        self.contents += found[1] == row[0]

    def _runs(self, row: Row) -> None:
        """Keep count of what else is known of runs and keys."""
        run, kind = row[3], row[4]
        if row[9] is not None:
            self.last_key = max(self.last_key, row[9])
        if run is not None:
            self.last_run = max(self.last_run, run)
            if kind == INTENT:
                self.open_runs.add(run)
            elif kind == OUTCOME:
                self.open_runs.discard(run)

    def _made(self, level: int, position: int, hash: bytes) -> None:
        if level >= TILE_LEVEL:
            self.nodes.append((level, position, hash))

    def _nodes(self) -> None:
        """The stored inner nodes must be those that the entries make."""
        for level, position, hash in self.nodes:
            stored = self.one("SELECT hash FROM nodes WHERE level = ? AND position = ?", level, position)
            if stored != hash:
                first = (position << level) + 1
                what = f"The tree's hash over the entries {first} to {(position + 1) << level} was changed or removed."
                raise _Found("changed tree", first, what)
        self.counted_nodes += len(self.nodes)
        self.nodes = []

    def _compare(self, expected: Sequence[tuple[str, Checkpoint]]) -> None:
        for place, checkpoint in expected:
            if checkpoint.root == self.frontier.root():
                self._peaks(checkpoint.size)
                continue
            if place:
                raise _Found(
                    "rolled back",
                    checkpoint.size,
                    f"The log is another one than {place} knows: what was written up to entry {checkpoint.size:,} was written anew.",
                )
            first = (checkpoint.size - 1) // SPACING * SPACING + 1
            raise _Found(
                "changed",
                first,
                f"One of the entries {first} to {checkpoint.size} was changed, with its place in the tree: "
                "the signed checkpoint behind them is of other ones.",
            )

    def _peaks(self, size: int) -> None:
        peaks = self.one("SELECT peaks FROM checkpoints WHERE size = ?", size)
        if peaks is not None and bytes(peaks) != self.frontier.to_bytes():
            raise _Found("changed tree", size, f"The edge of the tree at entry {size}, where it grew, was changed.")

    # -- what kind of change ------------------------------------------------------------------------------------------

    def _told_apart(self, seq: int, row: Row | None) -> _Found:
        """What became of the first entry that is not the one of its leaf; None for one that is missing."""
        leaf = self.one("SELECT hash FROM leaves WHERE seq = ?", seq)
        last = self.one("SELECT max(seq) FROM leaves") or 0
        if row is None:
            if any(leaf_hash(leaf_of(other)) == leaf for other in self._beyond(max(last, seq))):
                return _Found("reordered", seq, f"Entry {seq} was moved to another place.")
            return _Found("deleted", seq, f"Entry {seq} was deleted.")
        found = leaf_hash(leaf_of(row))
        elsewhere = self.one("SELECT seq FROM leaves WHERE hash = ? AND seq <> ? ORDER BY seq", found, seq)
        added = _Found("added", seq, f"Entry {seq} was added by something other than klapp.")
        if leaf is None:
            if elsewhere is not None:
                return _Found("duplicated", seq, f"Entry {seq} is a copy of entry {elsewhere}.")
            return (
                _Found("changed tree", seq, f"The tree's hash of entry {seq} was removed.")
                if seq <= self.total
                else added
            )
        entries = self.one("SELECT count(*) FROM entries WHERE seq >= ?", seq)
        leaves = self.one("SELECT count(*) FROM leaves WHERE seq >= ?", seq)
        if elsewhere is None:
            following = self._hash(seq + 1)
            if entries > leaves and following == leaf:
                return added
            return _Found("changed", seq, f"Entry {seq}{_about(row)} was changed.")
        if entries < leaves:
            return _Found("deleted", seq, f"Entry {seq} was deleted, and those behind it moved up.")
        if entries > leaves or elsewhere < seq or self._hash(elsewhere) == found:
            return _Found("duplicated", seq, f"Entry {seq} is a copy of entry {elsewhere}.")
        return _Found("reordered", seq, f"Entry {seq} was moved: in its place stands entry {elsewhere}.")

    def _hash(self, seq: int) -> bytes | None:
        row = self.connection.execute(f"SELECT {COLUMNS} FROM entries WHERE seq = ?", (seq,)).fetchone()  # noqa: S608
        return leaf_hash(leaf_of(tuple(row))) if row else None

    def _beyond(self, last: int) -> Iterator[Row]:
        query = f"SELECT {COLUMNS} FROM entries WHERE seq > ? ORDER BY seq LIMIT 10000"  # noqa: S608
        yield from self.connection.execute(query, (last,)).fetchall()

    def _end(self, due: int | None, begin: int, total: int) -> None:
        """Behind the last entry: nothing may be missing, and nothing too much."""
        size = self.frontier.size
        if due is not None or size < total:
            raise _Found(
                "truncated",
                size + 1,
                f"The log was cut off behind entry {size}; it had {counted(due or total, 'entry', 'entries')}.",
            )
        if size > total:
            raise _Found(
                "truncated",
                total + 1,
                f"The newest checkpoints were removed: that behind entry {total} is the last, and there are {size} entries.",
            )
        self._nodes()
        counts = {
            "entries": size - begin,
            "leaves": size - begin,
            "nodes": self.counted_nodes + (begin.bit_count() if begin else 0),
            "contents": self.contents,
        }
        for table, count in counts.items():
            found = self.one(f"SELECT count(*) FROM {table}")  # noqa: S608
            if found != count:
                what = f"The table “{table}” of the log should have {count:,} rows, and has {found:,}."
                raise _Found("added" if found > count else "changed", size, what)
        self._numbers(size)
        if pages := damaged_pages(self.connection):
            named = ", ".join(map(str, pages[:5])) + (", ..." if pages[5:] else "")
            raise _Found(
                "unreadable",
                size,
                f"Every entry is as it was written, but the file was changed beside them, in {len(pages):,} of its pages "
                f"({named}). Bring back a copy of klapp's folder.",
            )

    def _numbers(self, size: int) -> None:
        """What is noted beside the entries must be what these say."""
        unfinished = {row[0] for row in self.connection.execute("SELECT run FROM open_runs")}
        last_run, last_key = self.connection.execute("SELECT last_run, last_key FROM numbers").fetchone() or (0, 0)
        if unfinished != self.open_runs or last_key < self.last_key or last_run < self.last_run:
            raise _Found("changed", size, "What the log notes of unfinished runs and of keys was changed.")


class _Ranges:
    """Whole numbers in ranges, both ends included."""

    def __init__(self, spans: Sequence[Sequence[int]]) -> None:
        self._spans = sorted((int(first), int(last)) for first, last in spans)
        self._firsts = [first for first, _ in self._spans]

    def has(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._spans[at][1]


def _about(row: Row) -> str:
    return f" (run {row[3]})" if row[3] is not None else ""
