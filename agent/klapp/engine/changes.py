"""What runs change on the disk, taken together: what goes, what comes, what is written, and where moved files end up.

Of a file that goes through several hands only the two ends count: what comes and goes again is no change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from klapp.files.shown import shown
from klapp.operations import Copy, Erase, MakeFolder, Move, Operation, RemoveFolder, Replace, Trash, from_json

GOES, COMES, CHANGES = "goes", "comes", "changes"
MOST = 200


@dataclass(frozen=True, slots=True)
class Change:
    """One path that is not afterwards what it was before; ``how`` says where it came from or goes to, or ""."""

    path: str
    change: str
    how: str = ""
    folder: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tree: a folder that stays (``change`` ""), or what changes; ``depth`` from 0."""

    depth: int
    name: str
    change: str
    how: str = ""


def changes_of(reports: Iterable[dict[str, Any]]) -> list[Change]:
    """What is different after all that these reports tell of, as ``RunReport.to_json`` gives them; ordered by path."""
    disk = _Disk()
    for report in reports:
        for effect in report["effects"]:
            disk.do(from_json(effect["operation"]))
    return disk.changes()


def changed_tree(reports: Iterable[dict[str, Any]]) -> list[Line]:
    """The same as a tree; at most ``MOST`` changes of it. Folders with nothing else in them share a line."""
    changes = changes_of(reports)[:MOST]
    root: _Node = _Node()
    for change in changes:
        node = root
        for part in change.path.strip("/").split("/"):
            node = node.children.setdefault(part, _Node())
        node.change = change
    return [line for name, node in root.children.items() for line in node.lines(f"/{name}", 0)]


class _Node:
    """A place in the tree, and what changes there."""

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.change: Change | None = None

    def lines(self, name: str, depth: int) -> Iterable[Line]:
        if self.change is None and len(self.children) == 1:
            [(child, node)] = self.children.items()
            if node.children:
                yield from node.lines(f"{name}/{child}", depth)
                return
        end = "/" if self.children or (self.change and self.change.folder) else ""
        what, how = (self.change.change, self.change.how) if self.change else ("", "")
        yield Line(depth, name + end, what, how)
        for child, node in self.children.items():
            yield from node.lines(child, depth + 1)


@dataclass(slots=True)
class _Content:
    """What lies somewhere: ``at`` which path it lay at first, or was ``copied`` from; whether it was ``written`` since."""

    at: str = ""
    copied: str = ""
    written: bool = False
    left: str = ""


class _Disk:
    """What lies where, before and after, as far as operations tell."""

    def __init__(self) -> None:
        self.before: dict[str, _Content | None] = {}
        self.after: dict[str, _Content | None] = {}
        self.folders: set[str] = set()

    def do(self, operation: Operation) -> None:
        """Take an operation as done."""
        if isinstance(operation, MakeFolder | RemoveFolder):
            self.folders.add(operation.path)
            made = isinstance(operation, MakeFolder)
            self._find(operation.path, there=not made)
            self.after[operation.path] = _Content() if made else None
            return
        taken, goal = operation.takes(), operation.makes()
        found = {path: self._find(path) for path in taken}
        for path in taken:
            self.after[path] = None
        if isinstance(operation, Trash | Erase):
            found[operation.path].left = "to the trash" if isinstance(operation, Trash) else "for good"
        if goal is not None:
            if goal not in taken:
                self._find(goal, there=False)
            self.after[goal] = self._product(operation, goal, found)

    def _find(self, path: str, *, there: bool = True) -> _Content:
        """What lies at a path; ``there`` is whether there was anything, where no operation before told of it."""
        if path not in self.before:
            self.before[path] = self.after[path] = _Content(at=path) if there else None
        return self.after[path] or _Content()

    @staticmethod
    def _product(operation: Operation, goal: str, found: dict[str, _Content]) -> _Content:
        if isinstance(operation, Move | Replace):
            return found[operation.source]
        if isinstance(operation, Copy):
            return _Content(copied=operation.source)
        content = found.get(goal, _Content())
        content.written = True
        return content

    def changes(self) -> list[Change]:
        """The paths that are not what they were."""
        ends = {id(content): path for path, content in self.after.items() if content is not None}
        found = []
        for path in sorted(self.before, key=lambda one: one.split("/")):
            was, now = self.before[path], self.after[path]
            folder = path in self.folders
            if now is None and was is not None:
                to = ends.get(id(was))
                how = f"to {shown(to)}" if to else was.left
                found.append(Change(path, GOES, how, folder))
            elif now is not None and (was is None or was is not now or now.written):
                source = now.at if now.at != path else ""
                how = f"from {shown(source)}" if source else f"copy of {shown(now.copied)}" if now.copied else ""
                found.append(Change(path, COMES if was is None else CHANGES, how, folder))
        return found
