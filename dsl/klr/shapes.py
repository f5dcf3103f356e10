"""Where a file can be, as the proof sees it, and what holds where several ways through a program meet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from klr.proof import Language, TooComplex, any_of, concat, escape, glob, intersection, literal, union
from klr.proof.inclusion import LARGEST
from klr.proof.language import NOT_SLASH


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a file (or each file of a list) can be: every path, and patterns that say it to people.

    The patterns need not be as exact as the language: see ``klr.privilege.covering``.
    """

    language: Language
    patterns: tuple[str, ...]
    part_of: Shape | None = None
    """The place of which a condition showed this to be a part."""

    def __post_init__(self) -> None:
        # Places grow with every move in a loop; one that is too large to be asked about is not made larger still.
        if len(self.language) > LARGEST:
            raise TooComplex

    def is_part_of(self, other: Shape | None) -> bool:
        """Whether this is that place, or was narrowed down from it."""
        place: Shape | None = self
        while place is not None and place is not other:
            place = place.part_of
        return place is other

    def can_be_the_top(self) -> bool:
        """Whether this can be the home or root folder itself, whose own name and place its language does not tell."""
        return escape(concat(literal("/_"), intersection(self.language, _TOP)), []) is not None

    def or_(self, other: Shape) -> Shape:
        """A place that is this one or the other."""
        if self is other:
            return self
        patterns = tuple(dict.fromkeys((*self.patterns, *other.patterns)))
        return Shape(union(self.language, other.language), patterns[:MOST_PATTERNS])

    def folders(self) -> tuple[str, ...]:
        """Patterns for the folders of the files."""
        return tuple(dict.fromkeys(pattern.rpartition("/")[0] for pattern in self.patterns))

    def names(self) -> tuple[str, ...]:
        """Patterns for the names of the files."""
        return tuple(dict.fromkeys(pattern.rpartition("/")[2].replace("**", "*") for pattern in self.patterns))


MOST_PATTERNS = 8
_TOP = any_of(NOT_SLASH)


def crossed(beginnings: tuple[str, ...], ends: tuple[str, ...]) -> tuple[str, ...]:
    """Each beginning with each end; no more than the first few, since they are for people to read."""
    return tuple(beginning + end for beginning in beginnings for end in ends)[:MOST_PATTERNS]


Environment = dict[str, Shape | None]
"""Where the file or path of each variable can be; None for a file that is gone."""


ANYWHERE = Shape(union(glob("/**"), glob("~/**")), ("~/**", "/**"))


def arrival_pattern(folder: str, named: str | None) -> str:
    """The glob of the files (or folders) that a rule waits for, from its folder (which may end with ``/**``) and names."""
    return f"{folder}/{named or '*'}"


def escaped(text: str) -> str:
    """Text as a glob that matches nothing else."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in text)


def either(shapes: Iterable[Shape | None]) -> Shape | None:
    found = [shape for shape in shapes if shape is not None]
    if not found:
        return None
    place = found[0]
    for shape in found[1:]:
        place = place.or_(shape)
    return place


def joined(ends: list[Environment], before: Environment) -> Environment | None:
    """What holds where several ways meet, for the variables that were there before they parted."""
    if not ends:
        return None
    meeting: Environment = {}
    for name in before:
        shapes = [end[name] for end in ends]
        # A file that is gone on one of the ways may not be used behind them.
        meeting[name] = None if None in shapes else _met(shapes, before[name])
    return meeting


def _met(shapes: list[Shape | None], before: Shape | None) -> Shape | None:
    """A place for several ways. Where none of them moved the file and one learned nothing of it, that says it all."""
    if any(shape is before for shape in shapes) and all(
        shape is not None and shape.is_part_of(before) for shape in shapes
    ):
        return before
    return either(shapes)


def within(new: Shape | None, old: Shape | None) -> bool:
    """Whether each path of a place is in another one; no where that is too intricate to be found out."""
    if new is None or old is None:
        return new is old
    try:
        return new is old or escape(new.language, [old.language]) is None
    except TooComplex:
        return False
