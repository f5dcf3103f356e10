"""What each name of a text stands for: settings, definitions and their parameters, ``let`` names and loop names.

The scopes are those of the checker: settings are known everywhere, a definition in those below it and in every rule, a
``let`` from the next line to the end of its block, a loop's name within the loop, a parameter in its definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from klr import syntax as s
from klr.checker import Checked, verb_of
from klr.source import Source, Span
from klr.syntax import MISSING
from klr.types import OF_PARAMETERS, UNKNOWN, WORD, Type, list_of
from klr.vocabulary import Vocabulary

_MADE = re.compile(r"(?:for[ \t]+each|\w+)[ \t]+([^\W\d]\w*)")
"""A name behind the word that makes it: `setting`, `let`, `for each`, `define` or a parameter's preposition."""

Kind = Literal["setting", "definition", "parameter", "let", "loop"]


@dataclass(slots=True)
class Binding:
    """A name that a person made: where (the name alone, in ``made``), its type, and where it is used."""

    name: str
    kind: Kind
    made: Span
    line: int
    type: Type
    uses: list[Span] = field(default_factory=list)

    @property
    def places(self) -> tuple[Span, ...]:
        """Everywhere that the name stands, in order."""
        return tuple(sorted((self.made, *self.uses)))


Known = Mapping[str, Binding | None]
"""The names in scope; None for those that the language itself gives, such as ``it``."""


class Names:
    """The bindings of a checked text, in the order of the text; none where nothing could be read."""

    def __init__(
        self, source: Source, checked: Checked | None, vocabulary: Vocabulary, written: s.Coworker | None = None
    ) -> None:
        self.source = source
        self.vocabulary = vocabulary
        self.bindings: list[Binding] = []
        self.definitions: dict[int, Binding] = {}
        if checked is not None:
            self.facts = checked.facts
            self._coworker(checked.tree)
            if written is not None:
                self._in_patterns(written, checked.tree)

    def at(self, offset: int) -> Binding | None:
        """The binding whose name stands at an offset, or ends there."""
        for binding in self.bindings:
            if any(start <= offset <= end for start, end in binding.places):
                return binding
        return None

    def made_in(self, line: int) -> Binding | None:
        """The binding that a line makes."""
        return next((binding for binding in self.bindings if binding.line == line), None)

    # -- declarations -------------------------------------------------------------------------------------------------

    def _make(self, name: str, kind: Kind, span: Span, type: Type) -> Binding | None:
        found = _MADE.match(self.source.text, span.start)
        if not found or found[1] != name or name == MISSING:
            return None
        binding = Binding(name, kind, Span(*found.span(1)), self.source.place(span.start)[0], type)
        self.bindings.append(binding)
        return binding

    def _type(self, node: s.Expression) -> Type:
        return self.facts.types.get(id(node), UNKNOWN)

    # -- the walk -----------------------------------------------------------------------------------------------------

    def _coworker(self, tree: s.Coworker) -> None:
        settings: dict[str, Binding | None] = {}
        for part in tree.parts:
            if isinstance(part, s.SettingLine):
                settings[part.name] = self._make(part.name, "setting", part.span, declared_type(part))
        for part in tree.parts:
            match part:
                case s.RuleBlock():
                    self._block(part.body, settings)
                    if part.on_error is not None:
                        self._block(part.on_error, {**settings, "error": None})
                case s.Define():
                    self._define(part, settings)
                case s.TestBlock():
                    self._test(part, settings)
        self.bindings.sort(key=lambda binding: binding.made)

    def _in_patterns(self, written: s.Coworker, filled: s.Coworker) -> None:
        """The settings in patterns, for which the checked tree has their values."""
        settings = {binding.name: binding for binding in self.bindings if binding.kind == "setting"}
        for before, after in zip(written.parts, filled.parts, strict=True):
            if before is not after:
                still = {name.span for name in _names_in(after)}
                for name in _names_in(before):
                    if name.name in settings and name.span not in still:
                        settings[name.name].uses.append(name.span)

    def _define(self, define: s.Define, settings: Known) -> None:
        made = self._make(define.name, "definition", define.span, self._type(define.value))
        if made is not None:
            self.definitions[id(define)] = made
        parameters = {
            one.name: self._make(one.name, "parameter", one.span, _named(one.type)) for one in define.parameters
        }
        self._expression(define.value, {**settings, **parameters})

    def _test(self, test: s.TestBlock, settings: Known) -> None:
        for step in test.steps:
            if isinstance(step, s.Given) and step.what == "setting":
                for _, name in step.details:
                    self._expression(name, settings)

    def _block(self, block: s.Block, around: Known) -> None:
        known = dict(around)
        for statement in block.statements:
            match statement:
                case s.Let():
                    self._expression(statement.value, known)
                    type = self._type(statement.value)
                    known[statement.name] = self._make(statement.name, "let", statement.span, type)
                case s.If():
                    for condition, body in statement.branches:
                        self._expression(condition, known)
                        self._block(body, known)
                    if statement.otherwise is not None:
                        self._block(statement.otherwise, known)
                case s.ForEach():
                    self._expression(statement.items, known)
                    element = self._type(statement.items).element or UNKNOWN
                    made = self._make(statement.name, "loop", statement.span, element)
                    inner = {**known, statement.name: made}
                    self._block(statement.body, inner)
                    if statement.on_error is not None:
                        self._block(statement.on_error, {**inner, "error": None})
                case s.Attempt():
                    self._block(statement.body, known)
                    self._block(statement.on_error, {**known, "error": None})
                case s.Action():
                    for value in self._values(statement):
                        self._expression(value, known)

    def _values(self, action: s.Action) -> Iterator[s.Expression]:
        """The values of an action, without words such as those of ``on conflict``, which are no names."""
        verb = verb_of(action, self.vocabulary)
        chosen = {slot.word for slot in verb.slots if slot.type == WORD} if verb else set()
        if action.object is not None:
            yield action.object
        yield from (value for word, value in action.slots if word not in chosen)

    def _expression(self, node: s.Expression, known: Known) -> None:
        match node:
            case s.Name():
                binding = known.get(node.name)
                if binding is not None:
                    binding.uses.append(node.span)
            case s.Member():
                self._expression(node.of, known)
            case s.Where() | s.SortedBy() | s.GroupedBy():
                self._expression(node.items, known)
                inner = node.condition if isinstance(node, s.Where) else node.key
                self._expression(inner, {**known, "it": None})
            case s.Call():
                resolved = self.facts.calls.get(id(node))
                defined = self.definitions.get(id(resolved.definition)) if resolved else None
                if defined is not None:
                    defined.uses.append(Span(node.span.start, node.span.start + len(node.name)))
                arguments = resolved.arguments if resolved else tuple(value for _, value in node.arguments)
                for argument in arguments:
                    self._expression(argument, known)
            case _:
                for child in s.children(node):
                    self._expression(child, known)


def _names_in(node: object) -> Iterator[s.Name]:
    """All names below a node, in order."""
    if isinstance(node, s.Name):
        yield node
    elif isinstance(node, tuple):
        for one in node:
            yield from _names_in(one)
    elif isinstance(node, s.Node):
        for name in s.names_of_parts(node):
            yield from _names_in(getattr(node, name))


def declared_type(line: s.SettingLine) -> Type:
    """The type that a setting's line names."""
    return _named(line.type)


def _named(written: tuple[str, ...]) -> Type:
    *lists, name = written
    known = OF_PARAMETERS.get(name, UNKNOWN)
    for _ in range(len(lists) // 2):
        known = list_of(known)
    return known
