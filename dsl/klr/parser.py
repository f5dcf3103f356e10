"""From text to syntax tree: one pass that reports every syntax error of a file.

After an error the line that holds it is replaced by a harmless one of the same shape (a bad ``if`` stays an ``if``),
and the text is read again; so one mistake never hides the next, nor unbalances the blocks around it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from klr import syntax as s
from klr.builder import Builder
from klr.complaints import Trouble, complain, unclosed
from klr.diagnostics import Diagnostic, ordered
from klr.source import Source, Span

MISSING = "__missing__"
"""The name that stands where something unreadable stood; the checker says nothing more about it."""

LARGEST_TEXT = 1_000_000
MOST_ERRORS = 50


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as written, from ``#`` on; ``alone`` where it has its line for itself."""

    line: int
    text: str
    alone: bool


@dataclass(frozen=True, slots=True)
class Parsed:
    """What could be read. ``tree`` is None where nothing could; it may hold ``MISSING`` names after an error."""

    tree: s.Coworker | None
    comments: tuple[Comment, ...]
    diagnostics: tuple[Diagnostic, ...]


def parse(source: Source) -> Parsed:
    """Read a whole file. Never raises for any text; see ``Parsed.diagnostics``."""
    if len(source.text) > LARGEST_TEXT:
        too_long = Diagnostic(
            "K100",
            "This text is too long for a coworker.",
            Span(0, 1),
            f"At most {LARGEST_TEXT:,} characters can be read.",
        )
        return Parsed(None, (), (too_long,))
    text = _Text(source)
    diagnostics: list[Diagnostic] = []
    tree: Tree[Token] | None = None
    comments: list[Token] = []
    while tree is None and len(diagnostics) < MOST_ERRORS:
        comments.clear()
        try:
            tree = _lark(comments, text.text)
        except UnexpectedInput as error:
            offset = text.offset_of(error)
            opener = text.unclosed(offset)
            if opener is None:
                diagnostics.append(complain(source, text.relocate(offset), _trouble(error)))
            else:
                diagnostics.append(unclosed(source, opener))
            if not text.repair(offset):
                break
    if tree is None:
        return Parsed(None, (), ordered(diagnostics))
    builder = Builder(text.relocate)
    parts = builder.build(tree)
    coworker = _coworker(source, parts, diagnostics)
    found = ordered([*diagnostics, *builder.diagnostics])
    return Parsed(coworker, tuple(_comments(source, comments, text)), found)


def _coworker(source: Source, parts: tuple[Any, ...], diagnostics: list[Diagnostic]) -> s.Coworker:
    heads = [part for part in parts if isinstance(part, tuple)]
    names = [template for kind, template in heads if kind == "coworker"]
    abouts = [template for kind, template in heads if kind == "about"]
    for kind, found in (("coworker", names), ("about", abouts)):
        diagnostics.extend(
            Diagnostic(
                "K111", f"There is a second `{kind}` line.", extra.span, "One file is one coworker; remove this line."
            )
            for extra in found[1:]
        )
    if not names:
        diagnostics.append(
            Diagnostic(
                "K110",
                "The coworker has no name.",
                Span(0, 0),
                'Begin the file with a line such as `coworker "Invoice filer"`.',
            )
        )
    whole = Span(0, len(source.text))
    rest = tuple(part for part in parts if not isinstance(part, tuple))
    return s.Coworker(names[0] if names else s.Template(()), abouts[0] if abouts else None, rest, span=whole)


def _comments(source: Source, tokens: list[Token], text: _Text) -> Iterator[Comment]:
    for token in tokens:
        line, column = source.place(text.relocate(token.start_pos or 0))
        yield Comment(line, str(token).rstrip(), not source.line(line)[: column - 1].strip())


# -- Lark ----------------------------------------------------------------------------------------------------------


class _Lines:
    """Drops the line breaks that mean nothing: repeated ones, and those inside of brackets.

    The contextual lexer takes a keyword for a plain name wherever the grammar has no place for it. At the start of a
    line that would turn a misplaced ``when`` or ``else`` into a verb, so there it becomes a keyword again.
    """

    always_accept = ("NEWLINE",)

    def process(self, tokens: Iterator[Token]) -> Iterator[Token]:
        depth = 0
        fresh = True
        for token in tokens:
            if token.type == "NEWLINE":
                if depth or fresh:
                    continue
                fresh = True
            else:
                if fresh and token.type == "NAME" and token in LINE_WORDS:
                    token.type = LINE_WORDS[token]
                fresh = False
                depth += (token.type in ("LSQB", "LPAR")) - (token.type in ("RSQB", "RPAR"))
                depth = max(depth, 0)
            yield token


