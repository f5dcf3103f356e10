"""What the operators mean, and the ways in which a computation can fail."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from klr.values import Months
from tests.reference import numbers
from tests.reference.numbers import Number

LONGEST_TEXT = 10_000_000
MOST_STEPS = 10_000_000


class Failure(Exception):
    """What `on error` catches."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


BY_ZERO = "Nothing can be divided by zero."
NOT_EXACT = "A result is too large, or has too many digits, to be exact."
SPENT = "This run was ended, since it wanted more than 10,000,000 steps. What it did until then can be undone."
TOO_LONG = "A text of more than 10,000,000 characters is too long."


def unfit(shown: str, character: str) -> str:
    what = "a `/`" if character == "/" else "a control character"
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown[:80])
    return f'The text "{text}" holds {what}, so it can not be part of a file\'s name. Nothing was touched.'


def literal(value: Any) -> Any:
    """A literal, or a setting's value, as this interpreter has it."""
    if isinstance(value, Decimal):
        sign, digits, exponent = value.as_tuple()
        whole = int("".join(map(str, digits)))
        return Number(-whole if sign else whole, -int(exponent))
    return tuple(map(literal, value)) if isinstance(value, tuple) else value


def arithmetic(operator: str, left: Any, right: Any) -> Any:
    """``left operator right`` but for dates with durations; what is too large or too long fails."""
    if operator == "/" and (right == 0 if isinstance(right, int) else right in (Number(0), timedelta())):
        raise Failure("value", BY_ZERO)
    try:
        return _calculated(operator, left, right)
    except (numbers.NotExact, OverflowError):
        raise Failure("value", NOT_EXACT) from None


def negate(value: Any) -> Any:
    return numbers.negate(value) if isinstance(value, Number) else -value


def caseless(value: Any) -> Any:
    return tuple(map(caseless, value)) if isinstance(value, tuple) else value.casefold()


def compare(operator: str, left: Any, right: Any) -> bool:
    match operator:
        case "is":
            return bool(left == right)
        case "is not":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case ">":
            return bool(left > right)
        case "<=":
            return bool(left <= right)
        case ">=":
            return bool(left >= right)
        case "is any of":
            return any(left == item for item in right)
        case "contains":
            return holds(left, right)
        case "contains any of":
            return any(holds(left, item) for item in right)
        case "contains all of":
            return all(holds(left, item) for item in right)
        case "starts with":
            return bool(left[: len(right)] == right)
        case "ends with":
            return bool(right == "" or left[-len(right) :] == right)
    raise AssertionError(f"no meaning for {operator}")


def holds(whole: Any, part: Any) -> bool:
    if isinstance(whole, str):
        return part in whole
    return any(item == part for item in whole)


def _calculated(operator: str, left: Any, right: Any) -> Any:
    match operator, left, right:
        case "+", Number(), Number():
            return numbers.add(left, right)
        case "-", Number(), Number():
            return numbers.add(left, numbers.negate(right))
        case "*", Number(), Number():
            return numbers.multiply(left, right)
        case "/", Number(), Number():
            return numbers.divide(left, right)
        case (("+" | "-"), datetime(), Months(count=count)):
            return months_later(left, count if operator == "+" else -count)
        case (("+" | "-"), _, _):
            return left + right if operator == "+" else left - right
        case "*", Number(), _:
            return scaled(right, left)
        case "*", _, Number():
            return scaled(left, right)
        case "/", _, Number():
            return _whole(left, amount(left).value / right.value)
        case "/", _, _:
            return numbers.divide(amount(left), amount(right))
    raise AssertionError(f"no meaning for {left!r} {operator} {right!r}")


def amount(thing: Any) -> Number:
    """A size in bytes, a duration in microseconds."""
    return Number(thing // timedelta(microseconds=1) if isinstance(thing, timedelta) else thing)


def scaled(thing: Any, factor: Number) -> Any:
    return _whole(thing, numbers.multiply(amount(thing), factor).value)


def _whole(thing: Any, value: Any) -> Any:
    """As ``thing``, the part before the point."""
    return timedelta(microseconds=int(value)) if isinstance(thing, timedelta) else int(value)


def months_later(day: datetime, count: int) -> datetime:
    """The same day of a later month, or its last where it has not so many."""
    years, month = divmod(day.month - 1 + count, 12)
    if not 1 <= day.year + years <= 9999:
        raise OverflowError
    for last in (day.day, 30, 29, 28):
        try:
            return day.replace(year=day.year + years, month=month + 1, day=last)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def add(left: Any, right: Any) -> Any:
    return arithmetic("+", left, right)
