"""The parse tables of the grammar: made by Lark when klapp is built, stored beside it, and read without Lark.

``python -m klr.tables`` stores them. They are plain JSON (nothing in them can run) and say of which grammar they are;
where the grammar has changed since, or nothing is stored, Lark makes them anew in memory.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
GRAMMAR = FOLDER / "grammar.lark"
STORED = FOLDER / "grammar.json"
FORM = 2
"""The form of the stored tables; another number is not read."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A kind of token: ``pattern`` is a regular expression, or, where ``literal``, the text itself."""

    name: str
    pattern: str
    literal: bool


@dataclass(frozen=True, slots=True)
class Production:
    """One way to write a rule.

    Attributes:
        origin: the rule, size: how many symbols it has.
        name: what its tree is called.
        kept: the indices of the symbols that are children of the tree.
        inlined: those of them whose own children take their place.
        transparent: a single child stands for itself.
        passes: its one symbol stands for it, so that reading it changes the state and nothing else.
    """

    origin: str
    size: int
    name: str
    kept: tuple[int, ...]
    inlined: frozenset[int]
    transparent: bool
    passes: bool


@dataclass(frozen=True, slots=True)
class Tables:
    """An LALR(1) automaton. ``states[i]`` maps the kind of a token or the name of a rule to what happens there:

    0 and more: go to that state; below 0: reduce by production ``-1 - n``.
    """

    terminals: tuple[Terminal, ...]
    ignored: frozenset[str]
    productions: tuple[Production, ...]
    states: tuple[dict[str, int], ...]
    start: int
    end: int
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The kinds of tokens that a rule is a choice of, for the rules that are one."""


@cache
def tables() -> Tables:
    """The tables of the grammar in force."""
    grammar = GRAMMAR.read_text(encoding="utf-8")
    return _read(_stored(grammar) or made(grammar))


def _stored(grammar: str) -> dict[str, Any] | None:
    """What is stored, where it is of this grammar."""
    try:
        stored = json.loads(STORED.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stored if isinstance(stored, dict) and stored.get("of") == _fingerprint(grammar) else None


def _fingerprint(grammar: str) -> str:
    return f"{FORM} {sha256(grammar.encode()).hexdigest()}"


def _read(stored: dict[str, Any]) -> Tables:
    productions = tuple(
        Production(
            origin,
            size,
            name,
            tuple(kept),
            frozenset(inlined),
            transparent,
            transparent and kept == [0] and size == 1 and not inlined,
        )
        for origin, size, name, kept, inlined, transparent in stored["productions"]
    )
    names = stored["names"]
    states = tuple({names[pairs[i]]: pairs[i + 1] for i in range(0, len(pairs), 2)} for pairs in stored["states"])
    return Tables(
        tuple(Terminal(*terminal) for terminal in stored["terminals"]),
        frozenset(stored["ignored"]),
        productions,
        states,
        stored["start"],
        stored["end"],
        {rule: tuple(kinds) for rule, kinds in stored["choices"].items()},
    )


# -- with Lark --------------------------------------------------------------------------------------------------------


def made(grammar: str) -> dict[str, Any]:
    """The tables of a grammar, as they are stored. Raises Lark's errors for a grammar that is none, or not LALR(1)."""
    from lark import Lark
    from lark.parsers.lalr_analysis import Shift

    parser = Lark(grammar, parser="lalr", maybe_placeholders=False)
    machine: Any = parser.parser.parser._parse_table
    rules = list(parser.rules)
    index = {rule: number for number, rule in enumerate(rules)}
    names: dict[str, int] = {}
    (start,) = machine.start_states.values()
    (end,) = machine.end_states.values()
    numbers = {start: 0}  # Lark numbers states anew each time; in the order in which they are reached, it is always one
    waiting = [start]
    states: list[list[int]] = []
    for state in waiting:
        states.append([])
        for symbol, (action, argument) in sorted(machine.states[state].items(), key=lambda pair: pair[0]):
            if action is Shift and argument not in numbers:
                numbers[argument] = len(numbers)
                waiting.append(argument)
            goal = numbers[argument] if action is Shift else -1 - index[argument]
            states[-1].extend((names.setdefault(symbol, len(names)), goal))
    order = sorted(
        parser.terminals,
        key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name),
    )
    return {
        "of": _fingerprint(grammar),
        "terminals": [[t.name, t.pattern.value, t.pattern.type == "str"] for t in order],
        "ignored": sorted(parser.ignore_tokens),
        "productions": [_production(rule) for rule in rules],
        "names": list(names),
        "states": states,
        "start": numbers[start],
        "end": numbers[end],
        "choices": _choices(rules),
    }


def _production(rule: Any) -> list[Any]:
    """How Lark makes a tree of a rule: see its documentation on shaping the tree."""
    symbols = rule.expansion
    kept = [i for i, s in enumerate(symbols) if rule.options.keep_all_tokens or not (s.is_term and s.filter_out)]
    inlined = [i for i in kept if not symbols[i].is_term and symbols[i].name.startswith("_")]
    transparent = rule.options.expand1 and not rule.alias
    name = str(rule.origin.name)
    return [name, len(symbols), str(rule.alias or name), kept, inlined, transparent]


def _choices(rules: list[Any]) -> dict[str, list[str]]:
    """The rules that are nothing but a choice of single tokens."""
    by_name: dict[str, list[Any]] = {}
    for rule in rules:
        by_name.setdefault(rule.origin.name, []).append(rule.expansion)
    return {
        name: sorted(expansion[0].name for expansion in expansions)
        for name, expansions in by_name.items()
        if all(len(expansion) == 1 and expansion[0].is_term for expansion in expansions)
    }


def first_characters(pattern: str) -> str:
    """A character class, such as "[0-9]", of what a text that matches can begin with; "" where that is not known."""
    found = re.match(r"\\d|\[\^?(?:\\.|[^\]\\])+\]|\(\?:\[ \\t\]\*\\r\?\\n|\\r\?\\n|[a-z\"#]", pattern)
    if not found:
        return ""
    piece = found[0]
    if piece.endswith(r"\r?\n"):
        return r"[\r\n]" if piece == r"\r?\n" else r"[ \t\r\n]"
    return piece


def store() -> None:
    """Write the tables of the grammar beside it, whole or not at all, where they are not there yet."""
    grammar = GRAMMAR.read_text(encoding="utf-8")
    if _stored(grammar) is not None:
        return
    fresh = STORED.with_name(f"{STORED.name}.{os.getpid()}")
    fresh.write_text(json.dumps(made(grammar), separators=(",", ":")) + "\n", encoding="utf-8")
    fresh.replace(STORED)


if __name__ == "__main__":
    store()
