"""Where a file can be, as the proof sees it, and what holds where several ways through a program meet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from klr.proof import Language, escape, glob, union


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a file (or each file of a list) can be: every path, and a pattern that says it to people."""

    language: Language
    pattern: str

    def or_(self, other: Shape) -> Shape:
        """A place that is this one or the other."""
        return self if self is other else Shape(union(self.language, other.language), self.pattern)


Environment = dict[str, Shape | None]
"""Where the file or path of each variable can be; None for a file that is gone."""


ANYWHERE = Shape(union(glob("/**"), glob("~/**")), "~/**")


def arrival_pattern(folder: str, named: str | None) -> str:
    """The glob of the files that a rule waits for, from its folder (which may end with ``/**``) and names."""
    return f"{folder}/{named or '*'}"


def escaped(text: str) -> str:
    """Text as a glob that matches nothing else."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in text)


def numbered_pattern(pattern: str) -> str:
    """A glob for the paths of ``pattern`` and for their numbered forms: "a.pdf" and "a (2).pdf" are in "a*.pdf"."""
    folder, slash, name = pattern.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    return f"{folder}{slash}{stem}{'' if stem.endswith('*') else '*'}{dot}{extension}"


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
        meeting[name] = None if None in shapes else either(shapes)
    return meeting


def within(new: Shape | None, old: Shape | None) -> bool:
    if new is None or old is None:
        return new is old
    return new is old or escape(new.language, [old.language]) is None
