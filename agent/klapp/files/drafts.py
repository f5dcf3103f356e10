"""Drafts: new content that appears under its name whole and durable, or not at all.

A draft has no name at all where the system can do that (``O_TMPFILE``, see open(2)), so that a kill leaves nothing
behind. Elsewhere it is a file of mode 0600 whose name begins ``.klapp-``.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from klapp.files.extents import copy_data, data_ranges, digest
from klapp.files.handles import CLOSED, Folder
from klapp.files.protocol import Identity

_ANONYMOUS = getattr(os, "O_TMPFILE", 0)
_NO_ANONYMOUS = frozenset({errno.EOPNOTSUPP, errno.ENOTSUP, errno.EISDIR, errno.EINVAL, errno.ENOENT})
_LEFT = re.compile(r"\.klapp-[0-9a-f]{24}")


def identity(info: os.stat_result) -> Identity:
    """The identity of a file, as ``FileValue.identity``."""
    return (info.st_dev, info.st_ino, info.st_mtime_ns, info.st_size)


class Traits(NamedTuple):
    """What a copy keeps of a file beside its content. Times are nanoseconds since 1970; ``owner`` is (user, group)."""

    mode: int
    accessed: int
    modified: int
    attributes: Mapping[str, bytes]
    owner: tuple[int, int] | None = None

    @classmethod
    def of(cls, file: int) -> Traits:
        """The traits of an open file: permission bits without set-id bits, times, extended attributes."""
        info = os.fstat(file)
        attributes: dict[str, bytes] = {}
        if hasattr(os, "listxattr"):
            with suppress(OSError):  # a file system without them
                attributes = {name: os.getxattr(file, name) for name in os.listxattr(file)}
        owner = (info.st_uid, info.st_gid) if hasattr(os, "fchown") else None
        return cls(stat.S_IMODE(info.st_mode) & 0o777, info.st_atime_ns, info.st_mtime_ns, attributes, owner)

    def give(self, file: int) -> None:
        """Give an open file these traits. An attribute or owner that the system refuses is left out: only root can give
        a file away."""
        if self.owner is not None:
            info = os.fstat(file)
            if (info.st_uid, info.st_gid) != self.owner:
                with suppress(OSError):
                    os.fchown(file, *self.owner)
        for name, value in self.attributes.items():
            with suppress(OSError):
                os.setxattr(file, name, value)
        if hasattr(os, "fchmod"):
            os.fchmod(file, self.mode)
        if os.utime in os.supports_fd:
            os.utime(file, ns=(self.accessed, self.modified))


class Draft:
    """A file in a folder that has no name there yet; a context manager that leaves nothing behind.

    Attributes:
        file: an open, buffered binary file to write to and to read back.
    """

    def __init__(self, folder: Folder, mode: int = 0o600, *, anonymous: bool = True) -> None:
        """Begin a draft in ``folder`` with this mode, less the process's umask. Raises OSError."""
        self._folder = folder
        self._name = ""
        self.file: BinaryIO = os.fdopen(self._begin(mode, anonymous), "w+b")

    def _begin(self, mode: int, anonymous: bool) -> int:
        if _ANONYMOUS and anonymous and self._folder.handle is not None:
            try:
                return os.open(".", _ANONYMOUS | os.O_RDWR | CLOSED, mode, dir_fd=self._folder.handle)
            except OSError as error:
                if error.errno not in _NO_ANONYMOUS:
                    raise
        name = self._fresh_name()
        file = self._folder.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        self._name = name
        return file

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # what could not be written has been reported by then
            self.file.close()
        if self._name:
            with suppress(FileNotFoundError):
                self._folder.unlink(self._name)

    @staticmethod
    def tidy(folder: Folder) -> None:
        """Remove the drafts that a kill left in a folder; for when nobody is at work there. Raises OSError."""
        with folder.reading() as handle, os.scandir(handle) as entries:
            left = [entry.name for entry in entries if _LEFT.fullmatch(entry.name) and not entry.is_dir()]
        for name in left:
            folder.unlink(name)

    @staticmethod
    def _fresh_name() -> str:
        return f".klapp-{secrets.token_hex(12)}"

    def finish(self) -> None:
        """Make the content durable."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def publish(self, name: str) -> Identity:
        """Give the draft its name, which must be free (else FileExistsError)."""
        self.finish()
        made = identity(os.fstat(self.file.fileno()))  # before: once it has its name, nothing may fail any more
        if self._name:
            self._rest()
            self._folder.rename(self._name, self._folder, name)
            self._name = ""
        else:
            self._link(name)
        return made

    def supplant(self, name: str) -> Identity:
        """Give the draft the name of a file, which it replaces in one step."""
        self.finish()
        made = identity(os.fstat(self.file.fileno()))
        if not self._name:
            fresh = self._fresh_name()
            self._link(fresh)
            self._name = fresh
        self._rest()
        self._folder.replace(self._name, self._folder, name)
        self._name = ""
        return made

    def _link(self, name: str) -> None:
        # linkat(2) names an open file through /proc with no more right than the handle has.
        os.link(f"/proc/self/fd/{self.file.fileno()}", name, dst_dir_fd=self._folder.handle, follow_symlinks=True)
        self._folder.touched = True

    def _rest(self) -> None:
        """Close the draft where the system does not rename an open file."""
        if self._folder.handle is None:
            self.file.close()


def copy_into(draft: Draft, source: int) -> None:
    """Copy an open file with its traits and holes into a draft and compare the two by SHA-256, a block at a time.

    Raises OSError (EIO: they differ)."""
    traits, size, ranges = Traits.of(source), os.fstat(source).st_size, data_ranges(source)
    goal = draft.file.fileno()
    copy_data(source, goal, ranges)
    os.ftruncate(goal, size)
    draft.finish()
    if os.fstat(goal).st_size != size or digest(goal, ranges) != digest(source, ranges):
        raise OSError(errno.EIO, "the copy differs from the original")
    traits.give(goal)
