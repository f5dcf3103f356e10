"""What a program demands: every path that it can name, and what it wants to do there.

Every path that a program can name is a regular language: a pattern for the files that it is given, a template's fixed
text with holes for the paths that it builds. The walk follows each file through the program as a run would, all
branches at once: after ``move file to X`` the file lies in X, under a condition on its name only such files count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from klr import runtime
from klr import syntax as s
from klr.checker import Checked, verb_of
from klr.correspondence import Correspondence, Recipients
from klr.diagnostics import Diagnostic
from klr.narrowing import narrowed
from klr.program import Need, TriggerUse
from klr.proof import (
    Language,
    TooComplex,
    concat,
    extensions,
    glob,
    last_component,
    literal,
    name_hole,
    numbered,
    parent,
    stems,
    text_hole,
)
from klr.scope import Resolved
from klr.shapes import ANYWHERE, Environment, Shape, arrival_pattern, crossed, either, escaped, joined, within
from klr.source import NOWHERE, Span
from klr.types import ATTACHED, FILE, GONE, PATHS, RECIPIENT, SENDABLE, WORD, Type, element_of, list_of
from klr.vocabulary import PERMISSIONS, Permission, Slot, Verb, Vocabulary

STARTED = ""
"""Under this name an environment holds where the file lay that started the rule, wherever that file is by now."""
MOST_ROUNDS = 3
"""How often a loop is gone through to find where its files can be, before they are taken to be anywhere."""

_PARTS_OF_NAMES: dict[str, Callable[[Language], Language]] = {
    "name": lambda names: names,
    "stem": stems,
    "extension": extensions,
}
MOST_WALKED = 5_000
"""Statements that are gone through for one rule, those of a loop each time that it is: loops in loops multiply."""


@dataclass(frozen=True, slots=True)
class Demand:
    """A need, and where in the text it comes from.

    ``implied`` tells, of what leaves the machine, that it is not in what is sent but in that it is sent.
    """

    need: Need
    span: Span
    implied: bool = False


@dataclass(frozen=True, slots=True)
class RuleDemands:
    """What one rule demands, and what is wrong with it apart from that. ``waits`` is where its files arrive, if any do.

    ``places`` tells, by the identity of its node, where the file can be of which something is told or to which
    something is done, and where a path leads.
    """

    waits: Shape | None
    demands: tuple[Demand, ...]
    diagnostics: tuple[Diagnostic, ...]
    places: Mapping[int, Shape] = field(default_factory=dict)
    started: Mapping[int, Shape] = field(default_factory=dict)
    """By the identity of an action or question: where the file lay that started the rule, as far as conditions tell."""
    recipients: Mapping[int, tuple[Recipients, ...]] = field(default_factory=dict)
    """By the identity of an action that writes mail: to whom it can."""


def demanded(vocabulary: Vocabulary, checked: Checked, rule: s.RuleBlock, use: TriggerUse) -> RuleDemands:
    """Everything that one rule of a tree that is free of errors demands."""
    walk = _Walk(vocabulary, checked)
    waits = None
    try:
        waits = walk.rule(rule, use)
    except TooComplex:
        help = "Use fewer moves, loops and conditions around each other, or make a rule of its own of a part."
        walk.diagnostics.append(Diagnostic("K404", "This is too intricate to be proved safe.", walk.at, help))
    return RuleDemands(waits, tuple(walk.demands), tuple(walk.diagnostics), walk.places, walk.started, walk.recipients)


def is_of_files(kind: Type) -> bool:
    """Whether a value is a file, or a list of files."""
    return FILE in (kind, element_of(kind))


class _Walk:
    """Goes through the rules as a run would, all branches at once, and collects what they demand."""

    def __init__(self, vocabulary: Vocabulary, checked: Checked) -> None:
        self.vocabulary = vocabulary
        self.facts = checked.facts
        self.values = checked.settings
        self.settings: Environment = {
            name: Shape(literal(setting.value), (escaped(setting.value),))
            for name, setting in checked.settings.items()
            if setting.type in PATHS
        }
        self.demands: list[Demand] = []
        self.diagnostics: list[Diagnostic] = []
        self.at = NOWHERE
        self.walked = 0
        self.places: dict[int, Shape] = {}
        self.started: dict[int, Shape] = {}
        self.recipients: dict[int, tuple[Recipients, ...]] = {}
        self.correspondence = Correspondence(self.values, None, self._known)
        self._listings: dict[str, Shape] = {}
        self.on_the_way: list[dict[str, list[Shape]]] = []
        """For each `on error` around: where the files can be by then."""

    def rule(self, rule: s.RuleBlock, use: TriggerUse) -> Shape | None:
        """One rule, from its trigger to its ``on error``; gives where it waits for files."""
        environment: Environment = dict(self.settings)
        shape = None
        self.correspondence = Correspondence(self.values, use, self._known)
        if use.gives == "mail":
            self.demands.append(Demand(Need("receive mail", None, (use.arguments["in"],)), rule.trigger.span))
        elif use.gives:
            pattern = arrival_pattern(use.arguments["in"], use.arguments.get("named"))
            shape = Shape(glob(pattern), (pattern,))
            self._demand("read", shape, rule.trigger.span)
            environment["folder" if use.gives == "folder" else "file"] = environment[STARTED] = shape
        self._guarded(rule.body, rule.on_error, environment)
        return shape

    def _guarded(self, body: s.Block, on_error: s.Block | None, environment: Environment) -> list[Environment]:
        """A block, and what happens where something in it can not be done: the environments in which it can end."""
        if on_error is None:
            end = self._block(body, dict(environment))
            return [end] if end is not None else []
        self.on_the_way.append({})
        ends = [self._block(body, dict(environment))]
        # An error may come at any point: a file is wherever it has been on the way.
        places = self.on_the_way.pop()
        caught = {name: either([shape, *places.get(name, [])]) for name, shape in environment.items()}
        ends.append(self._block(on_error, caught))
        return [end for end in ends if end is not None]

    def _seen(self, node: s.Expression, shape: Shape) -> None:
        """Remember where a node's file or path can be; one that several ways lead to can be in all their places."""
        known = self.places.get(id(node))
        self.places[id(node)] = shape if known is None or known is shape else known.or_(shape)

    def _start_seen(self, node: s.Node, environment: Environment) -> None:
        if (start := environment.get(STARTED)) is not None:
            known = self.started.get(id(node))
            self.started[id(node)] = start if known is None or known is start else known.or_(start)

    def _demand(self, permission: Permission, shape: Shape | None, span: Span) -> None:
        need = Need(permission, shape.language, shape.patterns) if shape else Need(permission)
        self.demands.append(Demand(need, span))

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
        self.at, self.walked = statement.span, self.walked + 1
        if self.walked > MOST_WALKED:
            raise TooComplex
        match statement:
            case s.Let():
                self._read(statement.value, environment)
                self.correspondence.name(statement.name, statement.value)
                shape = self._shape(statement.value, environment)
                return {**environment, statement.name: shape} if shape else environment
            case s.If():
                return self._if(statement, environment)
            case s.Attempt():
                return joined(self._guarded(statement.body, statement.on_error, environment), environment)
            case s.ForEach():
                return self._for_each(statement, environment)
            case s.Action():
                return self._action(statement, environment)

    def _if(self, statement: s.If, environment: Environment) -> Environment | None:
        ends: list[Environment | None] = []
        known = environment
        for condition, body in statement.branches:
            self._read(condition, known)
            ends.append(self._block(body, self._under(condition, True, known)))
            known = self._under(condition, False, known)
        ends.append(self._block(statement.otherwise, known) if statement.otherwise else known)
        return joined([end for end in ends if end is not None], environment)

    @staticmethod
    def _under(condition: s.Expression, holds: bool, environment: Environment) -> Environment:
        """What is known where a condition holds, or not: of the file as it is now, and as it was when it started all."""
        known = narrowed(condition, holds, environment)
        if environment.get(STARTED) is environment.get("file") is not None:
            known[STARTED] = known["file"]
        return known

    def _for_each(self, statement: s.ForEach, environment: Environment) -> Environment:
        self._read(statement.items, environment)
        self.correspondence.name(statement.name, statement.items)
        element = self._shape(statement.items, environment)
        for _ in range(MOST_ROUNDS):
            start: Environment = {**environment, statement.name: element} if element else dict(environment)
            demands, findings = len(self.demands), len(self.diagnostics)
            ends = self._guarded(statement.body, statement.on_error, start)
            meeting = joined([environment, *ends], environment)
            assert meeting is not None
            if all(within(meeting[name], environment[name]) for name in environment):
                return environment
            # Something moved within the body: go through it again with where it is then.
            del self.demands[demands:], self.diagnostics[findings:]
            environment = meeting
        moved = {name: ANYWHERE if shape else None for name, shape in environment.items()}
        start = {**moved, statement.name: element} if element else dict(moved)
        self._guarded(statement.body, statement.on_error, start)
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
        self._start_seen(action, environment)
        policy = self._policy(verb, given)
        goal: Shape | None = None
        for permission in verb.needs:
            self._demand(permission, None, action.span)
        for slot in verb.slots:
            value = given.get(slot.word)
            if slot.type == RECIPIENT and value is not None:
                self.recipients[id(action)] = self.correspondence.of(value)
            if value is None and not slot.required:
                for permission in slot.needs:
                    if not PERMISSIONS[permission].takes_paths:  # without an app, the person's own is meant
                        self._demand(permission, None, action.span)
            if value is None or not slot.needs:
                continue
            if slot.type in (SENDABLE, ATTACHED) and not is_of_files(self.facts.type_of(value)):
                continue  # only a file has a place to be read
            shape = self._place(verb, slot, value, action.object, environment)
            if verb.numbered and slot.word == "to" and policy in ("", "rename"):
                counted = Shape(numbered(shape.language), shape.patterns)
                # Where any name can stand, a numbered one can, too; the smaller automaton says the same.
                shape = shape if within(counted, shape) else counted
            self._seen(value, shape)
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
            name, pattern = self._name(value, environment)
            language = concat(parent(folder.language), literal("/"), name)
            return Shape(language, tuple(f"{above}/{pattern}" for above in folder.folders()))
        shape = self._shape(value, environment) or ANYWHERE
        if isinstance(value, s.Template) and self.facts.goes_into_folder(value):
            names = last_component((owner or ANYWHERE).language)
            last = (owner or ANYWHERE).names()
            return Shape(concat(shape.language, names), crossed(shape.patterns, last))
        return shape

    def _name(self, value: s.Expression, environment: Environment) -> tuple[Language, str]:
        """The names that a text can be, and a pattern for them. No path, so it may hold what only a path may not."""
        if not isinstance(value, s.Template):
            return name_hole(), "*"
        language, patterns = self._pieces(value.parts, environment, name_hole())
        return language, patterns[0]

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
            for places in self.on_the_way:
                places.setdefault(name, []).append(after)
            return {**environment, name: after}
        return environment

    # -- expressions --------------------------------------------------------------------------------------------------

    def _read(self, node: s.Expression, environment: Environment) -> None:
        """Demand what evaluating an expression needs: the content of files, and lists of them."""
        match node:
            case s.Name():
                if node.name in environment and environment[node.name] is None:
                    message = f"`{node.name}` is gone by now."
                    self.diagnostics.append(
                        Diagnostic("K403", message, node.span, "Use it before it is put in the trash or erased.")
                    )
            case s.Member():
                self._read(node.of, environment)
                known = self.vocabulary.properties.get(node.name)
                if known and self.facts.type_of(node.of) in (FILE, GONE, list_of(FILE)):
                    place = self._shape(node.of, environment) or ANYWHERE
                    self._seen(node, place)
                    if known.ask:
                        self._demand("read", place, node.span)
            case s.Call():
                resolved = self.facts.calls[id(node)]
                if resolved.question is not None:
                    self._start_seen(node, environment)
                    for argument in resolved.arguments:
                        self._read(argument, environment)
                elif resolved.asked:
                    path = resolved.arguments[0]
                    self._read(path, environment)
                    place = self._shape(path, environment) or ANYWHERE
                    self._seen(node, place)
                    self._demand("read", place, node.span)
                elif resolved.function is None:
                    listed = self._files(resolved, environment)
                    self._seen(node, listed)
                    self._demand("read", listed, node.span)
                else:
                    for argument in resolved.arguments:
                        self._read(argument, environment)
                    if resolved.definition is not None:
                        self._read(resolved.definition.value, self._handed(resolved, environment))
            case s.Where() | s.SortedBy() | s.GroupedBy():
                self._read(node.items, environment)
                inner = dict(environment)
                if (element := self._shape(node.items, environment)) is not None:
                    inner["it"] = element
                    if isinstance(node, s.Where):
                        self._seen(node, narrowed(node.condition, True, {"it": element})["it"] or element)
                self._read(node.condition if isinstance(node, s.Where) else node.key, inner)
            case s.Binary(operator="and" | "or"):
                self._read(node.left, environment)
                self._read(node.right, narrowed(node.left, node.operator == "and", environment))
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
            case s.Member() if self._is_path(node):
                return self._folder(node, environment)
            case s.Member() if self.facts.type_of(node.of).name == "group" and node.name != "key":
                return self._shape(node.of, environment)
            case s.Where():
                items = self._shape(node.items, environment)
                return narrowed(node.condition, True, {"it": items})["it"] if items else None
            case s.SortedBy() | s.GroupedBy():
                return self._shape(node.items, environment)
            case s.ListOf():
                return either(self._shape(item, environment) for item in node.items)
            case s.Binary(operator="default"):
                return either((self._shape(node.left, environment), self._shape(node.right, environment)))
            case s.Call():
                resolved = self.facts.calls[id(node)]
                if resolved.asked or resolved.question is not None:
                    return None
                if resolved.function is None:
                    return self._files(resolved, environment)
                if resolved.definition is not None:
                    return self._shape(resolved.definition.value, self._handed(resolved, environment))
                return either(self._shape(argument, environment) for argument in resolved.arguments)
        return None

    def _is_path(self, node: s.Expression) -> bool:
        kind: Type | None = self.facts.type_of(node)
        return (kind.element if kind and kind.name == "list" else kind) in PATHS

    def _handed(self, resolved: Resolved, environment: Environment) -> Environment:
        """Where the files and paths are that a call hands to a definition."""
        assert resolved.definition is not None
        given = zip(resolved.definition.parameters, resolved.arguments, strict=True)
        handed = {p.name: shape for p, value in given if (shape := self._shape(value, environment)) is not None}
        return {**self.settings, **handed}

    def _folder(self, node: s.Member, environment: Environment) -> Shape:
        shape = self._shape(node.of, environment) or ANYWHERE
        if node.name == "folder" and not shape.can_be_the_top():
            return Shape(parent(shape.language), shape.folders())
        return shape if node.name == "path" else ANYWHERE

    def _files(self, resolved: Resolved, environment: Environment) -> Shape:
        pattern = resolved.arguments[0]
        if not isinstance(pattern, s.Template):
            folder = self._shape(pattern, environment)
            if folder is None or folder.can_be_the_top():
                return ANYWHERE
            return Shape(concat(folder.language, glob("/**")), tuple(f"{one}/**" for one in folder.patterns))
        assert pattern.constant is not None
        return self._listings.setdefault(pattern.constant, Shape(glob(pattern.constant), (pattern.constant,)))

    def _path(self, node: s.Template, environment: Environment) -> Shape:
        return Shape(*self._pieces(node.parts, environment, text_hole()))

    def _pieces(
        self, parts: tuple[str | s.Hole, ...], environment: Environment, text: Language
    ) -> tuple[Language, tuple[str, ...]]:
        """The texts that a template can be, and patterns for them; ``text`` is what any text can be in its place."""
        languages: list[Language] = []
        patterns: tuple[str, ...] = ("",)
        for part in parts:
            known = part if isinstance(part, str) else self._known(part)
            if known is not None:
                languages.append(literal(known))
                patterns = crossed(patterns, (escaped(known),))
                continue
            assert isinstance(part, s.Hole)
            shape = self._shape(part.value, environment) if self._is_path(part.value) else None
            if shape is not None:
                languages.append(shape.language)
                patterns = crossed(patterns, shape.patterns)
                continue
            languages.append(self._hole(part, environment, text))
            patterns = tuple(pattern if pattern.endswith("*") else pattern + "*" for pattern in patterns)
        return concat(*languages) if languages else literal(""), patterns

    def _known(self, hole: s.Hole) -> str | None:
        """The text of a hole for a setting, whose value is in force for all that is proved here; None for others."""
        setting = self.values.get(hole.value.name) if isinstance(hole.value, s.Name) else None
        if setting is None or hole.format or setting.type in PATHS or setting.value is None:
            return None
        return runtime.show(setting.value)

    def _hole(self, hole: s.Hole, environment: Environment, text: Language) -> Language:
        value = hole.value
        if hole.format or not self.facts.is_real_name(value):
            return text
        if isinstance(value, s.Member) and self.facts.type_of(value.of) == FILE:
            names = last_component((self._shape(value.of, environment) or ANYWHERE).language)
            return _PARTS_OF_NAMES[value.name](names) if value.name in _PARTS_OF_NAMES else name_hole()
        return name_hole()
