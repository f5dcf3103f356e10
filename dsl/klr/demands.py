"""What a program demands: every path that it can name, and what it wants to do there.

Every path that a program can name is a regular language: a pattern for the files that it is given, a template's fixed
text with holes for the paths that it builds. The walk follows each file through the program as a run would, all
branches at once: after ``move file to X`` the file lies in X, under a condition on its name only such files count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from klr import syntax as s
from klr.checker import Checked, verb_of
from klr.correspondence import Correspondence, Recipients
from klr.diagnostics import Diagnostic
from klr.narrowing import narrowed
from klr.program import Need, TriggerUse
from klr.proof import (
    TooComplex,
    concat,
    glob,
    last_component,
    literal,
    numbered,
    parent,
    text_hole,
)
from klr.shapes import ANYWHERE, Environment, Shape, arrival_pattern, crossed, either, joined, within
from klr.source import NOWHERE, Span
from klr.types import ATTACHED, FILE, GONE, MAILBOX, RECIPIENT, SENDABLE, WORD, Type, element_of, list_of
from klr.vocabulary import PERMISSIONS, Permission, Slot, Verb, Vocabulary
from klr.whereabouts import Whereabouts

STARTED = ""
"""Under this name an environment holds where the file lay that started the rule, wherever that file is by now."""
MOST_ROUNDS = 3
"""How often a loop is gone through to find where its files can be, before they are taken to be anywhere."""

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
        self.where = Whereabouts(checked)
        self.demands: list[Demand] = []
        self.diagnostics: list[Diagnostic] = []
        self.at = NOWHERE
        self.walked = 0
        self.places: dict[int, Shape] = {}
        self.started: dict[int, Shape] = {}
        self.recipients: dict[int, tuple[Recipients, ...]] = {}
        self.correspondence = Correspondence(self.where.values, None, self.where.known)
        self.account = ""
        """Whose mail started the rule, if mail did."""
        self.on_the_way: list[dict[str, list[Shape]]] = []
        """For each `on error` around: where the files can be by then."""

    def rule(self, rule: s.RuleBlock, use: TriggerUse) -> Shape | None:
        """One rule, from its trigger to its ``on error``; gives where it waits for files."""
        environment: Environment = dict(self.where.settings)
        shape = None
        self.correspondence = Correspondence(self.where.values, use, self.where.known)
        if use.gives == "mail":
            self.account = use.arguments["in"]
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
        depth = self.correspondence.depth
        try:
            for statement in block.statements:
                after = self._statement(statement, environment)
                if after is None:
                    return None
                environment = after
            return environment
        finally:
            self.correspondence.back_to(depth)

    def _statement(self, statement: s.Statement, environment: Environment) -> Environment | None:
        self.at, self.walked = statement.span, self.walked + 1
        if self.walked > MOST_WALKED:
            raise TooComplex
        match statement:
            case s.Let():
                self._read(statement.value, environment)
                self.correspondence.name(statement.name, statement.value)
                shape = self.where.of(statement.value, environment)
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
        known, depth = environment, self.correspondence.depth
        for condition, body in statement.branches:
            self._read(condition, known)
            before = self.correspondence.depth
            self.correspondence.found(condition, True)
            ends.append(self._block(body, self._under(condition, True, known)))
            self.correspondence.back_to(before)
            self.correspondence.found(condition, False)
            known = self._under(condition, False, known)
        comes_behind = any(end is not None for end in ends)
        ends.append(self._block(statement.otherwise, known) if statement.otherwise else known)
        if comes_behind:  # else whatever follows knows that none of these conditions held
            self.correspondence.back_to(depth)
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
        element = self.where.of(statement.items, environment)
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
            if PERMISSIONS[permission].takes == "accounts":
                self.demands.append(Demand(Need(permission, None, (self.account,)), action.span))
            else:
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
            if slot.type == MAILBOX:
                self._mailbox(slot, value, environment)
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

    def _mailbox(self, slot: Slot, value: s.Expression, environment: Environment) -> None:
        """Demand that mail may go to the folders of its account that a name can name."""
        assert isinstance(value, s.Template)
        language, patterns = self.where.pieces(value.parts, environment, text_hole())
        for permission in slot.needs:
            need = Need(permission, concat(literal("/"), language), patterns, self.account)
            self.demands.append(Demand(need, value.span))

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
        owner = self.where.of(thing, environment) if thing is not None else None
        if verb.sibling and slot.word == "to":
            folder = owner or ANYWHERE
            name, pattern = self.where.name(value, environment)
            language = concat(parent(folder.language), literal("/"), name)
            return Shape(language, tuple(f"{above}/{pattern}" for above in folder.folders()))
        shape = self.where.of(value, environment) or ANYWHERE
        if isinstance(value, s.Template) and self.facts.goes_into_folder(value):
            names = last_component((owner or ANYWHERE).language)
            last = (owner or ANYWHERE).names()
            return Shape(concat(shape.language, names), crossed(shape.patterns, last))
        return shape

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
                    place = self.where.of(node.of, environment) or ANYWHERE
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
                    place = self.where.of(path, environment) or ANYWHERE
                    self._seen(node, place)
                    self._demand("read", place, node.span)
                elif resolved.function is None:
                    listed = self.where.files(resolved, environment)
                    self._seen(node, listed)
                    self._demand("read", listed, node.span)
                else:
                    for argument in resolved.arguments:
                        self._read(argument, environment)
                    if resolved.definition is not None:
                        self._read(resolved.definition.value, self.where.handed(resolved, environment))
            case s.Where() | s.SortedBy() | s.GroupedBy():
                self._read(node.items, environment)
                inner = dict(environment)
                if (element := self.where.of(node.items, environment)) is not None:
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