_heard: list[Token] = []
_reading = Lock()  # Lark tells of comments through a callback that knows no parse


@cache
def _grammar() -> Lark:
    text = files("klr").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        text,
        parser="lalr",
        postlex=_Lines(),
        propagate_positions=True,
        maybe_placeholders=False,
        lexer_callbacks={"COMMENT": _hear},
    )


def _hear(comment: Token) -> Token:
    _heard.append(comment)
    return comment


def _lark(comments: list[Token], text: str) -> Tree[Token]:
    with _reading:
        _heard.clear()
        try:
            return _grammar().parse(text)
        finally:
            comments.extend(_heard)


def _trouble(error: UnexpectedInput) -> Trouble:
    if isinstance(error, UnexpectedToken):
        return Trouble(str(error.token), str(error.token.type), frozenset(error.accepts or error.expected or ()))
    assert isinstance(error, UnexpectedCharacters)
    return Trouble(str(error.char), "character", frozenset(error.allowed or ()))


# -- what can come next --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prospect:
    """An unfinished text: its tokens as (kind, text), and the kinds that can follow; none where the text is wrong."""

    tokens: tuple[tuple[str, str], ...]
    next: frozenset[str]


def prospect(text: str) -> Prospect:
    """What the grammar expects behind a text that is not complete. Nothing, inside of a comment. Never raises."""
    with _reading:
        _heard.clear()
        reading = _grammar().parse_interactive(text)
        try:
            tokens = tuple((token.type, str(token)) for token in reading.exhaust_lexer())
        except UnexpectedInput:
            return Prospect((), frozenset())
        if _heard and _heard[-1].end_pos == len(text):
            return Prospect(tokens, frozenset())
        return Prospect(tokens, frozenset(reading.accepts()))  # type: ignore[no-untyped-call]


@cache
def keywords() -> dict[str, str]:
    """The words of the language by the kinds of their tokens, as written: ``{"ON_CONFLICT": "on conflict", ...}``."""
    written = {
        terminal.name: terminal.pattern.value.removesuffix(r"(?!\w)").replace(r"[ \t]+", " ").replace("[ \t]+", " ")
        for terminal in _grammar().terminals
    }
    return {kind: words for kind, words in written.items() if re.fullmatch("[a-z]+(?: [a-z]+)*", words)}


@cache
def choices(rule: str) -> frozenset[str]:
    """The kinds of tokens that a rule of the grammar is a choice of, such as "slot_word"."""
    return frozenset(option.expansion[0].name for option in _grammar().rules if option.origin.name == rule)


def goes_on(line: str) -> bool:
    """Whether a line is a part of the one before it, by the word or sign that it begins with."""
    return _continuation().match("\n" + line) is not None


@cache
def _continuation() -> re.Pattern[str]:
    return re.compile(_grammar().get_terminal("CONTINUATION").pattern.to_regexp())


# -- recovery ------------------------------------------------------------------------------------------------------


