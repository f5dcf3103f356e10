"""Verbs: what a coworker can do, one declaration each."""

from __future__ import annotations

from klapp.verbs.mail import MARK_MAIL, MOVE_MAIL, SAVE, SEND_MAIL
from klapp.verbs.moving import COPY, ERASE, MOVE, RENAME, TRASH
from klapp.verbs.plan import Plan
from klapp.verbs.sending import OPEN, QUESTIONS, SEND
from klapp.verbs.tables import APPEND_ROW, WRITE_TABLE
from klapp.verbs.telling import FAIL, NOTIFY, SKIP, STOP
from klapp.verbs.writing import APPEND, MAKE_FOLDER, WRITE
from klr.vocabulary import Verb

ALL: tuple[Verb, ...] = (
    MOVE,
    COPY,
    RENAME,
    TRASH,
    ERASE,
    WRITE,
    APPEND,
    APPEND_ROW,
    WRITE_TABLE,
    MAKE_FOLDER,
    SAVE,
    NOTIFY,
    SEND,
    SEND_MAIL,
    MOVE_MAIL,
    MARK_MAIL,
    OPEN,
    SKIP,
    STOP,
    FAIL,
)

__all__ = ["ALL", "QUESTIONS", "Plan"]
