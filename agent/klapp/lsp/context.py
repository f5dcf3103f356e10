"""Where in the language a place is: the tokens before it in its statement, and what the grammar lets follow them.

The grammar decides by the statement and the kinds of the blocks around it, and by nothing else that stands before. So
the statement up to the place is parsed within a skeleton of these blocks, whatever is wrong in the rest of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from klapp.lsp.outline import Frame, FrameKind
from klapp.lsp.study import Study
from klr.parser import LINE_WORDS, goes_on, prospect
from klr.source import Source, Span

LOOK_BACK = 60
"""A statement of more lines than this is read from its middle, and then often not understood."""

LONGEST_PHRASE = 3
"""So many words a phrase of the language or of the vocabulary has at most."""

SKELETON: dict[FrameKind, str] = {
    "rule": "when x\n", "error": "when x\non error\n", "test": 'test ""\n',
    "if": "if x\n", "else": "if x\nelse\n", "for": "for each x in x\n",
    "for error": "for each x in x\non error\n", "try": "try\n", "try error": "try\non error\n",
}  # fmt: skip
_TEXT = re.compile(r'"(?:[^"\\\r\n]|\\.)*"?')
_BEFORE_PATTERN = re.compile(r"\bmatch(?:es)?(?:\s+of)?\s*$")


@dataclass(frozen=True, slots=True)
class Context:
    """A place in a statement.

    Attributes:
        word: the word that begins there, or that is being written there; empty where there is none.
        tokens: the (kind, text) of the statement before that word.
        next: the kinds of tokens that can stand there.
        frames: the blocks around, outermost first.
    """

    word: Span
    tokens: tuple[tuple[str, str], ...]
    next: frozenset[str]
    frames: tuple[Frame, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of the tokens before."""
        return tuple(kind for kind, _ in self.tokens)


def context_at(study: Study, offset: int) -> Context:
    """The context of an offset; the word that ends there belongs to what is asked about."""
    source = study.source
    word = word_at(source, offset)
    line = source.place(word.start)[0]
    first = _first_line(source, line)
    frames = tuple(study.outline.frames(first))
    skeleton = "".join(SKELETON[frame.kind] for frame in frames)
    start = word.start - (source.place(word.start)[1] - 1) if first == line else source.line_span(first).start
    seen = prospect(skeleton + source.text[start : word.start])
    before = skeleton.count("\n")
    rest = iter(seen.tokens)
    while before:
        before -= next(rest, ("NEWLINE", ""))[0] == "NEWLINE"
    return Context(word, tuple(rest), seen.next, frames)


def word_at(source: Source, offset: int) -> Span:
    """The word around an offset, or right before it."""
    text = source.text
    start = end = min(max(offset, 0), len(text))
    while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return Span(start, end)


def phrase_starts(source: Source, offset: int) -> Iterator[int]:
    """Where the word at an offset begins, and the words before it on its line: a phrase can have several."""
    start = word_at(source, offset).start
    for _ in range(LONGEST_PHRASE):
        yield start
        before = source.text[:start].rstrip(" \t")
        if before == source.text[:start] or not before or not (before[-1].isalnum() or before[-1] == "_"):
            return
        start = word_at(source, len(before)).start


def _first_line(source: Source, line: int) -> int:
    """The line on which the statement of a line begins."""
    first, balance = line, 0
    for number in range(line - 1, max(line - LOOK_BACK, 0), -1):
        bare = _bare(source.line(number))
        balance += bare.count("[") + bare.count("(") - bare.count("]") - bare.count(")")
        if balance > 0:
            first, balance = number, 0
        elif first == number + 1 and goes_on(source.line(first)):
            first = number
        elif bare.split(None, 1)[:1] and bare.split(None, 1)[0] in LINE_WORDS:
            break
    return first


def _bare(line: str) -> str:
    """A line without its texts, whatever stands in their holes, and without its comment."""
    kept, at = "", 0
    around: list[str] = []
    while at < len(line):
        sign = line[at]
        if around and around[-1] == '"':
            is_written_double = line.startswith("{{", at)
            if sign == '"':
                around.pop()
            elif sign == "{" and not is_written_double:
                around.append(sign)
            at += 2 if sign == "\\" or is_written_double else 1
            continue
        if sign == '"' and _BEFORE_PATTERN.search(line, max(at - 20, 0), at):
            found = _TEXT.match(line, at)  # a pattern has no holes
            at = found.end() if found else at + 1
            continue
        if sign == '"':
            around.append(sign)
        elif sign == "}" and around:
            around.pop()
        elif not around:
            if sign == "#":
                break
            kept += sign
        at += 1
    return kept
