"""What a person answers to ``when asked for name: type``: read as the language writes values of that type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klr import syntax as s
from klr.diagnostics import did_you_mean
from klr.parser import parse
from klr.program import Setting
from klr.source import Source
from klr.types import NUMBER, TEXT, Type

EXAMPLES = {
    "number": "120 or 0.5", "yes/no": "yes or no", "date": "2026-03-09", "time": "09:00", "duration": "3 days",
    "months": "3 months", "size": "20 MB",
}  # fmt: skip
LONGEST = 10_000


def read(kind: Type, typed: str) -> Any:
    """The value of type ``kind`` that a person typed; raises ValueError with a sentence for them."""
    if len(typed) > LONGEST:
        raise ValueError(f"An answer has at most {LONGEST:,} characters.")
    if kind == TEXT:
        return typed
    parsed = parse(Source(f'coworker "x"\nsetting answer: {kind} = {typed.strip()}\n'))
    part = parsed.tree.parts[0] if parsed.tree and len(parsed.tree.parts) == 1 and not parsed.diagnostics else None
    if isinstance(part, s.SettingLine) and part.label is None and "\n" not in typed.strip():
        value = part.value
        negative = isinstance(value, s.Unary) and value.operator == "-"
        literal = value.operand if isinstance(value, s.Unary) and negative else value
        if isinstance(literal, s.Literal) and literal.type == kind and not (negative and kind != NUMBER):
            return s.constant(value)
    raise ValueError(f"This is no {kind}. Write, for example, {EXAMPLES.get(kind.name, 'a value')}.")


def settled(asked: tuple[Setting, ...], given: Mapping[str, str]) -> dict[str, Any]:
    """The values of all answers, by name: those given, as typed, and the defaults of the rest.

    Raises ValueError with a sentence for an answer that is missing, unknown, or not of its type.
    """
    known = {one.name: one for one in asked}
    for name in given:
        if name not in known:
            guess = did_you_mean(name, known) or (f"There are: {', '.join(known)}." if known else "Nothing is asked.")
            raise ValueError(f"Nobody asks for `{name}`. {guess}")
    values: dict[str, Any] = {}
    for name, one in known.items():
        if name in given:
            try:
                values[name] = read(one.type, given[name])
            except ValueError as error:
                raise ValueError(f"`{name}`: {error}") from error
        elif one.value is None:
            raise ValueError(f"An answer is missing: {one.label} (--answer {name}=...)")
        else:
            values[name] = one.value
    return values
