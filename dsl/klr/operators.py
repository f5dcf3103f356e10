"""What the operators take and give, and which formats a hole takes, by type."""

from __future__ import annotations

from collections.abc import Callable

from klr import formats
from klr.diagnostics import listing
from klr.types import DATE, DURATION, MONTHS, NUMBER, SIZE, TEXT, TIME, YES_NO, Type, fits, list_of

UNIT = "Its format is a unit."
ORDERED = (NUMBER, SIZE, DURATION, DATE, TIME, TEXT)
ARITHMETIC: dict[tuple[str, Type, Type], Type] = {
    **{(sign, t, t): t for sign in "+-" for t in (NUMBER, SIZE, DURATION)},
    ("+", DATE, DURATION): DATE,
    ("-", DATE, DURATION): DATE,
    ("-", DATE, DATE): DURATION,
    **{(sign, DATE, MONTHS): DATE for sign in "+-"},
    **{(sign, MONTHS, MONTHS): MONTHS for sign in "+-"},
    **{("*", t, NUMBER): t for t in (NUMBER, SIZE, DURATION)},
    **{("*", NUMBER, t): t for t in (SIZE, DURATION)},
    **{("/", t, NUMBER): t for t in (NUMBER, SIZE, DURATION)},
    **{("/", t, t): NUMBER for t in (SIZE, DURATION)},
}
FORMATS: dict[Type, tuple[Callable[[str], str], str]] = {
    NUMBER: (formats.number_problem, "`0.00`, `0,00`, `0,0.00`, `0.000,00`, `000` or `0%`"),
    SIZE: (lambda form: "" if form in formats.SIZES else UNIT, listing(tuple(formats.SIZES))),
    DURATION: (lambda form: "" if form in formats.DURATIONS else UNIT, listing(tuple(formats.DURATIONS))),
    TEXT: (lambda form: "" if form in ("upper", "lower") else "It says which letters.", "`upper` or `lower`"),
    YES_NO: (lambda form: "" if form.count("/") == 1 else "It is two words with a `/` between them.", "`paid/open`"),
    DATE: (formats.date_problem, "`%Y-%m-%d` or `%-d %B %Y`"),
    TIME: (lambda form: formats.date_problem(form, formats.TIME_CODES), "`%H:%M`"),
}
"""For each type what is wrong with a text as its format ("" for nothing), and examples of formats."""


def comparison_problem(operator: str, left: Type, right: Type) -> str:
    """What is wrong with a comparison, or ""."""
    match operator:
        case "is" | "is not":
            fine = fits(left, right) or fits(right, left)
        case "is any of":
            fine = right.name == "list" and fits(right, list_of(left))
        case "contains":
            fine = left == right == TEXT or (left.name == "list" and fits(list_of(right), left))
        case "contains any of" | "contains all of":
            fine = (left == TEXT and fits(right, list_of(TEXT))) or (
                left.name == right.name == "list" and fits(right, left)
            )
        case "starts with" | "ends with":
            fine = left == right == TEXT
        case _:
            fine = left == right and left in ORDERED
    return "" if fine else f"`{operator}` does not work between {a(left)} and {a(right)}."


def a(kind: Type) -> str:
    """A type in a sentence: "a number", "an error"."""
    name = "yes or no" if kind == YES_NO else str(kind)
    return name if kind == YES_NO else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
