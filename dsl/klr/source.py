"""The text of a coworker, and places in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple


class Span(NamedTuple):
    """A stretch of a source text: offsets in characters, from 0, ``end`` not included."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The stretch from the start of this one to the end of the other."""
        return Span(self.start, other.end)


NOWHERE = Span(0, 0)
_FIRST = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Source:
    """A text with the name that messages give it."""

    text: str
    name: str = "coworker"
    _starts: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        breaks = re.finditer("\n", self.text)
        object.__setattr__(self, "_starts", [0, *(found.end() for found in breaks)])

    def place(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset, both from 1, the column in characters."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, from 1, without its line break."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")

    def line_span(self, number: int) -> Span:
        """Where a line's text stands, without its indentation."""
        text = self.line(number)
        start = self._starts[number - 1]
        return Span(start + len(text) - len(text.lstrip()), start + len(text.rstrip()))

    def words_in(self, span: Span, words: str) -> Span | None:
        """Where words, apart by any blanks, first stand whole within a stretch; None where they do not."""
        pattern = r"[ \t]+".join(map(re.escape, words.split()))
        found = re.compile(rf"(?<!\w){pattern}(?!\w)").search(self.text, *span)
        return Span(*found.span()) if found else None

    def line_end(self, number: int) -> int:
        """The offset where a line's text ends: that of its line break, or the end of the text."""
        return self._starts[number] - 1 if number < len(self._starts) else len(self.text)

    def line_count(self) -> int:
        """How many lines there are; a last line break starts one more."""
        return len(self._starts)

    def cut(self, span: Span) -> str:
        """The text that a span covers."""
        return self.text[span.start : span.end]


def first_word(text: str) -> str:
    """The word that a text begins with, or ""."""
    found = _FIRST.match(text)
    return found[0] if found else ""
