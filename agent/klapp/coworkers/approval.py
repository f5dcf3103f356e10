"""What a person has allowed a coworker to do, and whether a new version of it asks for more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from klr.program import Grant, Program
from klr.proof import escape, glob
from klr.vocabulary import PERMISSIONS

_EITHER_CASE = re.compile(r"\[(\w{2,3})\]")

Permissions = Mapping[str, tuple[str, ...]]
"""Patterns by permission, sorted; ``()`` for a permission that takes none."""


def permissions_of(program: Program) -> Permissions:
    """The permissions of a program, in one canonical form."""
    return gathered(program.grants)


def gathered(grants: Iterable[Grant]) -> Permissions:
    """The patterns of all ``may`` lines, by permission."""
    found: dict[str, set[str]] = {}
    for grant in grants:
        found.setdefault(grant.permission, set()).update(grant.patterns)
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


def asks_more(wanted: Permissions, approved: Permissions | None) -> Permissions:
    """The part of ``wanted`` that goes beyond ``approved``: decided by proof, not by comparing the lines."""
    if approved is None:
        return dict(wanted)
    more: dict[str, tuple[str, ...]] = {}
    for permission, patterns in wanted.items():
        if permission not in approved:
            more[permission] = patterns
            continue
        allowed = [glob(pattern) for pattern in approved[permission]]
        wider = tuple(pattern for pattern in patterns if escape(glob(pattern), allowed) is not None)
        if wider:
            more[permission] = wider
    return more


def in_words(permissions: Permissions) -> list[str]:
    """The permissions as lines for a person: "read ~/Downloads/**"."""
    lines = []
    for name, patterns in permissions.items():
        plain = next((kind.plain for kind in PERMISSIONS.values() if kind.name == name), name)
        lines.append(f"{plain} {', '.join(map(plainly, patterns))}" if patterns else plain)
    return lines


def plainly(pattern: str) -> str:
    """A pattern as people read it: ``*.[Pp][Dd][Ff]`` is "*.pdf (capitals or not)". Says never less than it allows."""
    read = _EITHER_CASE.sub(lambda letters: letters[1][-1].lower() if _is_one(letters[1]) else letters[0], pattern)
    return f"{read} (capitals or not)" if read != pattern else pattern


def _is_one(letters: str) -> bool:
    return len({letter.casefold() for letter in letters}) == 1


def to_json(permissions: Permissions) -> dict[str, list[str]]:
    """The form in which an approval is kept."""
    return {name: list(patterns) for name, patterns in permissions.items()}


def from_json(kept: Any) -> Permissions | None:
    """The permissions of a kept approval, or None where there is none."""
    return None if kept is None else {str(name): tuple(patterns) for name, patterns in kept.items()}
