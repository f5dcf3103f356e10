"""What a person has allowed a coworker to do, and whether a new version of it asks for more."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from klr.mailboxes import mailboxes
from klr.program import Grant, Program
from klr.proof import Language, escape, glob
from klr.recipients import in_words as recipients_in_words
from klr.recipients import is_mail, recipients
from klr.vocabulary import PERMISSIONS, PermissionKind

_EITHER_CASE = re.compile(r"\[(\w{2,3})\]")

Permissions = Mapping[str, tuple[str, ...]]
"""Patterns by permission, sorted; ``()`` for a permission that takes none.

What may leave the machine has a name with its host, or with whom it is mailed to: "send contents to
https://api.example.com".
"""
_READERS: Mapping[str, Callable[[str], Language]] = {"recipients": recipients, "mailboxes": mailboxes}
SECRETS = "use secret"
"""The name under which the secrets stand that a program uses, each with its host."""


def permissions_of(program: Program) -> Permissions:
    """The permissions of a program, in one canonical form."""
    found = gathered(program.grants)
    secrets = tuple(sorted(f"{secret.name} at {secret.host}" for secret in program.secrets.values()))
    return {**found, SECRETS: secrets} if secrets else found


def gathered(grants: Iterable[Grant]) -> Permissions:
    """The patterns of all ``may`` lines, by permission."""
    found: dict[str, set[str]] = {}
    for grant in grants:
        for name in [f"{grant.permission} to {host}" for host in grant.to] or [grant.permission]:
            found.setdefault(name, set()).update(grant.patterns)
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


def _kind(name: str) -> tuple[PermissionKind | None, str]:
    """The kind of a permission of ``Permissions``, and its host."""
    permission, _, host = name.partition(" to ")
    return PERMISSIONS.get(permission), host


def asks_more(wanted: Permissions, approved: Permissions | None) -> Permissions:
    """The part of ``wanted`` that goes beyond ``approved``: decided by proof, not by comparing the lines."""
    if approved is None:
        return dict(wanted)
    more: dict[str, tuple[str, ...]] = {}
    for permission, patterns in wanted.items():
        kind, host = _kind(permission)
        same = {permission, *_as_wide(permission, approved)}
        if kind is not None and kind.name == "send names":  # whoever may have all of it may have its name
            wider_kind = f"send contents to {host}"
            same |= {wider_kind, *_as_wide(wider_kind, approved)}
        allowed = {pattern for name in same for pattern in approved.get(name, ())}
        if permission not in approved and not allowed:
            more[permission] = patterns
        elif kind is not None and kind.takes in _READERS:
            wider = _wider(patterns, allowed, _READERS[kind.takes])
            if wider:
                more[permission] = wider
        elif kind is None or not kind.takes_paths:
            wider = tuple(pattern for pattern in patterns if pattern not in allowed)
            if wider or (not patterns and allowed):  # without a pattern, any app is meant
                more[permission] = wider
        else:
            wider = _wider(patterns, allowed, glob)
            if wider:
                more[permission] = wider
    return more


def _wider(patterns: Iterable[str], allowed: Iterable[str], read: Callable[[str], Language]) -> tuple[str, ...]:
    """The patterns that hold something which none of those that are allowed holds."""
    languages = [read(pattern) for pattern in sorted(allowed)]
    return tuple(pattern for pattern in patterns if escape(read(pattern), languages) is not None)


def _as_wide(name: str, approved: Permissions) -> Iterable[str]:
    """What is approved of the same kind to everybody to whom this goes, and to others."""
    permission, _, to = name.partition(" to ")
    for other in approved:
        same, _, wider = other.partition(" to ")
        leaves = same in PERMISSIONS and PERMISSIONS[same].leaves
        if leaves and same == permission and is_mail(to) and is_mail(wider) and not _wider([to], [wider], recipients):
            yield other


def in_words(permissions: Permissions) -> list[str]:
    """The permissions as lines for a person: "read ~/Downloads/**"."""
    lines = []
    for name, patterns in permissions.items():
        kind, host = _kind(name)
        plain = kind.plain if kind is not None else name
        where = recipients_in_words(host) if is_mail(host) else host
        if kind is not None and kind.takes == "recipients" and host:
            lines.append(f"{plain} {', '.join(map(recipients_in_words, patterns))} from the account {host}")
            continue
        to = f" to {where}{' (not encrypted)' if host.startswith('http:') else ''}" if host else ""
        if kind is not None and kind.takes == "mailboxes":
            lines.append(f"{plain} of {host} to {', '.join(patterns)}")
            continue
        if kind is not None and kind.takes == "recipients":
            patterns = tuple(map(recipients_in_words, patterns))
        if kind is not None and kind.takes == "apps" and not patterns:
            to = " the app that you use for them"
        lines.append((f"{plain} {', '.join(map(plainly, patterns))}" if patterns else plain) + to)
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
