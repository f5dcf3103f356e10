"""Counts as people read them: "1 run", "1,204 entries"."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """The number and its noun, ``one`` or, for every other number, ``many``; without that an "s" is put to it."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
