"""What the declarations say of themselves, as Markdown for completion and hover."""

from __future__ import annotations

from klapp.reference import slot_line
from klr import syntax as s
from klr.types import Type
from klr.vocabulary import Function, PermissionKind, Property, Trigger, Verb

Entry = Verb | Property | Function | Trigger | PermissionKind


def page(entry: Entry) -> str:
    """What an entry of the vocabulary is, with an example."""
    match entry:
        case Verb():
            needs = [f"- needs `may {permission}`" for permission in entry.needs]
            return _page(entry.name, entry.doc, entry.example, [*map(slot_line, entry.slots), *needs])
        case Trigger():
            return _page(f"when {entry.phrase}", entry.doc, entry.example, list(map(slot_line, entry.slots)))
        case Property():
            needs = ["- needs `may read`"] if entry.ask else []
            return _page(f"file.{entry.name}: {entry.type}", entry.doc, entry.example, needs)
        case Function():
            return _page(form(entry), entry.doc, entry.example, [])
        case PermissionKind():
            return _page(f"may {entry.name}", f"It may {entry.plain}.", entry.example, [])


FILES = (
    "files in ...",
    'The files that match a pattern, ordered by path. Needs `may read`.\n\n```klr\nfiles in "~/Documents/**"\n```',
)
"""The form and the page of the one question that is written as a function is."""


def form(function: Function) -> str:
    """How a function is written: ``number after ... in ...``."""
    return f"{function.name} {' '.join(f'{word} ...' for word in function.prepositions)}"


def definition(define: s.Define) -> str:
    """How a coworker's own function is written: ``month of ...``."""
    return f"{define.name} {' '.join(f'{parameter.preposition} ...' for parameter in define.parameters)}"


def name(written: str, kind: str, type: Type | str) -> str:
    """What a name stands for: its kind, such as "setting", and its type."""
    return f"```klr\n{written}: {type}\n```\n{kind}"


def _page(head: str, doc: str, example: str, items: list[str]) -> str:
    listed = "\n".join(items)
    return "\n\n".join(part for part in (f"**{head}**", doc, f"```klr\n{example}\n```", listed) if part)
