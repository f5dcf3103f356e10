"""What a person has allowed a coworker to do, and whether a new version of it asks for more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from klr.program import Grant, Program
from klr.proof import escape, glob
from klr.vocabulary import PERMISSIONS

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
        lines.append(f"{plain} {', '.join(patterns)}" if patterns else plain)
    return lines


def to_json(permissions: Permissions) -> dict[str, list[str]]:
    """The form in which an approval is kept."""
    return {name: list(patterns) for name, patterns in permissions.items()}


def from_json(kept: Any) -> Permissions | None:
    """The permissions of a kept approval, or None where there is none."""
    return None if kept is None else {str(name): tuple(patterns) for name, patterns in kept.items()}
