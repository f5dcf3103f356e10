"""What stands behind the dot of a value: its properties, the parts of a group, the groups of a match."""

from __future__ import annotations

from klr import syntax as s
from klr.diagnostics import did_you_mean, instead, listing
from klr.operators import a
from klr.scope import Facts, Scope
from klr.source import Span
from klr.typer import Report, Typer, may_be_missing
from klr.types import ERROR, FILE, GONE, ROW, TEXT, UNKNOWN, Type, list_of, maybe
from klr.vocabulary import Vocabulary

GROUP_MEMBERS = {ROW: "rows", FILE: "files"}
"""What the elements of a group are called, by their type; all others are its ``items``."""


class Members:
    """Checks members. ``type_of`` and ``error`` are those of whoever checks expressions."""

    def __init__(self, vocabulary: Vocabulary, facts: Facts, type_of: Typer, error: Report) -> None:
        self.vocabulary = vocabulary
        self.facts = facts
        self.type_of = type_of
        self.error = error

    def of(self, node: s.Member, scope: Scope) -> Type:
        of = self.type_of(node.of, scope)
        if of == UNKNOWN:
            return UNKNOWN
        if of == ERROR:
            if node.name == "message":
                return TEXT
            return self.error("K204", f"An error has no `{node.name}`.", node.span, "Write `error.message`.")
        if of == GONE:
            return self._of_gone(node)
        if of.name == "group" and of.element is not None and of.key is not None:
            return self._of_group(node, of, of.element, of.key)
        kind = of.element if of.name == "list" and of.element else of
        if kind.name == "match":
            return self._of_match(node, of, kind)
        known = self.vocabulary.property_of(kind, node.name)
        if known is None:
            return self._no_property(node, of, kind)
        if of == kind and known.names:
            self.facts.real_names.add(id(node))
        return known.type if of == kind else list_of(known.type)

    def _of_group(self, node: s.Member, of: Type, element: Type, key: Type) -> Type:
        members = GROUP_MEMBERS.get(element, "items")
        if node.name in ("key", members):
            return key if node.name == "key" else list_of(element)
        return self.error("K204", f"A group has no `{node.name}`.", node.span, f"It has `key` and `{members}`.")

    def _of_match(self, node: s.Member, of: Type, match: Type) -> Type:
        if node.name in match.fields:
            return maybe(TEXT) if of == match else list_of(TEXT)
        help = did_you_mean(node.name, match.fields) or f"It has {listing(match.fields, 'and')}."
        word = Span(node.span.end - len(node.name), node.span.end)
        message = f"This pattern has no group named `{node.name}`."
        return self.error("K204", message, node.span, help, instead(word, node.name, match.fields))

    def _no_property(self, node: s.Member, of: Type, kind: Type) -> Type:
        if of.name == "maybe":
            return may_be_missing(node.of, self.error)
        there = self.vocabulary.properties_of(kind)
        if not there:
            in_list = "The elements of a list are reached with `for each`, `where` or `first of`."
            message = f"{a(of).capitalize()} has no properties, so `.{node.name}` means nothing here."
            return self.error("K204", message, node.span, in_list if of.name == "list" else "")
        what = a(kind).capitalize()
        help = did_you_mean(node.name, there) or f"{what} has {listing(sorted(there), 'and')}."
        word = Span(node.span.end - len(node.name), node.span.end)
        repair = instead(word, node.name, there)
        return self.error("K204", f"{what} has no `{node.name}`.", node.span, help, repair)

    def _of_gone(self, node: s.Member) -> Type:
        """A property of a file that is gone: what is known without asking the world."""
        known = self.vocabulary.property_of(FILE, node.name)
        if known is None:
            return self._no_property(node, GONE, FILE)
        if not known.pure:
            has = sorted(name for name, one in self.vocabulary.properties_of(FILE).items() if one.pure)
            message = f"The file is gone, so its `{node.name}` can not be read."
            return self.error("K508", message, node.span, f"It has {listing(has, 'and')}.")
        if known.names:
            self.facts.real_names.add(id(node))
        return known.type
