"""What a file store can do: the one interface behind performing, simulating and testing.

Two things implement it. ``GuardedFiles`` is the real disk, opened through directory handles and held to a ``Lane``.
``Overlay`` keeps every change in memory over another store (over the real disk to simulate, over nothing to test).
All code above this line is the same for all of them, so a simulation can not say one thing and a run do another.

Every path is absolute, '/'-separated and decoded with ``surrogateescape``; ``~`` is already expanded. Every primitive
either happens as a whole or not at all, never overwrites unless its name says so, and never follows a symbolic link.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from klr.effects import EffectError
from klr.values import FileValue
from klr.vocabulary import Permission

if TYPE_CHECKING:
    import hashlib

ANY: tuple[Permission, ...] = ("read", "remove", "write", "erase")
"""The permissions on a path: with any of them it may be looked at whether something is there, and what."""
Identity = tuple[int, int, int, int]
"""(device, inode, stamp, size), as ``FileValue.identity``: tells one version of one file from every other."""


class FileError(EffectError):
    """A file store could not do something; see ``EffectError`` for ``message`` and ``kind``."""


class Files(Protocol):
    """Primitives on files. Each raises FileError with kind "denied" outside the lane, "missing" where the path (or its
    folder) is not there, "taken" where something is in the way, "changed" where ``expect`` does not hold, and "full",
    "readonly", "busy" or "system" for what the system answers.

    ``expect`` is the identity that the file must still have. What makes or moves a file returns the file's identity
    at its goal.
    """

    def look(self, path: str) -> FileValue | None:
        """The regular file at ``path`` (needs any permission there), or None where nothing is.

        Raises FileError("taken") where something other than a regular file is there (folder, link, device, ...).
        """

    def kind_at(self, path: str) -> str:
        """What is at ``path``: "file", "folder", "link", "other" or "" for nothing. Needs any permission on it, or
        write on something below it."""

    def list(self, pattern: str) -> Iterator[FileValue]:
        """Every regular file that matches a path glob, ordered by path (code points). Needs read on each; links are
        neither followed nor listed; folders that can not be opened are passed over."""

    def read(self, path: str, limit: int) -> bytes:
        """The first ``limit`` bytes of a file. Needs read."""

    def hashed(self, path: str, limit: int) -> hashlib._Hash:
        """A SHA-256 that has taken in the first ``limit`` bytes of a file, a block at a time. Needs read."""

    def born(self, path: str) -> int:
        """When the file came into being, nanoseconds since 1970 (UTC); its last change where that is not known."""

    def move(self, source: str, goal: str, expect: Identity) -> Identity:
        """Move a file; ``goal`` must be free and its folder exist. Needs remove on source and write on goal.

        Across file systems: copy whole, sync, compare by hash, put in place, then remove the source.
        """

    def copy(self, source: str, goal: str, expect: Identity) -> Identity:
        """Copy a file with its times, mode and extended attributes; ``goal`` must be free. Needs read and write."""

    def create(self, path: str, content: bytes) -> Identity:
        """Make a new file with this content; ``path`` must be free. Needs write."""

    def append(self, path: str, content: bytes, expect: Identity) -> Identity:
        """Add to the end of a file. Needs write."""

    def truncate(self, path: str, size: int, tail: bytes, stamp: int) -> Identity:
        """Cut a file to ``size`` bytes, only if what follows there is exactly ``tail``, and give it ``stamp`` (in
        nanoseconds since 1970, UTC) as the time of its last change. Needs write."""

    def make_folder(self, path: str) -> None:
        """Make one folder; the one above it must exist, ``path`` must be free. Needs write on the folder or on
        something below it."""

    def remove_folder(self, path: str) -> bool:
        """Remove an empty folder; False where it is not empty or not there. Needs write as for ``make_folder``."""

    def new_trash_token(self, path: str) -> str:
        """A fresh token for ``trash``: it tells, with nothing else, where in the trash the file will lie."""

    def trash(self, path: str, expect: Identity, token: str) -> None:
        """Put a file in the platform's trash under ``token``, as ``new_trash_token`` made it. Needs remove."""

    def in_trash(self, token: str) -> FileValue | None:
        """The file that was trashed under this token, where it still lies in the trash."""

    def restore(self, token: str, path: str) -> Identity:
        """Take a file back out of the trash to ``path``, which must be free. Needs write."""

    def erase(self, path: str, expect: Identity) -> None:
        """Remove a file for good. The caller has kept it before. Needs erase."""

    def keep(self, path: str, expect: Identity, token: str) -> None:
        """Keep a sealed copy of a file (content, times, mode, extended attributes) under a fresh ``token`` (32 hex
        digits, made by the caller). Keeping again under the same token is fine. Needs write."""

    def has_kept(self, token: str) -> bool:
        """Whether a copy is kept under ``token``; True, too, where whoever asks can not know."""

    def put_back(self, token: str, path: str, was: Identity, replacing: Identity | None) -> Identity:
        """Bring kept content back at ``path``, in place of a file of identity ``replacing`` or, for None, of nothing.
        ``was`` is the version that was kept: the file gets its size and time, but is a new one to the disk.
        Needs write. Raises FileError("gone") where nothing is kept under ``token``."""

    def replace(self, source: str, goal: str, expect: Identity, replacing: Identity) -> Identity:
        """As ``move``, but takes the place of the file at ``goal``. The caller has kept that file before."""

    def overwrite(self, path: str, content: bytes, expect: Identity) -> Identity:
        """Put new content in place of a file's old one, whole or not at all. The caller has kept it before."""

    def sync(self) -> None:
        """Make everything done so far durable, and let go of cached folder handles."""


class Base(Protocol):
    """What an overlay asks of the store below it; see ``Files``."""

    def look(self, path: str) -> FileValue | None: ...
    def kind_at(self, path: str) -> str: ...
    def list(self, pattern: str) -> Iterator[FileValue]: ...
    def read(self, path: str, limit: int) -> bytes: ...
    def hashed(self, path: str, limit: int) -> hashlib._Hash: ...
    def born(self, path: str) -> int: ...
    def new_trash_token(self, path: str) -> str: ...
    def in_trash(self, token: str) -> FileValue | None: ...
    def has_kept(self, token: str) -> bool: ...


class Permits(Protocol):
    """What an overlay asks of a lane."""

    def allows(self, permission: Permission, path: str, /) -> bool: ...
    def leads_to_write(self, path: str, /) -> bool: ...
