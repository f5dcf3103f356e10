"""The Merkle tree over a log's entries, as it is stored: leaves, inner nodes, and signed checkpoints.

Of the inner nodes only those over ``TILE`` leaves and more are stored, an entry in a hundred; what lies below is
computed again from the leaves. Of the checkpoints the newest is kept, and one for each ``SPACING`` entries.
"""

from __future__ import annotations

from collections.abc import Iterable

from klapp.audit.merkle import Frontier, consistency_proof, frontier_of, inclusion_proof, node_hash
from klapp.audit.notes import Signer
from klapp.vault.database import Connection

TILE_LEVEL = 8
TILE = 1 << TILE_LEVEL
SPACING = 4 * TILE


class MissingNode(Exception):
    """A part of the tree that a proof needs is not there."""


class StoredTree:
    """The tree in a database. Whoever writes holds a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest(self) -> tuple[int, str] | None:
        """Size and note of the newest checkpoint."""
        row = self._connection.execute("SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        return (int(row[0]), str(row[1])) if row else None

    def tip(self) -> Frontier:
        """The right edge of the tree; to be read anew in each transaction, for others may have written."""
        row = self._connection.execute("SELECT size, peaks FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        return Frontier.of_bytes(*row) if row else Frontier()

    def grow(self, leaves: Iterable[bytes], signer: Signer) -> None:
        """Add leaves, and the signed checkpoint of the tree with them."""
        tip = self.tip()
        before = tip.size
        nodes: list[tuple[int, int, bytes]] = []

        def made(level: int, position: int, hash: bytes) -> None:
            if level >= TILE_LEVEL:
                nodes.append((level, position, hash))

        rows = []
        for leaf in leaves:
            tip.add(leaf, made)
            rows.append((tip.size, leaf))
        run, many = self._connection.execute, self._connection.executemany
        many("INSERT INTO leaves VALUES (?, ?)", rows)
        many("INSERT INTO nodes VALUES (?, ?, ?)", nodes)
        if before // SPACING == tip.size // SPACING:
            run("DELETE FROM checkpoints WHERE size = ?", (before,))
        note = signer.sign(tip.size, tip.root())
        run("INSERT INTO checkpoints VALUES (?, ?, ?)", (tip.size, note, tip.to_bytes()))

    def node(self, level: int, position: int) -> bytes:
        """The hash of a perfect subtree; raises MissingNode."""
        if level >= TILE_LEVEL:
            query = "SELECT hash FROM nodes WHERE level = ? AND position = ?"
            row = self._connection.execute(query, (level, position)).fetchone()
            if row is None:
                raise MissingNode
            return bytes(row[0])
        begin, count = position << level, 1 << level
        query = "SELECT hash FROM leaves WHERE seq > ? AND seq <= ? ORDER BY seq"
        hashes = [bytes(row[0]) for row in self._connection.execute(query, (begin, begin + count))]
        if len(hashes) != count:
            raise MissingNode
        while len(hashes) > 1:
            hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
        return hashes[0]

    def frontier(self, size: int) -> Frontier:
        """The right edge when the tree had ``size`` leaves; raises MissingNode."""
        return frontier_of(size, self.node)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """See ``merkle.inclusion_proof``; raises MissingNode."""
        return inclusion_proof(index, size, self.node)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """See ``merkle.consistency_proof``; raises MissingNode."""
        return consistency_proof(old, new, self.node)
