"""Which steps of runs concern the files and folders that a person names: what an undo of a selection takes back.

Steps that the same file goes through one after the other are a *way*: from where it was first, over every name it had, to
where it came to rest. Where one file takes another's place, their ways are one from then on. A way is taken back whole or
not at all, so that no file ends in the middle of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from klapp.files.protocol import Identity
from klapp.operations.folders import MakeFolder, RemoveFolder
from klapp.operations.keeping import Keep
from klapp.operations.notices import Notify
from klapp.operations.operation import Operation
from klapp.operations.sending import Open
from klapp.operations.steps import Step

_FOLDERS = (MakeFolder, RemoveFolder)
_NOTHING = (Keep, Notify, Open)


def leaves_nothing(operation: Operation) -> bool:
    """Whether nothing of an operation is there to be taken back by itself."""
    return isinstance(operation, _NOTHING)


def concerning(done: Sequence[Step], only: Sequence[str]) -> set[int]:
    """The positions of done steps, of one run or of several in their order, whose ways touch one of these paths or
    something below it; with the folders that were made for them."""
    wanted = [path.rstrip("/") or "/" for path in only]
    ways = _ways(done)
    chosen: set[int] = set()
    touched: set[str] = set()
    for way in ways:
        paths = {path for index in way for path in _changes(done[index].operation)}
        if any(_covers(folder, path) for folder in wanted for path in paths):
            chosen.update(way)
            touched |= paths
    for index, (operation, _) in enumerate(done):
        if isinstance(operation, _FOLDERS) and (
            any(_covers(folder, operation.path) for folder in wanted)
            or any(_covers(operation.path, path) for path in touched)
        ):
            chosen.add(index)
    return chosen


def _covers(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder if folder == "/" else f"{folder}/")


def _changes(operation: Operation) -> Iterator[str]:
    """The paths at which an operation changes something, or keeps what is about to be changed."""
    for permission, paths in operation.places().items():
        if permission != "read":
            yield from paths


def _ways(done: Sequence[Step]) -> list[list[int]]:
    """The positions of steps on files, way by way."""
    ways: dict[int, list[int]] = {}
    at: dict[
        str, tuple[int, Identity | None]
    ] = {}  # which way rests at a path, by its last step, and the version there
    for index, (operation, product) in enumerate(done):
        if isinstance(operation, _FOLDERS) or not any(True for _ in _changes(operation)):
            continue
        takes = operation.takes() or ({operation.path: operation.identity} if isinstance(operation, Keep) else {})
        ways[index] = [index]
        for path, identity in takes.items():
            way, version = at.pop(path, (index, None))
            if way != index and version == identity:
                ways[index] = ways.pop(way) + ways[index]
        goal = operation.makes()
        if goal is not None:
            at[goal] = (index, product)
        elif isinstance(operation, Keep):
            at[operation.path] = (index, operation.identity)
    return [sorted(way) for way in ways.values()]
