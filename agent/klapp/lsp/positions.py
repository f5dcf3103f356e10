"""Places in a text as the Language Server Protocol counts them, and as Python does.

The protocol counts lines from 0, ended by LF, CR LF or CR alone, and within a line the code units of an agreed encoding,
UTF-16 unless client and server agree on another (LSP 3.17, "Position"). An offset counts characters from 0.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import NamedTuple

from klr.source import Span

_BREAK = re.compile(r"\r\n|\n|\r")


class Position(NamedTuple):
    """A line from 0 and a place in it, in code units from 0."""

    line: int
    character: int


class Range(NamedTuple):
    """From one position up to another, which does not belong to it."""

    start: Position
    end: Position


def _in_utf_8(character: str) -> int:
    return 1 + (character > "\x7f") + (character > "\u07ff") + (character > "\uffff")


def _in_utf_16(character: str) -> int:
    return 1 + (character > "\uffff")


ENCODINGS: Mapping[str, Callable[[str], int]] = {"utf-8": _in_utf_8, "utf-16": _in_utf_16, "utf-32": len}
"""How many code units a character takes, by the encoding's name in the protocol."""


class Lines:
    """The lines of a text. ``encoding`` is one of ``ENCODINGS``."""

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        self.text = text
        self._units = ENCODINGS[encoding]
        breaks = [found.span() for found in _BREAK.finditer(text)]
        self._starts = [0, *(end for _, end in breaks)]
        self._ends = [*(start for start, _ in breaks), len(text)]

    def __len__(self) -> int:
        return len(self._starts)

    def position(self, offset: int) -> Position:
        """The position of an offset; one beyond the text is at its end, one within CR LF before it."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._starts, offset) - 1
        before = self.text[self._starts[line] : min(offset, self._ends[line])]
        return Position(line, len(before) if before.isascii() else sum(map(self._units, before)))

    def offset(self, position: Position | tuple[int, int]) -> int:
        """The offset of a position; beyond a line it is the line's end, beyond all lines the text's.

        A position in the middle of a character is at its start.
        """
        line, character = position
        if line < 0:
            return 0
        if line >= len(self):
            return len(self.text)
        start, end = self._starts[line], self._ends[line]
        shown = self.text[start:end]
        if shown.isascii():
            return start + min(max(character, 0), len(shown))
        for index, one in enumerate(shown):
            character -= self._units(one)
            if character < 0:
                return start + index
        return end

    def range(self, span: Span) -> Range:
        """A span as a range."""
        return Range(self.position(span.start), self.position(span.end))

    def span(self, range: Range | tuple[Position, Position]) -> Span:
        """A range as a span, the right way around."""
        first, last = sorted((self.offset(range[0]), self.offset(range[1])))
        return Span(first, last)
