"""What a simulation would change, as a tree of folders: what goes, what comes, what is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

GOES, COMES, CHANGES = "goes", "comes", "changes"
_WRITES = frozenset(("append", "truncate", "overwrite", "put back"))
_COMES = frozenset(("create", "copy", "restore", "make folder"))
MOST = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tree: a folder (``change`` "") or a file; ``depth`` from 0."""

    depth: int
    name: str
    change: str


def changed_tree(reports: Iterable[dict[str, Any]]) -> list[Line]:
    """The tree of all that these reports of a simulation change; at most ``MOST`` files of it."""
    changes: dict[str, str] = {}
    made: set[str] = set()
    for report in reports:
        for effect in report["effects"]:
            for path, change in _changes(effect["operation"]):
                if path in changes or len(changes) < MOST:
                    changes[path] = change
                if effect["operation"].get("do", "").endswith("folder"):
                    made.add(path)
    lines: list[Line] = []
    within: list[str] = []
    for path in sorted(changes, key=lambda one: one.split("/")):
        *folders, name = path.strip("/").split("/")
        same = next(
            (n for n, (one, other) in enumerate(zip(folders, within, strict=False)) if one != other),
            min(len(folders), len(within)),
        )
        lines.extend(Line(depth, f"{folder}/", "") for depth, folder in enumerate(folders) if depth >= same)
        folder = "/" if path in made else ""
        lines.append(Line(len(folders), name + folder, changes[path]))
        within = [*folders, name]
    return lines


def _changes(operation: dict[str, Any]) -> list[tuple[str, str]]:
    kind = operation.get("do")
    if "source" in operation and "goal" in operation:
        came = [(operation["goal"], COMES if kind != "replace" else CHANGES)]
        return came if kind == "copy" else [(operation["source"], GOES), *came]
    path = operation.get("path")
    if not isinstance(path, str) or kind == "keep":
        return []
    return [(path, CHANGES if kind in _WRITES else COMES if kind in _COMES else GOES)]
