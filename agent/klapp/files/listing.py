"""Listing: every regular file that matches a path glob, in the order of the whole paths, at little cost.

Folders are opened one at a time, each from the root of the listing with no link followed on the way, so that neither a
deep tree nor one that changes under the walk can exhaust handles or lead it astray.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress

from klapp.files.handles import Folder, Folders
from klapp.files.moments import wall_clock
from klapp.files.patterns import Matcher, Pattern
from klr.values import FileValue

_Found = tuple[str, FileValue | None, int]
"""(key, file, automaton states): a folder has no file value, and a key that ends in '/'."""


def file_value(path: str, info: os.stat_result) -> FileValue:
    """The value of a file from what the system tells of it; ``modified`` is local time, microseconds rounded down."""
    stamp = info.st_mtime_ns
    return FileValue(path, info.st_size, wall_clock(stamp), stamp, info.st_dev, info.st_ino)


def list_files(
    folders: Folders,
    root: str,
    pattern: Pattern,
    allows: Callable[[str], bool],
    leads: Callable[[str], bool],
) -> Iterator[FileValue]:
    """Every regular file below ``pattern.prefix`` that matches and that ``allows`` admits, ordered by path.

    Only folders that ``leads`` admits are opened; one that can not be opened is passed over. ``root`` is where links
    stop being followed. A path is compared as text, code point by code point: a folder sorts as its path with '/'.
    """
    begin = pattern.prefix or "/"
    # Each level is a list in reverse order, so that the next to come is popped from its end.
    levels = [_scan(folders, root, begin, pattern, pattern.first(), allows)] if leads(begin) else []
    while levels:
        if not levels[-1]:
            levels.pop()
            continue
        path, value, states = levels[-1].pop()
        if value is not None:
            yield value
        elif leads(path[:-1]):
            levels.append(_scan(folders, root, path[:-1], pattern, states, allows))


def _scan(
    folders: Folders, root: str, path: str, pattern: Pattern, states: int, allows: Callable[[str], bool]
) -> list[_Found]:
    found: list[_Found] = []
    with suppress(OSError), folders.fresh(root, path) as folder:
        _look_through(folder, "" if path == "/" else path, pattern, states, allows, found)
    found.sort(key=_key, reverse=True)
    return found


def _look_through(
    folder: Folder, path: str, pattern: Pattern, states: int, allows: Callable[[str], bool], found: list[_Found]
) -> None:
    matches: Matcher = pattern.endings(states)
    with os.scandir(folder.path if folder.handle is None else folder.handle) as entries:
        for entry in entries:
            name = entry.name
            full = f"{path}/{name}"
            if entry.is_file(follow_symlinks=False):
                if matches(name) and allows(full):
                    with suppress(FileNotFoundError):  # gone since the folder was read
                        found.append((full, file_value(full, _stat(folder, entry)), 0))
            elif entry.is_dir(follow_symlinks=False):
                below = pattern.step(states, name)
                if pattern.is_open(below):
                    found.append((f"{full}/", None, below))


def _stat(folder: Folder, entry: os.DirEntry[str]) -> os.stat_result:
    # On Windows an entry knows no device and inode number; asking by name does.
    return entry.stat(follow_symlinks=False) if folder.handle is not None else folder.stat(entry.name)


def _key(item: _Found) -> str:
    return item[0]
