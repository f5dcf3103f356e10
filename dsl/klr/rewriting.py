"""Rewrites the ``may`` lines of a coworker, so that it may do what it does and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from klr import syntax as s
from klr.format import format_source
from klr.loader import Loaded
from klr.parser import parse
from klr.permissions import may_line
from klr.privilege import tightest
from klr.program import Grant
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
    wanted = {(line.permission, line.to): line.patterns for line in tightest(loaded.needs)}
    edits = list(_edits(source, parsed.tree, loaded.grants, wanted))
    text = source.text
    for span, written in sorted(edits, reverse=True):
        text = text[: span.start] + written + text[span.end :]
    if format_source(source, parsed) != source.text:
        return text
    rewritten = Source(text, source.name)
    return format_source(rewritten, parse(rewritten))


def _edits(
    source: Source,
    tree: s.Coworker,
    grants: Sequence[Grant],
    wanted: dict[tuple[Permission, str], tuple[str, ...]],
) -> list[_Edit]:
    """``grants`` are what the ``may`` lines come to, in order, with the values of settings that are in force."""
    lines = [part for part in tree.parts if isinstance(part, s.May)]
    kinds = list(map(_kind, grants))
    edits: list[_Edit] = []
    known = {key: need for key, need in wanted.items() if key in kinds}
    for kind in dict.fromkeys(kinds):
        mine = [line for line, same in zip(lines, kinds, strict=True) if same == kind]
        have = {
            pattern for grant, same in zip(grants, kinds, strict=True) if same == kind for pattern in grant.patterns
        }
        need = next((patterns for key, patterns in known.items() if key == kind), None)
        if need is not None and have == set(need):
            continue
        if need is not None:
            edits.append((mine[0].span, may_line(kind[0], need, kind[1])))
        edits.extend(_removed(source, line.span) for line in (mine if need is None else mine[1:]))
    missing = [may_line(name, need, to) for (name, to), need in wanted.items() if (name, to) not in known]
    if missing:
        last = lines[-1] if lines else tree.about or tree.name
        end = _line_end(source, last.span)
        between = "\n" if lines else "\n\n"
        edits.append((Span(end, end), between + "\n".join(missing)))
    return edits


def _kind(grant: Grant) -> tuple[Permission, str]:
    """The permission of a line and to whom it lets something go; a line that names several is of no one's kind."""
    return grant.permission, grant.to[0] if len(grant.to) == 1 else "\0" * len(grant.to)


def _removed(source: Source, span: Span) -> _Edit:
    """A line taken out; a comment behind it stays, on a line of its own."""
    end = _line_end(source, span)
    comment = source.text[span.end : end].strip()
    return Span(span.start, end if comment else min(end + 1, len(source.text))), comment


def _line_end(source: Source, span: Span) -> int:
    end = source.text.find("\n", span.end)
    return len(source.text) if end < 0 else end
