"""Least privilege: the tightest ``may`` lines that a program needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from klr.mailboxes import ANY_FOLDER, mailboxes
from klr.program import Need
from klr.proof import GlobError, Language, TooComplex, escape, glob
from klr.recipients import ANYONE, is_mail, recipients
from klr.values import split_name
from klr.vocabulary import PERMISSIONS, Permission

READERS: Mapping[str, Callable[[str], Language]] = {"paths": glob, "recipients": recipients, "mailboxes": mailboxes}
"""What reads the patterns of a permission, by what it takes; patterns of the others are equal or not."""
EVERYWHERE = ("~/**", "/**")
MOST_LINES = 4
"""More patterns than these for one place are too many to read; a wider one stands for them."""


def covering(need: Need) -> tuple[str, ...]:
    """Patterns that together hold every path of a need, as tight as people would write them."""
    assert need.language is not None
    if PERMISSIONS[need.permission].takes == "recipients":
        return need.patterns if covers(need.patterns, need.language, recipients) else (ANYONE,)
    if PERMISSIONS[need.permission].takes == "mailboxes":
        return need.patterns if covers(need.patterns, need.language, mailboxes) else (ANY_FOLDER,)
    for patterns in _looser(need.patterns):
        if 0 < len(patterns) <= MOST_LINES and covers(patterns, need.language):
            return patterns
    return EVERYWHERE


def covers(patterns: Iterable[str], language: Language, read: Callable[[str], Language] = glob) -> bool:
    """Whether every path of a language matches one of the patterns, which ``read`` reads."""
    try:
        return escape(language, [read(pattern) for pattern in patterns]) is None
    except (GlobError, TooComplex):
        return False


def _looser(patterns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Sets of patterns, each looser than the one before."""
    yield patterns
    yield _each(patterns, lambda folder, name: (f"{folder}/{name}", f"{folder}/{_numbered(name)}"))
    yield _each(patterns, lambda folder, name: (f"{folder}/*",))
    yield _each(patterns, lambda folder, name: (f"{folder}/**",))
    yield _each(patterns, lambda folder, name: (f"{fixed(folder)}/**",))


def _each(patterns: tuple[str, ...], looser: Callable[[str, str], tuple[str, ...]]) -> tuple[str, ...]:
    pairs = (pattern.rpartition("/")[::2] for pattern in patterns)
    return tuple(dict.fromkeys(one for folder, name in pairs for one in looser(folder, name)))


def _numbered(name: str) -> str:
    """A pattern for the numbered forms of a name, such as ``a (2).pdf``."""
    stem, extension = split_name(name)
    return f"{stem} (*){extension}"


def fixed(pattern: str) -> str:
    """The folders with which a pattern begins, before the first component that can be several."""
    parts = pattern.split("/")
    free = next((index for index, part in enumerate(parts) if any(sign in part for sign in "*?[")), len(parts))
    return "/".join(parts[:free])


class MayLine(NamedTuple):
    """What a ``may`` line says; ``to`` is the host of one about what may leave the machine."""

    permission: Permission
    patterns: tuple[str, ...]
    to: str = ""


def tightest(needs: Iterable[Need]) -> tuple[MayLine, ...]:
    """The permissions that these needs come to, each with the patterns that it takes, none of them superfluous."""
    wanted: dict[tuple[Permission, str], dict[str, None]] = {}
    for need in needs:
        patterns = wanted.setdefault((need.permission, need.to), {})
        patterns.update(dict.fromkeys(need.patterns if need.language is None else covering(need)))
    lines = [MayLine(name, _fewest(name, tuple(patterns)), to) for (name, to), patterns in wanted.items()]
    order = list(PERMISSIONS)
    return tuple(
        sorted(
            filter(None, map(partial(_told_by, lines), lines)), key=lambda one: (order.index(one.permission), one.to)
        )
    )


def _fewest(name: Permission, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The patterns of a permission, in order, none of them superfluous."""
    read = READERS.get(PERMISSIONS[name].takes)
    return _needed(patterns, read) if read is not None else tuple(sorted(patterns))


def _told_by(lines: Sequence[MayLine], line: MayLine) -> MayLine | None:
    """A line without what another line allows as well; None where nothing of it is left."""
    if line.permission == "contact":
        hosts = tuple(host for host in line.patterns if all(host != other.to for other in lines))
        return line._replace(patterns=hosts) if hosts else None
    if line.permission == "send mail" and not line.to:
        told = [other.to for other in lines if PERMISSIONS[other.permission].leaves and is_mail(other.to)]
        left = tuple(pattern for pattern in line.patterns if not covers(told, recipients(pattern), recipients))
        return line._replace(patterns=left) if left else None
    if line.permission == "send names":
        inside = [
            p for other in lines if other.permission == "send contents" and other.to == line.to for p in other.patterns
        ]
        left = tuple(pattern for pattern in line.patterns if not covers(inside, glob(pattern)))
        return line._replace(patterns=left) if left else None
    return line


def _needed(patterns: tuple[str, ...], read: Callable[[str], Language] = glob) -> tuple[str, ...]:
    """The patterns without those that lie within another."""
    kept = list(patterns)
    for pattern in patterns:
        if covers([other for other in kept if other != pattern], read(pattern), read):
            kept.remove(pattern)
    return tuple(sorted(kept))
