"""The blocks of a text and the names made in them, read from how its lines begin.

A text that is being written is wrong most of the time. This reading needs no tree: it takes each line by its first
words, as the parser does after an error, and takes indentation as a hint where an ``end`` is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from klr.parser import OPENERS, TOP_WORDS
from klr.source import Source
from klr.vocabulary import Vocabulary

FrameKind = Literal["rule", "error", "test", "if", "else", "for", "for error", "try", "try error"]
_STARTERS = frozenset(("when", "every", "cron"))
_FIRST = re.compile(r"[ \t]*([^\W\d]\w*)(?:[ \t]+([^\W\d]\w*))?(?:[ \t]+([^\W\d]\w*))?")


@dataclass(slots=True)
class Frame:
    """An open block: the line that opens it, from 1, and the names made in it so far with their lines (0: built in)."""

    kind: FrameKind
    line: int
    indent: int
    names: dict[str, int] = field(default_factory=dict)


class Outline:
    """The blocks of a source."""

    def __init__(self, source: Source, vocabulary: Vocabulary) -> None:
        self.source = source
        self.vocabulary = vocabulary

    def frames(self, line: int) -> list[Frame]:
        """The blocks that are open where ``line`` begins, outermost first."""
        frames: list[Frame] = []
        for number in range(1, min(line, self.source.line_count() + 1)):
            self._read(number, frames)
        return frames

    def settings(self) -> dict[str, int]:
        """The names of all settings, with their lines."""
        found: dict[str, int] = {}
        for number in range(1, self.source.line_count() + 1):
            match = _FIRST.match(self.source.line(number))
            if match and match[1] == "setting" and match[2]:
                found[match[2]] = number
        return found

    def folds(self) -> Iterator[tuple[int, int]]:
        """(first line, last line), from 1, of what can be hidden behind its first line: blocks and runs of comments."""
        frames: list[Frame] = []
        comment = 0
        for number in range(1, self.source.line_count() + 2):
            line = self.source.line(number) if number <= self.source.line_count() else ""
            if line.lstrip().startswith("#"):
                comment = comment or number
                continue
            if comment and number - comment > 1:
                yield comment, number - 1
            comment = 0
            if re.match(r"[ \t]*end\b", line) and frames and frames[-1].line < number - 1:
                yield frames[-1].line, number - 1
            if line:
                self._read(number, frames)

    def _read(self, number: int, frames: list[Frame]) -> None:
        """Go on by one line."""
        line = self.source.line(number)
        match = _FIRST.match(line)
        if not match:
            return
        first, second, third = match.groups()
        indent = len(line) - len(line.lstrip())
        if first in TOP_WORDS and (not frames or first not in _STARTERS or indent <= frames[0].indent):
            frames.clear()
        match first, second:
            case "end", _:
                if frames:
                    frames.pop()
            case "else", _ if frames and frames[-1].kind in ("if", "else"):
                frames[-1] = Frame("if" if second == "if" else "else", frames[-1].line, indent)
            case "on", "error" if frames and frames[-1].kind in ("for", "try"):
                kind: FrameKind = "for error" if frames[-1].kind == "for" else "try error"
                names = {name: made for name, made in frames[-1].names.items() if made == frames[-1].line}
                frames[-1] = Frame(kind, frames[-1].line, indent, {**names, "error": 0})
            case "on", "error" if frames and frames[0].kind == "rule":
                given = {name: 0 for name, made in frames[0].names.items() if made == 0}
                frames[:] = [Frame("error", frames[0].line, indent, {**given, "error": 0})]
            case "let", str(name) if frames:
                frames[-1].names[name] = number
            case "for", "each":
                frames.append(Frame("for", number, indent, {third: number} if third else {}))
            case _ if first in OPENERS and not (first in _STARTERS and frames):
                frames.append(self._opened(first, number, indent, line))

    def _opened(self, first: str, number: int, indent: int, line: str) -> Frame:
        if first == "test":
            return Frame("test", number, indent)
        if first not in _STARTERS:
            return Frame("try" if first == "try" else "if", number, indent)
        given = self._given(line.split()[1:]) if first == "when" else ""
        return Frame("rule", number, indent, {given: 0} if given else {})

    def _given(self, words: list[str]) -> str:
        """What a trigger gives to its rule, by its name there; "" for nothing."""
        for count in range(len(words), 0, -1):
            trigger = self.vocabulary.triggers.get(" ".join(words[:count]))
            if trigger:
                return trigger.gives.rpartition(" ")[2]
        return "file" if "file" in words else ""
