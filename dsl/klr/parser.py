"""From text to syntax tree: one pass that reports every syntax error of a file.

The lines of a text are arranged into blocks that add up (``klr.layout``), each line is read by itself
(``klr.reading``), and the tree of all of them is built (``klr.builder``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from klr import syntax as s
from klr.builder import Builder
from klr.diagnostics import MOST_FINDINGS, Diagnostic, ordered
from klr.layout import LINE_WORDS, OPENERS, TOP_WORDS, arranged, continuation
from klr.lexer import Token, lexer
from klr.machine import Machine, Tree, Unexpected
from klr.reading import Reader
from klr.source import Source, Span
from klr.tables import tables

__all__ = ["LINE_WORDS", "OPENERS", "TOP_WORDS", "Comment", "Parsed", "Prospect", "choices", "goes_on", "keywords", "parse", "prospect"]  # fmt: skip

LARGEST_TEXT = 1_000_000
MOST_PARTS = 1_000
"""Rules that start each other are looked for among all pairs of them, so their number is bounded."""


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
    tree, reader, diagnostics = _read(source)
    if tree is None:
        return Parsed(None, (), ordered(diagnostics))
    builder = Builder(source)
    parts = builder.build(tree)
    coworker = _coworker(source, parts, diagnostics)
    return Parsed(coworker, tuple(_comments(source, reader)), ordered([*diagnostics, *builder.diagnostics]))


def _read(source: Source) -> tuple[Tree | None, Reader, list[Diagnostic]]:
    """The tree of a text, or None where there are too many errors; who read it, and what was found."""
    diagnostics: list[Diagnostic] = []
    reader = Reader(source, Machine(tables()), lexer())
    for line in arranged(source, diagnostics):
        reader.line(line)
        if len(diagnostics) + len(reader.diagnostics) > MOST_FINDINGS:
            return None, reader, [*diagnostics, *reader.diagnostics]
    try:
        tree = reader.machine.finish(len(source.text))
    except Unexpected:
        tree = None
    return tree, reader, [*diagnostics, *reader.diagnostics]


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
    if len(rest) > MOST_PARTS:
        message = f"A coworker has at most {MOST_PARTS:,} rules, tests and other parts, and this one has more."
        diagnostics.append(Diagnostic("K100", message, rest[MOST_PARTS].span, "Make several coworkers of it."))
        rest = rest[:MOST_PARTS]
    return s.Coworker(names[0] if names else s.Template(()), abouts[0] if abouts else None, rest, span=whole)


def _comments(source: Source, reader: Reader) -> list[Comment]:
    """The comments behind statements, which the reader met, and those between them."""
    found = []
    for offset, text in sorted({**dict(reader.comments), **_alone(source)}.items()):
        line, column = source.place(offset)
        found.append(Comment(line, text.rstrip(), not source.line(line)[: column - 1].strip()))
    return found


def _alone(source: Source) -> dict[int, str]:
    """The comments that have a line for themselves, by their offsets."""
    return {
        span.start: source.cut(span)
        for number in range(1, source.line_count() + 1)
        if (span := source.line_span(number)).end > span.start and source.text[span.start] == "#"
    }


# -- what can come next --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prospect:
    """An unfinished text: its tokens as (kind, text), and the kinds that can follow; none where the text is wrong."""

    tokens: tuple[tuple[str, str], ...]
    next: frozenset[str]


def prospect(text: str) -> Prospect:
    """What the grammar expects behind a text that is not complete. Nothing, inside of a comment. Never raises."""
    machine, find = Machine(tables()), lexer()
    tokens: list[tuple[str, str]] = []
    place, depth, fresh, comment = 0, 0, True, False
    while place < len(text):
        kind, behind = find.at(text, place, len(text), machine.expected)
        written = text[place:behind]
        comment = kind == "COMMENT"
        place = behind
        if kind in find.ignored or (kind == "NEWLINE" and (depth or fresh)):
            continue
        if fresh and kind == "NAME":
            kind = LINE_WORDS.get(written, kind)
        fresh = kind == "NEWLINE"
        depth = max(0, depth + (kind in ("LSQB", "LPAR")) - (kind in ("RSQB", "RPAR")))
        try:
            machine.feed(Token.of(kind, written, 0, 0))
        except Unexpected:
            # A number whose unit is still to come is no token yet.
            units = machine.accepts() & {"DURATION", "SIZE", "MONTHS"}
            unfinished = kind == "NUMBER" and not text[place:].strip()
            return Prospect(tuple(tokens), units) if unfinished and units else Prospect((), frozenset())
        tokens.append((kind, written))
    return Prospect(tuple(tokens), frozenset() if comment else machine.accepts())


def keywords() -> dict[str, str]:
    """The words of the language by the kinds of their tokens, as written: ``{"ON_CONFLICT": "on conflict", ...}``."""
    return lexer().keywords


def choices(rule: str) -> frozenset[str]:
    """The kinds of tokens that a rule of the grammar is a choice of, such as "slot_word"."""
    return frozenset(tables().choices.get(rule, ()))


def goes_on(line: str) -> bool:
    """Whether a line is a part of the one before it, by the word or sign that it begins with."""
    return continuation().match("\n" + line) is not None
