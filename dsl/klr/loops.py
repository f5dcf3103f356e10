"""Loops: rules that put files where rules wait, around and back to where it began."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from klr.diagnostics import Diagnostic, visible
from klr.program import Program, Rule
from klr.proof import Language, TooComplex, escape, intersection
from klr.source import Span


@dataclass(frozen=True, slots=True)
class Stop:
    """One rule on the way around: it can put a file at ``path``, where the next one waits."""

    coworker: str
    line: int
    path: str


def loops(programs: Sequence[Program]) -> list[tuple[Stop, ...]]:
    """Every shortest way from a rule around to itself, each once, ordered by where it begins."""
    rules = [(program, rule) for program in programs for rule in program.rules]
    paths = {
        (here, there): path
        for here, (_, rule) in enumerate(rules)
        for there, (_, other) in enumerate(rules)
        if other.waits is not None and (path := _handed_on(rule, other.waits)) is not None
    }
    found: dict[frozenset[int], tuple[Stop, ...]] = {}
    for start in range(len(rules)):
        way = _around(start, paths, len(rules))
        if way and frozenset(way) not in found:
            steps = zip(way, (*way[1:], start), strict=True)
            found[frozenset(way)] = tuple(
                Stop(rules[here][0].name, rules[here][1].line, paths[here, there]) for here, there in steps
            )
    return list(found.values())


def _handed_on(rule: Rule, waits: Language) -> str | None:
    """A path at which a rule can put a file and another waits for it; None where there is none."""
    for need in rule.needs:
        if need.permission == "write" and need.language is not None:
            with suppress(TooComplex):
                path = escape(intersection(need.language, waits), [])
                if path is not None:
                    return path
    return None


def _around(start: int, paths: dict[tuple[int, int], str], count: int) -> tuple[int, ...]:
    """The shortest way from a rule back to itself; empty where there is none."""
    ways: list[tuple[int, ...]] = [(start,)]
    seen: set[int] = set()
    for way in ways:
        for there in range(count):
            if (way[-1], there) in paths:
                if there == start:
                    return way
                if there not in seen:
                    seen.add(there)
                    ways.append((*way, there))
    return ()


def round_advice(loop: Sequence[Stop], span: Span) -> Diagnostic:
    """The finding about a loop."""
    path = visible(loop[0].path)
    if len(loop) == 1:
        message = f'This rule can put a file where it waits for files itself: "{path}".'
    else:
        message = f"These rules can start each other, around and around: {visible(drawn(loop))}."
    help = "klapp starts no rule with a file that this rule had before, so it ends; but wait in one folder, and put files in another."
    return Diagnostic("K605", message, span, help)


def drawn(loop: Sequence[Stop]) -> str:
    """A loop as a line of arrows: ``"Sorter" (line 5) -> ~/In/a -> ...``."""
    steps = [f'"{stop.coworker}" (line {stop.line}) -> {stop.path}' for stop in loop]
    return " -> ".join([*steps, f'"{loop[0].coworker}" again'])
