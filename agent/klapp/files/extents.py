"""What of a file is data and what are holes, so that a sparse file stays sparse, and is copied as fast as its data.

Where the system can not tell (lseek(2), ``SEEK_DATA``), all of a file is data.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise

Ranges = Sequence[tuple[int, int]]
"""(offset, length) of each stretch of data, in order, none empty."""
BLOCK = 1 << 20
MOST_RANGES = 1 << 14
"""A file in more pieces than this is taken for data from end to end."""
_CAN_NOT = frozenset({errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.ETXTBSY})


def data_ranges(file: int) -> Ranges:
    """Where the data of an open file lie. Raises OSError."""
    size = os.fstat(file).st_size
    if not hasattr(os, "SEEK_DATA") or not size:
        return [(0, size)] if size else []
    found: list[tuple[int, int]] = []
    position = 0
    try:
        while position < size and len(found) < MOST_RANGES:
            begin = os.lseek(file, position, os.SEEK_DATA)
            position = min(os.lseek(file, begin, os.SEEK_HOLE), size)
            if begin >= position:
                break
            found.append((begin, position - begin))
    except OSError as error:
        if error.errno == errno.ENXIO:  # only a hole is left
            return found
        if error.errno not in _CAN_NOT:
            raise
        return [(0, size)]
    return found if position >= size else [(0, size)]


def blocks(file: int, ranges: Ranges) -> Iterator[tuple[int, bytes]]:
    """The data of an open file, at most a megabyte at a time: (offset, bytes). Raises OSError."""
    for begin, length in ranges:
        position, end = begin, begin + length
        while position < end:
            block = _pread(file, min(BLOCK, end - position), position)
            if not block:
                return  # it was cut shorter meanwhile; who reads compares
            yield position, block
            position += len(block)


def digest(file: int, ranges: Ranges) -> bytes:
    """The SHA-256 of the data in these ranges and of where they lie. Raises OSError."""
    found = hashlib.sha256(repr(list(ranges)).encode("ascii"))
    for _, block in blocks(file, ranges):
        found.update(block)
    return found.digest()


def copy_data(source: int, goal: int, ranges: Ranges) -> None:
    """Copy these ranges between open files, within the file system where it can (reflinks). Raises OSError."""
    for begin, length in ranges:
        position = begin + _copied_by_system(source, goal, begin, length)
        for offset, block in blocks(source, [(position, begin + length - position)]):
            view = memoryview(block)
            while view:
                written = _pwrite(goal, view, offset)
                view, offset = view[written:], offset + written


def _copied_by_system(source: int, goal: int, begin: int, length: int) -> int:
    """How many bytes the system has copied by itself."""
    if not hasattr(os, "copy_file_range"):
        return 0
    copied = 0
    try:
        while copied < length:
            count = os.copy_file_range(source, goal, length - copied, begin + copied, begin + copied)
            if not count:
                break
            copied += count
    except OSError as error:
        if error.errno not in _CAN_NOT:
            raise
    return copied


def are_ranges(ranges: object, size: int) -> bool:
    """Whether something that was read is ranges of a file of this size."""
    if not isinstance(ranges, list) or not all(
        isinstance(one, list) and len(one) == 2 and all(type(part) is int and part >= 0 for part in one)
        for one in ranges
    ):
        return False
    ends = [(begin, begin + length) for begin, length in ranges]
    return all(one[1] <= two[0] for one, two in pairwise(ends)) and (not ends or ends[-1][1] <= size)


def _pread(file: int, count: int, position: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(file, count, position)
    os.lseek(file, position, os.SEEK_SET)
    return os.read(file, count)


def _pwrite(file: int, data: memoryview, position: int) -> int:
    if hasattr(os, "pwrite"):
        return os.pwrite(file, data, position)
    os.lseek(file, position, os.SEEK_SET)
    return os.write(file, data)
