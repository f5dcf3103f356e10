"""Dates: what the clock on the wall of one time zone shows, reckoned day by day and month by month.

A zone's rules are asked one thing only: what its clock shows at a moment. What moment a date stands for is found by
trying the offsets before and after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.reference.functions import MISSING
from tests.reference.numbers import Number
from tests.reference.operators import NOT_EXACT, Failure, months_later
from tests.reference.showing import DAYS

DAY = timedelta(days=1)


def shown_at(moment: datetime, zone: str) -> datetime:
    """What the clock of a zone shows at a moment of Greenwich."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) if zone else moment


def moment_of(date: datetime, zone: str) -> datetime:
    """The moment of Greenwich for which a date stands: of two the one its fold tells, in a gap by the offset before."""
    plain = date.replace(fold=0)
    if not zone:
        return plain
    before, after = offset_near(plain, -DAY, zone), offset_near(plain, DAY, zone)
    try:
        fitting = [plain - gap for gap in (before, after) if shown_at(plain - gap, zone).replace(fold=0) == plain]
        if not fitting:
            return plain - (after if date.fold else before)
        return max(fitting) if date.fold else min(fitting)
    except OverflowError:  # at the very ends of the calendar
        return plain


def offset_near(date: datetime, near: timedelta, zone: str) -> timedelta:
    """How far the clock of a zone is before that of Greenwich, about a day before or after a date."""
    # At the very ends of the calendar it is looked for from the other side: no clock was ever changed there.
    if date < datetime.min + 2 * DAY:
        near = DAY
    elif date > datetime.max - 2 * DAY:
        near = -DAY
    moment = date + near
    return shown_at(moment, zone).replace(fold=0) - moment


def later(date: datetime, duration: timedelta, zone: str) -> datetime:
    """``date + duration``: whole days as on a calendar, the rest as time passes."""
    back = duration < timedelta()
    days, rest = abs(duration) // DAY, abs(duration) % DAY
    moved = date + (-days if back else days) * DAY
    moved = moved.replace(fold=0 if days else date.fold)
    return shown_at(moment_of(moved, zone) + (-rest if back else rest), zone) if rest else moved


