"""Tells when a file has arrived: written, closed, and quiet. Knows nothing of how its changes were noticed."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

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


def files_in(folder: str, deep: bool) -> Iterator[tuple[str, Version]]:
    """The whole files in a folder, or, if ``deep``, below it, each with its version. Links are not followed."""
    for parent, folders, names in os.walk(folder):
        for name in names:
            if not is_partial(name) and (version := version_of(path := os.path.join(parent, name))):
                yield path, version
        if not deep:
            folders.clear()


class Settling:
    """Files that something happened to, until they have been the same for ``quiet`` seconds.

    A version that was told once is not told again. Times are those of any clock that only goes forward, in seconds.
    """

    def __init__(self, quiet: float) -> None:
        self.quiet = quiet
        self._waiting: dict[str, tuple[Version | None, float]] = {}
        self._told: OrderedDict[str, Version] = OrderedDict()

    def __len__(self) -> int:
        """How many files are being watched until they are quiet."""
        return len(self._waiting)

    def touched(self, path: str, now: float) -> None:
        """Something happened to the file at ``path``."""
        if not is_partial(os.path.basename(path)):
            self._waiting[path] = (version_of(path), now)

    def waits_for(self, path: str) -> bool:
        """Whether a file is being watched until it is quiet."""
        return path in self._waiting

    def arrived(self, now: float) -> list[str]:
        """The files that have come to rest, sorted; they are waited for no longer."""
        found = []
        for path, (version, since) in sorted(self._waiting.items()):
            if now - since < self.quiet:
                continue
            current = version_of(path)
            if current is None:
                del self._waiting[path]
            elif current != version or is_being_written(path):
                self._waiting[path] = (current, now)
            else:
                del self._waiting[path]
                if self._told.get(path) != current:
                    self._remember(path, current)
                    found.append(path)
        return found

    def told(self, paths: Iterable[str]) -> list[tuple[str, Version]]:
        """The versions of files that were told to have arrived; those of long ago are forgotten."""
        return [(path, self._told[path]) for path in paths if path in self._told]

    def next_look(self) -> float | None:
        """When the next file can have come to rest; None while none is waited for."""
        return min(since for _, since in self._waiting.values()) + self.quiet if self._waiting else None

    def _remember(self, path: str, version: Version) -> None:
        self._told[path] = version
        self._told.move_to_end(path)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
