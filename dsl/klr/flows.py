"""Where values come from and where they go: what a coworker could tell each host, directly or by what it does.

Every value carries a label: the set of its origins. An origin is what stands in the files of a place ("contents"), what a
listing of that place shows ("names", with sizes and dates), or what a host answered. The label of an expression is
that of all its parts. What decides whether something is sent is part of what is sent (Denning and Denning,
"Certification of Programs for Secure Information Flow", 1977): the condition of an ``if``, the list of a loop, what made
a run end early. Folders and hosts are followed too: what is written to a place, or sent to a host, can come back from
there in this run or in a later one.

One thing is not counted: that a run which failed, and did not catch it, sent nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from klr import syntax as s
from klr.checker import Checked, verb_of
from klr.correspondence import Recipients
from klr.demands import RuleDemands, is_of_files
from klr.diagnostics import Diagnostic
from klr.origins import PUBLIC, Closure, Label, Origin, Sent, Stored, Traffic
from klr.program import TriggerUse
from klr.proof import Language, TooComplex
from klr.shapes import ANYWHERE, Shape
from klr.types import FILE, GONE, MAILBOX, list_of
from klr.vocabulary import Verb, Vocabulary

OF_FILES = frozenset(("read", "write", "remove", "erase"))
GOING = frozenset(("remove", "erase"))
"""What takes a file from its place, so that a list of that place tells of it."""
MOST_STEPS = 100_000
"""Statements that are gone through, loops again and again."""
FOLDERS_OF = "Name it by what is written here, by settings and by the mail itself, such as `{mail.date:%Y}`."
_Labels = Mapping[str, Label]


def with_flows(vocabulary: Vocabulary, checked: Checked, rules: Sequence[RuleDemands]) -> tuple[RuleDemands, ...]:
    """The demands of each rule of a tree that is free of errors, with those for what leaves the machine."""
    pairs = zip(checked.triggers, rules, strict=True)
    try:
        walked = [(walk := _Walk(vocabulary, checked, rule, use), walk.rule(block)) for (block, use), rule in pairs]
    except TooComplex:
        deep = Diagnostic("K404", "These loops are too intricate to be proved safe.", checked.tree.name.span, "")
        return tuple(replace(rule, diagnostics=(*rule.diagnostics, deep)) for rule in rules)
    walks = [traffic for _, traffic in walked]
    rules = [
        replace(rule, diagnostics=(*rule.diagnostics, *walk.diagnostics)) if walk.diagnostics else rule
        for rule, (walk, _) in zip(rules, walked, strict=True)
    ]
    if not any(traffic.sent for traffic in walks):
        return tuple(rules)
    closure = Closure(walks)
    return tuple(
        replace(rule, demands=(*rule.demands, *chain.from_iterable(map(closure.demands, traffic.sent.values()))))
        for rule, traffic in zip(rules, walks, strict=True)
    )


class _Walk:
    """Goes through one rule. ``pc`` is the label of what decided that a run got here."""

    def __init__(self, vocabulary: Vocabulary, checked: Checked, rule: RuleDemands, use: TriggerUse | None) -> None:
        self.vocabulary = vocabulary
        self.facts = checked.facts
        self.places = rule.places
        self.started = rule.started
        self.waits = rule.waits
        self.recipients: Mapping[int, tuple[Recipients, ...]] = rule.recipients
        self.mail: str | None = use.arguments["in"] if use is not None and use.gives == "mail" else None
        self.steps = 0
        self.traffic = Traffic()
        self.diagnostics: list[Diagnostic] = []
        self.parts: dict[int, Shape] = {}
        """By the identity of an `it`: the only part of its place of which an element can be chosen."""
        self.pc: Label = PUBLIC
        self.touched: Label = PUBLIC
        """Everything that could have made the block around fail."""
        self.caught = False
        """Whether the program goes on where something in this block fails."""

    def rule(self, rule: s.RuleBlock) -> Traffic:
        """Everything that leaves a rule."""
        labels: _Labels = {}
        if self.mail is not None:
            self.pc = frozenset({Origin("mail", host=self.mail)})
            labels = {"mail": self.pc}
        if self.waits is not None:
            self.pc = frozenset({Origin("names", self.waits, own=True)})
            labels = {"file": self.pc, "folder": self.pc}
        start = self.pc
        end = self._block(rule.body, labels)
        if rule.on_error is not None:
            self.pc = start | self.touched | self.pc
            self._block(rule.on_error, {**_joined(labels, end), "error": self.pc})
        return self.traffic

    # -- statements ---------------------------------------------------------------------------------------------------

    def _block(self, block: s.Block, labels: _Labels) -> _Labels:
        for statement in block.statements:
            if self.caught:
                self.pc |= self.touched
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise TooComplex
            labels = self._statement(statement, labels)
        return labels

    def _statement(self, statement: s.Statement, labels: _Labels) -> _Labels:
        match statement:
            case s.Let():
                return {**labels, statement.name: self._told(statement.value, labels)}
            case s.If():
                return self._if(statement, labels)
            case s.ForEach():
                return self._for_each(statement, labels)
            case s.Attempt():
                return self._attempt(statement.body, statement.on_error, labels)
            case s.Action():
                return self._action(statement, labels)

    def _if(self, statement: s.If, labels: _Labels) -> _Labels:
        before, ends, ways = self.pc, [], PUBLIC
        for condition, body in statement.branches:
            self.pc |= self._told(condition, labels)
            ends.append(self._branch(body, labels))
            ways |= self.pc
        if statement.otherwise is not None:
            ends.append(self._branch(statement.otherwise, labels))
            ways |= self.pc
        blocks = [body for _, body in statement.branches] + ([statement.otherwise] if statement.otherwise else [])
        # Behind an `if` that can end the run, being there tells how it came out.
        self.pc = before | ways if any(map(self._leaves, blocks)) else before
        return _joined(labels, *ends)

    def _branch(self, block: s.Block, labels: _Labels) -> _Labels:
        here = self.pc
        end = self._block(block, labels)
        if not self._leaves(block):
            self.pc = here
        return end

    def _for_each(self, statement: s.ForEach, labels: _Labels) -> _Labels:
        before = self.pc
        items = self._told(statement.items, labels)
        self.pc |= items
        leaves = self._leaves(s.Block((statement,)))
        while True:
            start, pc = {**labels, statement.name: items}, self.pc
            if statement.on_error is not None:
                end = self._attempt(statement.body, statement.on_error, start)
            else:
                end = self._block(statement.body, start)
            # The next element is come to after what happened to this one.
            labels, known = _joined(labels, {name: end[name] for name in labels}), labels
            self.pc = pc | self.pc if leaves else pc
            if labels == known and self.pc == pc:
                break
        if not leaves:
            self.pc = before
        return labels

    def _attempt(self, body: s.Block, on_error: s.Block, labels: _Labels) -> _Labels:
        before, outer, caught = self.pc, self.touched, self.caught
        self.touched, self.caught = PUBLIC, True
        end = self._block(body, labels)
        fault, body_pc = self.touched, self.pc
        self.touched, self.caught = outer | fault, caught
        # Where a file is by now depends on what failed.
        end = {name: label if label == labels.get(name) else label | fault for name, label in end.items()}
        self.pc = before | fault | body_pc
        caught_labels = self._block(on_error, {**_joined(labels, end), "error": self.pc})
        after = before
        if self._leaves(body, fails=False):
            after |= body_pc | fault
        if self._leaves(on_error):
            after |= self.pc
        self.pc = after
        return _joined(labels, end, caught_labels)

    def _leaves(self, block: s.Block, skips: bool = True, fails: bool = True) -> bool:
        """Whether a block can end the run (or, by ``skip``, this turn of a loop) by a word of its own."""
        return any(self._leaves_at(statement, skips, fails) for statement in block.statements)

    def _leaves_at(self, statement: s.Statement, skips: bool, fails: bool) -> bool:
        match statement:
            case s.Action():
                verb = verb_of(statement, self.vocabulary)
                control = verb.control if verb else None
                return control == "stop" or (control == "skip" and skips) or (control == "fail" and fails)
            case s.If():
                blocks = [body for _, body in statement.branches]
                blocks.extend([statement.otherwise] if statement.otherwise else [])
                return any(self._leaves(block, skips, fails) for block in blocks)
            case s.ForEach():
                handler = statement.on_error
                if handler is None:
                    return self._leaves(statement.body, False, fails)
                return self._leaves(statement.body, False, False) or self._leaves(handler, False, fails)
            case s.Attempt():
                return self._leaves(statement.body, skips, False) or self._leaves(statement.on_error, skips, fails)
        return False

    # -- actions ------------------------------------------------------------------------------------------------------

    def _action(self, action: s.Action, labels: _Labels) -> _Labels:
        verb = verb_of(action, self.vocabulary)
        assert verb is not None
        given = {"": action.object, **dict(action.slots)}
        values = {
            slot.word: (value, self._told(value, labels))
            for slot in verb.slots
            if (value := given.get(slot.word)) is not None and not slot.words
        }
        everything = frozenset().union(*(label for _, label in values.values()))
        if verb.sends:
            return self._send(verb, action, values, everything, labels)
        thing = action.object
        inside, shown = everything, everything | self.pc
        if thing is not None and self._is_file(thing):
            inside = self._of_file("contents", thing)
            shown |= self._of_file("names", thing)
        for slot in verb.slots:
            if slot.word not in values:
                continue
            if slot.type == MAILBOX:
                self._mailbox(*values[slot.word])
                continue
            place = self.places.get(id(values[slot.word][0]), ANYWHERE)
            if "write" in slot.needs:
                self._store(action, place, shown, inside)
            if GOING.intersection(slot.needs):
                self._store(action, place, values[slot.word][1] | self.pc, PUBLIC)
            if OF_FILES.intersection(slot.needs):
                self.touched |= {Origin("names", place)}
        if verb.follows and isinstance(thing, s.Name) and thing.name in labels:
            return {**labels, thing.name: labels[thing.name] | everything | self.pc}
        return labels

    def _mailbox(self, name: s.Expression, label: Label) -> None:
        """The name of a folder is told to the account's server, which may know its own mail and nothing else."""
        if any(origin.source != "mail" or origin.host != self.mail for origin in label):
            message = (
                "The name of this folder would tell the mail server what is in your files, or what hosts answered."
            )
            self.diagnostics.append(Diagnostic("K420", message, name.span, FOLDERS_OF))

    def _store(self, action: s.Action, place: Shape, names: Label, contents: Label) -> None:
        if names or contents:
            stored = Stored(place, self._known(action, names), self._known(action, contents))
            self.traffic.stored[stored] = None

    def _known(self, node: s.Node, label: Label) -> Label:
        """A label where it is used, with all that conditions tell there of the file that started the rule."""
        known = self.started.get(id(node))
        if known is None or not known.is_part_of(self.waits):
            return label
        return frozenset(replace(o, place=known) if o.own and known.is_part_of(o.place) else o for o in label)

    def _of_file(self, source: str, node: s.Expression) -> Label:
        """The origin of something that a file tells, or of the file itself."""
        place = self.places.get(id(node), ANYWHERE)
        of = node.of if isinstance(node, s.Member) else node
        own = isinstance(of, s.Name) and of.name == "file" and place.is_part_of(self.waits)
        return frozenset({Origin(source, place, own=own)})

    def _send(
        self,
        verb: Verb,
        action: s.Action,
        values: Mapping[str, tuple[s.Expression, Label]],
        everything: Label,
        labels: _Labels,
    ) -> _Labels:
        for value, _ in values.values():
            if is_of_files(self.facts.type_of(value)):
                everything |= self._of_file("contents", value)
        if id(action) in self.recipients:
            for number, one in enumerate(self.recipients[id(action)]):
                self._sent(action, one.pattern, everything, one.language, number)
                self.traffic.sent[id(action), number].account = _account(action)
            self.touched |= everything
            return labels
        host = self.facts.host_of(values[verb.sends][0])
        if host is not None:  # else it is a mail that no run comes to, so nobody gets it
            self._request(action, host, everything)
        return labels

    def _request(self, node: s.Node, host: str | None, data: Label) -> Label:
        """Something is asked of a host, or sent to it; gives the label of its answer."""
        assert host is not None
        self._sent(node, host, data)
        answer = data | {Origin("answers", host=host)}
        self.touched |= answer
        return answer

    def _sent(self, node: s.Node, to: str, data: Label, recipients: Language | None = None, number: int = 0) -> None:
        sent = self.traffic.sent.setdefault((id(node), number), Sent(to, node.span, recipients=recipients))
        sent.data |= self._known(node, data)
        sent.control |= self._known(node, self.pc)

    def _is_file(self, node: s.Expression) -> bool:
        return self.facts.types.get(id(node)) == FILE

    # -- expressions --------------------------------------------------------------------------------------------------

    def _told(self, node: s.Expression, labels: _Labels) -> Label:
        """The label of an expression where a statement evaluates it, which may fail."""
        label = self._label(node, labels)
        self.touched |= label
        return label

    def _label(self, node: s.Expression, labels: _Labels) -> Label:
        match node:
            case s.Name():
                return labels.get(node.name, PUBLIC)
            case s.Member():
                return self._label(node.of, labels) | self._property(node)
            case s.Where() | s.SortedBy() | s.GroupedBy():
                return self._through(node, labels)
            case s.Binary(operator="and" | "or" | "default"):
                left = self._label(node.left, labels)
                return left | self._under(left, node.right, labels)
            case s.Call():
                return self._call(node, labels)
        return frozenset().union(*(self._label(child, labels) for child in s.children(node)))

    def _through(self, node: s.Where | s.SortedBy | s.GroupedBy, labels: _Labels) -> Label:
        """The label of a list of which a condition chose, or a key ordered, the elements."""
        items = self._label(node.items, labels)
        if not isinstance(node, s.Where):
            return items | self._under(items, node.key, {**labels, "it": items})
        part = self.places.get(id(node))
        if part is not None and self._lists_all_of(node.items, part):
            # A file of another name is never chosen, whatever else holds: that it is there tells nothing.
            items = frozenset({Origin("names", part)})
            self.parts.update((id(name), part) for name in _its(node.condition))
        return items | self._under(items, node.condition, {**labels, "it": items})

    def _lists_all_of(self, node: s.Expression, part: Shape) -> bool:
        """Whether a list is that of all files of a place of which ``part`` is a part."""
        resolved = self.facts.calls.get(id(node))
        if resolved is None or resolved.function is not None or resolved.question is not None or resolved.asked:
            return False
        pattern = resolved.arguments[0]
        place = part
        while place.part_of is not None:
            place = place.part_of
        return isinstance(pattern, s.Template) and place.patterns == (pattern.constant,)

    def _under(self, condition: Label, node: s.Expression, labels: _Labels) -> Label:
        """The label of an expression that is evaluated only as something else says."""
        before, self.pc = self.pc, self.pc | condition
        try:
            return self._label(node, labels)
        finally:
            self.pc = before

    def _property(self, node: s.Member) -> Label:
        known = self.vocabulary.properties.get(node.name)
        if known is None or self.facts.type_of(node.of) not in (FILE, GONE, list_of(FILE)):
            return PUBLIC
        part = self.parts.get(id(node.of))
        place = self.places.get(id(node), ANYWHERE)
        if part is not None and part.is_part_of(place):
            return frozenset({Origin(known.source, part)})
        return self._of_file(known.source, node)

    def _call(self, node: s.Call, labels: _Labels) -> Label:
        resolved = self.facts.calls[id(node)]
        arguments = [self._label(argument, labels) for argument in resolved.arguments]
        if resolved.question is not None:
            return self._request(node, self.facts.host_of(resolved.arguments[0]), frozenset().union(*arguments))
        if resolved.function is None:
            place = self.places.get(id(node), ANYWHERE)
            source = "contents" if resolved.asked else "names"
            return frozenset({Origin(source, place)}).union(*arguments)
        if resolved.definition is not None:
            names = [parameter.name for parameter in resolved.definition.parameters]
            return self._label(resolved.definition.value, dict(zip(names, arguments, strict=True)))
        return frozenset().union(*arguments)


def _account(action: s.Action) -> str:
    """The account that a mail is sent from; "" for the one that the person chose."""
    value = dict(action.slots).get("from")
    return (value.constant or "") if isinstance(value, s.Template) else ""


def _its(node: s.Expression) -> Iterator[s.Name]:
    """Every `it` of a condition that is its own, not that of a list within it."""
    if isinstance(node, s.Name) and node.name == "it":
        yield node
    members = (node.of,) if isinstance(node, s.Member) else ()
    arguments = tuple(value for _, value in node.arguments) if isinstance(node, s.Call) else ()
    for child in (*members, *arguments, *s.children(node)):
        yield from _its(child)


def _joined(first: _Labels, *others: _Labels) -> dict[str, Label]:
    """The labels of the variables of ``first``, where several ways meet."""
    return {name: label.union(*(other.get(name, PUBLIC) for other in others)) for name, label in first.items()}
