"""What compiled programs call: exact arithmetic, comparisons, and text made of values. Pure, all of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Any

from klr import moments
from klr.bounds import LONGEST_TEXT, too_long
from klr.effects import EffectError
from klr.rows import RowValue, grouped, like
from klr.values import Months

EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[Inexact, InvalidOperation, Overflow])
ROUNDED = Context(prec=28, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, Overflow, DivisionByZero])
_NAUGHT = Decimal(0)


def _wrong(message: str) -> EffectError:
    return EffectError(message, "value")


# -- arithmetic -------------------------------------------------------------------------------------------------------


def add(left: Any, right: Any) -> Any:
    """``left + right``; numbers exactly."""
    return _calculate(lambda: EXACT.add(left, right) if isinstance(left, Decimal) else left + right)


def subtract(left: Any, right: Any) -> Any:
    """``left - right``; numbers exactly."""
    return _calculate(lambda: EXACT.subtract(left, right) if isinstance(left, Decimal) else left - right)


def multiply(left: Any, right: Any) -> Any:
    """``left * right``; numbers exactly, sizes and durations to the byte and microsecond below."""
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return _calculate(lambda: _unsigned_zero(EXACT.multiply(left, right)))
    thing, factor = (right, left) if isinstance(left, Decimal) else (left, right)
    return _calculate(lambda: _scaled(thing, factor))


def divide(left: Any, right: Any) -> Any:
    """``left / right``; numbers to 28 digits, half to even."""
    if right in (0, timedelta()):
        raise _wrong("Nothing can be divided by zero.")
    if isinstance(right, Decimal) and not isinstance(left, Decimal):
        return _calculate(lambda: _scaled(left, ROUNDED.divide(Decimal(1), right), right))
    return _calculate(lambda: _unsigned_zero(ROUNDED.divide(_count(left), _count(right))))


def later(zone: str, date: datetime, span: Any) -> datetime:
    """``date + span`` of a duration or of months; see ``klr.moments``."""
    return _calculate(lambda: date + span if isinstance(span, Months) else moments.later(date, span, zone))  # type: ignore[no-any-return]


def earlier(zone: str, date: datetime, span: Any) -> datetime:
    """``date - span`` of a duration or of months."""
    return later(zone, date, -span)


def difference(zone: str, end: datetime, start: datetime) -> timedelta:
    """``end - start`` of two dates."""
    return moments.between(end, start, zone)


def negate(value: Any) -> Any:
    """``-value``; numbers exactly."""
    return _calculate(lambda: subtract(_NAUGHT, value) if isinstance(value, Decimal) else -value)


def _unsigned_zero(value: Decimal) -> Decimal:
    """A number; there is one zero, and it has no sign."""
    return value or value.copy_abs()


def _count(value: Any) -> Decimal:
    return Decimal(value // timedelta(microseconds=1)) if isinstance(value, timedelta) else Decimal(value)


def _scaled(thing: Any, factor: Decimal, divisor: Decimal | None = None) -> Any:
    """A size or duration times ``factor``, or exactly by ``divisor`` where there is one."""
    amount = _count(thing)
    scaled = ROUNDED.divide(amount, divisor) if divisor is not None else EXACT.multiply(amount, factor)
    return timedelta(microseconds=int(scaled)) if isinstance(thing, timedelta) else int(scaled)


def _calculate(calculation: Callable[[], Any]) -> Any:
    try:
        return calculation()
    except (Inexact, InvalidOperation, Overflow, OverflowError) as error:
        raise _wrong("A result is too large, or has too many digits, to be exact.") from error


def is_before(zone: str, left: datetime, right: datetime) -> bool:
    """Whether one date is earlier than another."""
    return moments.is_before(left, right, zone)


def is_after(zone: str, left: datetime, right: datetime) -> bool:
    """Whether one date is later than another."""
    return moments.is_before(right, left, zone)


# -- comparisons and lists --------------------------------------------------------------------------------------------


def contains_any(whole: Any, parts: Iterable[Any]) -> bool:
    """Whether at least one of ``parts`` is in ``whole``."""
    return any(part in whole for part in parts)


def contains_all(whole: Any, parts: Iterable[Any]) -> bool:
    """Whether each of ``parts`` is in ``whole``."""
    return all(part in whole for part in parts)


def caseless(value: Any) -> Any:
    """A text, or list of texts, without regard to case (Unicode's case folding)."""
    return value.casefold() if isinstance(value, str) else tuple(item.casefold() for item in value)


Step = Generator[Any, Any, Any]


def where(items: Iterable[Any], test: Callable[[Any], Step]) -> Step:
    """The elements for which ``test``, which may ask the world, says yes."""
    kept = []
    for item in items:
        if (yield from test(item)):
            kept.append(item)
    return like(items, kept)


def each(items: Iterable[Any], tell: Callable[[Any], Step]) -> Step:
    """What ``tell``, which may ask the world, makes of each element."""
    made = []
    for item in items:
        made.append((yield from tell(item)))
    return tuple(made)


def sorted_by(items: Iterable[Any], key: Callable[[Any], Step], descending: bool) -> Step:
    """The elements by ``key``, which may ask the world; equal ones keep their order."""
    pairs = []
    for item in items:
        pairs.append(((yield from key(item)), item))
    return like(items, (item for _, item in sorted(pairs, key=lambda pair: pair[0], reverse=descending)))


def grouped_by(items: Iterable[Any], key: Callable[[Any], Step]) -> Step:
    """The elements in groups by ``key``, which may ask the world."""
    keys = []
    for item in items:
        keys.append((yield from key(item)))
    return grouped(items, keys)


def row_of(columns: tuple[str, ...], *values: Any) -> RowValue:
    """``["column": value, ...]``: each value as a text hole would show it."""
    return RowValue(columns, tuple(map(show, values)))


# -- texts ------------------------------------------------------------------------------------------------------------


def show(value: Any) -> str:
    """A value as a text hole shows it without a format."""
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return format(value, "f")
        case int():
            return show_size(value)
        case datetime():
            return show_date(value)
        case time():
            return value.strftime("%H:%M")
        case timedelta():
            return show_duration(value)
        case Months():
            return show_months(value.count)
        case tuple():
            return _listed(value)
    return str(value)


def _listed(items: tuple[Any, ...]) -> str:
    """The texts of a list's elements; of one that would be too long no more is made than it takes to tell."""
    shown: list[str] = []
    length = 0
    for item in items:
        shown.append(show(item))
        length += len(shown[-1]) + 2
        if length > LONGEST_TEXT:
            raise too_long()
    return ", ".join(shown)


def show_date(date: datetime) -> str:
    """``"2026-03-09"``, and the time where it is not midnight."""
    day = f"{date.year:04d}-{date.month:02d}-{date.day:02d}"  # not every system's strftime fills up the year
    return day if date.time() == time() else f"{day} {date.hour:02d}:{date.minute:02d}"


def show_size(size: int) -> str:
    """``"20 MB"``, ``"1.5 kB"``: at most one decimal, cut off, in powers of ten."""
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if abs(size) >= factor:
            whole, tenth = divmod(abs(size) * 10 // factor, 10)
            return f"{'-' * (size < 0)}{whole}{f'.{tenth}' if tenth else ''} {unit}"
    return f"{size} {'byte' if size == 1 else 'bytes'}"


def show_duration(duration: timedelta) -> str:
    """``"2 days 3 hours"``: the two largest units that are not zero, the rest cut off."""
    seconds = abs(duration) // timedelta(seconds=1)
    parts = []
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        amount, seconds = divmod(seconds, length)
        if amount:
            parts.append(f"{amount} {unit}{'s' * (amount != 1)}")
    return ("-" if duration < timedelta() else "") + (" ".join(parts[:2]) or "0 seconds")


def show_months(count: int) -> str:
    """``"1 year 3 months"``."""
    years, months = divmod(abs(count), 12)
    parts = [f"{n} {unit}{'s' * (n != 1)}" for n, unit in ((years, "year"), (months, "month")) if n]
    return ("-" if count < 0 else "") + (" ".join(parts) or "0 months")


def from_home(path: str, home: str) -> str:
    """A path that is written out, with the person's home in place of ``~``."""
    return home + path[1:] if path == "~" or path.startswith("~/") else path


def component(value: str) -> str:
    """A text as part of one component of a path; raises EffectError("value") where it can not be."""
    for character in value:
        if character == "/" or character < " " or "\x7f" <= character <= "\x9f":
            shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value[:80])
            what = "a `/`" if character == "/" else "a control character"
            raise _wrong(
                f'The text "{shown}" holds {what}, so it can not be part of a file\'s name. Nothing was touched.'
            )
    return value


def all_below(folder: str) -> str:
    """The glob of all files below a folder, whatever signs its name holds."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in folder) + "/**"


def name_part(value: str) -> str:
    """Part of a real file's name: as it is, for it was in a path before."""
    if "/" in value or "\0" in value:
        raise _wrong("A file's name holds a `/`. Nothing was touched.")
    return value
