"""The real disk, held to a lane: ``Files`` through handles to folders, with no link ever followed out of them.

Every primitive first asks the lane, then reaches the folder of each path from the fixed prefix of the grant that allows
it, and acts relative to that folder's handle. What it acts on is checked on the open file or right before the act.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

from klapp.files.drafts import Draft, Traits, identity
from klapp.files.failures import changed, denied, failure, let_go, spoilt, taken
from klapp.files.handles import Folder, Folders
from klapp.files.kept import Keeper
from klapp.files.listing import Listing, T, file_value, found_path, found_value
from klapp.files.patterns import Pattern
from klapp.files.protocol import ANY, FileError, Identity
from klapp.files.transfer import Changed, check, duplicate, opened, supplant, transfer
from klapp.files.trash import Trash
from klapp.lane import Lane
from klr.values import FileValue
from klr.vocabulary import Permission

_BLOCK = 1 << 20


class _Acting:
    """One operation: turns what the system answers into a FileError about ``path``, or about its ``goal``."""

    __slots__ = ("_files", "_goal", "_path")

    def __init__(self, files: GuardedFiles, path: str, goal: str | None) -> None:
        self._files, self._path, self._goal = files, path, goal

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Changed):
            raise changed(self._path) from None
        if isinstance(error, FileNotFoundError):
            self._files.look_anew()
            there = self._goal is not None and self._files.is_there(self._path)
            raise failure(error, self._goal if there and self._goal else self._path) from error
        if isinstance(error, OSError):
            raise failure(error, self._goal or self._path) from error


class GuardedFiles:
    """``Files`` on the disk within ``lane``; see the protocol for each primitive and its errors.

    ``keeper`` keeps what is replaced, ``trash`` takes what is trashed; without them those primitives are denied.
    ``openat2`` False makes it walk by components even where the kernel could resolve whole ways.
    """

    def __init__(
        self, lane: Lane, keeper: Keeper | None, *, trash: Trash | None = None, openat2: bool | None = None
    ) -> None:
        self.lane = lane
        self._keeper = keeper
        self._trash = trash
        self._folders = Folders(openat2=openat2)

    # -- reaching a place ---------------------------------------------------------------------------------------------

    def _place(self, path: str, *permissions: Permission) -> tuple[Folder, str]:
        """(the open folder, the name in it), where one of the permissions covers the path."""
        for permission in permissions:
            root = self.lane.root(permission, path)
            if root is not None:
                return self._reached(root, path)
        raise denied(path, permissions[0])

    def _folder_place(self, path: str) -> tuple[Folder, str]:
        """As ``_place``, for a folder that leads to something that may be written, or may be written itself."""
        root = self.lane.leading_root("write", path)
        return self._reached(root, path) if root is not None else self._place(path, "write")

    def _reached(self, root: str, path: str) -> tuple[Folder, str]:
        above, _, name = path.rpartition("/")
        return self._folders.get(root, above or "/"), name

    def _acting(self, path: str, goal: str | None = None) -> _Acting:
        self._folders.begin()
        return _Acting(self, path, goal)

    def look_anew(self) -> None:
        """A handle may be to a folder that is gone: the next look is a fresh one."""
        self._folders.clear()

    def is_there(self, path: str) -> bool:
        """Whether anything can be seen at a path."""
        try:
            folder, name = self._place(path, *ANY)
            folder.stat(name)
        except (OSError, FileError):
            return False
        return True

    # -- questions ----------------------------------------------------------------------------------------------------

    def look(self, path: str) -> FileValue | None:
        with self._acting(path):
            try:
                folder, name = self._place(path, *ANY)
                info = folder.stat(name)
            except (FileNotFoundError, NotADirectoryError):
                return None
            if not stat.S_ISREG(info.st_mode):
                raise taken(path)
            return file_value(path, info)

    def kind_at(self, path: str) -> str:
        if path == "/":
            return "folder"
        with self._acting(path):
            try:
                folder, name = self._place(path, *ANY) if self.lane.allows_any(path) else self._folder_place(path)
                mode = folder.stat(name).st_mode
            except (FileNotFoundError, NotADirectoryError):
                return ""
        if stat.S_ISREG(mode):
            return "file"
        if stat.S_ISDIR(mode):
            return "folder"
        return "link" if stat.S_ISLNK(mode) else "other"

    def list(self, pattern: str) -> Iterator[FileValue]:
        return self._listing(pattern, found_value)

    def paths(self, pattern: str) -> Iterator[str]:
        """As ``list``, and only the paths: at a fifth of the memory."""
        return self._listing(pattern, found_path)

    def _listing(self, pattern: str, tell: Callable[[Folder, os.DirEntry[str], str], T]) -> Iterator[T]:
        self._folders.begin()
        wanted = Pattern(pattern)
        root = self.lane.opening_root("read", wanted.prefix or "/")
        if root is None:
            return iter(())
        allows = self.lane.allows
        leads = self.lane.opening_root
        return iter(
            Listing(
                self._folders,
                root,
                wanted,
                lambda path: allows("read", path),
                lambda folder: leads("read", folder) is not None,
                tell,
            )
        )

    def read(self, path: str, limit: int) -> bytes:
        with self._acting(path):
            folder, name = self._place(path, "read")
            with opened(folder, name, os.O_RDONLY) as (file, _):
                blocks = []
                while limit > 0 and (block := os.read(file, min(limit, _BLOCK))):
                    blocks.append(block)
                    limit -= len(block)
                return b"".join(blocks)

    def sha256(self, path: str, expect: Identity) -> str:
        """The SHA-256, in hex, of all that is in a file of this version; read in blocks. Needs read. Raises FileError,
        also where the file is another one by now, or becomes one meanwhile."""
        with self._acting(path):
            folder, name = self._place(path, "read")
            with opened(folder, name, os.O_RDONLY) as (file, info):
                check(info, expect)
                found = _hashed(file, info.st_size)
                check(os.fstat(file), expect)
                return found.hexdigest()

    def hashed(self, path: str, limit: int) -> hashlib._Hash:
        with self._acting(path):
            folder, name = self._place(path, "read")
            with opened(folder, name, os.O_RDONLY) as (file, _):
                return _hashed(file, limit)

    def born(self, path: str) -> int:
        with self._acting(path):
            folder, name = self._place(path, *ANY)
            return folder.born(name)

    # -- files --------------------------------------------------------------------------------------------------------

    def move(self, source: str, goal: str, expect: Identity) -> Identity:
        with self._acting(source, goal):
            folder, name = self._place(source, "remove")
            return transfer(folder, name, *self._place(goal, "write"), expect)

    def copy(self, source: str, goal: str, expect: Identity) -> Identity:
        with self._acting(source, goal):
            folder, name = self._place(source, "read")
            return duplicate(folder, name, *self._place(goal, "write"), expect)

    def create(self, path: str, content: bytes) -> Identity:
        with self._acting(path):
            folder, name = self._place(path, "write")
            with Draft(folder, 0o666) as draft:
                draft.file.write(content)
                return draft.publish(name)

    def append(self, path: str, content: bytes, expect: Identity) -> Identity:
        with self._acting(path):
            folder, name = self._place(path, "write")
            with opened(folder, name, os.O_WRONLY | os.O_APPEND) as (file, info):
                check(info, expect)
                try:
                    _write(file, content)
                    os.fsync(file)
                except OSError:
                    with suppress(OSError):
                        os.ftruncate(file, info.st_size)
                        if os.utime in os.supports_fd:  # it is the same version again, and an undo must know it
                            os.utime(file, ns=(info.st_atime_ns, info.st_mtime_ns))
                    raise
                return identity(os.fstat(file))

    def truncate(self, path: str, size: int, tail: bytes, stamp: int) -> Identity:
        with self._acting(path):
            folder, name = self._place(path, "write")
            with opened(folder, name, os.O_RDWR) as (file, info):
                os.lseek(file, size, os.SEEK_SET)
                found = b"" if info.st_size != size + len(tail) else _read(file, len(tail))
                if info.st_size != size + len(tail) or found != tail:
                    raise Changed
                os.ftruncate(file, size)
                if os.utime in os.supports_fd:
                    os.utime(file, ns=(info.st_atime_ns, stamp))
                os.fsync(file)
                return identity(os.fstat(file))

    def replace(self, source: str, goal: str, expect: Identity, replacing: Identity) -> Identity:
        with self._acting(source, goal):
            folder, name = self._place(source, "remove")
            return supplant(folder, name, *self._place(goal, "write"), expect, replacing)

    def overwrite(self, path: str, content: bytes, expect: Identity) -> Identity:
        with self._acting(path):
            folder, name = self._place(path, "write")
            with opened(folder, name, os.O_RDONLY) as (file, info), Draft(folder) as draft:
                check(info, expect)
                draft.file.write(content)
                draft.finish()
                now = os.fstat(draft.file.fileno()).st_mtime_ns
                Traits.of(file)._replace(accessed=now, modified=now).give(draft.file.fileno())
                check(folder.stat(name), expect)
                return draft.supplant(name)

    # -- folders ------------------------------------------------------------------------------------------------------

    def make_folder(self, path: str) -> None:
        with self._acting(path):
            folder, name = self._folder_place(path)
            os.mkdir(folder.entry(name), dir_fd=folder.handle)
            folder.touched = True

    def remove_folder(self, path: str) -> bool:
        with self._acting(path):
            try:
                folder, name = self._folder_place(path)
                os.rmdir(folder.entry(name), dir_fd=folder.handle)
            except OSError as error:
                if isinstance(error, (FileNotFoundError, NotADirectoryError)) or error.errno in _NOT_EMPTY:
                    return False
                raise
            folder.touched = True
            self._folders.clear()
            return True

    # -- trash and kept copies ----------------------------------------------------------------------------------------

    def new_trash_token(self, path: str) -> str:
        return _can(self._trash, path, "trash").new_token(path)

    def trash(self, path: str, expect: Identity, token: str) -> None:
        with self._acting(path):
            folder, name = self._place(path, "remove")
            _can(self._trash, path, "trash").put(folder, name, path, expect, token)

    def in_trash(self, token: str) -> FileValue | None:
        with self._acting("the trash"):
            return self._trash.find(token) if self._trash else None

    def restore(self, token: str, path: str) -> Identity:
        with self._acting(path):
            folder, name = self._place(path, "write")
            return _can(self._trash, path, "restore").restore(token, folder, name)

    def erase(self, path: str, expect: Identity) -> None:
        with self._acting(path):
            folder, name = self._place(path, "erase")
            check(folder.stat(name), expect)
            folder.unlink(name)

    def keep(self, path: str, expect: Identity, token: str) -> None:
        with self._acting(path):
            folder, name = self._place(path, *ANY)
            with opened(folder, name, os.O_RDONLY) as (file, info), os.fdopen(os.dup(file), "rb") as source:
                check(info, expect)
                _can(self._keeper, path, "keep").keep(token, source)
                check(os.fstat(file), expect)

    def has_kept(self, token: str) -> bool:
        return self._keeper is None or self._keeper.has(token)

    def put_back(self, token: str, path: str, was: Identity, replacing: Identity | None) -> Identity:
        from klapp.vault.sealed import Tampered

        with self._acting(path):
            folder, name = self._place(path, "write")
            with Draft(folder) as draft:
                try:
                    traits = _can(self._keeper, path, "write").bring(token, draft.file)
                except FileNotFoundError:
                    raise let_go(path) from None
                except (Tampered, ValueError):
                    raise spoilt(path) from None
                draft.finish()
                traits.give(draft.file.fileno())
                if os.fstat(draft.file.fileno()).st_size != was[3]:
                    raise Changed
                if replacing is None:
                    return draft.publish(name)
                check(folder.stat(name), replacing)
                return draft.supplant(name)

    def tidy(self, path: str) -> None:
        """Remove the drafts that a kill left beside ``path``; for when nobody is at work there. Needs write."""
        with self._acting(path):
            try:
                Draft.tidy(self._place(path, "write")[0])
            except (FileNotFoundError, NotADirectoryError):
                return

    def sync(self) -> None:
        with self._acting("the disk"):
            self._folders.clear()


_Store = TypeVar("_Store")


def _can(store: _Store | None, path: str, wish: str) -> _Store:
    if store is None:
        raise denied(path, wish)
    return store


_NOT_EMPTY = frozenset({errno.ENOTEMPTY, errno.EEXIST})


def _write(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]


def _hashed(file: int, limit: int) -> hashlib._Hash:
    found = hashlib.sha256()
    while limit > 0 and (block := os.read(file, min(limit, _BLOCK))):
        found.update(block)
        limit -= len(block)
    return found


def _read(file: int, length: int) -> bytes:
    blocks = []
    while length > 0 and (block := os.read(file, length)):
        blocks.append(block)
        length -= len(block)
    return b"".join(blocks)