def between(end: datetime, start: datetime, zone: str) -> timedelta:
    """``end - start``: as many whole days as there are, and the time beyond them."""
    first, last = moment_of(start, zone), moment_of(end, zone)
    if last < first:
        return -between(start, end, zone)
    days = max((end.replace(fold=0) - start.replace(fold=0)) // DAY, 0)
    begun = first
    while days > 0:
        begun = moment_of((start + days * DAY).replace(fold=0), zone)
        if begun <= last:
            break
        days, begun = days - 1, first
    return days * DAY + (last - begun)


def is_before(left: datetime, right: datetime, zone: str) -> bool:
    return moment_of(left, zone) < moment_of(right, zone) if abs(left - right) < 2 * DAY else left < right


# -- spans of the calendar ----------------------------------------------------------------------------------------------


def same_span(span: str, one: datetime, other: datetime) -> bool:
    match span:
        case "day":
            return one.date() == other.date()
        case "week":
            return one.isocalendar()[:2] == other.isocalendar()[:2]
        case "month":
            return (one.year, one.month) == (other.year, other.month)
        case "quarter":
            return (one.year, (one.month - 1) // 3) == (other.year, (other.month - 1) // 3)
    return one.year == other.year


def edge(span: str, date: datetime, step: timedelta) -> datetime:
    """Midnight of the last day of a span that is reached day by day."""
    day = datetime(date.year, date.month, date.day)
    try:
        while same_span(span, day + step, day):
            day += step
    except OverflowError:
        pass
    return day


def counted_months(start: datetime, end: datetime) -> int:
    if end < start:
        return -counted_months(end, start)
    count = (end.year - start.year) * 12 + end.month - start.month
    while count > 0 and months_later(start, count) > end:
        count -= 1
    return count


def workdays(start: datetime, end: datetime) -> int:
    first, last = start.toordinal(), end.toordinal()
    if last < first:
        return -workdays(end, start)
    whole = (last - first) // 7
    return whole * 5 + sum(datetime.fromordinal(day).weekday() < 5 for day in range(first + 1 + whole * 7, last + 1))


def workday(count: Number, date: datetime) -> datetime:
    if count.value.denominator != 1 or count.value < 0:
        raise Failure("value", f"{count} is no number of whole days.")
    left, moved = int(count.value), date
    try:
        moved, left = date + timedelta(weeks=max(left // 5 - 1, 0)), left - max(left // 5 - 1, 0) * 5
        while left:
            moved += DAY
            left -= moved.weekday() < 5
    except OverflowError:
        raise Failure("value", NOT_EXACT) from None
    return moved


def zoned(zone: str) -> str:
    """The name of a zone; fails where there is none."""
    try:
        return zone if zone and ZoneInfo(zone) else ""
    except (ValueError, OSError, KeyError):
        message = f'There is no time zone "{zone}". Zones have names such as "Europe/Berlin" or "UTC".'
        raise Failure("value", message) from None


def there(date: datetime, place: str, here: str) -> datetime:
    try:
        return shown_at(moment_of(date, here), zoned(place))
    except OverflowError:
        raise Failure("value", NOT_EXACT) from None


# -- reading ------------------------------------------------------------------------------------------------------------

NAMED = {
    name: number
    for names in (
        "january february march april may june july august september october november december",
        "januar februar märz april mai juni juli august september oktober november dezember",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    )
    for number, name in enumerate(names.split(), 1)
}
BEGINNINGS: dict[str, int] = {}
for _name, _number in NAMED.items():
    BEGINNINGS.setdefault(_name[:3], _number)
CLOCK = r"(?:[ \t]*[T,]?[ \t]*(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:\.\d+)?)?(?!\d))?"
WRITTEN = (
    r"(?<!\d)(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?!\d)",
    r"(?<!\d)(?P<d>\d{1,2})\.[ ]?(?P<m>\d{1,2})\.[ ]?(?P<y>\d{4}|\d{2})(?!\d)",
    r"(?<!\d)(?P<d>\d{1,2})(?:\.|st|nd|rd|th)?[ \t-](?:de[ \t])?(?P<n>[^\W\d_]{3,10})\.?,?[ \t-](?:de[ \t])?(?P<y>\d{4})(?!\d)",
    r"(?P<n>[^\W\d_]{3,10})\.?[ \t](?P<d>\d{1,2})(?:st|nd|rd|th)?,?[ \t](?P<y>\d{4})(?!\d)",
    r"(?<!\d)(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})(?!\d)",
)


def first_date(text: str) -> datetime | None:
    """The date that begins first in a text; of those that begin at one place, by the order of ``WRITTEN``."""
    found: list[tuple[int, int, datetime]] = []
    for rank, form in enumerate(WRITTEN):
        for match in re.finditer(form + CLOCK, text):
            date = read(match.groupdict(), slashed=rank == 4)
            if date is not None:
                found.append((match.start(), rank, date))
                break
    return min(found)[2] if found else MISSING


def read(parts: dict[str, str | None], slashed: bool) -> datetime | None:
    year, day, month = int(parts["y"] or 0), int(parts["d"] or 0), month_of(parts)
    if len(parts["y"] or "") == 2:
        year += 2000 if year < 70 else 1900
    if slashed and day <= 12 and day != month:
        if month <= 12:
            return None
        day, month = month, day
    try:
        return datetime(year, month, day, *(int(parts[part] or 0) for part in "HMS"))
    except ValueError:
        return None


def month_of(parts: dict[str, str | None]) -> int:
    name = (parts.get("n") or "").lower()
    if not name:
        return int(parts["m"] or 0)
    return NAMED.get(name) or (BEGINNINGS.get(name[:3], 0) if len(name) <= 4 else 0)


def date_after(label: str, text: str) -> datetime | None:
    return first_date(text[text.index(label) + len(label) :]) if label in text else MISSING


def date_like(text: str, form: str) -> datetime | None:
    """The date that a whole text is, read piece by piece as a form says."""
    codes = re.findall(r"%(.)", form)
    if len(set(codes)) != len(codes) or not set(codes) <= set("YmdyHMS"):
        raise Failure("value", f'"{form}" is no form of a date. Write, for example, "%d/%m/%Y".')
    digits = {"Y": r"\d{4}", "y": r"\d{2}"} | dict.fromkeys("mdHMS", r"\d{1,2}")
    pattern = "".join(
        f"(?P<{piece[1]}>{digits[piece[1]]})" if piece[:1] == "%" else re.escape(piece)
        for piece in re.findall(r"%.|[^%]+|%", form)
    )
    match = re.fullmatch(pattern, text.strip())
    if match is None:
        return MISSING
    found = match.groupdict()
    if "Y" in found:
        year = int(found["Y"])
    else:
        year = int(found.get("y") or 0) + (0 if "y" not in found else 2000 if int(found["y"]) < 70 else 1900)
    try:
        return datetime(
            year, int(found.get("m") or 1), int(found.get("d") or 1), *(int(found.get(c) or 0) for c in "HMS")
        )
    except ValueError:
        return None


# -- what is declared ---------------------------------------------------------------------------------------------------

OF_DATE: dict[str, Callable[[datetime], Any]] = {
    "year": lambda date: Number(date.year),
    "quarter": lambda date: Number(1 + (date.month - 1) // 3),
    "month": lambda date: Number(date.month),
    "week": lambda date: Number(date.isocalendar().week),
    "day": lambda date: Number(date.day),
    "hour": lambda date: Number(date.hour),
    "minute": lambda date: Number(date.minute),
    "weekday": lambda date: DAYS[date.toordinal() % 7 - 1].lower(),
    "time": lambda date: time(date.hour, date.minute, date.second, date.microsecond),
}
OF_TIME: dict[str, Callable[[time], Any]] = {
    "hour": lambda clock: Number(clock.hour),
    "minute": lambda clock: Number(clock.minute),
}
OF_DURATION = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}
"""How many seconds each is."""


def whole(name: str, duration: timedelta) -> Number:
    """How many whole days, hours, ... a duration is, counted down to zero from either side."""
    microseconds = abs(duration) // timedelta(microseconds=1)
    count = microseconds // 10**6 // OF_DURATION[name]
    return Number(-count if duration < timedelta() else count)


def functions(zone: str) -> dict[tuple[str, tuple[str, ...]], Callable[..., Any]]:
    """The functions of dates, for a run in a zone."""
    return {
        ("start", ("of", "of")): lambda span, date: edge(span, date, -DAY),
        ("end", ("of", "of")): lambda span, date: edge(span, date, DAY),
        ("days", ("after", "before")): lambda start, end: Number(end.toordinal() - start.toordinal()),
        ("months", ("after", "before")): lambda start, end: Number(counted_months(start, end)),
        ("years", ("after", "before")): lambda start, end: Number(int(counted_months(start, end) / 12)),
        ("workdays", ("after", "before")): lambda start, end: Number(workdays(start, end)),
        ("workday", ("of", "after")): workday,
        ("date", ("in",)): first_date,
        ("date", ("after", "in")): date_after,
        ("date", ("of", "in")): date_like,
        ("time", ("of", "in")): lambda date, place: there(date, place, zone).time().replace(fold=0),
        ("day", ("of", "in")): lambda date, place: edge("day", there(date, place, zone), DAY),
        ("moment", ("of", "in")): lambda date, place: there(date, zone, zoned(place)) if zone else date,
    }
