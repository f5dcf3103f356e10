"""Merkle trees as RFC 9162, section 2.1, defines them: hashing, growing, and proofs. Pure; knows nothing of storage.

A tree over ``size`` leaves is known by its *perfect* subtrees: the one of ``level`` n at ``position`` p stands over the
leaves p * 2**n up to (p + 1) * 2**n. Whoever can name their hashes can prove anything of the tree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

HASH = 32
Nodes = Callable[[int, int], bytes]
"""Gives the hash of the perfect subtree of a level and a position."""
_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """The hash of one entry; its first byte keeps it from ever standing for an inner node."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return _sha256(b"\x01" + left + right).digest()


EMPTY = _sha256(b"").digest()
"""The root of a tree without leaves."""


class Frontier:
    """The right edge of a growing tree: its ``size``, and the ``peaks``, the roots of the perfect subtrees that it is
    made of, the largest first. Adding a leaf costs O(log size) at most and O(1) on average."""

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Raises ValueError where there can not be so many peaks."""
        if len(peaks) != size.bit_count():
            raise ValueError("the peaks do not fit the size of the tree")
        self.size = size
        self.peaks = list(peaks)

    @classmethod
    def of_bytes(cls, size: int, data: bytes) -> Frontier:
        """The opposite of ``to_bytes``; raises ValueError."""
        return cls(size, [data[at : at + HASH] for at in range(0, len(data), HASH)])

    def to_bytes(self) -> bytes:
        """The peaks one behind the other."""
        return b"".join(self.peaks)

    def copy(self) -> Frontier:
        """One that grows by itself."""
        return Frontier(self.size, self.peaks)

    def add(self, leaf: bytes, made: Callable[[int, int, bytes], object] | None = None) -> None:
        """Add a leaf by its hash; ``made`` is told level, position and hash of each inner node that is complete now."""
        peaks, size, level = self.peaks, self.size, 0
        while size & 1:
            leaf = _sha256(b"\x01" + peaks.pop() + leaf).digest()
            size >>= 1
            level += 1
            if made is not None:
                made(level, size, leaf)
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root hash of the tree so far."""
        if not self.peaks:
            return EMPTY
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def frontier_of(size: int, nodes: Nodes) -> Frontier:
    """The right edge of the tree of the first ``size`` leaves."""
    peaks, begin = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            peaks.append(nodes(level, begin >> level))
            begin += 1 << level
    return Frontier(size, peaks)


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """The proof that the leaf at ``index`` (from 0) is in the tree of ``size`` leaves (RFC 9162, 2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError("there is no such leaf in the tree")
    return _path(index, 0, size, nodes)


def consistency_proof(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """The proof that the tree of ``old`` leaves is the beginning of that of ``new`` (RFC 9162, 2.1.4.1)."""
    if not 0 < old <= new:
        raise ValueError("the older tree has to be the smaller one, and not empty")
    return _subproof(old, 0, new, True, nodes)


def _path(index: int, begin: int, end: int, nodes: Nodes) -> list[bytes]:
    if end - begin == 1:
        return []
    middle = begin + _split(end - begin)
    if index < middle:
        return [*_path(index, begin, middle, nodes), _range(middle, end, nodes)]
    return [*_path(index, middle, end, nodes), _range(begin, middle, nodes)]


def _subproof(old: int, begin: int, end: int, whole: bool, nodes: Nodes) -> list[bytes]:
    if old == end:
        return [] if whole else [_range(begin, end, nodes)]
    middle = begin + _split(end - begin)
    if old <= middle:
        return [*_subproof(old, begin, middle, whole, nodes), _range(middle, end, nodes)]
    return [*_subproof(old, middle, end, False, nodes), _range(begin, middle, nodes)]


def _split(count: int) -> int:
    """The largest power of two that is less than ``count``, which is 2 at least."""
    return 1 << (count - 1).bit_length() - 1


def _range(begin: int, end: int, nodes: Nodes) -> bytes:
    """The root over some leaves; ``begin`` is a place where a perfect subtree of their number can begin."""
    count = end - begin
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return nodes(level, begin >> level)
    middle = begin + _split(count)
    return node_hash(_range(begin, middle, nodes), _range(middle, end, nodes))


def proves_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether ``proof`` shows a leaf's hash to be at ``index`` of the tree of that root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for other in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(other, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, other)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def proves_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows the older tree to be the beginning of the newer one (RFC 9162, 2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not steps:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    older = newer = steps[0]
    for other in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            older, newer = node_hash(other, older), node_hash(other, newer)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            newer = node_hash(newer, other)
        place, last = place >> 1, last >> 1
    return last == 0 and older == old_root and newer == new_root
