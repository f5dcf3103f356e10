"""Which of the language's words were said and carried out, so that a silence in the generator is seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from klapp.engine.runs import Done, Refusal
from klapp.vocabulary import VOCABULARY
from klr import syntax as s
from klr.checker import verb_of
from klr.loader import with_functions
from tests.fuzz.agreement import Stage, Subject

OPERATORS = (
    "and", "or", "default", "+", "-", "*", "/", "is", "is not", "is any of", "contains", "contains any of", "contains all of",
    "starts with", "ends with", "<", ">", "<=", ">=",
)  # fmt: skip
NODES = (
    "Let",
    "If",
    "ForEach",
    "Attempt",
    "Define",
    "SettingLine",
    "LimitLine",
    "SecretLine",
    "Where",
    "SortedBy",
    "Between",
    "Matches",
    "Match",
    "ListOf",
    "Every",
    "Cron",
    "Hole",
)
POLICIES = ("rename", "skip", "replace", "fail")
ENDINGS = ("done", "skipped", "stopped", "failed")
REFUSALS = ("missing", "taken", "changed", "value", "budget")


def said(subject: Subject) -> Counter[str]:
    """The words of one program."""
    return Counter(set(_words(subject.tree)))


def _words(node: Any) -> Iterator[str]:
    if isinstance(node, tuple):
        for item in node:
            yield from _words(item)
    if not is_dataclass(node):
        return
    yield f"node {type(node).__name__}"
    match node:
        case s.Action():
            verb = verb_of(node, VOCABULARY)
            yield f"verb {verb.name if verb else ' '.join(node.words)}"
        case s.Binary():
            yield f"operator {node.operator}"
            if node.ignoring_case:
                yield "operator ignoring case"
        case s.Member():
            yield f"property {node.name}"
        case s.Call():
            yield from _calls(node.name, tuple(word for word, _ in node.arguments))
        case s.When():
            yield f"trigger {' '.join(node.words)}"
    for field in fields(node):
        if field.name != "span":
            yield from _words(getattr(node, field.name))


def _calls(name: str, words: tuple[str, ...]) -> Iterator[str]:
    """A call may hold another in its last places: ``count of files in ...``."""
    for cut in range(1, len(words) + 1):
        yield f"function {name} {' '.join(words[:cut])}"


def done(stage: Stage) -> Counter[str]:
    """What came of one case."""
    found: Counter[str] = Counter()
    for run, _ in stage.runs:
        found[f"ending {run.ending.outcome}"] += 1
        for effect in run.effects:
            if isinstance(effect.answer, Refusal):
                found[f"refusal {effect.answer.kind}"] += 1
            elif isinstance(effect, Done):
                found[f"done {effect.act.verb}"] += 1
                policy = effect.act.arguments[-1]
                if len(effect.act.arguments) > 2 and policy in POLICIES:
                    found[f"policy {policy}"] += 1
            found.update(f"operation {step.operation.kind}" for step in getattr(effect, "steps", ()))
    return found


def wanted() -> list[str]:
    """Everything that a long run should have met."""
    declared = with_functions(VOCABULARY)
    return [
        *(f"verb {name}" for name in declared.verbs),
        *(f"done {name}" for name, verb in declared.verbs.items() if not verb.control),
        *(f"function {name} {' '.join(words)}" for name, words in (*declared.functions, *declared.questions)),
        *(f"property {name}" for name in (*declared.properties, *(name for _, name in declared.members), "message")),
        *(f"trigger {phrase}" for phrase in declared.triggers),
        *(f"operator {operator}" for operator in (*OPERATORS, "ignoring case")),
        *(f"node {node}" for node in NODES),
        *(f"policy {policy}" for policy in POLICIES),
        *(f"ending {ending}" for ending in ENDINGS),
        *(f"refusal {kind}" for kind in REFUSALS),
    ]
