"""The folders that a worker is held to: a second, separate reading of the ``may`` lines, for the system to enforce.

It shares no code with the lane, which is the guard's reading of the same lines. A folder is all that a system can
enforce: the fixed part of a glob, and everything below it. What one single path has been granted for is not opened to
the worker at all (but to be read); the agent does that itself, for ``single`` says exactly which path it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from klapp.sandbox import landlock

_MAGIC = frozenset("*?[")
_CHANGE = landlock.READ | landlock.WRITE_FILE | landlock.TRUNCATE | landlock.REMOVE_FILE | landlock.REFER
RIGHTS: Mapping[str, int] = {
    "read": landlock.READ,
    # A file may only be moved to where it can not be written any better than before (landlock(7), REFER): what
    # moves files out of a folder must have the right to write them there.
    "remove": _CHANGE,
    "erase": landlock.READ,  # to find the file; the agent erases it, since that takes the key of the kept copies
    "write": _CHANGE | landlock.MAKE_REG | landlock.MAKE_DIR,
}
"""Landlock's rights to a folder for each permission that takes paths."""

Fingerprint = tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Confinement:
    """For each permission ("read", "remove", "erase", "write") the ``folders`` that are open to a worker with all below them,
    and the ``single`` paths beside them. ``undo`` adds the right to remove folders that are empty.
    """

    folders: Mapping[str, tuple[str, ...]]
    single: Mapping[str, frozenset[str]] = field(default_factory=dict)
    undo: bool = False
    _below: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        below = {permission: tuple(map(_start, folders)) for permission, folders in self.folders.items()}
        object.__setattr__(self, "_below", below)

    @classmethod
    def of(cls, grants: Iterable[tuple[str, str]], home: str) -> Confinement:
        """The confinement of ``may`` lines, one (permission, path glob) each. ``home`` is what ``~`` stands for."""
        folders: dict[str, set[str]] = {}
        single: dict[str, set[str]] = {}
        for permission, pattern in grants:
            if permission not in RIGHTS:
                continue
            base = home.rstrip("/") if pattern.startswith("~/") else ""
            parts = pattern.removeprefix("~")[1:].split("/")
            fixed = next((index for index, part in enumerate(parts) if _MAGIC.intersection(part)), None)
            if fixed is None:
                single.setdefault(permission, set()).add("/".join((base, *parts)))
            else:
                folders.setdefault(permission, set()).add("/".join((base, *parts[:fixed])) or "/")
        return cls(
            {permission: _outermost(paths) for permission, paths in folders.items()},
            {permission: frozenset(paths) for permission, paths in single.items()},
        )

    @classmethod
    def around(cls, paths: Mapping[str, Iterable[str]]) -> Confinement:
        """The confinement to the folders that hold these paths, as the taking back of runs needs it."""
        folders = {
            permission: _outermost({path.rpartition("/")[0] or "/" for path in given})
            for permission, given in paths.items()
            if permission in RIGHTS
        }
        return cls(folders, undo=True)

    def places(self) -> dict[str, int]:
        """Landlock's rights for each folder, and for each file that may be read by itself."""
        places: dict[str, int] = {}
        for permission, folders in self.folders.items():
            for folder in folders:
                rights = RIGHTS[permission] | (landlock.REMOVE_DIR if self.undo and permission == "write" else 0)
                places[folder] = places.get(folder, 0) | rights
        for path in self.single.get("read", ()):
            places[path] = places.get(path, 0) | landlock.READ
        return places

    @property
    def changes(self) -> bool:
        """Whether a worker may change anything."""
        return bool(self.folders.keys() & {"remove", "write"})

    def fingerprint(self) -> Fingerprint:
        """Which folders and files stand at the places now. A worker holds those that stood there when it was confined;
        where this changes, another worker is needed."""
        return tuple(_there(path) for path in sorted(self.places()))

    def is_below(self, permission: str, path: str) -> bool:
        """Whether a path lies in a folder that this permission opens."""
        return path.startswith(self._below.get(permission, ()))

    def is_single(self, permission: str, path: str) -> bool:
        """Whether this permission names the path itself."""
        return path in self.single.get(permission, ())

    def allows(self, permission: str, path: str) -> bool:
        """Whether the path is covered, as exactly as this reading of the grants tells."""
        return self.is_single(permission, path) or self.is_below(permission, path)

    def allows_folder(self, folder: str) -> bool:
        """Whether a folder may be made: below an open one, or on the way to something that may be written."""
        if self.is_below("write", folder):
            return True
        goals = (*self.folders.get("write", ()), *self.single.get("write", ()))
        return any(goal == folder or goal.startswith(_start(folder)) for goal in goals)


def _outermost(folders: Iterable[str]) -> tuple[str, ...]:
    """The folders that lie in none of the others, ordered."""
    wanted = set(folders)

    def is_within(folder: str) -> bool:
        while folder != "/":
            folder = folder.rpartition("/")[0] or "/"
            if folder in wanted:
                return True
        return False

    return tuple(sorted(folder for folder in wanted if not is_within(folder)))


def _start(folder: str) -> str:
    """What every path in a folder begins with."""
    return f"{folder.rstrip('/')}/"


def _there(path: str) -> tuple[int, int] | None:
    try:
        info = os.stat(path)
    except OSError:
        return None
    return info.st_dev, info.st_ino
