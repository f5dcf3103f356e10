"""Statements, walked over as they stand in the syntax tree, and what a run does to a world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from klr import syntax as s
from tests.reference import tables
from tests.reference.evaluation import Evaluator, Scope, Spent, is_path
from tests.reference.mails import OF_ATTACHMENT, Attachment, Mail
from tests.reference.numbers import Number
from tests.reference.operators import Failure
from tests.reference.properties import ASKED, Path, Refused, name_of
from tests.reference.world import OF_MAILBOXES, VERBS, File, Verb, World, check_path

CONTROLS = ("skip", "stop", "fail")


class Ended(Exception):
    """A run ended itself."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(outcome)
        self.outcome, self.reason = outcome, reason


class NextElement(Exception):
    """`skip` within a loop."""


@dataclass(frozen=True)
class Limits:
    """What a run may spend."""

    files: int = 10_000
    notices: int = 20
    size: int = 50_000_000_000
    requests: int = 100
    messages: int = 20


@dataclass
class Result:
    """How a run went. ``effects`` are (what, of what, what came of it), in order; see ``Interpreter``."""

    outcome: str = "done"
    reason: str = ""
    kind: str = ""
    effects: list[tuple[Any, ...]] = field(default_factory=list)


class Interpreter(Evaluator):
    """One run of one rule over a world, which it changes.

    ``said`` gives the sentence that klapp has for the n-th refusal by the world: what it is worded like is not part of
    the meaning, but a program can show it. ``line_of`` tells the line of a node.
    """

    def __init__(
        self,
        tree: s.Coworker,
        world: World,
        now: datetime,
        file: File | None = None,
        folder: str = "",
        settings: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
        zone: str = "",
        said: Callable[[int], str] = lambda n: "",
        line_of: Callable[[s.Node], int] = lambda node: 0,
        mail: Mail | None = None,
    ) -> None:
        super().__init__(tree, world.home, now, zone, settings or {})
        self.world, self.said, self.line_of = world, said, line_of
        self.limits = limits or Limits()
        self.given = {"file": file} if file else {"folder": Path(folder)} if folder else {}
        if mail is not None:
            self.given = {"mail": mail}
        self.result = Result()
        self.refused = self.files = self.notices = self.size = self.loops = 0
        self.requests = self.messages = 0

    def run(self, rule: s.RuleBlock) -> Result:
        """Carry a rule out to its end."""
        scope = Scope(self.root, dict(self.given))
        result = self.result
        try:
            self._guarded(rule.body, rule.on_error, scope)
        except Ended as ended:
            result.outcome, result.reason = ended.outcome, ended.reason
        except Failure as failure:
            result.outcome, result.reason, result.kind = "failed", failure.message, failure.kind
        except Spent as spent:
            result.outcome, result.reason, result.kind = "failed", str(spent), "budget"
        return result

    # -- statements ---------------------------------------------------------------------------------------------------

    def _block(self, block: s.Block, scope: Scope) -> None:
        inner = Scope(scope)
        for statement in block.statements:
            self._statement(statement, inner)

    def _guarded(self, body: s.Block, on_error: s.Block | None, scope: Scope) -> None:
        try:
            self._block(body, scope)
        except Failure as failure:
            if on_error is None:
                raise
            self._block(on_error, Scope(scope, {"error": failure}))

    def _statement(self, statement: s.Statement, scope: Scope) -> None:
        match statement:
            case s.Let(name=name, value=value):
                scope.values[name] = self.path(value, scope) if is_path(value) else self.value(value, scope)
                if self._is_real(value, scope):
                    scope.real.add(name)
            case s.If(branches=branches, otherwise=otherwise):
                for condition, body in branches:
                    if self.value(condition, scope):
                        return self._block(body, scope)
                if otherwise is not None:
                    self._block(otherwise, scope)
            case s.Attempt(body=body, on_error=on_error):
                self._guarded(body, on_error, scope)
            case s.ForEach(name=name, items=items):
                for item in self._over(self.value(items, scope)):
                    self._element(statement, Scope(scope, {name: item}))
            case s.Action():
                self._action(statement, scope)
        return None

    def _element(self, loop: s.ForEach, scope: Scope) -> None:
        """One round of a loop."""
        self.loops += 1
        try:
            self._guarded(loop.body, loop.on_error, scope)
        except NextElement:
            pass
        finally:
            self.loops -= 1

    def _action(self, action: s.Action, scope: Scope) -> None:
        name = " ".join(action.words)
        if isinstance(action.object, s.Name) and action.object.name == "mail" and f"{name} mail" in VERBS:
            name = f"{name} mail"
        if name in CONTROLS:
            self._control(name, action, scope)
            return
        verb, given = VERBS[name], dict(action.slots)
        given[""] = action.object  # type: ignore[assignment]
        values: list[Any] = []
        for word, kind in verb.slots:
            if kind.startswith("word "):
                chosen = given.get(word)
                values.append(chosen.name if isinstance(chosen, s.Name) else kind[len("word ") :])
                continue
            if word not in given:
                values.append(None)
                continue
            if kind in ("address", "secret"):
                values.append(self._reaching(given[word], scope))
                continue
            if kind == "mailbox":
                values.append(self.pieces(given[word], scope))  # type: ignore[arg-type]
                continue
            value = self.path(given[word], scope) if kind == "path" else self.value(given[word], scope)
            if kind == "path" and goes_into_folder(given[word]):
                value = Path(value + (values[0].name if isinstance(values[0], Attachment) else name_of(values[0].path)))
            values.append(value)
        if verb.policy:
            policy = given.get("on conflict")
            values.append(policy.name if isinstance(policy, s.Name) else "rename")
        answer = self._act(name, verb, values, self.line_of(action))
        if verb.follows and isinstance(action.object, s.Name):
            scope.home_of(action.object.name).values[action.object.name] = answer

    def _control(self, name: str, action: s.Action, scope: Scope) -> None:
        reason = self.value(action.object, scope) if action.object is not None else ""
        if name == "fail":
            raise Failure("failed", reason)
        if name == "skip" and self.loops:
            raise NextElement
        raise Ended("skipped" if name == "skip" else "stopped", reason)

    # -- effects ------------------------------------------------------------------------------------------------------

    def _act(self, name: str, verb: Verb, values: Sequence[Any], line: int) -> Any:
        self.notices += name == "notify"
        self.requests += name == "send" or name in OF_MAILBOXES
        self.messages += name == "send mail"
        if name != "notify":
            self.files += name not in ("send", "send mail", *OF_MAILBOXES)
            for (_, kind), value in zip(verb.slots, values, strict=False):
                if kind == "text" and isinstance(value, str):
                    self.size += len(value)
                elif kind in ("file", "attachment", "sendable", "attached") and not (verb.follows or verb.consumes):
                    together = value if isinstance(value, tuple) else (value,)
                    self.size += sum(one.size for one in together if isinstance(one, File))
                    self.size += sum(len(one.content) for one in together if isinstance(one, Attachment))
        wish = (name, *(plain(value) for value in values), line)
        return self._tried(wish, lambda: verb.does(self.world, *values))

    def _ask(self, name: str, of: Any) -> Any:
        if isinstance(of, File):
            self.size += of.size
            return self._tried((name, of.path), lambda: ASKED[name](self.world, of.path))
        if name == "answer":
            self.requests += 1
            return self._tried((name, of), lambda: self.world.hosts.ask(*of, *[""] * (2 - len(of))))
        if name != "files":
            return self._tried((name, of), lambda: ASKED[name](self.world, self._file_at(of)))
        return self._tried((name, of), lambda: self.world.matching(of))

    def _text_of(self, paper: Attachment) -> Any:
        self.size += len(paper.content)
        return self._tried(("text", plain(paper)), lambda: OF_ATTACHMENT["text"](paper))

    @staticmethod
    def _file_at(path: str) -> str:
        check_path(path)
        return path

    def _tried(self, wish: tuple[Any, ...], attempt: Callable[[], Any]) -> Any:
        limits = self.limits
        if (
            self.files > limits.files
            or self.notices > limits.notices
            or self.size > limits.size
            or self.requests > limits.requests
            or self.messages > limits.messages
        ):
            self.refused += 1
            self.result.effects.append((*wish, "budget"))
            raise Spent(self.said(self.refused - 1))
        try:
            answer = attempt()
        except Refused as refused:
            self.refused += 1
            self.result.effects.append((*wish, refused.kind))
            raise Failure(refused.kind, self.said(self.refused - 1)) from None
        self.result.effects.append((*wish, plain(answer)))
        return answer


# -- what is written ----------------------------------------------------------------------------------------------------


def plain(answer: Any) -> Any:
    """An answer as it is compared: files by their paths."""
    if isinstance(answer, File):
        return answer.path
    if isinstance(answer, Attachment):
        return answer.name
    if isinstance(answer, Mail):
        return answer.subject
    if isinstance(answer, Number):
        return str(answer)
    if isinstance(answer, tables.Row):
        return answer.columns, answer.cells
    return tuple(map(plain, answer)) if isinstance(answer, tuple) else answer


def goes_into_folder(node: s.Expression) -> bool:
    """Whether a path ends with ``/``: the file keeps its name within that folder."""
    return isinstance(node, s.Template) and isinstance(node.parts[-1], str) and node.parts[-1].endswith("/")
