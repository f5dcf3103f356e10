"""Keeps the vault's key out of swap and core dumps, as far as the platform lets us.

What Python, OpenSSL and SQLCipher make of the key (derived keys, their schedules) lies in ordinary memory; encrypted
swap is what helps there.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

_PR_SET_DUMPABLE = 4  # prctl(2)


class LockedKey:
    """A key in memory that is not swapped out, where the system allows it, and is zeroed when let go."""

    __slots__ = ("_buffer", "locked")

    def __init__(self, key: bytes) -> None:
        self._buffer = bytearray(key)
        self.locked = _lock(self._buffer)

    def reveal(self) -> bytes:
        """The key, as a copy that Python owns. Raises ValueError after ``forget``."""
        if not self._buffer:
            raise ValueError("the key was forgotten")
        return bytes(self._buffer)

    def forget(self) -> None:
        """Zero the key; it can not be used afterwards."""
        for index in range(len(self._buffer)):
            self._buffer[index] = 0
        self._buffer = bytearray()

    def __repr__(self) -> str:
        return "<LockedKey>"


def _lock(buffer: bytearray) -> bool:
    """Whether the buffer's pages stay in memory from now on (mlock(2), VirtualLock)."""
    address = ctypes.addressof((ctypes.c_char * len(buffer)).from_buffer(buffer))
    with suppress(OSError, AttributeError):
        if sys.platform == "win32":
            locked = ctypes.windll.kernel32.VirtualLock(ctypes.c_void_p(address), ctypes.c_size_t(len(buffer)))
            return bool(locked)
        return bool(ctypes.CDLL(None).mlock(ctypes.c_void_p(address), ctypes.c_size_t(len(buffer))) == 0)
    return False


def harden() -> None:
    """Make this process leave no core dump, and close its memory to other processes of the same person (Linux)."""
    if os.name != "posix":
        return
    import resource

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
