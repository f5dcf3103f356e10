"""Regular sets of texts, as small automata over ranges of characters, and the ways to make new ones of them.

An automaton is nondeterministic and free of empty moves. Its letters are code points, surrogates included (a name that
is not UTF-8 is decoded with ``surrogateescape``), its edges carry sets of them as sorted, disjoint ranges.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, reduce

from klr.proof.memory import Remembered

Ranges = tuple[tuple[int, int], ...]
"""A set of code points: inclusive ranges, sorted, neither overlapping nor touching."""

Edges = tuple[tuple[tuple[Ranges, int], ...], ...]
Form = tuple[frozenset[int], frozenset[int], Edges]

LAST = 0x10FFFF
SLASH = ord("/")
DOT = ord(".")


MOST_MEETING = 300_000
"""Pairs of edges that are looked at to find out whether two languages meet."""


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """A set of texts. State ``i`` has the edges ``edges[i]``, each a set of letters and the state that it leads to."""

    starts: frozenset[int]
    accepts: frozenset[int]
    edges: tuple[tuple[tuple[Ranges, int], ...], ...]

    @property
    def form(self) -> Form:
        """All that it is made of; two of the same form are the same language."""
        return self.starts, self.accepts, self.edges

    def __len__(self) -> int:
        """How many states there are."""
        return len(self.edges)


# -- sets of characters -----------------------------------------------------------------------------------------------


def ranges(*parts: tuple[int, int]) -> Ranges:
    """The union of inclusive ranges, in normal form; empty parts (the end before the start) count for nothing."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(part for part in parts if part[0] <= part[1]):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(high, merged[-1][1])
        else:
            merged.append((low, high))
    return tuple(merged)


def without(letters: Ranges, removed: Ranges) -> Ranges:
    """The characters of ``letters`` that are not in ``removed``."""
    kept = letters
    for low, high in removed:
        kept = tuple(
            piece for a, b in kept for piece in ((a, min(b, low - 1)), (max(a, high + 1), b)) if piece[0] <= piece[1]
        )
    return kept


ANY: Ranges = ((1, LAST),)
"""Every character that a path can hold: all but NUL."""
NOT_SLASH = without(ANY, ((SLASH, SLASH),))
NOT_SLASH_OR_DOT = without(NOT_SLASH, ((DOT, DOT),))
TEXT = without(NOT_SLASH, ((1, 31), (127, 159)))
"""What a text may bring into a name: no separator and no control character (C0, DEL, C1)."""


# -- making languages -------------------------------------------------------------------------------------------------


def literal(text: str) -> Language:
    """Exactly this text."""
    edges = [(((((ord(c), ord(c)),), i + 1),)) for i, c in enumerate(text)]
    return Language(frozenset({0}), frozenset({len(text)}), (*edges, ()))


def one_of(letters: Ranges) -> Language:
    """Every text of exactly one of these characters."""
    return Language(frozenset({0}), frozenset({1}), (((letters, 1),), ()))


@cache
def any_of(letters: Ranges) -> Language:
    """Every text, the empty one included, of these characters."""
    return Language(frozenset({0}), frozenset({0}), (((letters, 0),),))


def text_hole() -> Language:
    """What a text can be within one component of a path."""
    return any_of(TEXT)


def name_hole() -> Language:
    """What a part of a real file's name can be: anything but the separator and NUL."""
    return any_of(NOT_SLASH)


def concat(*languages: Language) -> Language:
    """The texts of the first, each followed by one of the second, and so on."""
    return reduce(_followed_by, languages) if languages else literal("")


def _followed_by(first: Language, second: Language) -> Language:
    shift = len(first)
    entries = tuple(state + shift for state in second.starts)

    def leaving(edges: tuple[tuple[Ranges, int], ...]) -> tuple[tuple[Ranges, int], ...]:
        # Whoever could stop in the first may go straight on in the second.
        return edges + tuple((letters, entry) for letters, goal in edges if goal in first.accepts for entry in entries)

    starts = first.starts | frozenset(entries) if first.starts & first.accepts else first.starts
    accepts = frozenset(state + shift for state in second.accepts)
    if second.starts & second.accepts:
        accepts |= first.accepts
    return Language(starts, accepts, (*map(leaving, first.edges), *_shifted(second, shift)))


def union(*languages: Language) -> Language:
    """The texts of all of them; of none, no text at all."""
    starts: set[int] = set()
    accepts: set[int] = set()
    edges: list[tuple[tuple[Ranges, int], ...]] = []
    for language in languages:
        shift = len(edges)
        starts.update(state + shift for state in language.starts)
        accepts.update(state + shift for state in language.accepts)
        edges.extend(_shifted(language, shift))
    return Language(frozenset(starts), frozenset(accepts), tuple(edges))


def repeated(language: Language) -> Language:
    """One or more of its texts in a row."""
    edges = tuple(
        state
        + tuple((letters, start) for letters, goal in state if goal in language.accepts for start in language.starts)
        for state in language.edges
    )
    return Language(language.starts, language.accepts, edges)


