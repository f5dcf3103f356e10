"""Rewrites the ``may`` lines of a coworker, so that it may do what it does and nothing else."""

from __future__ import annotations

from klr import syntax as s
from klr.format import format_source
from klr.loader import Loaded
from klr.parser import parse
from klr.permissions import may_line
from klr.privilege import tightest
from klr.source import Source, Span
from klr.vocabulary import Permission

_Edit = tuple[Span, str]


def least_privilege(loaded: Loaded) -> str:
    """The text of a coworker with the tightest ``may`` lines that it needs; what fits already is left as it is.

    Lines in the one style stay in it, comments are kept. Raises ValueError where the needs are not known, since
    something else is wrong.
    """
    if loaded.needs is None:
        raise ValueError("only a coworker without other errors tells what it needs")
    source = loaded.source
    parsed = parse(source)
    assert parsed.tree is not None
    wanted = dict(tightest(loaded.needs))
    edits = list(_edits(source, parsed.tree, wanted))
    text = source.text
    for span, written in sorted(edits, reverse=True):
        text = text[: span.start] + written + text[span.end :]
    if format_source(source, parsed) != source.text:
        return text
    rewritten = Source(text, source.name)
    return format_source(rewritten, parse(rewritten))


def _edits(source: Source, tree: s.Coworker, wanted: dict[Permission, tuple[str, ...]]) -> list[_Edit]:
    lines = [part for part in tree.parts if isinstance(part, s.May)]
    edits: list[_Edit] = []
    for permission in dict.fromkeys(line.permission for line in lines):
        mine = [line for line in lines if line.permission == permission]
        have = {pattern.constant for line in mine for pattern in line.patterns}
        need = next((patterns for name, patterns in wanted.items() if name == permission), None)
        if need is not None and have == set(need):
            continue
        if need is not None:
            edits.append((mine[0].span, may_line(permission, need)))
        edits.extend(_removed(source, line.span) for line in (mine if need is None else mine[1:]))
    missing = [may_line(name, need) for name, need in wanted.items() if name not in {line.permission for line in lines}]
    if missing:
        last = lines[-1] if lines else tree.about or tree.name
        end = _line_end(source, last.span)
        between = "\n" if lines else "\n\n"
        edits.append((Span(end, end), between + "\n".join(missing)))
    return edits


def _removed(source: Source, span: Span) -> _Edit:
    """A line taken out; a comment behind it stays, on a line of its own."""
    end = _line_end(source, span)
    comment = source.text[span.end : end].strip()
    return Span(span.start, end if comment else min(end + 1, len(source.text))), comment


def _line_end(source: Source, span: Span) -> int:
    end = source.text.find("\n", span.end)
    return len(source.text) if end < 0 else end
