"""What a person reads before allowing a coworker anything: one structure, for the terminal, notices and the page alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from klapp.coworkers.approval import SECRETS, Permissions, in_words, permissions_of, plainly
from klapp.coworkers.store import Coworker
from klapp.sandbox.enforced import less_enforced, not_enforced
from klr.layout import lines_of
from klr.privilege import tightest
from klr.program import Program
from klr.rewriting import least_privilege
from klr.source import Source

HEADINGS: Mapping[str, str] = {
    "read": "It may read",
    "change": "It may create and change",
    "remove": "It may move away, or to the trash",
    "erase": "It may delete for good",
    "send": "It may send out of this machine",
    "open": "It may open files with",
    "tell": "It may tell you things",
    "run": "It may run",
}
"""What a group of lines is called, in the order in which the groups are shown."""
_GROUPS = {"receive mail": "read", "write": "change", "contact": "send", "notify": "tell", SECRETS: "send"}
_SAID_BY_HEADING = frozenset({"read", "write", "remove", "erase"})


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a coworker may do. ``group`` is a key of ``HEADINGS``; ``words`` complete "it may ..."; ``new`` where
    that goes beyond what was allowed before (nothing is new where nothing was). ``thing`` says the same below the heading
    of its group: the files alone, where the heading says all else."""

    group: str
    words: str
    new: bool = False
    thing: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """What it would do with what is there now: ``file`` started it (None for the clock and the like), ``outcome`` and
    ``reason`` are as of a run, ``effects`` sentences such as "moved ~/In/a.pdf to ~/Out/"."""

    file: str | None
    outcome: str
    reason: str
    effects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """Everything to be known before an answer.

    Attributes:
        coworker, file, about: its name, the ``.klr`` file, and what it says of itself.
        state: as of ``Coworker``; "waiting" where an answer is wanted.
        first: whether nothing of it was ever allowed.
        refused: whether a person has said no to exactly this.
        seen: stands for exactly this text with these permissions; an answer that carries it is for nothing else.
        may: what it may read, change, and so on, as its proof has it.
        narrower: the tightest lines with which it can still do all that it does; empty where it asks for no more.
        starts: what starts it, in its own words.
        examples: some runs on the person's real files, of which nothing was done.
        no_example: why there are none; "" where there are.
        unenforced: what this system does not hold it to, as sentences.
    """

    coworker: str
    file: str
    about: str
    state: str
    first: bool
    refused: bool
    seen: str
    may: tuple[Line, ...]
    narrower: tuple[Line, ...]
    starts: tuple[str, ...]
    examples: tuple[Example, ...] = ()
    no_example: str = ""
    unenforced: tuple[str, ...] = ()

    @property
    def new(self) -> tuple[Line, ...]:
        """What goes beyond what was allowed before."""
        return tuple(line for line in self.may if line.new)

    def to_json(self) -> dict[str, Any]:
        """As data; ``headings`` names the groups of the lines."""
        used = {line.group for line in (*self.may, *self.narrower)}
        return asdict(self) | {"headings": {key: text for key, text in HEADINGS.items() if key in used}}


def review_of(coworker: Coworker, examples: Sequence[Example] = (), no_example: str = "") -> Review:
    """The review of a coworker that has a program."""
    program = coworker.program
    assert program is not None
    return Review(
        coworker.name,
        str(coworker.path),
        program.about,
        coworker.state,
        coworker.first,
        coworker.refused,
        seen_of(program),
        lines_in_words(permissions_of(program), {} if coworker.first else coworker.missing),
        _narrower(coworker),
        tuple(start_in_words(program, rule.line) for rule in program.rules),
        tuple(examples),
        no_example,
        (*not_enforced(), *less_enforced()),
    )


def seen_of(program: Program) -> str:
    """What stands for exactly this text, ``may`` lines and all: its SHA-256, in hexadecimal."""
    return hashlib.sha256(program.text.encode()).hexdigest()


def lines_in_words(permissions: Permissions, new: Permissions) -> tuple[Line, ...]:
    """Each permission in words, group by group."""
    lines: list[Line] = []
    for name, patterns in permissions.items():
        group = _group(name)
        for pattern in patterns or (None,):
            one = {name: () if pattern is None else (pattern,)}
            is_new = name in new and (pattern is None or not new[name] or pattern in new[name])
            thing = plainly(pattern) if pattern is not None and name in _SAID_BY_HEADING else ""
            lines.extend(Line(group, words, is_new, thing or words) for words in in_words(one))
    order = list(HEADINGS)
    return tuple(sorted(lines, key=lambda line: order.index(line.group)))


def start_in_words(program: Program, line: int) -> str:
    """The statement that starts a rule, as the coworker has it, in one line."""
    source = Source(program.text, "")
    for one in lines_of(source):
        if source.place(one.span.start)[0] == line:
            return " ".join(source.text[one.span.start : one.span.end].split())
    return ""


def narrowed_text(coworker: Coworker) -> str | None:
    """Its text with the tightest ``may`` lines; None where it has them, or its newest version has errors."""
    loaded = coworker.loaded
    if loaded.program is None or loaded.needs is None:
        return None
    text = least_privilege(loaded)
    return None if text == loaded.source.text else text


def _narrower(coworker: Coworker) -> tuple[Line, ...]:
    loaded = coworker.loaded
    if loaded.needs is None or narrowed_text(coworker) is None:
        return ()
    found: dict[str, tuple[str, ...]] = {}
    for need in tightest(loaded.needs):
        found[f"{need.permission} to {need.to}" if need.to else need.permission] = need.patterns
    assert coworker.program is not None
    permissions = permissions_of(coworker.program)
    if SECRETS in permissions:
        found[SECRETS] = permissions[SECRETS]
    return lines_in_words(found, {})


def _group(name: str) -> str:
    permission = name.partition(" to ")[0]
    if permission.startswith("send"):
        return "send"
    group = _GROUPS.get(permission, permission)
    return group if group in HEADINGS else "run"
