"""The parts of a coworker for an editor's outline, and the buttons above them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from klapp.lsp import manual
from klapp.lsp.study import Study
from klr import syntax as s
from klr.source import Span


@dataclass(frozen=True, slots=True)
class Symbol:
    """A part: what it is called, the span of it all, and that of the line that names it."""

    kind: Literal["setting", "definition", "rule", "test"]
    name: str
    detail: str
    span: Span
    head: Span


@dataclass(frozen=True, slots=True)
class Lens:
    """A button above ``span``: the command that it gives and the line (from 1) of the part that it is about."""

    span: Span
    title: str
    command: Literal["klapp.permissions", "klapp.simulate", "klapp.test"]
    line: int


def symbols(study: Study) -> Iterator[Symbol]:
    """Settings, definitions, rules and tests, in the order of the text."""
    tree = study.examined.parsed.tree
    for part in tree.parts if tree is not None else ():
        head = _head(study, part.span)
        match part:
            case s.SettingLine():
                yield Symbol("setting", part.name, " ".join(part.type), part.span, head)
            case s.Define():
                yield Symbol("definition", part.name, manual.definition(part), part.span, head)
            case s.RuleBlock():
                yield Symbol("rule", study.source.cut(head), "", part.span, head)
            case s.TestBlock():
                yield Symbol("test", part.name.constant or "test", "", part.span, head)


def lenses(study: Study) -> Iterator[Lens]:
    """What can be asked of the whole coworker, of each rule and of each test."""
    tree = study.examined.parsed.tree
    if tree is None:
        return
    name = tree.name.span
    line = study.source.place(name.start)[0]
    yield Lens(_head(study, name), "What may it touch?", "klapp.permissions", line)
    for symbol in symbols(study):
        line = study.source.place(symbol.span.start)[0]
        if symbol.kind == "rule":
            yield Lens(symbol.head, "Simulate", "klapp.simulate", line)
        elif symbol.kind == "test":
            yield Lens(symbol.head, "Run this test", "klapp.test", line)


def _head(study: Study, span: Span) -> Span:
    """The part of a span on its first line, without a comment's or line's blank end."""
    start = span.start
    end = study.source.line_span(study.source.place(start)[0]).end
    return Span(start, max(start, min(end, span.end)))
