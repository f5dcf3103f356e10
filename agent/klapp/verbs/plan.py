"""What a verb's plan is made of: its operations, a checked goal, the folders that it lacks, and who yields to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from klapp.files.failures import taken
from klapp.files.overlay import Overlay
from klapp.files.patterns import is_no_name, is_plain
from klapp.files.protocol import FileError, Files, Identity
from klapp.files.shown import shown
from klapp.operations import MakeFolder, Operation
from klr.types import WORD
from klr.values import FileValue, numbered
from klr.vocabulary import Slot

LONGEST_NAME = 255
"""Bytes in one component of a path, as nearly every file system allows."""

ON_CONFLICT = Slot(
    "on conflict",
    WORD,
    required=False,
    words=("rename", "skip", "replace", "fail"),
    doc="What to do when something is at the goal: number the new name, leave all as it is, replace it, or fail.",
)


@dataclass(frozen=True)
class Plan:
    """What one wish becomes: ``operations`` in order, and the ``answer`` that the program gets."""

    operations: tuple[Operation, ...]
    answer: Any = None


@dataclass(frozen=True)
class Goal:
    """Where a file is to go. ``old`` is the file whose place it takes, or None where the path is free."""

    path: str
    old: FileValue | None = None


def check_path(path: str) -> None:
    """Raise FileError("value") unless a path is absolute and each of its components can be the name of a file."""
    if len(path) <= LONGEST_NAME and path.isascii() and is_plain(path):
        return  # nearly every path, told at once
    if not path.startswith("/"):
        raise _unfit(path, "it does not begin with a `/` or `~/`")
    for component in path[1:].split("/"):
        check_name(component, path)


def check_name(name: str, path: str) -> None:
    """Raise FileError("value") unless ``name`` can be one component of ``path``."""
    if name in ("", ".", ".."):
        raise _unfit(path, f"a part of it is “{name}”" if name else "a part of it is empty")
    if "/" in name or "\0" in name:
        raise _unfit(path, "a name can not hold a `/` or a zero character")
    if is_no_name(name):
        raise _unfit(path, f"Windows takes “{shown(name[:40])}” for more than a name")
    try:
        length = len(name) if name.isascii() else len(name.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise _unfit(path, "it holds a character that no name can hold") from None
    if length > LONGEST_NAME:
        raise _unfit(path, f"“{shown(name[:40])}…” is longer than {LONGEST_NAME} bytes")


def _unfit(path: str, reason: str) -> FileError:
    return FileError(f"“{shown(path[:200])}” can not be the path of a file: {reason}. Nothing was changed.", "value")


def identity_of(files: Files, file: FileValue) -> Identity:
    """The identity of the file that a program holds, after what the same batch itself changed in it."""
    return files.latest(file.identity) if isinstance(files, Overlay) else file.identity


def missing_folders(files: Files, path: str) -> tuple[MakeFolder, ...]:
    """The folders above ``path`` that are not there, the outermost first.

    Raises FileError("taken") where one of them is something other than a folder.
    """
    missing: list[MakeFolder] = []
    folder = path.rpartition("/")[0]
    while folder:
        kind = files.kind_at(folder)
        if kind == "folder":
            break
        if kind:
            raise taken(folder)
        missing.append(MakeFolder(folder))
        folder = folder.rpartition("/")[0]
    return tuple(reversed(missing))


def find_goal(files: Files, path: str, policy: str | None) -> Goal | None:
    """Where a file that should go to ``path`` goes by its ``on conflict`` policy ("rename" for None).

    None means that it is to be left alone. Raises FileError("taken") where the policy is "fail", or is "replace" and
    something other than a file is there.
    """
    kind = files.kind_at(path)
    if not kind:
        return Goal(path)
    if policy == "skip":
        return None
    if policy == "fail" or (policy == "replace" and kind != "file"):
        raise taken(path)
    return Goal(path, files.look(path)) if policy == "replace" else Goal(_free_number(files, path))


def _free_number(files: Files, path: str) -> str:
    """The first free numbered name. An overlay remembers where the last search ended: n collisions cost O(n)."""
    folder, _, name = path.rpartition("/")
    number = files.number_for(path) if isinstance(files, Overlay) else 2
    while True:
        candidate = numbered(name, number)
        check_name(candidate, path)
        if not files.kind_at(f"{folder}/{candidate}"):
            break
        number += 1
    if isinstance(files, Overlay):
        files.remember_number(path, number)
    return f"{folder}/{candidate}"
