"""From text to program: parse, check, prove, compile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from klr.checker import Checked, check
from klr.compiler import compile_rule
from klr.demands import RuleDemands, demanded
from klr.diagnostics import Diagnostic, ordered
from klr.effects import Inputs
from klr.functions import FUNCTIONS
from klr.loops import loops, round_advice
from klr.parser import parse
from klr.permissions import prove
from klr.program import Grant, Need, Program, Rule, Tracer
from klr.source import Source
from klr.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a text: every finding, and the program where none of them is an error.

    ``needs`` is everything that its rules can do, known also where only ``may`` lines are wrong; None where not even
    that could be found out.
    """

    source: Source
    program: Program | None
    diagnostics: tuple[Diagnostic, ...]
    needs: tuple[Need, ...] | None = None
    grants: tuple[Grant, ...] = ()

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that keep the coworker from running."""
        return tuple(d for d in self.diagnostics if d.severity == "error")


def with_functions(vocabulary: Vocabulary) -> Vocabulary:
    """A vocabulary with the language's own functions in it."""
    return Vocabulary(
        vocabulary.verbs,
        vocabulary.properties,
        {**{(f.name, f.prepositions): f for f in FUNCTIONS}, **vocabulary.functions},
        vocabulary.triggers,
    )


def load(text: str, vocabulary: Vocabulary, name: str = "coworker") -> Loaded:
    """Check a coworker and compile it. Never raises for any text.

    A program comes out only where everything was proved: names, types, and that each path which it could ever touch
    lies within its ``may`` lines.
    """
    source = Source(text.replace("\r\n", "\n"), name)
    vocabulary = with_functions(vocabulary)
    parsed = parse(source)
    diagnostics = list(parsed.diagnostics)
    if parsed.tree is None:
        return Loaded(source, None, ordered(diagnostics))
    checked = check(source, parsed.tree, vocabulary, diagnostics)
    if _has_errors(diagnostics):
        return Loaded(source, None, ordered(diagnostics))
    demands = [demanded(vocabulary, checked, rule, use) for rule, use in checked.triggers if use]
    prove(checked, demands, diagnostics)
    program = None if _has_errors(diagnostics) else _program(source, checked, vocabulary, demands)
    if program is not None:
        diagnostics.extend(_rounds(program, checked))
    needs = tuple(demand.need for rule in demands for demand in rule.demands)
    return Loaded(source, program, ordered(diagnostics), needs, checked.grants)


def _rounds(program: Program, checked: Checked) -> Iterator[Diagnostic]:
    """Advice for each way in which the rules of one coworker start each other for ever."""
    for loop in loops([program]):
        first = next(
            rule for rule, built in zip(checked.triggers, program.rules, strict=True) if built.line == loop[0].line
        )
        yield round_advice(loop, first[0].trigger.span)


def _has_errors(diagnostics: list[Diagnostic]) -> bool:
    return any(d.severity == "error" for d in diagnostics)


def _program(source: Source, checked: Checked, vocabulary: Vocabulary, demands: Sequence[RuleDemands]) -> Program:
    tree = checked.tree
    return Program(
        name=tree.name.constant or "",
        about=(tree.about.constant or "") if tree.about else "",
        text=source.text,
        grants=checked.grants,
        rules=tuple(_rules(source, checked, vocabulary, demands)),
        settings=checked.settings,
        tests=checked.tests,
        limits=checked.limits,
    )


def _rules(source: Source, checked: Checked, vocabulary: Vocabulary, demands: Sequence[RuleDemands]) -> Iterator[Rule]:
    for index, ((block, use), rule) in enumerate(zip(checked.triggers, demands, strict=True)):
        assert use is not None
        needs = tuple(demand.need for demand in rule.demands)
        waits = rule.waits.language if rule.waits else None
        start = compile_rule(block, source, checked, vocabulary, traced=False)
        make_traced = partial(compile_rule, block, source, checked, vocabulary, traced=True)
        yield Rule(index, source.place(block.span.start)[0], use, start, partial(_traced, make_traced), waits, needs)


def _traced(make: Any, inputs: Inputs, trace: Tracer) -> Any:
    """Compile for tracing only when a run is to be explained."""

    def told(line: int, text: str, value: Any) -> Any:
        trace(line, text, value)
        return value

    return make()(inputs, told)
