"""Does each path of one language lie in the union of others? Decided exactly, with a shortest counterexample.

The walk goes breadth-first over pairs of a state of the first automaton and the *set* of states that the others can be
in (the subset construction, made as it goes; Rabin and Scott, 1959). Characters that no edge tells apart are tried
once, by a representative that reads well.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from functools import lru_cache

from klr.proof.language import DOT, LAST, SLASH, Form, Language, Ranges, union
from klr.proof.memory import Remembered

MOST_WORK = 2_000_000
"""What one question may cost: places and edges looked at. The same for the same question, whatever was asked before."""
LARGEST = 20_000
"""States of a language that is still asked about; see ``klr.shapes``."""
REMEMBERED = 50_000
"""States of all languages together about which answers are remembered: some 20 MB at most."""
MOST_MOVES = 20_000
"""So much is remembered of what is allowed, for the questions to come."""
READABLE = tuple(map(ord, "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_, ~"))
_SORTED, _RANKED = zip(*sorted((code, rank) for rank, code in enumerate(READABLE)), strict=True)
"""The readable characters in order, and the place of each in ``READABLE``."""
TILDE = ord("~")
_SPECIAL = (SLASH, DOT, TILDE)

# What the walk knows of the component that it is in: a path has none that is empty, "." or "..".
_ROOT, _HOME, _EMPTY, _ONE_DOT, _TWO_DOTS, _NAME = range(6)
_AFTER: Mapping[int, Mapping[int | None, int]] = {
    _ROOT: {SLASH: _EMPTY, TILDE: _HOME},
    _HOME: {SLASH: _EMPTY},
    _EMPTY: {DOT: _ONE_DOT, None: _NAME},
    _ONE_DOT: {DOT: _TWO_DOTS, None: _NAME},
    _TWO_DOTS: {DOT: _NAME, None: _NAME},
    _NAME: {SLASH: _EMPTY, DOT: _NAME, None: _NAME},
}


_Place = tuple[int, int, int]
"""A state of the program, the set of states of what is allowed (as bits), and what is known of the component."""


class TooComplex(Exception):
    """The question would take too long to decide."""


def matches(language: Language, text: str) -> bool:
    """Whether a text is in a language."""
    states = set(language.starts)
    for code in map(ord, text):
        states = {
            goal for s in states for letters, goal in language.edges[s] if any(a <= code <= b for a, b in letters)
        }
    return bool(states & language.accepts)


def escape(program: Language, allowed: Sequence[Language]) -> str | None:
    """A shortest path of ``program`` that is in none of ``allowed``, or None: the proof that there is none.

    Texts that are no path (not beginning with ``/`` or ``~/``, or with a component that is empty, ``.`` or ``..``) do not
    count. Raises TooComplex where it would cost more than ``MOST_WORK``.
    """
    if len(program) > LARGEST:
        raise TooComplex
    return ANSWERS((program.form, tuple(language.form for language in allowed)))


_Question = tuple[Form, tuple[Form, ...]]


def _escape(question: _Question) -> str | None:
    """``escape`` of the forms of languages, which can be remembered by."""
    (starts, accepts, edges), allowed = question
    fence = _fence(allowed)
    found: dict[_Place, tuple[_Place | None, int]] = {(s, fence.start, _ROOT): (None, 0) for s in starts}
    waiting = deque(found)
    work = 0
    while waiting:
        here = waiting.popleft()
        state, inside, component = here
        if component == _NAME and state in accepts and not inside & fence.accepting:
            return _spelled(found, here)
        for letters, goal in edges[state]:
            cost, moves = fence.moves(inside, letters)
            work += cost
            for code, after in moves:
                turn = _AFTER[component]
                following = turn.get(code, None if code == SLASH else turn.get(None))
                if following is None:
                    continue
                there = (goal, after, following)
                if there not in found:
                    found[there] = (here, code)
                    waiting.append(there)
        if work > MOST_WORK:
            raise TooComplex
    return None


def _weight(question: _Question) -> int:
    return len(question[0][2])


ANSWERS: Remembered[_Question, str | None] = Remembered(_escape, _weight, REMEMBERED)
"""By what the languages are made of: one text asks the same many times, and an editor at every change."""


def _spelled(found: Mapping[_Place, tuple[_Place | None, int]], end: _Place) -> str:
    """The text that led to a place."""
    text: list[str] = []
    before, code = found[end]
    while before is not None:
        text.append(chr(code))
        before, code = found[before]
    return "".join(reversed(text))


@lru_cache(maxsize=64)
def _fence(allowed: tuple[Form, ...]) -> _Fence:
    """Kept, because one program asks of the same patterns again and again, and so does an editor at every change."""
    return _Fence(union(*(Language(*form) for form in allowed)))


class _Fence:
    """The union of what is allowed, made deterministic as far as it is asked; sets of states are bits of a number."""

    def __init__(self, language: Language) -> None:
        self.edges = [
            [(low, high, 1 << goal) for letters, goal in state for low, high in letters] for state in language.edges
        ]
        self.start = sum(1 << state for state in language.starts)
        self.accepting = sum(1 << state for state in language.accepts)
        self._moves: dict[tuple[int, Ranges], tuple[int, tuple[tuple[int, int], ...]]] = {}

    def moves(self, inside: int, letters: Ranges) -> tuple[int, tuple[tuple[int, int], ...]]:
        """What it costs to find, and (a character, the states after it) for each way in which the characters of
        ``letters`` differ."""
        key = inside, letters
        known = self._moves.get(key)
        if known is None:
            if len(self._moves) >= MOST_MOVES:
                self._moves.clear()
            cost, made = self._made(inside, letters)
            known = self._moves[key] = cost, tuple(made)
        return known

    def _made(self, inside: int, letters: Ranges) -> tuple[int, list[tuple[int, int]]]:
        leaving = []
        state = 0
        rest = inside
        while rest:
            if rest & 1:
                leaving.extend(self.edges[state])
            rest >>= 1
            state += 1
        if len(letters) == 1 and letters[0][0] == letters[0][1]:
            code = letters[0][0]
            return 1 + len(leaving), [(code, self._after(leaving, code))]
        made = self._classes(leaving, letters)
        return 1 + len(leaving) * len(made), made

    @staticmethod
    def _after(leaving: list[tuple[int, int, int]], code: int) -> int:
        after = 0
        for low, high, goal in leaving:
            if low <= code <= high:
                after |= goal
        return after

    def _classes(self, leaving: list[tuple[int, int, int]], letters: Ranges) -> list[tuple[int, int]]:
        """One representative of each class: the separator, the dot and the tilde for themselves, readable ones first."""
        cuts = {0, SLASH, SLASH + 1, DOT, TILDE, TILDE + 1}
        for low, high, _ in leaving:
            cuts.update((low, high + 1))
        for low, high in letters:
            cuts.update((low, high + 1))
        borders = sorted(cut for cut in cuts if cut <= LAST)
        found = []
        for border, behind in zip(borders, (*borders[1:], LAST + 1), strict=True):  # alike in all of its characters
            if any(low <= border <= high for low, high in letters):
                readable = _RANKED[bisect_left(_SORTED, border) : bisect_left(_SORTED, behind)]
                rank = min(readable, default=len(READABLE) + border)
                code = READABLE[rank] if rank < len(READABLE) else border
                found.append((rank, code, self._after(leaving, border)))
        classes: dict[tuple[int, int], int] = {}
        for _, code, states in sorted(found):
            classes.setdefault((states, code if code in _SPECIAL else 0), code)
        return [(code, states) for (states, _), code in classes.items()]
