"""A lock on a file among processes and threads, which the system drops when its owner dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Held(Exception):
    """Somebody else holds the lock."""


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a file, which is made where it is missing, for its owner alone. Without ``wait`` raises Held where
    another holds it; else waits without asking again and again. Not to be entered by a thread that is within it.

    Raises OSError where the file can not be opened, or its file system has no locks.
    """
    if sys.platform == "win32":
        from filelock import FileLock, Timeout

        lock = FileLock(path, timeout=-1 if wait else 0, mode=0o600)
        try:
            lock.acquire()
        except Timeout as error:
            raise Held(str(path)) from error
        try:
            yield
        finally:
            lock.release()
        return
    import fcntl

    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise Held(str(path)) from error
        yield
    finally:
        os.close(file)
