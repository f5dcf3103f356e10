"""Dates in words: parts of a date, starts and ends of months, differences by the calendar, dates read from texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from klr.effects import EffectError
from klr.formats import DAYS, DURATIONS, MONTHS
from klr.moments import NoZone, elsewhere
from klr.types import DATE, DURATION, NUMBER, TEXT, TIME, WORD, Type, maybe
from klr.values import Months
from klr.vocabulary import Function, Property

SPANS = ("day", "week", "month", "quarter", "year")


# -- parts of a date ---------------------------------------------------------------------------------------------------


def _part(name: str, doc: str, pure: Callable[[datetime], int]) -> Property:
    return Property(name, NUMBER, doc, f"today.{name}", pure=lambda date: Decimal(pure(date)), of=DATE)


def _whole(duration: timedelta, length: int) -> Decimal:
    whole = abs(duration) // timedelta(seconds=length)
    return Decimal(whole if duration >= timedelta() else -whole)


PROPERTIES: tuple[Property, ...] = (
    _part("year", "The year: 2026.", lambda date: date.year),
    _part("quarter", "The quarter of the year, from 1 to 4.", lambda date: (date.month + 2) // 3),
    _part("month", "The month, from 1 to 12.", lambda date: date.month),
    _part("week", "The week of the year (ISO 8601: weeks begin on Monday, week 1 has the first Thursday).", lambda date: date.isocalendar()[1]),
    _part("day", "The day of the month, from 1 to 31.", lambda date: date.day),
    _part("hour", "The hour, from 0 to 23.", lambda date: date.hour),
    _part("minute", "The minute, from 0 to 59.", lambda date: date.minute),
    Property("weekday", TEXT, 'The day of the week in small letters: "monday".', 'today.weekday is "friday"', pure=lambda date: DAYS[date.weekday()].lower(), of=DATE),
    Property("time", TIME, "The time of day.", "file.modified.time > 18:00", pure=lambda date: date.time().replace(fold=0), of=DATE),
    *(
        Property(name, NUMBER, f"How many whole {name} it is.", f"file.age.{name}", pure=partial(_whole, length=length), of=DURATION)
        for name, length in DURATIONS.items()
    ),
    Property("hour", NUMBER, "The hour, from 0 to 23.", "now.time.hour", pure=lambda clock: Decimal(clock.hour), of=TIME),
    Property("minute", NUMBER, "The minute, from 0 to 59.", "now.time.minute", pure=lambda clock: Decimal(clock.minute), of=TIME),
)  # fmt: skip
"""What dates, times and durations tell of themselves."""


# -- starts, ends and differences --------------------------------------------------------------------------------------


def start_of(span: str, date: datetime) -> datetime:
    """Midnight of the first day of the day, week, month, quarter or year that a date lies in."""
    midnight = datetime.combine(date.date(), time())
    match span:
        case "week":
            return midnight - min(timedelta(days=date.weekday()), midnight - datetime.min)
        case "month":
            return midnight.replace(day=1)
        case "quarter":
            return midnight.replace(month=(date.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return midnight.replace(month=1, day=1)
    return midnight


def end_of(span: str, date: datetime) -> datetime:
    """Midnight of the last day of the day, week, month, quarter or year that a date lies in."""
    start = start_of(span, date)
    match span:
        case "day":
            return start
        case "week":
            return start + min(
                timedelta(days=6), datetime.max.replace(hour=0, minute=0, second=0, microsecond=0) - start
            )
    months = {"month": 1, "quarter": 3, "year": 12}[span]
    last = start.month + months - 1
    end = start.replace(month=last)
    return (
        (end.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        if last < 12
        else end.replace(day=31)
    )


def days_between(start: datetime, end: datetime) -> Decimal:
    """Days of the calendar from one date to another: from Monday evening to Tuesday morning it is one."""
    return Decimal((end.date() - start.date()).days)


def months_between(start: datetime, end: datetime) -> Decimal:
    """Whole months from one date to another, negative where ``end`` is earlier.

    A month is whole when ``start`` plus that month is not after ``end``: from 31 January to 28 February it is one.
    """
    if end < start:
        return -months_between(end, start)
    count = (end.year - start.year) * 12 + end.month - start.month
    return Decimal(count - (count > 0 and start + Months(count) > end))


def years_between(start: datetime, end: datetime) -> Decimal:
    """Whole years from one date to another, as ages are counted."""
    months = months_between(start, end)
    return months // 12 if months >= 0 else -(-months // 12)


def workdays_between(start: datetime, end: datetime) -> Decimal:
    """Days from Monday to Friday behind the day of ``start``, up to the day of ``end``, included."""
    first, last = start.date(), end.date()
    if last < first:
        return -workdays_between(end, start)
    weeks, rest = divmod((last - first).days, 7)
    return Decimal(weeks * 5 + sum((first.weekday() + day) % 7 < 5 for day in range(1, rest + 1)))


def workdays_later(count: Decimal, date: datetime) -> datetime:
    """The date so many days from Monday to Friday behind another; OverflowError beyond the calendar."""
    if count != int(count) or count < 0:
        raise EffectError(f"{count:f} is no number of whole days.", "value")
    weeks, rest = divmod(int(count), 5)
    moved = date + timedelta(weeks=weeks)
    if count and not rest:  # the weekend belongs to the Friday before it
        moved -= timedelta(days=max(moved.weekday() - 4, 0))
    while rest:
        moved += timedelta(days=1)
        rest -= moved.weekday() < 5
    return moved


def _workdays_later(count: Decimal, date: datetime) -> datetime:
    try:
        return workdays_later(count, date)
    except OverflowError:
        raise _too_far() from None


def _too_far() -> EffectError:
    return EffectError("A result is too large, or has too many digits, to be exact.", "value")


# -- other time zones --------------------------------------------------------------------------------------------------


def _there(zone: str, date: datetime, there: str) -> datetime:
    try:
        return elsewhere(date, there, zone)
    except NoZone as error:
        raise EffectError(f'{error} Zones have names such as "Europe/Berlin" or "UTC".', "value") from None
    except OverflowError:
        raise _too_far() from None


def time_there(zone: str, date: datetime, there: str) -> time:
    """What the clock in another zone shows at that moment."""
    return _there(zone, date, there).time().replace(fold=0)


def day_there(zone: str, date: datetime, there: str) -> datetime:
    """The day that it is in another zone at that moment."""
    return start_of("day", _there(zone, date, there))


def date_here(zone: str, date: datetime, there: str) -> datetime:
    """What the clock here shows when the one in another zone shows ``date``."""
    return _there(there, date, zone) if zone else date


# -- reading -----------------------------------------------------------------------------------------------------------

_NAMES: dict[str, int] = {name.lower(): number for number, name in enumerate(MONTHS, 1)}
for _language in (
    "januar februar märz april mai juni juli august september oktober november dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
):
    _NAMES.update({name: number for number, name in enumerate(_language.split(), 1)})
_SHORT: dict[str, int] = {}
for _name, _number in _NAMES.items():
    _SHORT.setdefault(_name[:3], _number)
_CLOCK = r"(?:[ \t]*[T,]?[ \t]*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?!\d))?"
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)" + _CLOCK)
_DOTTED = re.compile(r"(?<!\d)(\d{1,2})\.[ ]?(\d{1,2})\.[ ]?(\d{4}|\d{2})(?!\d)" + _CLOCK)
_SLASHED = re.compile(r"(?<!\d)(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)" + _CLOCK)
_DAY_NAMED = re.compile(
    r"(?<!\d)(\d{1,2})(?:\.|st|nd|rd|th)?[ \t-](?:de[ \t])?([^\W\d_]{3,10})\.?,?[ \t-](?:de[ \t])?(\d{4})(?!\d)"
    + _CLOCK
)
_NAMED_DAY = re.compile(r"([^\W\d_]{3,10})\.?[ \t](\d{1,2})(?:st|nd|rd|th)?,?[ \t](\d{4})(?!\d)" + _CLOCK)


def _month(name: str) -> int:
    """The number of a month by its name in English, German, French, Spanish or Italian, or three letters of it; or 0."""
    lower = name.lower()
    return _NAMES.get(lower, 0) or (_SHORT.get(lower[:3], 0) if len(lower) <= 4 else 0)


def _made(year: int | str, month: int | str, day: int | str, clock: tuple[Any, ...]) -> datetime | None:
    number = int(year)
    if isinstance(year, str) and len(year) == 2:
        number += 2000 if number < 70 else 1900
    hour, minute, second = (int(part or 0) for part in clock)
    try:
        return datetime(number, int(month), int(day), hour, minute, second)
    except ValueError:
        return None


def _slashed(first: str, second: str, year: str, clock: tuple[Any, ...]) -> datetime | None:
    """Day first or month first? Only where it can be told."""
    if int(first) > 12 or first == second:
        return _made(year, second, first, clock)
    return _made(year, first, second, clock) if int(second) > 12 else None


_FORMS: tuple[tuple[re.Pattern[str], Callable[[tuple[Any, ...]], datetime | None]], ...] = (
    (_ISO, lambda found: _made(found[0], found[1], found[2], found[3:])),
    (_DOTTED, lambda found: _made(found[2], found[1], found[0], found[3:])),
    (_DAY_NAMED, lambda found: _made(found[2], _month(found[1]), found[0], found[3:])),
    (_NAMED_DAY, lambda found: _made(found[2], _month(found[0]), found[1], found[3:])),
    (_SLASHED, lambda found: _slashed(found[0], found[1], found[2], found[3:])),
)


def first_date(text: str) -> datetime | None:
    """The first date that stands in a text, or None; linear in its length.

    Read are 2026-03-09, 09.03.2026, 9 March 2026, March 9, 2026 (and the months' German, French, Spanish and Italian
    names), each with a time behind it or without, and 25/12/2026 where it can be told which number is the month.
    """
    best: tuple[int, datetime] | None = None
    for pattern, make in _FORMS:
        for match in pattern.finditer(text):
            if best is not None and match.start() >= best[0]:
                break
            date = make(match.groups())
            if date is not None:
                best = match.start(), date
                break
    return best[1] if best else None


def date_after(label: str, text: str) -> datetime | None:
    """The first date behind the first ``label`` in a text, or None."""
    place = text.find(label)
    return first_date(text[place + len(label) :]) if place >= 0 else None


_CODES = {"%Y": r"(?P<Y>\d{4})", "%m": r"(?P<m>\d{1,2})", "%d": r"(?P<d>\d{1,2})", "%y": r"(?P<y>\d{2})",
          "%H": r"(?P<H>\d{1,2})", "%M": r"(?P<M>\d{1,2})", "%S": r"(?P<S>\d{1,2})"}  # fmt: skip


def date_like(form: str, text: str) -> datetime | None:
    """The date that a whole text is by a form such as ``"%m/%d/%Y"``, or None. Raises EffectError for a wrong form."""
    pieces = re.split(r"(%.)", form)
    unknown = next((piece for piece in pieces[1::2] if piece not in _CODES), None)
    if unknown or len(set(pieces[1::2])) != len(pieces[1::2]):
        raise EffectError(f'"{form}" is no form of a date. Write, for example, "%d/%m/%Y".', "value")
    pattern = "".join(_CODES[piece] if index % 2 else re.escape(piece) for index, piece in enumerate(pieces))
    match = re.fullmatch(pattern, text.strip())
    if match is None:
        return None
    found = match.groupdict()
    year = found.get("Y") or found.get("y") or "0"
    return _made(year, found.get("m") or "1", found.get("d") or "1", tuple(found.get(code) for code in "HMS"))


# -- declarations ------------------------------------------------------------------------------------------------------


def _takes(*wanted: Type, gives: Type) -> Callable[[tuple[Type, ...]], Type | str]:
    def result(given: tuple[Type, ...]) -> Type | str:
        wrong = next(((g, w) for g, w in zip(given, wanted, strict=True) if g != w), None)
        return f"Here it takes a {wrong[1]}, and this is a {wrong[0]}." if wrong else gives

    return result


FUNCTIONS: tuple[Function, ...] = (
    Function("start", ("of", "of"), _takes(WORD, DATE, gives=DATE), start_of, "Midnight of the first day of the `day`, `week`, `month`, `quarter` or `year` that a date lies in.", "start of month of today", words={0: SPANS}),
    Function("end", ("of", "of"), _takes(WORD, DATE, gives=DATE), end_of, "Midnight of the last day of the `day`, `week`, `month`, `quarter` or `year` that a date lies in.", "end of month of today", words={0: SPANS}),
    Function("days", ("after", "before"), _takes(DATE, DATE, gives=NUMBER), days_between, "Days of the calendar from one date to another.", "days after file.modified before today"),
    Function("months", ("after", "before"), _takes(DATE, DATE, gives=NUMBER), months_between, "Whole months from one date to another.", "months after file.modified before today"),
    Function("years", ("after", "before"), _takes(DATE, DATE, gives=NUMBER), years_between, "Whole years from one date to another, as ages are counted.", "years after 1980-05-17 before today"),
    Function("workdays", ("after", "before"), _takes(DATE, DATE, gives=NUMBER), workdays_between, "Days from Monday to Friday behind one date, up to another.", "workdays after file.modified before today"),
    Function("workday", ("of", "after"), _takes(NUMBER, DATE, gives=DATE), _workdays_later, "The date so many days from Monday to Friday behind another.", "workday of 10 after today"),
    Function("date", ("in",), _takes(TEXT, gives=maybe(DATE)), first_date, "The first date in a text: 2026-03-09, 09.03.2026, 9 March 2026, March 9, 2026 (German, French, Spanish and Italian months, too), and 25/12/2026 where it can be told which is the month; missing where there is none.", "date in file.stem default file.modified"),
    Function("date", ("after", "in"), _takes(TEXT, TEXT, gives=maybe(DATE)), date_after, "The first date behind a word in a text; missing where there is none.", 'date after "Due" in file.text default today'),
    Function("date", ("of", "in"), _takes(TEXT, TEXT, gives=maybe(DATE)), lambda text, form: date_like(form, text), "A text that is a date as a form says; missing where it is not.", 'date of file.stem in "%m/%d/%Y" default today'),
    Function("time", ("of", "in"), _takes(DATE, TEXT, gives=TIME), time_there, "What the clock of a time zone shows at a moment.", 'time of now in "Asia/Tokyo"', uses_zone=True),
    Function("day", ("of", "in"), _takes(DATE, TEXT, gives=DATE), day_there, "The day that it is in a time zone at a moment.", 'day of now in "America/New_York"', uses_zone=True),
    Function("moment", ("of", "in"), _takes(DATE, TEXT, gives=DATE), date_here, "What the clock here shows when the one of a time zone shows a date.", 'moment of 2026-03-09 16:30 in "Europe/London"', uses_zone=True),
)  # fmt: skip
