"""The verbs that bring a file elsewhere or away: move, rename, copy, trash and erase."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from klapp.files.protocol import Files
from klapp.operations import Copy, Erase, Keep, Move, PutBack, Replace, Trash
from klapp.operations.keeping import new_token
from klapp.verbs.plan import ON_CONFLICT, Goal, Plan, check_name, check_path, find_goal, identity_of, missing_folders
from klr.types import FILE, PATH, TEXT
from klr.values import FileValue
from klr.vocabulary import Slot, Verb


def plan_move(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``move FILE to PATH``: the folders that are missing, then the move. The answer is the file at its new place."""
    file, path, policy = arguments
    check_path(path)
    return _moved(files, file, path, policy)


def plan_rename(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``rename FILE to TEXT``: a move within the file's folder."""
    file, name, policy = arguments
    path = f"{file.path.rpartition('/')[0]}/{name}"
    check_name(name, path)
    return _moved(files, file, path, policy)


def _moved(files: Files, file: FileValue, path: str, policy: str | None) -> Plan:
    if path == file.path:
        return Plan((), file)
    identity = identity_of(files, file)
    goal = Goal(path) if _is_other_spelling(files, file, path) else find_goal(files, path, policy)
    if goal is None:
        return Plan((), file)
    size, stamp = identity[3], identity[2]
    answer = file._replace(path=goal.path, size=size, stamp=stamp, device=identity[0], inode=identity[1])
    if goal.old is None:
        return Plan((*missing_folders(files, goal.path), Move(file.path, goal.path, identity)), answer)
    token, old = new_token(), goal.old.identity
    return Plan((Keep(path, old, token), Replace(file.path, path, identity, old, token)), answer)


def _is_other_spelling(files: Files, file: FileValue, path: str) -> bool:
    """Whether ``path`` leads to the file itself, on a disk where case does not count."""
    if path.casefold() != file.path.casefold() or files.kind_at(path) != "file":
        return False
    found = files.look(path)
    return found is not None and found.identity == identity_of(files, file)


def plan_copy(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``copy FILE to PATH``. To replace a file, a kept copy of the source is put in its place, whole or not at all."""
    file, path, policy = arguments
    check_path(path)
    if path == file.path and policy == "replace":
        return Plan(())
    goal = find_goal(files, path, policy)
    if goal is None:
        return Plan(())
    identity = identity_of(files, file)
    if goal.old is None:
        return Plan((*missing_folders(files, goal.path), Copy(file.path, goal.path, identity)))
    copied, saved, old = new_token(), new_token(), goal.old.identity
    return Plan(
        (
            Keep(path, old, saved),
            Keep(file.path, identity, copied),
            PutBack(copied, path, identity, old, saved),
        )
    )


def plan_trash(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``trash FILE``."""
    (file,) = arguments
    return Plan((Trash(file.path, identity_of(files, file), files.new_trash_token(file.path)),))


def plan_erase(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``erase FILE``: a sealed copy is kept first, so that this too can be undone."""
    (file,) = arguments
    identity, token = identity_of(files, file), new_token()
    return Plan((Keep(file.path, identity, token), Erase(file.path, identity, token)))


MOVE = Verb(
    "move",
    (
        Slot("", FILE, needs=("remove",), doc="The file to move."),
        Slot("to", PATH, needs=("write",), doc="Where it goes. A path that ends with `/` keeps the file's name."),
        ON_CONFLICT,
    ),
    "Moves a file to another path, and makes the folders that are missing. After it, `file` is the file at its new "
    "place. If something is there already, the new name gets a number.",
    'move file to "~/Documents/{file.name}"',
    plan=plan_move,
    follows=True,
    numbered=True,
)

RENAME = Verb(
    "rename",
    (
        Slot("", FILE, needs=("remove",), doc="The file to rename."),
        Slot("to", TEXT, needs=("write",), doc="Its new name, in the same folder."),
        ON_CONFLICT,
    ),
    "Gives a file another name within its folder. If that name is taken, it gets a number.",
    'rename file to "{file.modified:%Y-%m-%d} {file.name}"',
    plan=plan_rename,
    follows=True,
    numbered=True,
    sibling=True,
)

COPY = Verb(
    "copy",
    (
        Slot("", FILE, needs=("read",), doc="The file to copy."),
        Slot("to", PATH, needs=("write",), doc="Where the copy goes. A path that ends with `/` keeps the file's name."),
        ON_CONFLICT,
    ),
    "Copies a file with its times, and makes the folders that are missing. `file` stays the original.",
    'copy file to "~/Backup/{file.name}" on conflict skip',
    plan=plan_copy,
    numbered=True,
)

TRASH = Verb(
    "trash",
    (Slot("", FILE, needs=("remove",), doc="The file to put in the trash."),),
    "Puts a file in the trash, from where you can bring it back.",
    "trash file",
    plan=plan_trash,
    consumes=True,
)

ERASE = Verb(
    "erase",
    (Slot("", FILE, needs=("erase",), doc="The file to erase."),),
    "Deletes a file for good, past the trash. klapp keeps a sealed copy, so that you can undo it, for as long as it keeps "
    "such copies: see `klapp kept`.",
    "erase file",
    plan=plan_erase,
    consumes=True,
)
