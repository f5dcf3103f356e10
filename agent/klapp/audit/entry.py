"""One entry of the log: as whoever logs knows it, as it is stored, and as a leaf of the tree."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from klapp.audit.events import PUBLIC, acting_now
from klapp.audit.sealing import ValueKey, stored_key

INTENT, OUTCOME, CONTENT = "intent", "outcome", "content"
COLUMNS = "seq, at, mono, run, kind, owner, who, origin, outcome, key, public, sealed"
Row = tuple[Any, ...]
"""The columns of a stored entry, in that order."""
_to_json = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False).encode
_NOTHING: frozenset[str] = frozenset()
_UNSEALED = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. ``body`` is what JSON can hold; whoever logs gives the first six, the log fills in the others.

    Attributes:
        run: the run that it belongs to, or None.
        owner: the coworker whose doing it is; taken from the run's first entry where it is left out.
        subject: what its values are about, such as a file's path.
        seq: its number in the log, from 1.
        at: ns since 1970 (UTC); ``mono``: ns of the system's monotonic clock.
        who: an account's name, or ""; ``origin``: from where it was done.
        erased: whether its values were erased; ``body`` then holds its public fields alone.
    """

    run: int | None
    kind: str
    body: dict[str, Any]
    seq: int = 0
    at: int = 0
    owner: str = ""
    subject: str = ""
    mono: int = 0
    who: str = ""
    origin: str = ""
    erased: bool = False


def digest(data: bytes) -> str:
    """The name of a blob: SHA-256, in hex."""
    return hashlib.sha256(data).hexdigest()


@lru_cache(maxsize=1024)
def line(text: str) -> str:
    """The text as one line that any database can hold."""
    return text.replace("\n", " ").encode("utf-8", "replace").decode("utf-8")


@cache
def user() -> str:
    """The system's name of whoever runs this process, by its user number and not by what the environment says."""
    if os.name == "posix":
        import pwd

        try:
            return pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            return str(os.geteuid())
    try:
        return os.getlogin()
    except OSError:
        return ""


def split(kind: str, body: dict[str, Any]) -> tuple[str, bytes | None]:
    """A body as stored: its public fields, and those to be sealed, both as JSON; None where there are none of these.

    A field that is empty says nothing, and is stored with the public ones.
    """
    names = PUBLIC.get(kind, _NOTHING)
    public: dict[str, Any] = {}
    private: dict[str, Any] = {}
    for name, value in body.items():
        (public if name in names or not value else private)[name] = value
    return _to_json(public), _to_json(private).encode("ascii") if private else None


def leaf_of(row: Row) -> bytes:
    """What the tree holds of a stored entry: all of it but its place, which is that of the leaf.

    Sealed values stand in it by their SHA-256, so that a proof needs to show nothing of them.
    """
    _, at, mono, run, kind, owner, who, origin, outcome, key, public, sealed = row
    values = _UNSEALED if sealed is None else hashlib.sha256(sealed).hexdigest()
    return (
        f"klapp entry 1\n{at}\n{mono}\n{run or ''}\n{kind}\n{owner}\n{who}\n{origin}\n{outcome}\n{key or ''}\n"
        f"{values}\n{public}\n"
    ).encode()


def read(row: Row, key_row: Sequence[Any]) -> Entry:
    """An entry of its stored row and that of its key (all None where there is none); raises Unsealable."""
    seq, at, mono, run, kind, owner, who, origin, _, key, public, sealed = row
    body = json.loads(public)
    erased = key is not None and key_row[0] is None
    subject = ""
    if key is not None and not erased:
        opened = stored_key(tuple(key_row))
        subject = opened.subject.decode("utf-8", "surrogateescape")
        if kind != CONTENT:
            body.update(json.loads(opened.open(sealed)))
    return Entry(run, kind, body, seq, at, owner, subject, mono, who, origin, erased)


class Drafts:
    """Stored rows in the making. ``first`` is the number of the next entry, ``last_key`` that of the newest key."""

    def __init__(self, first: int, last_key: int) -> None:
        self.seq, self.last_key = first, last_key
        self.at, self.mono = time.time_ns(), time.monotonic_ns()
        acting = acting_now()
        self.who, self.origin = line(acting.who or user()), line(acting.origin)
        self.rows: list[Row] = []
        self.keys: list[ValueKey] = []

    def key(self, owner: str, subject: str) -> ValueKey:
        """A fresh key."""
        self.last_key += 1
        key = ValueKey.fresh(self.last_key, owner, subject.encode("utf-8", "surrogateescape"), self.at)
        self.keys.append(key)
        return key

    def add(self, entry: Entry, public: str, sealed: bytes | None, key: ValueKey | None, owner: str) -> int:
        """A row; ``sealed`` is what ``key`` has sealed. Returns its number."""
        seq = self.seq
        outcome = entry.body["outcome"] if entry.kind == OUTCOME else ""
        identity = key.id if key is not None else None
        at, mono = entry.at or self.at, entry.mono or self.mono
        who, origin = (entry.who, entry.origin) if entry.origin else (self.who, self.origin)
        row = (seq, at, mono, entry.run, entry.kind, owner, who, origin, outcome, identity, public, sealed)
        self.rows.append(row)
        self.seq += 1
        return seq
