"""Tells when a file or folder has come to rest: written, closed, and quiet. Knows nothing of how that was noticed."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections import OrderedDict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

PARTIAL = (
    "*.crdownload", "*.part", "*.partial", "*.download", "*.opdownload", "*.tmp", "*.swp", "*~", "~$*", ".~lock.*",
    ".goutputstream-*", ".klapp-*", ".#*",
)  # fmt: skip
"""Names of what is not a whole file yet, or never will be: browsers' downloads, editors' locks and drafts."""
REMEMBERED = 50_000

Version = tuple[int, int, int, int]
"""(device, inode, modified in ns, size)."""


def is_partial(name: str) -> bool:
    """Whether a file of that name is still being made by somebody."""
    lowered = name.lower()
    return any(fnmatchcase(lowered, pattern) for pattern in PARTIAL)


def version_of(path: str) -> Version | None:
    """The version of the regular file at a path; None for anything else and for nothing. Follows no link."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def is_being_written(path: str) -> bool:
    """Whether somebody has the file open for writing, where the system tells (Linux: a read lease is refused then)."""
    if not sys.platform.startswith("linux"):
        return False
    import fcntl
    import signal

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Who opens the file while the lease holds has the kernel tell us by a signal. SIGIO, the usual one, would end
        # the agent; SIGURG is ignored unless asked for.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EWOULDBLOCK)
    finally:
        os.close(descriptor)
    return False


def folder_of(path: str) -> Version | None:
    """What tells the folder at a path from another one there: its device and number; None for anything else."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino, 0, 0) if stat.S_ISDIR(status.st_mode) else None


def looks_in(folder: str, deep: bool) -> Iterator[tuple[str, Version]]:
    """The whole files and the folders in a folder, or, if ``deep``, below it, each with its version.

    A folder's path ends with ``/``. Links are not followed.
    """
    for parent, folders, names in os.walk(folder):
        for name in names:
            if not is_partial(name) and (version := version_of(path := os.path.join(parent, name))):
                yield path, version
        for name in folders:
            if version := folder_of(path := os.path.join(parent, name)):
                yield path + "/", version
        if not deep:
            folders.clear()


def content_of(folder: str) -> Version | None:
    """What changes whenever something in a folder or below it does: (how much is there, last change, sum of sizes)."""
    there = folder_of(folder)
    if there is None:
        return None
    count = newest = size = 0
    for parent, folders, names in os.walk(folder):
        count += len(folders) + len(names)
        for name in names:
            try:
                status = os.lstat(os.path.join(parent, name))
            except OSError:
                continue
            newest, size = max(newest, status.st_mtime_ns), size + status.st_size
            count += is_partial(name) << 40
    return there[1], count, newest, size


class Rest(NamedTuple):
    """What came to rest: a path (a folder's ends with ``/``), and its version; None for what is not there any more.

    ``known`` tells that a version of it was told before, and not that it is gone.
    """

    path: str
    version: Version | None
    known: bool


class Settling:
    """Files and folders that something happened to, until they have been the same for ``quiet`` seconds.

    A version that was told once is not told again. Times are those of any clock that only goes forward, in seconds.
    """

    def __init__(self, quiet: float) -> None:
        self.quiet = quiet
        # Ordered by when something happened last, so that only those are looked at whose time has come.
        self._waiting: OrderedDict[str, tuple[Version | None, float]] = OrderedDict()
        self._told: OrderedDict[str, Version] = OrderedDict()

    def __len__(self) -> int:
        """How many files are being watched until they are quiet."""
        return len(self._waiting)

    def touched(self, path: str, now: float) -> None:
        """Something happened to the file at ``path``, or, where that ends with ``/``, to the folder."""
        if not is_partial(os.path.basename(path)):
            self._waiting[path] = (_state(path), now)
            self._waiting.move_to_end(path)

    def waits_for(self, path: str) -> bool:
        """Whether a file is being watched until it is quiet."""
        return path in self._waiting

    def rested(self, now: float) -> list[Rest]:
        """What has come to rest, by path; it is waited for no longer."""
        found = []
        while self._waiting:
            path, (state, since) = next(iter(self._waiting.items()))
            if now - since < self.quiet:
                break
            current = _state(path)
            if current != state or (current is not None and not path.endswith("/") and is_being_written(path)):
                self._waiting[path] = (current, now)
                self._waiting.move_to_end(path)
                continue
            del self._waiting[path]
            version = folder_of(path) if path.endswith("/") else current
            if version is None or self._told.get(path) != version:
                found.append(Rest(path, version, path in self._told))
                self._remember(path, version)
        return sorted(found)

    def next_look(self) -> float | None:
        """When the next file can have come to rest; None while none is waited for."""
        return next(iter(self._waiting.values()))[1] + self.quiet if self._waiting else None

    def _remember(self, path: str, version: Version | None) -> None:
        if version is None:
            self._told.pop(path, None)
            return
        self._told[path] = version
        self._told.move_to_end(path)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)


def _state(path: str) -> Version | None:
    return content_of(path) if path.endswith("/") else version_of(path)
