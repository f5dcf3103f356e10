"""The trash of the desktop: freedesktop.org Trash specification 1.0.

A file lies in ``files/`` of a trash folder, beside ``info/NAME.trashinfo``, which says where it came from and when, so
that the desktop's own trash window can show and restore it. A file goes to the trash of its own file system where that
can be, else to the home trash. Systems with another trash use the same layout in a folder of klapp's own.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from klapp.files.handles import CLOSED, Folder, open_folder
from klapp.files.listing import file_value
from klapp.files.protocol import Identity
from klapp.files.transfer import transfer
from klr.values import FileValue, split_name

_NAME_LIMIT = 255 - len(".trashinfo")
"""Most bytes of a trashed file's name: its info file's name must fit into a file system's 255 bytes too."""


def platform_trash(state: Path) -> Trash:
    """This person's trash: the desktop's own where the specification rules, ``klapp trash`` in ``state`` elsewhere."""
    if not sys.platform.startswith(("linux", "freebsd", "openbsd", "netbsd")):
        return Trash(state / "klapp trash", every_disk=False)
    data = os.environ.get("XDG_DATA_HOME", "")
    home = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    return Trash(home / "Trash")


class Trash:
    """Trash folders: one at home and, where ``every_disk``, one at the top of each other file system."""

    def __init__(self, home: Path, *, every_disk: bool = True) -> None:
        self._home = home.absolute().as_posix()
        self._every_disk = every_disk and hasattr(os, "getuid")

    @property
    def home(self) -> str:
        """The trash folder at home."""
        return self._home

    @property
    def every_disk(self) -> bool:
        """Whether other file systems have a trash of their own."""
        return self._every_disk

    def new_token(self, path: str) -> str:
        """A fresh token for a file: JSON of the trash folder, the top folder of its disk ("" at home) and a name."""
        trash, top = self._nearest(path)
        stem, extension = split_name(path.rpartition("/")[2])
        ending = os.fsencode(f".{secrets.token_hex(8)}{extension}")
        if len(ending) > 100:
            ending = ending[:17]
        name = os.fsdecode(os.fsencode(stem)[: _NAME_LIMIT - len(ending)] + ending)
        return json.dumps([trash, top, name])

    def put(self, source: Folder, name: str, path: str, expect: Identity, token: str) -> None:
        """Put a file in the trash; ``path`` is where it lies now. Raises OSError, Changed; ValueError for the token."""
        trash, top, goal_name = self._parsed(token)
        with self._opened(trash, "info", make=True) as info, self._opened(trash, "files", make=True) as files:
            _write_info(info, f"{goal_name}.trashinfo", path[len(top) :].lstrip("/") if top else path)
            try:
                transfer(source, name, files, goal_name, expect)
            except BaseException:
                # Only where the file did not come: else the desktop could not say where it belongs.
                with suppress(OSError):
                    try:
                        files.stat(goal_name)
                    except FileNotFoundError:
                        info.unlink(f"{goal_name}.trashinfo")
                raise

    def find(self, token: str) -> FileValue | None:
        """The file that was trashed under this token, None where it is no longer there."""
        trash, _, name = self._parsed(token)
        try:
            with self._opened(trash, "files") as files:
                info = files.stat(name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return file_value(f"{trash}/files/{name}", info) if stat.S_ISREG(info.st_mode) else None

    def restore(self, token: str, goal: Folder, goal_name: str) -> Identity:
        """Take a file out of the trash onto a free name. Raises OSError; ValueError for the token."""
        trash, _, name = self._parsed(token)
        with self._opened(trash, "files") as files:
            info = files.stat(name)
            arrived = transfer(files, name, goal, goal_name, (info.st_dev, info.st_ino, info.st_mtime_ns, info.st_size))
        with suppress(OSError), self._opened(trash, "info") as folder:
            folder.unlink(f"{name}.trashinfo")
        return arrived

    def _nearest(self, path: str) -> tuple[str, str]:
        """(trash folder, top folder of its disk or "") for a file at ``path``."""
        if not self._every_disk:
            return self._home, ""
        folder = os.path.realpath(path.rpartition("/")[0] or "/")
        home = Path(self._home)
        while not home.exists():
            home = home.parent
        with suppress(OSError):
            device = os.stat(folder).st_dev
            if device != os.stat(home).st_dev:
                top = folder
                while top != "/" and os.stat(os.path.dirname(top)).st_dev == device:
                    top = os.path.dirname(top)
                for trash in self._at_top(top):
                    return trash, top
        return self._home, ""

    def _at_top(self, top: str) -> Iterator[str]:
        """Where a disk's trash may be: the administrator's shared folder if it is safe, else the person's own."""
        base, user = top.rstrip("/"), str(os.getuid())
        with suppress(OSError):
            shared = os.lstat(f"{base}/.Trash")
            if stat.S_ISDIR(shared.st_mode) and shared.st_mode & stat.S_ISVTX and os.access(f"{base}/.Trash", os.W_OK):
                yield f"{base}/.Trash/{user}"
        own = f"{base}/.Trash-{user}"
        if os.access(own if os.path.lexists(own) else top, os.W_OK | os.X_OK) and not os.path.islink(own):
            yield own

    def _parsed(self, token: str) -> tuple[str, str, str]:
        """(trash, top, name) of a token. Raises ValueError for one that names anything but a file of a trash."""
        trash, top, name = json.loads(token)
        base = top.rstrip("/")
        places = {self._home}
        if top and self._every_disk:
            places = {f"{base}/.Trash-{os.getuid()}", f"{base}/.Trash/{os.getuid()}"}
        if trash not in places or name in ("", ".", "..") or "/" in name or "\0" in name:
            raise ValueError("this is no token of the trash")
        return trash, top, name

    @contextmanager
    def _opened(self, trash: str, part: str, *, make: bool = False) -> Iterator[Folder]:
        """The folder ``files`` or ``info`` of a trash; no link is followed at the trash folder or below it."""
        above = trash.rpartition("/")[0] or "/"
        if make:
            os.makedirs(above, mode=0o700, exist_ok=True)
            with suppress(FileExistsError):
                os.mkdir(trash, 0o700)
            _refuse_stranger(trash)
            with suppress(FileExistsError):
                os.mkdir(f"{trash}/{part}", 0o700)
        folder = open_folder(above, f"{trash}/{part}")
        try:
            yield folder
        finally:
            folder.close()


def _refuse_stranger(trash: str) -> None:
    """Raise PermissionError where a trash folder belongs to someone else, who could read what is put there."""
    if hasattr(os, "getuid") and os.lstat(trash).st_uid != os.getuid():
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), trash)


def _write_info(folder: Folder, name: str, path: str) -> None:
    """Write what the desktop needs to restore a file; one of the same token is left over from a kill, and replaced."""
    with suppress(FileNotFoundError):
        folder.unlink(name)
    place = quote(os.fsencode(path), safe="/")
    deleted = datetime.now().replace(microsecond=0).isoformat()
    file = folder.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CLOSED)
    with os.fdopen(file, "wb") as goal:
        goal.write(f"[Trash Info]\nPath={place}\nDeletionDate={deleted}\n".encode("ascii"))
        goal.flush()
        os.fsync(goal.fileno())
    folder.touched = True
