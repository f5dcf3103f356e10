"""What the two parts of a file's name can be, for all names that it can have: ``klr.values.split_name`` on languages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from klr.proof.language import (
    DOT,
    LAST,
    NOT_SLASH,
    NOT_SLASH_OR_DOT,
    Language,
    Ranges,
    any_of,
    concat,
    has,
    intersection,
    literal,
    one_of,
    ranges,
    repeated,
    union,
    without,
)

_LETTERS = repeated(one_of(NOT_SLASH))
_NO_DOTS = any_of(NOT_SLASH_OR_DOT)
_NOT_DOT = repeated(one_of(NOT_SLASH_OR_DOT))
# A dot parts no name that it begins or ends.
_WHOLE = union(literal(""), concat(one_of(NOT_SLASH), _NO_DOTS), concat(_LETTERS, literal(".")))

_CAPITAL_DOTTED_I, _KELVIN, _CAPITAL_SIGMA = 0x130, 0x212A, 0x3A3
_FINAL_SIGMA = 0x3C2
_MOST_LOOKED_AT = 256


def stems(names: Language) -> Language:
    """The stems of names, and nothing else."""
    dots = frozenset(state for state, _ in _last_dots(names))
    return union(intersection(names, _WHOLE), intersection(Language(names.starts, dots, names.edges), _LETTERS))


def extensions(names: Language) -> Language:
    """The extensions of names, without their dot and in small letters; "" where a name has none.

    Nothing else, but that a wide range of letters beyond ASCII may become any of them.
    """
    behind = _behind_a_letter(names)
    starts = frozenset(goal for state, goal in _last_dots(names) if state in behind)
    named = _in_small_letters(intersection(Language(starts, names.accepts, names.edges), _NOT_DOT))
    return union(literal(""), named) if intersection(names, _WHOLE).starts else named


def _last_dots(names: Language) -> Iterator[tuple[int, int]]:
    """The moves, as (state, goal), with which a dot is read that can be the last one: more letters follow, no dot."""
    before: dict[int, set[int]] = {}
    for state, edges in enumerate(names.edges):
        for letters, goal in edges:
            if without(letters, ((DOT, DOT),)):
                before.setdefault(goal, set()).add(state)
    ending = _found(before, names.accepts)
    for state, edges in enumerate(names.edges):
        yield from ((state, goal) for letters, goal in edges if goal in ending and has(letters, DOT))


def _behind_a_letter(names: Language) -> frozenset[int]:
    """The states to which at least one letter leads."""
    after = {state: {goal for _, goal in edges} for state, edges in enumerate(names.edges)}
    return _found(after, names.starts)


def _found(moves: dict[int, set[int]], froms: frozenset[int]) -> frozenset[int]:
    """What one move or more lead to."""
    found: set[int] = set()
    waiting = list(froms)
    while waiting:
        new = moves.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return frozenset(found)


def _in_small_letters(language: Language) -> Language:
    edges = [tuple((_small(letters), goal) for letters, goal in state) for state in language.edges]
    for state, moves in enumerate(language.edges):
        for letters, goal in moves:
            if has(letters, _CAPITAL_DOTTED_I):  # the one that becomes two
                edges[state] += ((((ord("i"), ord("i")),), len(edges)),)
                edges.append(((((0x307, 0x307),), goal),))
    return Language(language.starts, language.accepts, tuple(edges))


@cache
def _small(letters: Ranges) -> Ranges:
    """What these become in small letters, each by itself."""
    found: list[tuple[int, int]] = []
    for low, high in letters:
        last = high
        if high - low >= _MOST_LOOKED_AT:
            found.append((128, LAST))
            found.extend([(ord("k"), ord("k"))] if low <= _KELVIN <= high else [])
            last = min(high, 127)
        smalls = [chr(code).lower() for code in range(low, last + 1)]
        found.extend((ord(small), ord(small)) for small in smalls if len(small) == 1)
        found.extend([(_FINAL_SIGMA, _FINAL_SIGMA)] if low <= _CAPITAL_SIGMA <= last else [])
    return ranges(*found)