def optional(language: Language) -> Language:
    """Its texts, and the empty one."""
    return union(language, literal(""))


def intersection(first: Language, second: Language) -> Language:
    """The texts that are in both: the product automaton (Rabin and Scott, 1959), as far as it can be reached."""
    index: dict[tuple[int, int], int] = {}
    edges: list[tuple[tuple[Ranges, int], ...]] = []
    waiting: list[tuple[int, int]] = []

    def state(pair: tuple[int, int]) -> int:
        if pair not in index:
            index[pair] = len(index)
            waiting.append(pair)
        return index[pair]

    starts = frozenset(state((one, other)) for one in sorted(first.starts) for other in sorted(second.starts))
    done = 0
    while done < len(waiting):
        one, other = waiting[done]
        done += 1
        edges.append(
            tuple(
                (common, state((goal, other_goal)))
                for letters, goal in first.edges[one]
                for other_letters, other_goal in second.edges[other]
                if (common := _common(letters, other_letters))
            )
        )
    accepts = frozenset(at for (one, other), at in index.items() if one in first.accepts and other in second.accepts)
    return _useful(Language(starts, accepts, tuple(edges)))


def meet(first: Language, second: Language) -> bool:
    """Whether a path can be in both. ``~`` can be any folder, and so may stand for the beginning of a full path.

    Where that would cost more than ``MOST_MEETING``, they are taken to meet.
    """
    if _share(first, second):
        return True
    pairs = ((first, second), (second, first))
    return any(_is_from_home(one) and _share(_in_full(one), other) for one, other in pairs)


def _is_from_home(language: Language) -> bool:
    return any(has(letters, ord("~")) for start in language.starts for letters, _ in language.edges[start])


def _share(first: Language, second: Language) -> bool:
    """Whether any text is in both: the product automaton is walked, newest pairs first, and never built."""
    waiting = [(one, other) for one in first.starts for other in second.starts]
    seen, work = set(waiting), 0
    while waiting:
        one, other = waiting.pop()
        if one in first.accepts and other in second.accepts:
            return True
        work += 1 + len(first.edges[one]) * len(second.edges[other])
        if work > MOST_MEETING:
            return True
        for letters, goal in first.edges[one]:
            for other_letters, other_goal in second.edges[other]:
                there = goal, other_goal
                if there not in seen and _overlap(letters, other_letters):
                    seen.add(there)
                    waiting.append(there)
    return False


def _overlap(one: Ranges, other: Ranges) -> bool:
    return any(low <= most and least <= high for low, high in one for least, most in other)


def _in_full(language: Language) -> Language:
    """The paths that begin with ``~``, with any folder in place of that."""
    homes = frozenset(
        goal for start in language.starts for letters, goal in language.edges[start] if has(letters, ord("~"))
    )
    folder = concat(literal("/"), one_of(NOT_SLASH), any_of(NOT_SLASH))
    return concat(optional(repeated(folder)), Language(homes, language.accepts, language.edges))


def _useful(language: Language) -> Language:
    """The same texts, without the states from which no text ends."""
    ending = _leading_to(language, language.accepts)
    edges = tuple(
        tuple((letters, goal) for letters, goal in state if goal in ending) if at in ending else ()
        for at, state in enumerate(language.edges)
    )
    return Language(language.starts & ending, language.accepts, edges)


def _shifted(language: Language, shift: int) -> Iterable[tuple[tuple[Ranges, int], ...]]:
    return (tuple((letters, goal + shift) for letters, goal in state) for state in language.edges)


# -- parts of paths ---------------------------------------------------------------------------------------------------

_NAME = union(
    concat(one_of(NOT_SLASH_OR_DOT), any_of(NOT_SLASH)),
    concat(literal("."), one_of(NOT_SLASH_OR_DOT), any_of(NOT_SLASH)),
    concat(literal(".."), one_of(NOT_SLASH), any_of(NOT_SLASH)),
)
"""What a file can be called: not "", "." or ".."."""


def last_component(language: Language) -> Language:
    """What follows the last ``/``: of files, the names. A text without ``/`` gives nothing, nor does what is no name."""
    return intersection(_behind_slashes(language), _NAME)


def _behind_slashes(language: Language) -> Language:
    starts = frozenset(goal for state in language.edges for letters, goal in state if has(letters, SLASH))
    edges = tuple(
        tuple((rest, goal) for letters, goal in state if (rest := without(letters, ((SLASH, SLASH),))))
        for state in language.edges
    )
    return Language(starts, language.accepts, edges)


def parent(language: Language) -> Language:
    """What precedes the last ``/``: of files, the folders. A text without ``/`` gives nothing."""
    names = _behind_slashes(language)
    ending = _leading_to(names, names.accepts)
    accepts = frozenset(
        state
        for state, edges in enumerate(language.edges)
        if any(has(letters, SLASH) and goal in ending for letters, goal in edges)
    )
    return Language(language.starts, accepts, language.edges)


