"""The verbs that make something: write, append and make folder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from klapp.files.failures import missing, taken
from klapp.files.overlay import Overlay
from klapp.files.protocol import FileError, Files
from klapp.operations import Append, Create, Keep, MakeFolder, Overwrite
from klapp.operations.keeping import new_token
from klapp.verbs.plan import ON_CONFLICT, Plan, check_path, find_goal, missing_folders
from klr.types import PATH, TEXT
from klr.values import FileValue
from klr.vocabulary import Slot, Verb

MOST_READ = 16 * 2**20
"""Bytes. The end of a longer file is not looked at before a line is added to it."""


def plan_write(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``write TEXT to PATH``: a new text file in UTF-8, with the folders that are missing."""
    text, path, policy = arguments
    return written(files, path, policy, lambda: _encoded(text))


def written(files: Files, path: str, policy: str | None, content: Callable[[], bytes]) -> Plan:
    """A new file with some content, which is asked for only where there is a place for it."""
    check_path(path)
    goal = find_goal(files, path, policy)
    if goal is None:
        return Plan(())
    if goal.old is None:
        return Plan((*missing_folders(files, goal.path), Create(goal.path, content())))
    token, old = new_token(), goal.old.identity
    return Plan((Keep(path, old, token), Overwrite(path, content(), old, token)))


def plan_append(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``append TEXT to PATH``: one more line, in a line of its own."""
    text, path = arguments
    check_path(path)
    line = _encoded(text if text.endswith("\n") else text + "\n")
    kind = files.kind_at(path)
    if not kind:
        return Plan((*missing_folders(files, path), Create(path, line)))
    if kind != "file":
        raise taken(path)
    file = files.look(path)
    if file is None:
        raise missing(path)
    ended = b"" if _ends_with_newline(files, file) else b"\n"
    return Plan((Append(path, ended + line, file.identity),))


def _ends_with_newline(files: Files, file: FileValue) -> bool:
    """Whether a line can be added as it is. What may not be read, or is very long, is taken to end its last line."""
    if file.size == 0:
        return True
    tail = files.tail(file.path) if isinstance(files, Overlay) else b""
    if tail or file.size > MOST_READ:
        return tail.endswith(b"\n") if tail else True
    try:
        return files.read(file.path, file.size).endswith(b"\n")
    except FileError as error:
        if error.kind != "denied":
            raise
        return True


def _encoded(text: str) -> bytes:
    """A text as UTF-8; names that are not UTF-8 give back the bytes that they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise FileError("The text holds a character that no file can hold. Nothing was changed.", "value") from None


def plan_make_folder(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``make folder PATH``: that folder and those above it, as far as they are missing."""
    (path,) = arguments
    check_path(path)
    kind = files.kind_at(path)
    if kind == "folder":
        return Plan(())
    if kind:
        raise taken(path)
    return Plan((*missing_folders(files, path), MakeFolder(path)))


WRITE = Verb(
    "write",
    (
        Slot("", TEXT, doc="What the file will hold."),
        Slot("to", PATH, needs=("write",), doc="The new file."),
        ON_CONFLICT,
    ),
    "Writes a text file (UTF-8), and makes the folders that are missing. If something is there already, the new name "
    "gets a number.",
    'write "Paid on {today}" to "~/Documents/Notes/{file.stem}.txt"',
    plan=plan_write,
    numbered=True,
)

APPEND = Verb(
    "append",
    (
        Slot("", TEXT, doc="The line to add."),
        Slot("to", PATH, needs=("write",), doc="The file; it is made if it is missing."),
    ),
    "Adds a line to the end of a text file.",
    'append "{today};{file.name}" to "~/Documents/filed.csv"',
    plan=plan_append,
)

MAKE_FOLDER = Verb(
    "make folder",
    (Slot("", PATH, needs=("write",), doc="The folder; those above it are made too."),),
    "Makes a folder, unless it is there already.",
    'make folder "~/Documents/Invoices"',
    plan=plan_make_folder,
)
