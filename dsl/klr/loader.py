"""From text to program: parse, check, prove, compile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from klr.checker import Checked, check
from klr.compiler import compile_rule
from klr.demands import RuleDemands, demanded
from klr.diagnostics import Diagnostic, ordered
from klr.effects import Inputs
from klr.flows import with_flows
from klr.functions import FUNCTIONS, PROPERTIES
from klr.loops import loops, round_advice
from klr.parser import Parsed, parse
from klr.permissions import prove
from klr.program import Grant, Need, Program, Rule, Tracer
from klr.repairs import with_repair
from klr.source import Source, Span
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
        {**{(p.of.name, p.name): p for p in PROPERTIES}, **vocabulary.members},
        vocabulary.questions,
    )


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that is known of a text without compiling it; ``checked`` is None where nothing could be read."""

    source: Source
    parsed: Parsed
    checked: Checked | None
    diagnostics: tuple[Diagnostic, ...]
    demands: tuple[RuleDemands, ...] | None = None
    """What each rule demands; None where names or types are wrong."""

    @property
    def has_errors(self) -> bool:
        """Whether a finding keeps the coworker from running."""
        return _has_errors(self.diagnostics)


def analyse(source: Source, vocabulary: Vocabulary) -> Analysis:
    """Parse, check and prove; ``vocabulary`` with the language's functions. Never raises for any text."""
    return proved(examined(source, vocabulary), vocabulary)


def examined(source: Source, vocabulary: Vocabulary) -> Analysis:
    """Parse and check: names and types are known, permissions not yet proved. Never raises for any text."""
    try:
        parsed = parse(source)
        diagnostics = list(parsed.diagnostics)
        checked = check(source, parsed.tree, vocabulary, diagnostics) if parsed.tree is not None else None
        return Analysis(source, parsed, checked, _settled(source, diagnostics))
    except RecursionError:
        return _too_deep(source)


def proved(analysis: Analysis, vocabulary: Vocabulary) -> Analysis:
    """What was examined, with the findings about permissions; where it has errors, as it is."""
    if analysis.checked is None or analysis.has_errors:
        return analysis
    diagnostics = list(analysis.diagnostics)
    try:
        checked = analysis.checked
        demands = tuple(demanded(vocabulary, checked, rule, use) for rule, use in checked.triggers if use)
        demands = with_flows(vocabulary, checked, demands)
        prove(checked, demands, diagnostics)
    except RecursionError:
        return _too_deep(analysis.source)
    return replace(analysis, diagnostics=_settled(analysis.source, diagnostics), demands=demands)


def _settled(source: Source, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings in order, with what mends them. Advice waits until there are no errors: a misspelt name is not an unused one."""
    found = tuple(with_repair(source, one) for one in ordered(diagnostics))
    errors = tuple(one for one in found if one.severity == "error")
    return errors or found


def _too_deep(source: Source) -> Analysis:
    help = "Give its inner parts names with `let`, one line each."
    deep = Diagnostic("K100", "Something in this text is nested too deeply to be read.", Span(0, 1), help)
    return Analysis(source, Parsed(None, (), (deep,)), None, (deep,))


def load(text: str, vocabulary: Vocabulary, name: str = "coworker") -> Loaded:
    """Check a coworker and compile it. Never raises for any text.

    A program comes out only where everything was proved: names, types, and that each path which it could ever touch
    lies within its ``may`` lines.
    """
    source = Source(text.replace("\r\n", "\n"), name)
    vocabulary = with_functions(vocabulary)
    known = analyse(source, vocabulary)
    if known.checked is None or known.demands is None:
        return Loaded(source, None, known.diagnostics)
    needs = tuple(demand.need for rule in known.demands for demand in rule.demands)
    if known.has_errors:
        return Loaded(source, None, known.diagnostics, needs, known.checked.grants)
    try:
        program = _program(source, known.checked, vocabulary, known.demands)
    except RecursionError:
        return Loaded(source, None, _too_deep(source).diagnostics)
    diagnostics = ordered([*known.diagnostics, *_rounds(program, known.checked)])
    return Loaded(source, program, diagnostics, needs, known.checked.grants)


def compiled(text: str, vocabulary: Vocabulary, name: str = "coworker") -> Program | None:
    """The program of a text that ``load`` has proved before: nothing about permissions is proved again, and its rules do
    not tell what they need. None for a text with errors."""
    vocabulary = with_functions(vocabulary)
    known = examined(Source(text, name), vocabulary)
    if known.checked is None or known.has_errors:
        return None
    return _program(known.source, known.checked, vocabulary, [_UNTOLD] * len(known.checked.triggers))


_UNTOLD = RuleDemands(None, (), ())


def _rounds(program: Program, checked: Checked) -> Iterator[Diagnostic]:
    """Advice for each way in which the rules of one coworker start each other for ever."""
    for loop in loops([program]):
        first = next(
            rule for rule, built in zip(checked.triggers, program.rules, strict=True) if built.line == loop[0].line
        )
        yield round_advice(loop, first[0].trigger.span)


def _has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
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
        secrets=checked.secrets,
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
