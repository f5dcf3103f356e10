"""Operations: the atomic changes that every wish of a coworker becomes, each with its opposite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klapp.operations.contents import Append, Create, Overwrite, Truncate
from klapp.operations.folders import MakeFolder, RemoveFolder
from klapp.operations.keeping import Erase, Keep, PutBack, Restore, Trash
from klapp.operations.mailboxes import MarkMail, MoveMail, OfMailbox, TakeMailBack
from klapp.operations.moves import Copy, Move, Replace
from klapp.operations.notices import Notify
from klapp.operations.operation import Letter, Mailbox, Operation, World
from klapp.operations.sending import Open, SendData, SendFile, Sending, SendMail

ALL: tuple[type[Operation], ...] = (
    MakeFolder,
    RemoveFolder,
    Move,
    Copy,
    Replace,
    Create,
    Append,
    Truncate,
    Overwrite,
    Trash,
    Restore,
    Keep,
    Erase,
    PutBack,
    Notify,
    SendData,
    SendFile,
    SendMail,
    MoveMail,
    MarkMail,
    TakeMailBack,
    Open,
)

_BY_KIND = {operation.kind: operation for operation in ALL}


def from_json(body: Mapping[str, Any]) -> Operation:
    """The operation that ``to_json`` made this of. Raises ValueError for anything else."""
    kind = body.get("do")
    if not isinstance(kind, str) or kind not in _BY_KIND:
        raise ValueError("the log holds an operation that this version of klapp does not know")
    return _BY_KIND[kind].of_json(body)


__all__ = [
    "ALL",
    "Append",
    "Copy",
    "Create",
    "Erase",
    "Keep",
    "Letter",
    "Mailbox",
    "MakeFolder",
    "MarkMail",
    "Move",
    "MoveMail",
    "Notify",
    "OfMailbox",
    "Open",
    "Operation",
    "Overwrite",
    "PutBack",
    "RemoveFolder",
    "Replace",
    "Restore",
    "SendData",
    "SendFile",
    "SendMail",
    "Sending",
    "TakeMailBack",
    "Trash",
    "Truncate",
    "World",
    "from_json",
]