def has(letters: Ranges, code: int) -> bool:
    """Whether a character is in a set."""
    return any(low <= code <= high for low, high in letters)


def _leading_to(language: Language, goals: Iterable[int]) -> frozenset[int]:
    """The states from which one of ``goals`` can be reached."""
    before: dict[int, set[int]] = {}
    for state, edges in enumerate(language.edges):
        for _, goal in edges:
            before.setdefault(goal, set()).add(state)
    found = set(goals)
    waiting = list(found)
    while waiting:
        for state in before.get(waiting.pop(), ()):
            if state not in found:
                found.add(state)
                waiting.append(state)
    return frozenset(found)


# -- taken names ------------------------------------------------------------------------------------------------------

# Where the number goes, as ``klr.values.split_name`` has it: before the last dot of the name, unless that dot is the
# name's first or last character; then, or without a dot, at the end. The automaton reads a path and guesses: which
# "/" is the last, and where the number goes; what it reads from then on must bear the guess out.
_FOLDER, _FRESH, _STEM, _PLAIN, _AT_DOT, _AFTER_DOT, _EXTENSION, _END = range(8)
_DOT: Ranges = ((DOT, DOT),)
_MOVES: tuple[tuple[int, Ranges, int], ...] = (
    (_FOLDER, ANY, _FOLDER),
    (_FOLDER, ((SLASH, SLASH),), _FRESH),  # the last one, that is the guess
    (_FRESH, NOT_SLASH, _STEM),  # a name with an extension
    (_STEM, NOT_SLASH, _STEM),
    (_FRESH, NOT_SLASH, _PLAIN),  # a name without one: no dot behind its first character
    (_PLAIN, NOT_SLASH_OR_DOT, _PLAIN),
    (_STEM, _DOT, _END),  # a name that ends with a dot
    (_AT_DOT, _DOT, _AFTER_DOT),
    (_AFTER_DOT, NOT_SLASH_OR_DOT, _EXTENSION),
    (_EXTENSION, NOT_SLASH_OR_DOT, _EXTENSION),
)
_PUTS = {_STEM: _AT_DOT, _PLAIN: None, _END: None}
"""Where the number may be put in, and where reading goes on: None for nowhere, the name is at its end."""
_DIGIT: Ranges = ((ord("0"), ord("9")),)
_NUMBER = concat(
    literal(" ("),
    union(one_of(((ord("2"), ord("9")),)), concat(one_of(((ord("1"), ord("9")),)), repeated(one_of(_DIGIT)))),
    literal(")"),
)


def numbered(language: Language) -> Language:
    """The paths of ``language``, and each as it becomes when its name is taken: ``a.pdf``, ``a (2).pdf``, ...

    An exact transduction: for each path p and each whole number n from 2 on, the path whose last component is
    ``klr.values.numbered(name, n)``, and no other.
    """
    return _NUMBERED(language.form)


def _numbered(form: Form) -> Language:
    language = Language(*form)
    index: dict[tuple[int, int], int] = {}
    edges: list[list[tuple[Ranges, int]]] = []
    accepts: set[int] = set()

    def state(place: int, mode: int) -> int:
        if (place, mode) not in index:
            index[place, mode] = len(edges)
            edges.append([])
            waiting.append((place, mode))
        return index[place, mode]

    waiting: list[tuple[int, int]] = []
    starts = frozenset(state(place, _FOLDER) for place in language.starts)
    while waiting:
        place, mode = waiting.pop()
        here = index[place, mode]
        if mode == _EXTENSION and place in language.accepts:
            accepts.add(here)
        if mode in _PUTS:
            resume = _PUTS[mode]
            if resume is not None:
                _put_number(edges, here, state(place, resume))
            elif place in language.accepts:
                edges.append([])
                accepts.add(len(edges) - 1)
                _put_number(edges, here, len(edges) - 1)
        for letters, goal in language.edges[place]:
            for before, allowed, after in _MOVES:
                if before == mode and (common := _common(letters, allowed)):
                    edges[here].append((common, state(goal, after)))
    changed = Language(starts, frozenset(accepts), tuple(map(tuple, edges)))
    return union(language, changed)


_NUMBERED: Remembered[Form, Language] = Remembered(_numbered, lambda form: len(form[2]), 10_000)
"""An answer has some five times the states of its question."""


def _put_number(edges: list[list[tuple[Ranges, int]]], source: int, goal: int) -> None:
    """Add the texts " (2)", " (3)", ... between two states."""
    shift = len(edges)
    for state in _NUMBER.edges:
        edges.append([(letters, goal if to in _NUMBER.accepts else to + shift) for letters, to in state])
    for start in _NUMBER.starts:
        edges[source].extend(edges[start + shift])


@cache
def _common(one: Ranges, other: Ranges) -> Ranges:
    return without(one, without(((0, LAST),), other))
