"""Text patterns: regular expressions in RE2's notation, decided in time linear in the text, whatever they are.

RE2 (Cox, "Regular Expression Matching in the Wild", 2010) has no backreferences and no look-around, and so no pattern
with which a hostile text could hold up a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MOST_MEMORY = 8 << 20
"""Bytes that one pattern's automata may take."""
LONGEST = 1000


@dataclass(frozen=True, slots=True)
class MatchValue:
    """What a pattern with named groups found: for each name its text, None where that group took no part."""

    groups: tuple[tuple[str, str | None], ...]


class PatternError(ValueError):
    """A pattern that can not be read; the message says why."""


@lru_cache(maxsize=256)
def compiled(pattern: str, ignoring_case: bool = False) -> Any:
    """The automaton of a pattern; raises PatternError."""
    import re2

    if len(pattern) > LONGEST:
        raise PatternError(f"it is longer than {LONGEST} characters")
    if _readable(pattern) != pattern:
        raise PatternError("it holds half of a character")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_MEMORY
    options.case_sensitive = not ignoring_case
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        raise PatternError(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)) from None


def found(pattern: Any, text: str) -> bool:
    """Whether a pattern matches somewhere in a text."""
    return pattern.search(_readable(text)) is not None


def first(pattern: Any, text: str) -> str | None:
    """What the first match, or its first group where the pattern has groups, holds; None where there is none."""
    match = pattern.search(_readable(text))
    return _held(match) if match else None


def every(pattern: Any, text: str) -> tuple[str, ...]:
    """As ``first``, of each match from left to right; they do not overlap."""
    return tuple(held for match in _each(pattern, text) if (held := _held(match)) is not None)


def names(pattern: Any) -> tuple[str, ...]:
    """The names of a pattern's groups, in order."""
    return tuple(sorted(pattern.groupindex, key=pattern.groupindex.__getitem__))


def captured(pattern: Any, text: str) -> MatchValue:
    """The named groups of the first match; each is missing where there is no match."""
    match = pattern.search(_readable(text))
    return MatchValue(tuple((name, match.group(name) if match else None) for name in names(pattern)))


def each_captured(pattern: Any, text: str) -> tuple[MatchValue, ...]:
    """The named groups of each match, from left to right."""
    known = names(pattern)
    return tuple(MatchValue(tuple((name, match.group(name)) for name in known)) for match in _each(pattern, text))


def group(match: MatchValue, name: str) -> str | None:
    """What a named group holds, or None."""
    return dict(match.groups)[name]


def groups(matches: tuple[MatchValue, ...], name: str) -> tuple[str, ...]:
    """What a named group holds in each match in which it took part."""
    return tuple(held for match in matches if (held := group(match, name)) is not None)


def _each(pattern: Any, text: str) -> Iterator[Any]:
    """Each match once: the library tells twice of an empty one that lies behind where it began to look."""
    last = None
    for match in pattern.finditer(_readable(text)):
        if match.span() != last:
            last = match.span()
            yield match


def _held(match: Any) -> str | None:
    text: str | None = match.group(1 if match.re.groups else 0)
    return text


def _readable(text: str) -> str:
    """RE2 reads UTF-8; bytes of a name that are not, which surrogates stand for, match as the replacement character."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text
