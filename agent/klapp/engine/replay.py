"""Runs a logged run again from the log alone: to compare, and to explain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from klapp.audit.log import Log
from klapp.counts import counted
from klapp.engine.encoding import decode, encode
from klapp.engine.record import Logged, answer_of
from klapp.engine.report import report
from klapp.engine.runs import Refusal
from klapp.files.shown import shown
from klr import runtime
from klr.effects import Ask, Effect, EffectError, Ending, Inputs, OutOfBudget, Run
from klr.patterns import MatchValue
from klr.program import Program, Rule, Tracer
from klr.rows import GroupValue, RowValue, TableValue
from klr.values import AttachmentValue, FileValue, MailValue

Load = Callable[[str], Program]
"""Makes a program of a text that was in force once; raises ValueError."""
LONGEST_VALUE = 200
BROKEN_OFF = frozenset({"trouble", "lost"})
"""What the body of a run holds that broke off: by a mistake in klapp itself, or with the worker that drove it. Such a
run has the beginning of its effects, and no end of its own."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a replay is not what the log says; ``line`` is in the coworker's text, 0 for the end of the run."""

    line: int
    logged: str
    replayed: str


def replay(log: Log, run: int, load: Load) -> list[Difference]:
    """The differences between a run and its replay; none, if all is well. Raises ValueError where it has no program."""
    logged = Logged.of(log.entries(run)).whole()
    rule = _rule(log, logged, load)
    return differences(rule.start(_inputs(logged)), logged.body, log.blob)


def differences(program: Run, body: Mapping[str, Any], blob: Callable[[str], bytes]) -> list[Difference]:
    """How a program that is given the answers of a run goes on otherwise than the run's body says. Asks nothing else."""
    return _Replay(body, blob).compare(program)


def explain(log: Log, run: int, load: Load) -> dict[str, Any]:
    """Why a run did what it did: its account, and ``steps``, each with line, text and value; those that were wishes also
    with ``act``, the verb."""
    logged = Logged.of(log.entries(run)).whole()
    account = report(logged).to_json()
    if logged.body.get("undoes") is not None:
        what = "a part of run" if logged.body.get("part") is not None else "run"
        text = f"took back {what} {logged.body['undoes']}"
        return account | {"steps": [{"line": 0, "text": text, "value": None}]}
    return account | {"input": logged.input(), "steps": traced(_rule(log, logged, load), logged, log.blob)}


def traced(rule: Rule, logged: Logged, blob: Callable[[str], bytes]) -> list[dict[str, Any]]:
    """The steps of a run of a rule: what it decided, line by line, on which values."""
    steps: list[dict[str, Any]] = []

    def trace(line: int, text: str, value: Any) -> None:
        step = {"line": line, "text": text, "value": told(value)}
        if step not in steps[-12:]:
            steps.append(step)

    tracer: Tracer = trace
    _Replay(logged.body, blob, steps).compare(rule.traced(_inputs(logged), tracer))
    return steps


def told(value: Any) -> str:
    """A value in one line of an explanation: as a text hole shows it, but files by their paths, and long ones cut off."""
    if isinstance(value, FileValue):
        text = value.path
    elif isinstance(value, MailValue):
        text = f"a mail of {value.sender}: {value.subject}"
    elif isinstance(value, AttachmentValue):
        text = value.name
    elif isinstance(value, RowValue):
        text = ", ".join(f"{column}: {cell}" for column, cell in zip(value.columns, value.cells, strict=True))
    elif isinstance(value, TableValue):
        text = f"a table of {counted(len(value), 'row')}"
    elif isinstance(value, GroupValue):
        text = f"{told(value.key)}: {len(value.items)}"
    elif isinstance(value, MatchValue):
        text = ", ".join(f"{name}: {held}" for name, held in value.groups if held is not None)
    elif isinstance(value, tuple):
        text = ", ".join(map(told, value))
    else:
        text = runtime.show(value)
    line = shown(text.strip().replace("\n", " \N{RETURN SYMBOL} "))
    return line if len(line) <= LONGEST_VALUE else line[: LONGEST_VALUE - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _rule(log: Log, logged: Logged, load: Load) -> Rule:
    if logged.body.get("undoes") is not None:
        raise ValueError(
            f"Run {logged.number} took back run {logged.body['undoes']}; it decided nothing of its own. Look at that run instead."
        )
    index: int = logged.body["rule"]
    return load(text_of(log, logged.body)).rules[index]


def text_of(log: Log, body: Mapping[str, Any]) -> str:
    """The text of the coworker that a run's body names, as it was then. Raises LogError where it is not there."""
    return log.blob(body["program"]).decode("utf-8", "surrogatepass")


def _inputs(logged: Logged) -> Inputs:
    body = logged.body
    settings = {name: decode(value) for name, value in body.get("settings", {}).items()}
    return Inputs(decode({"d": body["now"]}), decode(body["file"]), settings, body["home"], body.get("zone", ""))


class _Replay:
    """Answers a program with what a run's body says, as long as it asks and wishes what that says."""

    def __init__(
        self, body: Mapping[str, Any], blob: Callable[[str], bytes], steps: list[dict[str, Any]] | None = None
    ) -> None:
        self.body = body
        self.blob = blob
        self.steps = steps

    def compare(self, program: Run) -> list[Difference]:
        """Drive the program; stops at the first effect that differs, for nothing behind it means anything, and behind the
        last effect of a run that broke off."""
        expected = iter(self.body["effects"])
        ended = (self.body["outcome"], self.body["reason"])
        broken_off = not BROKEN_OFF.isdisjoint(self.body)
        try:
            effect = next(program)
            while True:
                record = next(expected, None)
                if record is None and broken_off:
                    return []
                difference = _compared(record, effect)
                if difference or record is None:
                    return [difference] if difference else []
                self._tell(effect, record)
                answer = answer_of(record, self.blob)
                effect = program.throw(answer.error()) if isinstance(answer, Refusal) else program.send(answer)
        except StopIteration as stop:
            ending: Ending = stop.value
        except (EffectError, OutOfBudget) as error:
            ending = Ending("failed", error.message)
        except Exception:
            if not broken_off:
                raise
            ending = Ending(*ended)  # the mistake that broke it off, once more
        left = next(expected, None)
        if left is not None:
            return [Difference(left["line"], _logged(left), "the run ended")]
        if tuple(ending) != ended and not broken_off:
            return [Difference(0, ": ".join(filter(None, ended)), ": ".join(filter(None, ending)))]
        return []

    def _tell(self, effect: Effect, record: dict[str, Any]) -> None:
        if self.steps is None or isinstance(effect, Ask):
            return
        refused = record.get("refused")
        outcome = f"was refused: {refused[0]}" if refused else "was done"
        text = f"{effect.verb} {told(effect.arguments)}"
        self.steps.append({"line": effect.line, "text": text, "value": outcome, "act": effect.verb})


def _compared(record: dict[str, Any] | None, effect: Effect) -> Difference | None:
    if isinstance(effect, Ask):
        found = {"ask": effect.name, "of": encode(effect.of), "line": effect.line}
    else:
        found = {"act": effect.verb, "with": encode(effect.arguments), "line": effect.line}
    if record is None:
        return Difference(effect.line, "the run ended", _logged(found))
    if all(record.get(name) == value for name, value in found.items()):
        return None
    return Difference(effect.line, _logged(record), _logged(found))


def _logged(record: dict[str, Any]) -> str:
    """A record in a few words."""
    if "ask" in record:
        return f"asked for {record['ask']} of {told(decode(record['of']))}"
    return f"{record['act']} {told(decode(record['with']))}"
