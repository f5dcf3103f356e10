"""The functions of the language, written plainly: ``count of x``, ``number after "Total" in x``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.reference import wording
from tests.reference.numbers import Number, number
from tests.reference.operators import Failure, arithmetic

MISSING = None
"""What `default` stands in for."""

SIGNS = ("-", "\N{MINUS SIGN}")
JOINTS = (".", ",", "'", "\N{RIGHT SINGLE QUOTATION MARK}", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}")
"""What may stand between the digits of a number."""


def unique(items: tuple[Any, ...]) -> tuple[Any, ...]:
    found: list[Any] = []
    for item in items:
        if all(item != other for other in found):
            found.append(item)
    return tuple(found)


def extreme(items: tuple[Any, ...], better: Callable[[Any, Any], bool]) -> Any:
    if not items:
        return MISSING
    best = items[0]
    for item in items[1:]:
        if better(item, best):
            best = item
    return best


def number_after(label: str, text: str) -> Number | None:
    """The first number behind the first ``label``: the longest run of digits and joints that ends with a digit."""
    if label not in text:
        return MISSING
    rest = text[text.index(label) + len(label) :]
    start = next((at for at, character in enumerate(rest) if character.isdecimal()), None)
    if start is None:
        return MISSING
    end = start
    while end < len(rest) and (rest[end].isdecimal() or rest[end] in JOINTS):
        end += 1
    written = rest[start:end]
    while not written[-1].isdecimal():
        written = written[:-1]
    found = number(plain_digits(written))
    return Number(-found.whole, found.scale) if start and rest[start - 1] in SIGNS else found


def plain_digits(written: str) -> str:
    """A number as people write it, with nothing but ASCII digits and at most one point."""
    kept = "".join(str(int(c)) if c.isdecimal() else c for c in written if c.isdecimal() or c in ".,")
    marks = [c for c in kept if c in ".,"]
    if len(set(marks)) == 2:
        before, _, after = kept.rpartition(max(".,", key=kept.rindex))
    elif len(marks) == 1:
        before, _, after = kept.partition(marks[0])
        if len(after) == 3 and len(before) <= 3 and not before.startswith("0"):
            before, after = before + after, ""
    else:
        before, after = kept, ""
    before, after = ("".join(c for c in part if c not in ".,") for part in (before, after))
    return f"{before}.{after}" if after else before


def text_after(label: str, text: str) -> str | None:
    if label not in text:
        return MISSING
    return text[text.index(label) + len(label) :].split("\n")[0].strip()


def text_before(label: str, text: str) -> str | None:
    if label not in text:
        return MISSING
    return text[: text.index(label)].split("\n")[-1].strip()


def sum_of(add: Callable[[Any, Any], Any]) -> Callable[[tuple[Any, ...]], Any]:
    def total(items: tuple[Any, ...]) -> Any:
        if not items:
            return MISSING
        result = items[0]
        for item in items[1:]:
            result = add(result, item)
        return result

    return total


def average_of(add: Callable[[Any, Any], Any]) -> Callable[[tuple[Any, ...]], Any]:
    total = sum_of(add)

    def average(items: tuple[Any, ...]) -> Any:
        return arithmetic("/", total(items), Number(len(items))) if items else MISSING

    return average


def numbers_in(texts: tuple[str, ...]) -> tuple[Number, ...]:
    """The first number of each cell that says something."""
    found = []
    for text in texts:
        if text.strip() in ("", "-", "\N{EN DASH}", "\N{EM DASH}"):
            continue
        first = number_after("", text)
        if first is None:
            raise Failure("value", f'There is no number in "{text[:80]}".')
        found.append(first)
    return tuple(found)


def functions(add: Callable[[Any, Any], Any]) -> dict[tuple[str, tuple[str, ...]], Callable[..., Any]]:
    """Every function by name and prepositions; ``add`` is the language's ``+``."""
    return {
        ("count", ("of",)): lambda items: Number(len(items)),
        ("first", ("of",)): lambda items: items[0] if items else MISSING,
        ("last", ("of",)): lambda items: items[-1] if items else MISSING,
        ("sum", ("of",)): sum_of(add),
        ("average", ("of",)): average_of(add),
        ("lowest", ("of",)): lambda items: extreme(items, lambda one, best: one < best),
        ("highest", ("of",)): lambda items: extreme(items, lambda one, best: one > best),
        ("unique", ("of",)): unique,
        ("lines", ("of",)): lambda text: tuple(text.splitlines()),
        ("words", ("of",)): lambda text: tuple(text.split()),
        ("lowercase", ("of",)): lambda text: text.lower(),
        ("uppercase", ("of",)): lambda text: text.upper(),
        ("trimmed", ("of",)): lambda text: text.strip(),
        ("number", ("after", "in")): number_after,
        ("number", ("in",)): lambda text: number_after("", text),
        ("numbers", ("in",)): numbers_in,
        ("text", ("after", "in")): text_after,
        ("text", ("before", "in")): text_before,
        **wording.FUNCTIONS,
    }
