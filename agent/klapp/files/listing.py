"""Listing: every regular file that matches a path glob, in the order of the whole paths, at little cost.

Folders are opened one at a time, each from the root of the listing with no link followed on the way, so that neither a
deep tree nor one that changes under the walk can exhaust handles or lead it astray.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from klapp.files.handles import Folder, Folders
from klapp.files.moments import wall_clock
from klapp.files.patterns import Matcher, Pattern
from klr.values import FileValue

T = TypeVar("T")


def file_value(path: str, info: os.stat_result) -> FileValue:
    """The value of a file from what the system tells of it; ``modified`` is local time, microseconds rounded down."""
    stamp = info.st_mtime_ns
    return FileValue(path, info.st_size, wall_clock(stamp), stamp, info.st_dev, info.st_ino)


def found_value(folder: Folder, entry: os.DirEntry[str], path: str) -> FileValue:
    """The value of a file that a listing came upon; FileNotFoundError where it is gone since."""
    # On Windows an entry knows no device and inode number; asking by name does.
    info = entry.stat(follow_symlinks=False) if folder.handle is not None else folder.stat(entry.name)
    return file_value(path, info)


def found_path(folder: Folder, entry: os.DirEntry[str], path: str) -> str:
    """The path of a file that a listing came upon, and no look at the file."""
    return path


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Every regular file below ``pattern.prefix`` that matches and that ``allows`` admits, ordered by path.

    Only folders that ``leads`` admits are opened; one that can not be opened is passed over. ``root`` is where links
    stop being followed. A path is compared as text, code point by code point: a folder sorts as its path with '/'.
    ``tell`` makes of each file what the listing gives.
    """

    folders: Folders
    root: str
    pattern: Pattern
    allows: Callable[[str], bool]
    leads: Callable[[str], bool]
    tell: Callable[[Folder, os.DirEntry[str], str], T]

    def __iter__(self) -> Iterator[T]:
        begin = self.pattern.prefix or "/"
        # Each level is a list in reverse order, so that the next to come is popped from its end.
        levels = [self._scan(begin, self.pattern.first())] if self.leads(begin) else []
        while levels:
            if not levels[-1]:
                levels.pop()
                continue
            path, told, states = levels[-1].pop()
            if told is not None:
                yield told
            elif self.leads(path[:-1]):
                levels.append(self._scan(path[:-1], states))

    def _scan(self, path: str, states: int) -> list[tuple[str, T | None, int]]:
        """What is in a folder, in reverse order: (path, file, 0), or for a folder (path with '/', None, its states)."""
        found: list[tuple[str, T | None, int]] = []
        with suppress(OSError), self.folders.fresh(self.root, path) as folder:
            self._look_through(folder, "" if path == "/" else path, states, found)
        found.sort(key=lambda item: item[0], reverse=True)
        return found

    def _look_through(self, folder: Folder, path: str, states: int, found: list[tuple[str, T | None, int]]) -> None:
        matches: Matcher = self.pattern.endings(states)
        with folder.reading() as place, os.scandir(place) as entries:
            for entry in entries:
                name = entry.name
                full = f"{path}/{name}"
                if entry.is_file(follow_symlinks=False):
                    if matches(name) and self.allows(full):
                        with suppress(FileNotFoundError):
                            found.append((full, self.tell(folder, entry, full), 0))
                elif entry.is_dir(follow_symlinks=False):
                    below = self.pattern.step(states, name)
                    if self.pattern.is_open(below):
                        found.append((f"{full}/", None, below))
