"""What each host and person is told: labels that are carried along while a program runs, by what it really does.

The proof labels what a program could do; this one what it did. Whatever is looked at while an expression is evaluated
is in its label, and what decided that a run came here, as far as it was looked at, is in ``pc``. So a label of a run is
within that of the proof, or the proof is wrong. What a run tells by what it does *not* do is left to the property of
noninterference, which runs everything twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from klr import syntax as s
from tests.reference.evaluation import Scope
from tests.reference.hosts import host_of
from tests.reference.interpreter import Interpreter
from tests.reference.operators import Failure
from tests.reference.world import File, Verb

CONTENTS = ("text", "table", "sheets", "hash", "kind")
"""What can only be known from what is in a file; all else is seen in a listing."""


@dataclass(frozen=True)
class Origin:
    """Something that was looked at: "names" or "contents" of a path, "answers" of a host, "mail" of an account.

    ``behind`` is what had gone into it before.
    """

    source: str
    where: str
    behind: Label = frozenset()


Label = frozenset[Origin]


def plain(label: Label) -> set[tuple[str, str]]:
    """All that is in a label, and behind it."""
    found: set[tuple[str, str]] = set()
    waiting, done = list(label), set(label)
    while waiting:
        origin = waiting.pop()
        found.add((origin.source, origin.where))
        waiting.extend(origin.behind - done)
        done |= origin.behind
    return found


@dataclass
class Flows:
    """What the files of a world hold, and what hosts and people were told so far."""

    names: dict[str, Label] = field(default_factory=dict)
    contents: dict[str, Label] = field(default_factory=dict)
    told: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    heard: dict[str, Label] = field(default_factory=dict)

    def of(self, source: str, path: str) -> Origin:
        """The origin of something that is looked at, with all that went there before."""
        names = self.names.get(path, frozenset())
        return Origin(source, path, names | self.contents.get(path, frozenset()) if source == "contents" else names)

    def tell(self, to: str, label: Label) -> None:
        self.told.setdefault(to, set()).update(plain(label))
        self.heard[to] = self.heard.get(to, frozenset()) | label


class Followed(Interpreter):
    """An interpreter that follows what it looks at."""

    flows: Flows
    seen: set[Origin]
    pc: Label

    def run(self, rule: s.RuleBlock) -> Any:
        self.seen = set()
        self.pc = frozenset(self._given())
        return super().run(rule)

    def _given(self) -> Iterator[Origin]:
        for name, thing in self.given.items():
            if name == "mail":
                yield Origin("mail", thing.account)
            else:
                yield self.flows.of("names", thing.path if isinstance(thing, File) else str(thing))

    # -- statements ---------------------------------------------------------------------------------------------------

    def _statement(self, statement: s.Statement, scope: Scope) -> None:
        self.seen = set()
        before = self.pc
        match statement:
            case s.Let():
                super()._statement(statement, scope)
                scope.labels[statement.name] = frozenset(self.seen)
                return
            case s.If():
                self._if(statement, scope)
            case s.ForEach():
                items = self._over(self.value(statement.items, scope))
                label = frozenset(self.seen)
                self.pc |= label
                for item in items:
                    here = self.pc
                    self._element(statement, Scope(scope, {statement.name: item}, labels={statement.name: label}))
                    self.pc = self.pc if ends(statement) else here
            case _:
                super()._statement(statement, scope)
                return
        # Behind what can end the run, being there tells how it came out.
        self.pc = self.pc if ends(statement) else before

    def _if(self, statement: s.If, scope: Scope) -> None:
        for condition, body in statement.branches:
            self.seen = set()
            holds = self.value(condition, scope)
            self.pc |= self.seen
            if holds:
                return self._block(body, scope)
        if statement.otherwise is not None:
            self._block(statement.otherwise, scope)
        return None

    def _guarded(self, body: s.Block, on_error: s.Block | None, scope: Scope) -> None:
        before = self.pc
        try:
            self._block(body, scope)
        except Failure as failure:
            if on_error is None:
                raise
            self.pc |= self.seen
            self._block(on_error, Scope(scope, {"error": failure}, labels={"error": self.pc}))
        self.pc = before

    def _action(self, action: s.Action, scope: Scope) -> None:
        super()._action(action, scope)
        if action.words[0] in ("move", "rename") and isinstance(action.object, s.Name):
            home, name = scope.home_of(action.object.name), action.object.name
            home.labels[name] = home.labels.get(name, frozenset()) | self.seen | self.pc

    # -- effects ------------------------------------------------------------------------------------------------------

    def _act(self, name: str, verb: Verb, values: Sequence[Any], line: int) -> Any:
        flows, thing = self.flows, values[0] if isinstance(values[0], File) else None
        inside = shown = frozenset(self.seen)
        if thing is not None:
            inside = frozenset((flows.of("contents", thing.path),))
            shown |= {flows.of("names", thing.path)}
        if name == "send":
            flows.tell(host_of(values[1]), (shown | inside | self.pc))
        elif name == "send mail":
            along = values[3] if isinstance(values[3], tuple) else (values[3],) if values[3] else ()
            flows.tell(values[0], shown | self.pc | {flows.of("contents", one.path) for one in along})
        before = len(self.world.touched)
        answer = super()._act(name, verb, values, line)
        if verb.follows or verb.consumes:
            flows.names.pop(thing.path if thing else "", None)
            flows.contents.pop(thing.path if thing else "", None)
        for permission, path in self.world.touched[before:]:
            if permission == "write":
                flows.names[path] = flows.names.get(path, frozenset()) | shown | self.pc
                flows.contents[path] = flows.contents.get(path, frozenset()) | inside
        return answer

    def _ask(self, name: str, of: Any) -> Any:
        if name == "answer":
            host, data = host_of(of[0]), frozenset(self.seen)
            self.flows.tell(host, data | self.pc)
            self.seen.add(Origin("answers", host, self.flows.heard[host]))
        elif isinstance(of, File):
            self.seen.add(self.flows.of("contents" if name in CONTENTS else "names", of.path))
        elif name != "files":
            self.seen.add(self.flows.of("contents", of))
        answer = super()._ask(name, of)
        if name == "files":
            self.seen.update(self.flows.of("names", file.path) for file in answer)
        return answer

    # -- expressions --------------------------------------------------------------------------------------------------

    def value(self, node: s.Expression, scope: Scope) -> Any:
        if isinstance(node, s.Name):
            self.seen |= scope.home_of(node.name).labels.get(node.name, frozenset())
        if isinstance(node, s.Where):
            return self._where(node, scope)
        return super().value(node, scope)

    def _call(self, name: str, arguments: Sequence[tuple[str, s.Expression]], scope: Scope) -> Any:
        if name != "answer":
            return super()._call(name, arguments, scope)
        # What else stands in the expression is not told to the host.
        outer, self.seen = self.seen, set()
        answer = super()._call(name, arguments, scope)
        self.seen |= outer
        return answer

    def _handed(self, define: s.Define, values: Sequence[s.Expression], scope: Scope) -> Scope:
        """What a definition makes no use of is not in what it gives."""
        outer, inner = self.seen, Scope(self.root)
        for parameter, value in zip(define.parameters, values, strict=True):
            self.seen = set()
            inner.values[parameter.name] = self.value(value, scope)
            inner.labels[parameter.name] = frozenset(self.seen)
        self.seen = outer
        return inner

    def _where(self, node: s.Where, scope: Scope) -> Any:
        """A list of which a condition chose: what it did not choose may well be of a name that it never chooses."""
        outer, self.seen = self.seen, set()
        kept = super().value(node, scope)
        paths = {one.path for one in kept if isinstance(one, File)}
        is_of_files = any(isinstance(one, File) for one in kept) or not kept
        chosen = {
            one for one in self.seen if not is_of_files or one.source not in ("names", "contents") or one.where in paths
        }
        self.seen = outer | chosen
        return kept

    def _property(self, of: Any, name: str) -> Any:
        if isinstance(of, File) and name not in CONTENTS:
            self.seen.add(self.flows.of("names", of.path))
        return super()._property(of, name)


def ends(statement: s.Statement) -> bool:
    """Whether a statement may end the run by `stop`."""
    match statement:
        case s.Action(words=words):
            return words == ("stop",)
        case s.If(branches=branches, otherwise=otherwise):
            blocks = [body for _, body in branches] + [otherwise] * (otherwise is not None)
        case s.ForEach(body=body, on_error=on_error):
            blocks = [body] + [on_error] * (on_error is not None)
        case s.Attempt(body=body, on_error=on_error):
            blocks = [body, on_error]
        case _:
            return False
    return any(ends(inner) for block in blocks if block for inner in block.statements)
