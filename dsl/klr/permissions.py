"""The proof that a coworker stays within its ``may`` lines.

Every path that a program can name is a regular language: a pattern for the files that it is given, a template's fixed
text with holes for the paths that it builds. The walk below follows each file through the program (after ``move file
to X`` the file lies in X), and asks for each act that needs a permission whether the language of its path lies within
the union of the patterns granted. The question is decided exactly by ``klr.proof``; where the answer is no, it comes
with a path that the program could touch and may not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from klr import syntax as s
from klr.checker import Checked, verb_of
from klr.diagnostics import Diagnostic, Edit, visible
from klr.program import TriggerUse
from klr.proof import (
    GlobError,
    Language,
    TooComplex,
    concat,
    escape,
    glob,
    last_component,
    literal,
    name_hole,
    numbered,
    parent,
    text_hole,
)
from klr.scope import Resolved
from klr.shapes import ANYWHERE, Environment, Shape, arrival_pattern, either, escaped, joined, numbered_pattern, within
from klr.source import Span
from klr.types import FILE, PATH, WORD
from klr.vocabulary import PERMISSIONS, Permission, Slot, Verb, Vocabulary

MOST_ROUNDS = 3
"""How often a loop is gone through to find where its files can be, before they are taken to be anywhere."""


@dataclass(frozen=True, slots=True)
class Demand:
    """The program needs ``permission`` for every path of ``shape`` (None for one that takes no path)."""

    permission: Permission
    shape: Shape | None
    span: Span


def prove(vocabulary: Vocabulary, checked: Checked, diagnostics: list[Diagnostic]) -> None:
    """Find every way out of the ``may`` lines, and every one of them that is not needed.

    ``checked`` must be free of errors. Findings are added to ``diagnostics``.
    """
    walk = _Walk(vocabulary, checked)
    for rule, use in checked.triggers:
        assert use is not None
        walk.rule(rule, use)
    diagnostics.extend(walk.diagnostics)
    judge = _Judge(checked)
    refused = [found for demand in walk.demands if (found := judge.refusal(demand))]
    diagnostics.extend(refused)
    if not refused and not walk.diagnostics:
        diagnostics.extend(judge.unused(walk.demands))


class _Judge:
    """Holds demands against the grants."""

    def __init__(self, checked: Checked) -> None:
        self.tree = checked.tree
        self.grants: list[tuple[Permission, str | None, Span]] = []
        spans = iter(checked.grant_spans.values())
        for grant in checked.grants:
            self.grants.extend((grant.permission, pattern, next(spans)) for pattern in grant.patterns or (None,))

    def _witness(self, demand: Demand, grants: Iterable[tuple[Permission, str | None, Span]]) -> str | None:
        """A path that is demanded and not granted, or None; "" for a permission without paths."""
        granted = [pattern for permission, pattern, _ in grants if permission == demand.permission]
        if demand.shape is None:
            return None if granted else ""
        return escape(demand.shape.language, [glob(pattern) for pattern in granted if pattern])

    def refusal(self, demand: Demand) -> Diagnostic | None:
        plain = PERMISSIONS[demand.permission].plain
        try:
            witness = self._witness(demand, self.grants)
        except TooComplex:
            help = "Use fewer `**` and holes in this path, or in the `may` lines."
            return Diagnostic("K404", "This path is too intricate to be proved safe.", demand.span, help)
        if witness is None:
            return None
        if demand.shape is None:
            message, line = f"This coworker may not {plain}.", f"may {demand.permission}"
        else:
            message = f'This could {plain} "{visible(witness)}", and no `may {demand.permission}` line allows that.'
            line = f'may {demand.permission} "{s.escaped(demand.shape.pattern)}"'
        help = f"To allow it, add this line at the top:\n{line}"
        return Diagnostic("K401", message, demand.span, help, self._added(line, demand))

    def _added(self, line: str, demand: Demand) -> tuple[Edit, ...]:
        """A ``may`` line, put before the first one; where there is none, before all else but the head.

        Nothing, where the line would not be enough: a file that can be in one of several places has one pattern only.
        """
        pattern = demand.shape.pattern if demand.shape else None
        try:
            if self._witness(demand, [*self.grants, (demand.permission, pattern, demand.span)]) is not None:
                return ()
        except (TooComplex, GlobError):
            return ()
        first = next((part for part in self.tree.parts if isinstance(part, s.May)), None)
        if first is not None:
            return (Edit(first.span, "", f"{line}\n"),)
        return (Edit(self.tree.parts[0].span, "", f"{line}\n\n"),)

    def unused(self, demands: list[Demand]) -> Iterable[Diagnostic]:
        """Advice for each grant without which everything is still allowed."""
        needed = list(self.grants)
        for grant in reversed(self.grants):
            permission, pattern, span = grant
            without = [other for other in needed if other is not grant]
            if all(d.permission != permission or self._witness(d, without) is None for d in demands):
                needed = without
                shown = f' "{pattern}"' if pattern else ""
                message = f"`may {permission}{shown}` is not needed."
                yield Diagnostic(
                    "K601", message, span, "Remove it: the less a coworker may do, the better it can be trusted."
                )


class _Walk:
    """Goes through the rules as a run would, all branches at once, and collects what they demand."""

    def __init__(self, vocabulary: Vocabulary, checked: Checked) -> None:
        self.vocabulary = vocabulary
        self.facts = checked.facts
        self.demands: list[Demand] = []
        self.diagnostics: list[Diagnostic] = []
        self.places_of_file: list[Shape] = []

    def rule(self, rule: s.RuleBlock, use: TriggerUse) -> None:
        """One rule, from its trigger to its ``on error``."""
        environment: Environment = {}
        if "in" in use.arguments:
            pattern = arrival_pattern(use.arguments["in"], use.arguments.get("named"))
            shape = Shape(glob(pattern), pattern)
            self._demand("read", shape, rule.trigger.span)
            environment["file"] = shape
            self.places_of_file = [shape]
        self._block(rule.body, dict(environment))
        if rule.on_error is not None:
            # An error may come at any point: the file is wherever it has been on the way.
            for shape in self.places_of_file[1:]:
                before = environment["file"]
                environment["file"] = before.or_(shape) if before else shape
            self._block(rule.on_error, environment)

    def _demand(self, permission: Permission, shape: Shape | None, span: Span) -> None:
        self.demands.append(Demand(permission, shape, span))

    # -- statements ---------------------------------------------------------------------------------------------------

    def _block(self, block: s.Block, environment: Environment) -> Environment | None:
        """The environment behind a block; None where no run gets there."""
        for statement in block.statements:
            after = self._statement(statement, environment)
            if after is None:
                return None
            environment = after
        return environment

    def _statement(self, statement: s.Statement, environment: Environment) -> Environment | None:
        match statement:
            case s.Let():
                self._read(statement.value, environment)
                shape = self._shape(statement.value, environment)
                return {**environment, statement.name: shape} if shape else environment
            case s.If():
                return self._if(statement, environment)
            case s.ForEach():
                return self._for_each(statement, environment)
            case s.Action():
                return self._action(statement, environment)

    def _if(self, statement: s.If, environment: Environment) -> Environment | None:
        ends: list[Environment | None] = []
        for condition, body in statement.branches:
            self._read(condition, environment)
            ends.append(self._block(body, dict(environment)))
        ends.append(self._block(statement.otherwise, dict(environment)) if statement.otherwise else environment)
        return joined([end for end in ends if end is not None], environment)

    def _for_each(self, statement: s.ForEach, environment: Environment) -> Environment:
        self._read(statement.items, environment)
        element = self._shape(statement.items, environment)
        for _ in range(MOST_ROUNDS):
            start: Environment = {**environment, statement.name: element} if element else dict(environment)
            demands, findings = len(self.demands), len(self.diagnostics)
            end = self._block(statement.body, start)
            meeting = joined([environment, *([end] if end is not None else [])], environment)
            assert meeting is not None
            if all(within(meeting[name], environment[name]) for name in environment):
                return environment
            # Something moved within the body: go through it again with where it is then.
            del self.demands[demands:], self.diagnostics[findings:]
            environment = meeting
        moved = {name: ANYWHERE if shape else None for name, shape in environment.items()}
        self._block(statement.body, {**moved, statement.name: element} if element else dict(moved))
        return moved

    # -- actions ------------------------------------------------------------------------------------------------------

    def _action(self, action: s.Action, environment: Environment) -> Environment | None:
        verb = verb_of(action, self.vocabulary)
        assert verb is not None
        given = {"": action.object, **dict(action.slots)}
        for slot in verb.slots:
            value = given.get(slot.word)
            if value is not None and slot.type != WORD:
                self._read(value, environment)
        policy = self._policy(verb, given)
        goal: Shape | None = None
        for permission in verb.needs:
            self._demand(permission, None, action.span)
        for slot in verb.slots:
            value = given.get(slot.word)
            if value is None or not slot.needs:
                continue
            shape = self._place(verb, slot, value, action.object, environment)
            if verb.numbered and slot.word == "to" and policy in ("", "rename"):
                shape = Shape(numbered(shape.language), numbered_pattern(shape.pattern))
            if slot.word == "to":
                goal = shape
            for permission in slot.needs:
                self._demand(permission, shape, value.span)
        if verb.control:
            return None
        return self._after(verb, action, goal, policy, environment)

    @staticmethod
    def _policy(verb: Verb, given: dict[str, s.Expression | None]) -> str:
        """The word of ``on conflict`` that is in force, or "" for a verb without one."""
        slot = next((slot for slot in verb.slots if slot.word == "on conflict"), None)
        if slot is None:
            return ""
        chosen = given.get(slot.word)
        return chosen.name if isinstance(chosen, s.Name) else slot.words[0]

    def _place(
        self, verb: Verb, slot: Slot, value: s.Expression, thing: s.Expression | None, environment: Environment
    ) -> Shape:
        """Where the file or path of a slot can be."""
        owner = self._shape(thing, environment) if thing is not None else None
        if verb.sibling and slot.word == "to":
            folder = owner or ANYWHERE
            name, pattern = self._name(value)
            language = concat(parent(folder.language), literal("/"), name)
            return Shape(language, f"{folder.pattern.rpartition('/')[0]}/{pattern}")
        shape = self._shape(value, environment) or ANYWHERE
        if isinstance(value, s.Template) and self.facts.goes_into_folder(value):
            names = last_component((owner or ANYWHERE).language)
            last = (owner or ANYWHERE).pattern.rpartition("/")[2].replace("**", "*")
            return Shape(concat(shape.language, names), shape.pattern + last)
        return shape

    def _name(self, value: s.Expression) -> tuple[Language, str]:
        """The names that a text can be, and a pattern for them."""
        if not isinstance(value, s.Template):
            return (name_hole() if self.facts.is_real_name(value) else text_hole()), "*"
        return self._pieces(value.parts, {})

    def _after(
        self, verb: Verb, action: s.Action, goal: Shape | None, policy: str, environment: Environment
    ) -> Environment:
        if not isinstance(action.object, s.Name) or action.object.name not in environment:
            return environment
        name = action.object.name
        before = environment[name]
        if verb.consumes:
            return {**environment, name: None}
        if verb.follows and goal is not None:
            after = goal.or_(before) if policy == "skip" and before else goal
            if name == "file":
                self.places_of_file.append(after)
            return {**environment, name: after}
        return environment

    # -- expressions --------------------------------------------------------------------------------------------------

    def _read(self, node: s.Expression, environment: Environment) -> None:
        """Demand what evaluating an expression needs: the content of files, and lists of them."""
        match node:
            case s.Name():
                if node.name in environment and environment[node.name] is None:
                    message = f"`{node.name}` is in the trash by now."
                    self.diagnostics.append(
                        Diagnostic("K403", message, node.span, "Use it before it is put in the trash.")
                    )
            case s.Member():
                self._read(node.of, environment)
                known = self.vocabulary.properties.get(node.name)
                if known and known.ask and self.facts.type_of(node.of) == FILE:
                    self._demand("read", self._shape(node.of, environment) or ANYWHERE, node.span)
            case s.Call():
                resolved = self.facts.calls[id(node)]
                if resolved.function is None:
                    self._demand("read", self._files(resolved), node.span)
                else:
                    for argument in resolved.arguments:
                        self._read(argument, environment)
            case s.Where() | s.SortedBy():
                self._read(node.items, environment)
                inner = dict(environment)
                if (element := self._shape(node.items, environment)) is not None:
                    inner["it"] = element
                self._read(node.condition if isinstance(node, s.Where) else node.key, inner)
            case _:
                for child in s.children(node):
                    self._read(child, environment)

    def _shape(self, node: s.Expression, environment: Environment) -> Shape | None:
        """Where a file, a list's files, or a path can be; None for every other kind of value."""
        match node:
            case s.Template() if self.facts.is_path(node):
                return self._path(node, environment)
            case s.Name():
                return environment.get(node.name)
            case s.Member() if self.facts.type_of(node) == PATH:
                return self._folder(node, environment)
            case s.Where() | s.SortedBy():
                return self._shape(node.items, environment)
            case s.ListOf():
                return either(self._shape(item, environment) for item in node.items)
            case s.Binary(operator="default"):
                return either((self._shape(node.left, environment), self._shape(node.right, environment)))
            case s.Call():
                resolved = self.facts.calls[id(node)]
                if resolved.function is None:
                    return self._files(resolved)
                return either(self._shape(argument, environment) for argument in resolved.arguments)
        return None

    def _folder(self, node: s.Member, environment: Environment) -> Shape:
        shape = self._shape(node.of, environment) or ANYWHERE
        if node.name == "folder":
            return Shape(parent(shape.language), shape.pattern.rpartition("/")[0])
        return shape if node.name == "path" else ANYWHERE

    @staticmethod
    def _files(resolved: Resolved) -> Shape:
        pattern = resolved.arguments[0]
        assert isinstance(pattern, s.Template)
        assert pattern.constant is not None
        return Shape(glob(pattern.constant), pattern.constant)

    def _path(self, node: s.Template, environment: Environment) -> Shape:
        language, pattern = self._pieces(node.parts, environment)
        return Shape(language, pattern)

    def _pieces(self, parts: tuple[str | s.Hole, ...], environment: Environment) -> tuple[Language, str]:
        """The texts that a template can be, and a pattern for them."""
        languages: list[Language] = []
        pattern = ""
        for part in parts:
            if isinstance(part, str):
                languages.append(literal(part))
                pattern += escaped(part)
                continue
            shape = self._shape(part.value, environment) if self.facts.type_of(part.value) == PATH else None
            if shape is not None:
                languages.append(shape.language)
                pattern += shape.pattern
                continue
            languages.append(self._hole(part, environment))
            pattern = pattern if pattern.endswith("*") else pattern + "*"
        return concat(*languages) if languages else literal(""), pattern

    def _hole(self, hole: s.Hole, environment: Environment) -> Language:
        value = hole.value
        if hole.format or not self.facts.is_real_name(value):
            return text_hole()
        if isinstance(value, s.Member) and value.name == "name":
            shape = self._shape(value.of, environment)
            return last_component(shape.language) if shape else name_hole()
        return name_hole()
