"""Changes of a text: the one style, and the repairs that findings carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from klapp.lsp.study import Study
from klr.diagnostics import Diagnostic, Edit
from klr.format import format_source
from klr.source import Source, Span


@dataclass(frozen=True, slots=True)
class TextEdit:
    """``text`` in place of what ``span`` covers."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What can be done about a finding. ``preferred`` marks the one that a person would nearly always want."""

    title: str
    finding: Diagnostic
    edits: tuple[TextEdit, ...]
    preferred: bool


def applied(text: str, edits: Iterable[TextEdit]) -> str:
    """A text with edits that do not overlap."""
    for edit in sorted(edits, key=lambda one: one.span, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def formatted(study: Study) -> list[TextEdit]:
    """What puts a text into the one style: nothing where it is, or where it can not be read; its line breaks stay.

    Lines that stay are no part of the edit, so that cursors and folds on them stay, too.
    """
    text = study.source.text
    source = Source(text.replace("\r\n", "\n"))
    parsed = study.examined.parsed if source.text == text else Study(source.text).examined.parsed
    if parsed.tree is None or parsed.diagnostics:
        return []
    wanted = format_source(source, parsed)
    if "\r\n" in text:
        wanted = wanted.replace("\n", "\r\n")
    if wanted == text:
        return []
    old, new = text.splitlines(keepends=True), wanted.splitlines(keepends=True)
    first = _same(old, new)
    last = _same(old[first:][::-1], new[first:][::-1])
    start = sum(map(len, old[:first]))
    end = len(text) - sum(map(len, old[len(old) - last :]))
    return [TextEdit(Span(start, end), "".join(new[first : len(new) - last]))]


def _same(old: list[str], new: list[str]) -> int:
    """How many lines are the same at the beginning."""
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def fixes(study: Study, within: Span) -> Iterator[Fix]:
    """The repairs of the findings that touch a span."""
    for finding in study.analysis.diagnostics:
        if finding.span.start > within.end or finding.span.end < within.start:
            continue
        for repair in finding.repair:
            place = repair.place(study.source)
            if place is None:
                continue
            text = repair.new.replace("\n", "\r\n") if "\r\n" in study.source.text else repair.new
            # A permission is the person's to give: never what "fix everything" would choose.
            yield Fix(_title(finding, repair), finding, (TextEdit(place, text),), not _allows(finding))


def _allows(finding: Diagnostic) -> bool:
    return finding.code.startswith("K4")


def _title(finding: Diagnostic, repair: Edit) -> str:
    if not repair.new.strip():
        return f"Remove `{repair.old.strip()}`"
    if repair.old:
        return f"Write `{repair.new.strip()}`"
    return f"{'Allow it: add' if _allows(finding) else 'Add'} `{repair.new.strip()}`"