class _Text:
    """The text as it is parsed, line by line, and where each line came from."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.lines = [source.line(number) for number in range(1, source.line_count() + 1)]
        self.origins = list(range(1, source.line_count() + 1))
        self.bad: set[int] = set()
        self._index()

    def _index(self) -> None:
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.text = "\n".join(self.lines) + "\n"
        self.is_original = self.text[:-1] == self.source.text

    def relocate(self, offset: int) -> int:
        """An offset of the parsed text as one of the person's text."""
        if self.is_original:
            return min(offset, len(self.source.text))
        index = min(bisect_right(self.starts, offset) - 1, len(self.lines) - 1)
        number = self.origins[index]
        return (
            self.source.line_span(number).start
            - _indent(self.source.line(number))
            + min(offset - self.starts[index], len(self.source.line(number)))
        )

    def offset_of(self, error: UnexpectedInput) -> int:
        """Where an error is; one about a line break belongs to the line that it ends, one about the end to the end."""
        if isinstance(error, UnexpectedToken) and error.token.type == "$END":
            return len(self.text) - 1
        return error.pos_in_stream or 0

    def repair(self, offset: int) -> bool:
        """Replace the line at an offset by one that can be read; False where that can not help any more."""
        index, opener, before = self._unclosed(offset)
        if opener is not None:
            return self._insert_end(before)
        number = self.origins[index]
        if number in self.bad and not self.lines[index].strip():
            return False
        self.lines[index] = "" if number in self.bad else _harmless(self.lines[index])
        self.bad.add(number)
        self._index()
        return True

    def _open_blocks(self, before: int) -> tuple[list[int], tuple[int, int] | None]:
        """The lines that open blocks still open before line index ``before``, outermost first.

        With them (the line that opens a block, that of an ``end``) where the ``end`` closes that block by its place in
        the text, but one further out by its indentation.
        """
        opened: list[int] = []
        skipped: tuple[int, int] | None = None
        for index, line in enumerate(self.lines[:before]):
            word = line.strip().split(" ")[0]
            if word == "end" and opened:
                inner = opened.pop()
                outer = any(_indent(self.lines[o]) == _indent(line) for o in opened)
                if skipped is None and outer and _indent(line) < _indent(self.lines[inner]):
                    skipped = inner, index
            elif word in OPENERS and not (word in ("when", "every", "cron") and opened):
                opened.append(index)
        return opened, skipped

    def unclosed(self, offset: int) -> int | None:
        """The line, in the person's text, of the block whose missing ``end`` is what an error is about."""
        opener = self._unclosed(offset)[1]
        return None if opener is None else self.origins[opener]

    def _unclosed(self, offset: int) -> tuple[int, int | None, int]:
        """(the line index of an offset, that of the block that should have been closed, where its ``end`` should be).

        An error is about a missing ``end`` when the text ends, or something begins that stands outside of all blocks,
        while blocks are open. The indentation tells which of them it is.
        """
        index = min(bisect_right(self.starts, offset) - 1, len(self.lines) - 1)
        at_end = offset >= len(self.text) - 1
        before = len(self.lines) if at_end else index
        opened, skipped = self._open_blocks(before)
        if not opened or not (at_end or self.lines[index].strip().split(" ")[0] in TOP_WORDS):
            return index, None, index
        if skipped:
            return index, *skipped
        for opener in reversed(opened):
            depth = _indent(self.lines[opener])
            for inside in range(opener + 1, before):
                line = self.lines[inside]
                if line.strip() and _indent(line) <= depth and line.strip().split(" ")[0] not in ("else", "on", "end"):
                    return index, opener, inside
        return index, opened[-1], before

    def _insert_end(self, index: int) -> bool:
        self.lines.insert(index, "end")
        self.origins.insert(index, self.origins[index - 1])
        self._index()
        return len(self.lines) < self.source.line_count() + MOST_ERRORS


OPENERS = frozenset(("when", "every", "cron", "test", "if", "for", "try"))
TOP_WORDS = frozenset(("when", "every", "cron", "test", "may", "setting", "limit", "define", "coworker", "about"))
LINE_WORDS = {word: word.upper() for word in (*TOP_WORDS, "else", "end", "if", "let", "try")} | {"on": "ON_ERROR"}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _harmless(line: str) -> str:
    """A line that opens, closes and names what ``line`` does, and holds nothing that could be wrong."""
    stripped = line.strip()
    if re.match(r"if\b", stripped):
        return f"if {MISSING}"
    if re.match(r"else\s+if\b", stripped):
        return f"else if {MISSING}"
    if re.match(r"else\b", stripped):
        return "else"
    if match := re.match(r"for\b(?:\s+each\s+([^\W\d]\w*))?", stripped):
        return f"for each {match[1] or MISSING} in {MISSING}"
    if re.match(r"(when|every|cron)\b", stripped):
        return f"when {MISSING}"
    if re.match(r"test\b", stripped):
        return 'test "?"'
    if re.match(r"coworker\b", stripped):
        return 'coworker "?"'
    if re.match(r"end\b", stripped):
        return "end"
    if match := re.match(r"let\s+([^\W\d]\w*)", stripped):
        return f"let {match[1]} = {MISSING}"
    if match := re.match(r"setting\s+([^\W\d]\w*)", stripped):
        return f"setting {match[1]}: {MISSING} = {MISSING}"
    if match := re.match(
        r"define\s+[^\W\d]\w*(?:\s+(?:of|in|after|before)\s+[^\W\d]\w*\s*:\s*[^\W\d][\w/ ]*?)+(?=\s*=)", stripped
    ):
        return f"{match[0]} = {MISSING}"
    if re.match(r"try\b", stripped):
        return "try"
    return ""
