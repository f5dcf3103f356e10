"""What one run may compute: so many steps, and texts so long. Nothing else bounds a program that wishes for nothing.

Loops over lists are finite, but loops within loops multiply, and a text made of two of the same doubles line by line.
Steps are counted where a list is gone through, before it is, and by what a text costs to make: the same for every run
of the same program on the same values, so that a replay ends where the run did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from klr.effects import EffectError, OutOfBudget

MOST_STEPS = 10_000_000
"""Elements that loops, ``where``, ``sorted by`` and properties of lists go through in one run."""
LONGEST_TEXT = 10_000_000
"""Characters."""
MOST_NESTED = 3
"""Lists of lists of lists, and no deeper: deeper ones could be written in a few lines and not shown in a life."""
_PER_STEP = 1000  # characters of a text that cost as much as an element of a list

_Items = TypeVar("_Items", bound=Sequence[Any])


class Steps:
    """What is left of one run's steps."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MOST_STEPS

    def over(self, items: _Items) -> _Items:
        """The same items, about to be gone through. Raises OutOfBudget."""
        self.spend(len(items) + 1)
        return items

    def spend(self, count: int) -> None:
        """Count steps that are about to be taken. Raises OutOfBudget."""
        self.left -= count
        if self.left < 0:
            raise OutOfBudget(
                f"This run was ended, since it wanted more than {MOST_STEPS:,} steps. "
                "What it did until then can be undone."
            )

    def text(self, pieces: Sequence[str]) -> str:
        """The pieces as one text. Raises EffectError("value") where that is too long, before it is made."""
        length = sum(map(len, pieces))
        if length >= _PER_STEP:
            if length > LONGEST_TEXT:
                raise too_long()
            self.spend(length // _PER_STEP)
        return "".join(pieces)


def too_long() -> EffectError:
    """The error of a text that would be longer than any may be."""
    return EffectError(f"A text of more than {LONGEST_TEXT:,} characters is too long.", "value")
