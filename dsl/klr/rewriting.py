"""Rewrites the ``may`` lines of a coworker, so that it may do what it does and nothing else."""

from __future__ import annotations

from klr import syntax as s
from klr.addresses import AddressError, host_of
from klr.checker import patterns_of
from klr.format import format_source
from klr.loader import Loaded
from klr.parser import parse
from klr.permissions import may_line
from klr.privilege import tightest
from klr.recipients import is_mail
from klr.source import Source, Span
from klr.vocabulary import PERMISSIONS, Permission

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
    edits = list(
        _edits(source, parsed.tree, {(line.permission, line.to): line.patterns for line in tightest(loaded.needs)})
    )
    text = source.text
    for span, written in sorted(edits, reverse=True):
        text = text[: span.start] + written + text[span.end :]
    if format_source(source, parsed) != source.text:
        return text
    rewritten = Source(text, source.name)
    return format_source(rewritten, parse(rewritten))


def _edits(source: Source, tree: s.Coworker, wanted: dict[tuple[Permission, str], tuple[str, ...]]) -> list[_Edit]:
    lines = [part for part in tree.parts if isinstance(part, s.May)]
    edits: list[_Edit] = []
    known = {key: need for key, need in wanted.items() if any(_kind(line) == key for line in lines)}
    for kind in dict.fromkeys(map(_kind, lines)):
        mine = [line for line in lines if _kind(line) == kind]
        have = {_written(pattern, kind[0]) for line in mine for pattern in patterns_of(line)}
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


def _kind(line: s.May) -> tuple[str, str]:
    """The permission of a line and the host that it names; a line that names several is of no one's kind."""
    hosts = [_written(host, "contact") for host in line.to if patterns_of(line) is not line.to]
    return line.permission, hosts[0] if len(hosts) == 1 else "\0" * len(hosts)


def _written(pattern: s.Template, permission: str) -> str:
    """A pattern as needs have it: hosts in their one form."""
    text = pattern.constant or ""
    if is_mail(text) and permission in ("contact", "send mail"):
        return text.lower()
    if PERMISSIONS.get(permission) is None or PERMISSIONS[permission].takes != "hosts":
        return text
    try:
        return host_of(text)
    except AddressError:
        return text


def _removed(source: Source, span: Span) -> _Edit:
    """A line taken out; a comment behind it stays, on a line of its own."""
    end = _line_end(source, span)
    comment = source.text[span.end : end].strip()
    return Span(span.start, end if comment else min(end + 1, len(source.text))), comment


def _line_end(source: Source, span: Span) -> int:
    end = source.text.find("\n", span.end)
    return len(source.text) if end < 0 else end
