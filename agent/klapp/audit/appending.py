"""Adding to the log, within one transaction: entries are sealed, stored, put into the tree, and signed for."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence

from klapp.audit.entry import CONTENT, INTENT, OUTCOME, Drafts, Entry, Row, leaf_of, line, split
from klapp.audit.merkle import leaf_hash
from klapp.audit.notes import Signer
from klapp.audit.sealing import ValueKey, stored_key
from klapp.audit.tree import StoredTree
from klapp.vault.database import Connection

KEYS_AT_HAND = 10_000
"""So many keys of runs that have not ended are remembered; those of others are read back."""


class Appender:
    """Writes to one database; its caller holds the transaction and the lock."""

    def __init__(self, connection: Connection, signer: Signer) -> None:
        self._connection = connection
        self._signer = signer
        self.tree = StoredTree(connection)
        self._of_runs: dict[int, tuple[str, ValueKey | None]] = {}

    def append(self, entries: Sequence[Entry], blobs: Iterable[bytes] = ()) -> None:
        """Add entries and the blobs that they name in ``body["uses"]``."""
        drafts = self._drafts()
        numbers = self._contents(drafts, entries, blobs)
        for entry in entries:
            self._draft(drafts, entry, numbers)
        self._write(drafts)
        many = self._connection.executemany
        many("INSERT OR IGNORE INTO open_runs VALUES (?)", [(e.run,) for e in entries if e.kind == INTENT])
        ended = [(entry.run,) for entry in entries if entry.kind == OUTCOME]
        many("DELETE FROM open_runs WHERE run = ?", ended)
        for (number,) in ended:
            self._of_runs.pop(number or 0, None)

    def append_again(self, contents: Iterable[Row]) -> None:
        """Add entries for texts that are stored already, each a number, what is sealed, and the row of its key."""
        drafts = self._drafts()
        for number, sealed, *key_row in contents:
            key = stored_key(tuple(key_row))
            self._store(drafts, zlib.decompress(key.open(sealed)), key.owner, number)
        self._write(drafts)

    def _drafts(self) -> Drafts:
        (last_key,) = self._connection.execute("SELECT last_key FROM numbers").fetchone()
        newest = self.tree.newest()
        return Drafts(newest[0] + 1 if newest else 1, last_key)

    def _write(self, drafts: Drafts) -> None:
        if not drafts.rows:
            return
        run, many = self._connection.execute, self._connection.executemany
        many("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", drafts.rows)
        many("INSERT INTO keys VALUES (?, ?, ?, ?, ?)", [key.row() for key in drafts.keys])
        run("UPDATE numbers SET last_key = ?", (drafts.last_key,))
        self.tree.grow((leaf_hash(leaf_of(row)) for row in drafts.rows), self._signer)

    def forget(self) -> None:
        """After a rollback, or where keys were destroyed: nothing that is remembered can be relied upon."""
        self._of_runs.clear()

    def _draft(self, drafts: Drafts, entry: Entry, numbers: dict[str, int]) -> None:
        owner, key = self._known(drafts, entry)
        body = entry.body
        if "uses" in body:
            body = body | {"uses": [numbers[name] for name in body["uses"] if name in numbers]}
        public, private = split(entry.kind, body)
        if private is not None and key is None:
            key = drafts.key(owner, entry.subject)
            if entry.run is not None:
                self._of_runs[entry.run] = owner, key
        drafts.add(entry, public, key.seal(private) if key and private else None, key if private else None, owner)

    def _known(self, drafts: Drafts, entry: Entry) -> tuple[str, ValueKey | None]:
        """Owner and key of the run to which an entry belongs; (its own owner, None) where there are none yet."""
        owner = line(entry.owner)
        if entry.run is None or entry.kind == INTENT:
            return owner, None
        known = self._of_runs.get(entry.run)
        if known is None:
            row = self._connection.execute(
                "SELECT e.owner, k.* FROM entries e LEFT JOIN keys k ON k.id = e.key WHERE e.run = ? ORDER BY e.seq LIMIT 1",
                (entry.run,),
            ).fetchone()
            if row is None:
                return owner, None
            known = str(row[0]), stored_key(row[1:]) if row[1] is not None else None
            if len(self._of_runs) < KEYS_AT_HAND:
                self._of_runs[entry.run] = known
        return owner or known[0], known[1]

    def _contents(self, drafts: Drafts, entries: Sequence[Entry], blobs: Iterable[bytes]) -> dict[str, int]:
        """Draft an entry for each blob that is new; the numbers of all that the entries use, by digest."""
        numbers: dict[str, int] = {}
        owners: dict[str, str] = {}
        for entry in entries:
            for name in entry.body.get("uses", ()):
                owners.setdefault(name, entry.owner)
        find = "SELECT number FROM contents WHERE digest = ?"
        for blob in blobs:
            name = hashlib.sha256(blob)
            row = self._connection.execute(find, (name.digest(),)).fetchone()
            numbers[name.hexdigest()] = row[0] if row else self._store(drafts, blob, owners.get(name.hexdigest(), ""))
        for name in owners:
            if name not in numbers:
                row = self._connection.execute(find, (bytes.fromhex(name),)).fetchone()
                if row is not None:
                    numbers[name] = row[0]
        return numbers

    def _store(self, drafts: Drafts, blob: bytes, owner: str, number: int | None = None) -> int:
        """Draft a content entry; ``number`` is that of one that is stored once more, since the old entry is let go."""
        owner = line(owner)
        key = drafts.key(owner, "")
        number = drafts.seq if number is None else number
        public, _ = split(CONTENT, {"number": number, "size": len(blob)})
        seq = drafts.add(Entry(None, CONTENT, {}), public, key.seal(zlib.compress(blob, 1)), key, owner)
        row = number, hashlib.sha256(blob).digest(), seq
        self._connection.execute("INSERT OR REPLACE INTO contents VALUES (?, ?, ?)", row)
        return number
