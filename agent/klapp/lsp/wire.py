"""What the analysis finds, in the protocol's own types."""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types

from klapp.lsp.candidates import Kind
from klapp.lsp.completion import Offer
from klapp.lsp.documents import Change, Document
from klapp.lsp.edits import Fix, TextEdit
from klapp.lsp.positions import Position, Range
from klapp.lsp.symbols import Lens, Symbol
from klr.diagnostics import Diagnostic
from klr.source import Span

SEVERITY = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}
NEEDLESS = frozenset(("K601", "K602", "K603"))
"""Findings about what could as well not be there; editors show it faded."""
ITEM: dict[Kind, types.CompletionItemKind] = {
    "slot": types.CompletionItemKind.Keyword,
    "keyword": types.CompletionItemKind.Keyword,
    "word": types.CompletionItemKind.EnumMember,
    "permission": types.CompletionItemKind.EnumMember,
    "property": types.CompletionItemKind.Property,
    "trigger": types.CompletionItemKind.Event,
    "type": types.CompletionItemKind.Class,
    "name": types.CompletionItemKind.Variable,
    "verb": types.CompletionItemKind.Method,
    "function": types.CompletionItemKind.Function,
}
SYMBOL = {
    "setting": types.SymbolKind.Variable,
    "definition": types.SymbolKind.Function,
    "rule": types.SymbolKind.Event,
    "test": types.SymbolKind.Method,
}


def offset(document: Document, position: types.Position) -> int:
    """Where a position is in the text."""
    return document.lines.offset((position.line, position.character))


def span(document: Document, range: types.Range) -> Span:
    """What a range covers of the text."""
    return document.lines.span(_read(range))


def range_of(document: Document, span: Span) -> types.Range:
    """A span as a range."""
    start, end = document.lines.range(span)
    return types.Range(types.Position(*start), types.Position(*end))


def _read(range: types.Range) -> Range:
    start, end = range.start, range.end
    return Range(Position(start.line, start.character), Position(end.line, end.character))


def changes(events: Iterable[types.TextDocumentContentChangeEvent]) -> list[Change]:
    """The changes that an editor tells of."""
    return [
        Change(event.text, _read(event.range))
        if isinstance(event, types.TextDocumentContentChangePartial)
        else Change(event.text)
        for event in events
    ]


def diagnostic(document: Document, found: Diagnostic) -> types.Diagnostic:
    """A finding with its help in the message, so that every editor shows both."""
    return types.Diagnostic(
        range=range_of(document, found.span),
        message=f"{found.message}\n{found.help}" if found.help else found.message,
        severity=SEVERITY.get(found.severity, types.DiagnosticSeverity.Information),
        code=found.code,
        source="klapp",
        tags=[types.DiagnosticTag.Unnecessary] if found.code in NEEDLESS else None,
    )


def completion(document: Document, offered: Iterable[Offer]) -> types.CompletionList:
    """What is offered, in its order."""
    items = [_item(document, offer, number) for number, offer in enumerate(offered)]
    return types.CompletionList(is_incomplete=False, items=items)


def _item(document: Document, offer: Offer, number: int) -> types.CompletionItem:
    one = offer.candidate
    return types.CompletionItem(
        label=one.label,
        kind=ITEM[one.kind],
        detail=one.detail or None,
        documentation=markdown(one.page) if one.page else None,
        filter_text=one.text,
        sort_text=f"{number:04}",
        text_edit=types.TextEdit(range_of(document, offer.span), one.text),
    )


def markdown(page: str) -> types.MarkupContent:
    """A page of Markdown."""
    return types.MarkupContent(types.MarkupKind.Markdown, page)


def edits(document: Document, found: Iterable[TextEdit]) -> list[types.TextEdit]:
    """Changes of one text."""
    return [types.TextEdit(range_of(document, edit.span), edit.text) for edit in found]


def action(document: Document, uri: str, fix: Fix) -> types.CodeAction:
    """A fix of one finding."""
    return types.CodeAction(
        title=fix.title,
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[diagnostic(document, fix.finding)],
        is_preferred=fix.preferred,
        edit=types.WorkspaceEdit(changes={uri: edits(document, fix.edits)}),
    )


def symbol(document: Document, found: Symbol) -> types.DocumentSymbol:
    """A part of a coworker."""
    return types.DocumentSymbol(
        name=found.name or "?",
        detail=found.detail or None,
        kind=SYMBOL[found.kind],
        range=range_of(document, found.span),
        selection_range=range_of(document, found.head),
    )


def lens(document: Document, uri: str, found: Lens) -> types.CodeLens:
    """A button."""
    command = types.Command(found.title, found.command, arguments=[uri, found.line])
    return types.CodeLens(range_of(document, found.span), command)


def fold(document: Document, first: int, last: int) -> types.FoldingRange:
    """Lines to be folded, from 1 as the language counts them."""
    start, end = (document.study.source.line_span(line).start for line in (first, last))
    return types.FoldingRange(document.lines.position(start).line, document.lines.position(end).line)
