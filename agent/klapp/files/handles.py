"""Handles to folders: how a path is reached without ever being led astray by a link.

A folder is opened once and everything in it is then named relative to its handle, so that no link that is put into
the way later can matter. On Linux the kernel resolves the way (``openat2``, see openat2(2)) or, where it is too old,
each component is opened by itself; other systems with directory handles use the latter. Windows has none: there, paths
are checked for links before each use, which leaves a moment between check and use that a hostile program could take.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from time import monotonic

_LINUX = sys.platform.startswith("linux")
HAS_HANDLES = os.open in os.supports_dir_fd
"""Whether the system can name things relative to a folder that is open."""

CLOSED = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Flags of every open: a handle is never inherited, content is never translated."""
UNFOLLOWED = CLOSED | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Flags for opening what a name may turn out to be: no link is followed, no pipe is waited for."""
_READ = os.O_RDONLY | CLOSED | getattr(os, "O_DIRECTORY", 0)
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | CLOSED | getattr(os, "O_DIRECTORY", 0)
"""For a handle that only names things: where the system has those (see open(2), ``O_PATH``), it takes no right to read."""

_SYS_OPENAT2 = 437
_RESOLVE = 0x08 | 0x04 | 0x02  # BENEATH, NO_SYMLINKS, NO_MAGICLINKS
_OPEN_HOW = struct.pack("QQQ", _FOLDER, 0, _RESOLVE)
_RENAME_NOREPLACE = 1
_NOT_SUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP})


@cache
def _libc(name: str) -> Callable[..., int] | None:
    """A function of the C library, or None where it has none of this name."""
    return getattr(ctypes.CDLL(None, use_errno=True), name, None) if _LINUX else None


def _checked(result: int, name: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return result


def _openat2(root: int, relative: str) -> int:
    """Open a folder below a handle with no link on the way. EAGAIN says that a rename crossed the resolution."""
    syscall = _libc("syscall")
    for _ in range(8):
        if syscall is None:
            break
        with suppress(BlockingIOError):
            return _checked(syscall(_SYS_OPENAT2, root, os.fsencode(relative), _OPEN_HOW, len(_OPEN_HOW)), relative)
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), relative)


def _walk(root: int, relative: str) -> int:
    """As ``_openat2``, one component after the other, on any system with directory handles."""
    folder = root
    for name in relative.split("/"):
        above = folder
        try:
            folder = os.open(name, _FOLDER | UNFOLLOWED, dir_fd=above)
        except NotADirectoryError:
            if stat.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from None
            raise
        finally:
            if above != root:
                os.close(above)
    return folder


@cache
def has_openat2() -> bool:
    """Whether this kernel, in this sandbox, resolves paths beneath a handle by itself (Linux 5.6 and later)."""
    if not _LINUX:
        return False
    here = os.open("/", _FOLDER)
    try:
        os.close(_openat2(here, "."))
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED | {errno.EPERM, errno.EACCES}:
            raise  # such as too many open files: that says nothing of the kernel, and is not to be remembered
        return False
    finally:
        os.close(here)
    return True


class Folder:
    """One open folder. Every ``os`` function takes ``folder.entry(name)`` with ``dir_fd=folder.handle``.

    Attributes:
        path: where it was opened.
        handle: its descriptor, or None on a system without directory handles.
        touched: names were added or removed since it was last made durable.
    """

    __slots__ = ("handle", "path", "touched")

    def __init__(self, path: str, handle: int | None) -> None:
        self.path = path
        self.handle = handle
        self.touched = False

    def entry(self, name: str) -> str:
        """What to call ``name`` in this folder, together with ``handle``."""
        return name if self.handle is not None else f"{self.path}/{name}"

    def stat(self, name: str) -> os.stat_result:
        """What is at ``name``, a link itself rather than its target."""
        return os.stat(self.entry(name), dir_fd=self.handle, follow_symlinks=False)

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        """Open ``name``, never through a link."""
        return os.open(self.entry(name), flags | UNFOLLOWED, mode, dir_fd=self.handle)

    def unlink(self, name: str) -> None:
        """Remove the name of a file."""
        os.unlink(self.entry(name), dir_fd=self.handle)
        self.touched = True

    def replace(self, name: str, goal: Folder, goal_name: str) -> None:
        """Rename, taking the place of whatever file is there."""
        os.replace(self.entry(name), goal.entry(goal_name), src_dir_fd=self.handle, dst_dir_fd=goal.handle)
        self.touched = goal.touched = True

    def rename(self, name: str, goal: Folder, goal_name: str) -> None:
        """Rename onto a free name, atomically so where the system can; FileExistsError where it is not free.

        Where it can not, the file is linked to its new name and then unlinked from its old one: a kill in between
        leaves both names for the one file.
        """
        renameat2 = _libc("renameat2")
        if renameat2 is not None:
            try:
                _checked(
                    renameat2(self.handle, os.fsencode(name), goal.handle, os.fsencode(goal_name), _RENAME_NOREPLACE),
                    name,
                )
                self.touched = goal.touched = True
                return
            except OSError as error:
                if error.errno not in _NOT_SUPPORTED:
                    raise
        self.touched = goal.touched = True
        if sys.platform == "win32":
            os.rename(self.entry(name), goal.entry(goal_name))  # never replaces there
        else:
            here, there = self.entry(name), goal.entry(goal_name)
            os.link(here, there, src_dir_fd=self.handle, dst_dir_fd=goal.handle, follow_symlinks=False)
            os.unlink(here, dir_fd=self.handle)

    def is_gone(self) -> bool:
        """Whether the folder that this handle is to was itself removed."""
        return self.handle is not None and os.fstat(self.handle).st_nlink == 0

    def born(self, name: str) -> int:
        """When a file came into being, nanoseconds since 1970; its last change where the file system does not know."""
        info = self.stat(name)
        statx = _libc("statx")
        if statx is not None:
            answer = ctypes.create_string_buffer(256)
            # statx(2): flags AT_SYMLINK_NOFOLLOW, mask STATX_BTIME; stx_mask at byte 0, stx_btime at byte 80.
            if statx(self.handle, os.fsencode(name), 0x100, 0x800, answer) == 0:
                mask, seconds, nanoseconds = struct.unpack_from("I76xqI", answer.raw)
                if mask & 0x800:
                    return int(seconds * 1_000_000_000 + nanoseconds)
        seconds = getattr(info, "st_birthtime", None)
        return info.st_mtime_ns if seconds is None else int(seconds * 1e9)

    @contextmanager
    def reading(self) -> Iterator[int | str]:
        """What to hand to ``os.scandir`` to read the names in this folder."""
        if self.handle is None:
            yield self.path
            return
        handle = os.open(".", _READ, dir_fd=self.handle)
        try:
            yield handle
        finally:
            os.close(handle)

    def sync(self) -> None:
        """Make the names in this folder durable, if any changed. File systems that can not are left as they are."""
        if self.touched and self.handle is not None:
            handle = os.open(".", _READ, dir_fd=self.handle)
            try:
                os.fsync(handle)
            except OSError as error:
                if error.errno not in _NOT_SUPPORTED:
                    raise
            finally:
                os.close(handle)
        self.touched = False

    def close(self) -> None:
        """Make durable what changed, and let go of the folder."""
        try:
            self.sync()
        finally:
            if self.handle is not None:
                handle, self.handle = self.handle, -1  # no descriptor: using it again fails
                os.close(handle)

    def __del__(self) -> None:
        # Of a store that only looked nobody calls ``sync``; its handles must not outlive it.
        if self.handle is not None and self.handle >= 0:
            os.close(self.handle)


def open_folder(root: str, path: str, *, openat2: bool | None = None) -> Folder:
    """Open ``path``, which is ``root`` or below it, following links up to and in ``root`` but none below it.

    ``openat2`` False forces the walk by components. Raises OSError; ELOOP says that a link was on the way.
    """
    relative = path[len(root.rstrip("/")) + 1 :]
    if not HAS_HANDLES:
        return Folder(_checked_by_path(root, path, relative), None)
    start = os.open(root, _FOLDER)
    if not relative:
        return Folder(path, start)
    try:
        resolve = _openat2 if (has_openat2() if openat2 is None else openat2) else _walk
        return Folder(path, resolve(start, relative))
    finally:
        os.close(start)


def _checked_by_path(root: str, path: str, relative: str) -> str:
    """The best that can be done without directory handles: refuse a way that holds a link or junction just now."""
    real = os.path.realpath(root)
    if os.path.realpath(path) != (os.path.join(real, *relative.split("/")) if relative else real):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    if not os.path.isdir(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return path


class Folders:
    """A small cache of open folders for one batch of operations.

    A handle goes on naming its folder when that is renamed or moved elsewhere. So the cache lives ``lifetime`` seconds
    at most; then every way is resolved anew. Letting go of a folder makes it durable first.
    """

    def __init__(self, *, capacity: int = 64, lifetime: float = 0.25, openat2: bool | None = None) -> None:
        self._open: dict[tuple[str, str], Folder] = {}
        self._capacity = capacity
        self._lifetime = lifetime
        self._until = 0.0
        self._openat2 = openat2

    def begin(self) -> None:
        """Say that an operation begins: what it gets from here on stays open until the next one begins."""
        now = monotonic()
        if now >= self._until or len(self._open) >= self._capacity:
            self.clear()
            self._until = now + self._lifetime

    def get(self, root: str, path: str) -> Folder:
        """The folder at ``path``, reached from ``root`` without a link. Raises OSError as ``open_folder``."""
        folder = self._open.get((root, path))
        if folder is None:
            folder = self._open[root, path] = open_folder(root, path, openat2=self._openat2)
        return folder

    @contextmanager
    def fresh(self, root: str, path: str) -> Iterator[Folder]:
        """The folder at ``path`` for one use, past the cache."""
        folder = open_folder(root, path, openat2=self._openat2)
        try:
            yield folder
        finally:
            folder.close()

    def clear(self) -> None:
        """Let go of every folder. Raises the first OSError that keeps one from being durable, after closing all."""
        first: OSError | None = None
        while self._open:
            try:
                self._open.popitem()[1].close()
            except OSError as error:
                first = first or error
        if first is not None:
            raise first
