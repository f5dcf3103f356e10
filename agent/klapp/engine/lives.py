"""What happened to a file through all the names that it had, told from the log alone.

A *life* is what klapp knows of one file: the runs that it started or that did something to it, followed from name to name
in both directions. Where klapp had moved or removed a file, another one that takes its name begins a life of its own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from klapp.audit.log import INTENT, OUTCOME, Entry, Log
from klapp.audit.pages import Filter, every
from klapp.audit.search import indexing
from klapp.engine.encoding import decode
from klapp.engine.record import REPLAN, Logged
from klapp.engine.report import report
from klapp.files.protocol import Identity
from klapp.operations import Copy, Erase, Move, PutBack, Replace, Restore, Trash
from klapp.operations.folders import MakeFolder, RemoveFolder
from klapp.operations.operation import Operation
from klapp.operations.steps import Step

MOST_NAMES = 100
"""So many names of a file are followed."""
_KINDS = (INTENT, REPLAN, OUTCOME)
_WORD = re.compile(r"[^\W_]+")


@dataclass(slots=True)
class Life:
    """The names of one file, oldest first, and what happened to it: accounts of runs, with ``who`` and ``origin``,
    ``rule`` (an index), ``did``, the sentences of what was done to it, ``goals``, the paths that the run made, and
    ``changed``, the run behind which somebody else changed the file before this one met it, or None.

    ``left`` is the version that the run ``left_by`` knew last, as ``_version`` gives it; None where it is in the trash.
    """

    names: list[str]
    happenings: list[dict[str, Any]] = field(default_factory=list)
    left: tuple[int, int] | None = None
    left_by: int = 0

    def to_json(self) -> dict[str, Any]:
        """As data."""
        return {"names": self.names, "happenings": self.happenings}

    def since(self) -> dict[str, Any] | None:
        """What somebody else did to the file since klapp last knew it: {"run", "what": "changed" or "gone"}, or None."""
        if self.left is None:
            return None
        try:
            there = os.lstat(self.names[-1])
        except OSError:
            return {"run": self.left_by, "what": "gone"}
        same = (there.st_mtime_ns, there.st_size) == self.left
        return None if same else {"run": self.left_by, "what": "changed"}

    def met(self, identity: Identity, run: int) -> int | None:
        """A run finds the file in this version: the run behind which somebody else changed it, or None."""
        before, by = self.left, self.left_by
        self.left, self.left_by = _version(identity), run
        return by if before is not None and by != run and before != self.left else None


def lives_of(log: Log, path: str) -> list[Life]:
    """The lives of the files that had a path for a name, oldest first. Of runs whose values were erased nothing is told."""
    for _ in indexing(log):
        pass
    runs: dict[int, list[Entry]] = {}
    looked: set[str] = set()
    names = {path}
    lives: list[Life] = []
    while names - looked and len(looked) < MOST_NAMES:
        for name in sorted(names - looked):
            looked.add(name)
            for number in _mentioning(log, name):
                if number not in runs:
                    runs[number] = log.entries(number)
        followed = _Following()
        for number in sorted(runs):
            followed.run(runs[number])
        lives = followed.of(path)
        names |= {name for life in lives for name in life.names}
    return lives


def _mentioning(log: Log, path: str) -> Iterable[int]:
    """The runs whose values have all the words of a path. Words beyond ASCII are left to the exact look that follows."""
    words = " ".join(word for word in _WORD.findall(path) if word.isascii())
    found = every(log, Filter(kinds=_KINDS, text=words or None))
    return {entry.run for entry in found if entry.run is not None and not entry.erased}


class _Following:
    """Plays runs in their order, and knows at each moment which file has which name."""

    def __init__(self) -> None:
        self.at: dict[str, Life] = {}
        self.aside: dict[str, Life] = {}
        self.all: list[Life] = []

    def of(self, path: str) -> list[Life]:
        """The lives that had this name."""
        return [life for life in self.all if path in life.names]

    def _life(self, path: str) -> Life:
        life = self.at.get(path)
        if life is None:
            life = self.at[path] = Life([path])
            self.all.append(life)
        return life

    def run(self, entries: list[Entry]) -> None:
        """One run: what started it, and what it did."""
        logged = Logged.of(entries)
        if logged.erased:
            return
        account = report(logged)
        told: dict[int, tuple[Life, list[str]]] = {}
        changed: dict[int, int | None] = {}
        if account.file is not None:
            life = self._life(account.file)
            told[id(life)] = life, []
            changed[id(life)] = life.met(decode(logged.body["file"]).identity, logged.number)
        for step in account.steps:
            for path, identity in step.operation.takes().items():
                if found := self.at.get(path):
                    behind = found.met(identity, logged.number)
                    changed.setdefault(id(found), behind)
            for life in self._done(step):
                told.setdefault(id(life), (life, []))[1].append(step.operation.sentence())
            self._leaves(step, logged.number)
        for life, did in told.values():
            head = account.to_json()
            del head["effects"]
            head |= {"who": entries[0].who, "origin": entries[0].origin, "rule": logged.body.get("rule")}
            goals = [goal for step in account.steps if (goal := step.operation.makes()) is not None]
            life.happenings.append(head | {"did": did, "goals": goals, "changed": changed.get(id(life))})

    def _leaves(self, step: Step, run: int) -> None:
        """In which version a step leaves the file that it made, or moved."""
        made = step.operation.makes()
        if made is not None and step.product is not None:
            life = self._life(made)
            life.left, life.left_by = _version(step.product), run

    def _done(self, step: Step) -> list[Life]:
        """The lives that a step concerns."""
        operation = step.operation
        if isinstance(operation, MakeFolder | RemoveFolder):
            return []
        if isinstance(operation, Move | Replace):
            return self._moved(operation)
        if isinstance(operation, Copy):
            made = Life([operation.goal])
            self.all.append(made)
            source = self._life(operation.source)
            self.at[operation.goal] = made
            return [source, made]
        if isinstance(operation, Trash | Erase):
            life = self.aside[operation.token] = self._life(operation.path)
            del self.at[operation.path]
            life.left = None
            return [life]
        if isinstance(operation, Restore | PutBack) and operation.token in self.aside:
            life = self.at[operation.path] = self.aside.pop(operation.token)
            _named(life, operation.path)
            return [life]
        return [self._life(path) for path in _paths(operation)]

    def _moved(self, operation: Move | Replace) -> list[Life]:
        life = self._life(operation.source)
        del self.at[operation.source]
        replaced = [self._life(operation.goal)] if isinstance(operation, Replace) else []
        self.at[operation.goal] = life
        _named(life, operation.goal)
        return [life, *replaced]


def _version(identity: Identity) -> tuple[int, int]:
    """When it was last changed, and its size: what a file keeps wherever it is moved to."""
    return identity[2], identity[3]


def _named(life: Life, path: str) -> None:
    if life.names[-1] != path:
        life.names.append(path)


def _paths(operation: Operation) -> set[str]:
    return {path for paths in operation.places().values() for path in paths}
