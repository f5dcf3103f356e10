"""Batches of random acts, planned over an overlay and carried out on the disk, as the engine does it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from klapp.files.guarded import GuardedFiles
from klapp.files.kept import Keeper
from klapp.files.overlay import Overlay
from klapp.files.protocol import FileError, Files, Identity
from klapp.files.trash import Trash
from klapp.lane import Lane
from klapp.operations.steps import Became, Step, perform, plan, take_back
from klapp.verbs import ALL

NOW = datetime(2026, 11, 20, 9, 30, 0, 250000)
VERBS = {verb.name: verb for verb in ALL if verb.plan}
POLICIES = ("rename", "skip", "replace", "fail", None)

NAMES = st.sampled_from(("a", "b.txt", "b (2).txt", "B.txt", "c/d", "c/e.txt", "-x", "\udcff", "f/g/h"))
ACTS = st.tuples(
    st.sampled_from(("move", "copy", "rename", "trash", "erase", "write", "append", "make folder", "notify")),
    NAMES,
    NAMES,
    st.sampled_from(POLICIES),
)
Act = tuple[str, str, str, str | None]
TREES = st.dictionaries(NAMES, st.binary(max_size=8), min_size=1, max_size=5)
BATCHES = st.lists(ACTS, min_size=1, max_size=6)


class World:
    """A world of one store, which remembers what the person was told."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.told: list[str] = []

    def notify(self, text: str) -> None:
        self.told.append(text)


class Tree:
    """A folder on the disk, with a guarded store for all of it; its trash and kept copies lie beside it."""

    def __init__(self, beside: Path, files: dict[str, bytes]) -> None:
        self.root = beside / "tree"
        self.root.mkdir()
        lane = Lane.of(
            [(permission, f"{self.root}/**") for permission in ("read", "write", "remove", "erase")], str(beside)
        )
        self.files = GuardedFiles(lane, Keeper(beside / "kept", b"k" * 32), trash=Trash(beside / "trash"))
        for number, (name, content) in enumerate(files.items()):
            path = Path(self.path(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.chmod(path, (0o640, 0o600, 0o755)[number % 3])
            os.utime(path, ns=(10**18, 10**18 + number * 1_000_003))

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def snapshot(self) -> dict[str, tuple[object, ...]]:
        """Every folder, and every file with content, mode and time, by path."""
        found: dict[str, tuple[object, ...]] = {}
        for folder, folders, names in os.walk(self.root):
            found.update({os.path.join(folder, name): ("folder",) for name in folders})
            for path in (os.path.join(folder, name) for name in names):
                info = os.stat(path)
                found[path] = (Path(path).read_bytes(), info.st_mode, info.st_mtime_ns)
        return found

    def contents(self, files: Files | None = None) -> dict[str, bytes]:
        """Every file's content by path, as a store over this tree tells it."""
        store = files or self.files
        return {value.path: store.read(value.path, value.size) for value in store.list(f"{self.root}/**")}


@contextmanager
def tree_of(files: dict[str, bytes]) -> Iterator[Tree]:
    """A tree with these files, for the length of one example."""
    with tempfile.TemporaryDirectory() as scratch:
        yield Tree(Path(scratch).resolve(), files)


def arguments_of(files: Files, tree: Tree, act: Act) -> tuple[Any, ...] | None:
    """The values of an act's slots; None where the file that it is about is not there."""
    verb, source, goal, policy = act
    match verb:
        case "notify":
            return (goal,)
        case "make folder":
            return (tree.path(goal),)
        case "append":
            return (source, tree.path(goal))
        case "write":
            return (source, tree.path(goal), policy)
    path = tree.path(source)
    file = files.look(path) if files.kind_at(path) == "file" else None
    if file is None:
        return None
    if verb in ("trash", "erase"):
        return (file,)
    return (file, goal.rpartition("/")[2] if verb == "rename" else tree.path(goal), policy)


def planned(overlay: Overlay, tree: Tree, acts: Sequence[Act]) -> list[Step]:
    """The steps of acts, each planned over what those before it did; one that is refused is left out."""
    world, steps = World(overlay), []
    for act in acts:
        arguments = arguments_of(overlay, tree, act)
        if arguments is None:
            continue
        declared = VERBS[act[0]].plan
        assert declared is not None
        try:
            for step in plan(declared(overlay, arguments, NOW).operations, world):
                steps.append(step)
        except FileError as error:
            if error.kind not in ("taken", "missing", "value"):
                raise
    return steps


def carried_out(tree: Tree, steps: Sequence[Step], known: dict[Identity, Identity] | None = None) -> list[Step]:
    """Do planned steps on the disk."""
    return list(perform(steps, World(tree.files), {} if known is None else known))


def taken_back(tree: Tree, done: Sequence[Step]) -> list[Step]:
    """Undo done steps on the disk, and give back what was done for it."""
    overlay = Overlay(tree.files, tree.files.lane, NOW)
    return carried_out(tree, [step for _, step in take_back(done, World(overlay), Became())])
