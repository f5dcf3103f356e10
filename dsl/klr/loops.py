"""Loops: rules that start rules, by files or by finishing, around and back to where it began."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from klr.diagnostics import Diagnostic, visible
from klr.program import Program, Rule
from klr.proof import Language, TooComplex, escape, intersection, parent
from klr.source import Span
from klr.vocabulary import Permission


@dataclass(frozen=True, slots=True)
class Stop:
    """One rule on the way around, and what starts the next one: a file at ``path``, or that its coworker ``ends``."""

    coworker: str
    line: int
    path: str
    ends: str = ""

    @property
    def by(self) -> str:
        """What starts the next rule, in a word or a path."""
        return self.ends or self.path


def loops(programs: Sequence[Program]) -> list[tuple[Stop, ...]]:
    """Every shortest way from a rule around to itself, each once, ordered by where it begins."""
    rules = [(program, rule) for program in programs for rule in program.rules]
    paths = {
        (here, there): stop
        for here, (program, rule) in enumerate(rules)
        for there, (_, other) in enumerate(rules)
        if (stop := _next(program, rule, other)) is not None
    }
    found: dict[frozenset[int], tuple[Stop, ...]] = {}
    for start in range(len(rules)):
        way = _around(start, paths, len(rules))
        if way and frozenset(way) not in found:
            steps = zip(way, (*way[1:], start), strict=True)
            found[frozenset(way)] = tuple(paths[step] for step in steps)
    return list(found.values())


def _next(program: Program, rule: Rule, other: Rule) -> Stop | None:
    """How a rule can start another one; None where it can not."""
    trigger = other.trigger
    if trigger.arguments.get("coworker") == program.name:
        return Stop(program.name, rule.line, "", trigger.phrase)
    if other.waits is None:
        return None
    permissions: tuple[Permission, ...] = ("remove", "erase") if trigger.gives == "gone file" else ("write",)
    path = _handed_on(rule, other.waits, permissions)
    if path is None and trigger.gives == "folder":
        path = _handed_on(rule, other.waits, ("write",), folders=True)
    return None if path is None else Stop(program.name, rule.line, path)


def _handed_on(
    rule: Rule, waits: Language, permissions: tuple[Permission, ...], *, folders: bool = False
) -> str | None:
    """A path at which a rule can put (or take) a file where another waits for that; None where there is none.

    With ``folders``, one of the folders that it can make for its files.
    """
    for need in rule.needs:
        if need.permission in permissions and need.language is not None:
            with suppress(TooComplex):
                place = parent(need.language) if folders else need.language
                path = escape(intersection(place, waits), [])
                if path is not None:
                    return path
    return None


def _around(start: int, paths: dict[tuple[int, int], Stop], count: int) -> tuple[int, ...]:
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
    help = "klapp starts no rule with a file that this rule had before, so it ends; but wait in one folder, and put files in another."
    if any(stop.ends for stop in loop):
        help = "klapp does not start a rule again by what the rule itself has started, so it ends; but let one of them wait for something else."
    if len(loop) > 1:
        message = f"These rules can start each other, around and around: {visible(drawn(loop))}."
    elif loop[0].ends:
        message = f"This rule waits until its own coworker {loop[0].ends}, which starts it again."
    else:
        message = f'This rule can put a file where it waits for files itself: "{path}".'
    return Diagnostic("K605", message, span, help)


def drawn(loop: Sequence[Stop]) -> str:
    """A loop as a line of arrows: ``"Sorter" (line 5) -> ~/In/a -> "Filer" (line 3) -> finishes -> ...``."""
    steps = [f'"{stop.coworker}" (line {stop.line}) -> {stop.by}' for stop in loop]
    return " -> ".join([*steps, f'"{loop[0].coworker}" again'])
