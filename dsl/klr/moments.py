"""Exact arithmetic with dates: wall-clock moments of one time zone, which a run is given once and keeps.

A date is what the clock on the wall shows, so `today + 1 day` is tomorrow at midnight also when the clocks change in
between. What is shorter than a day is time that passes, so three hours after 23:00 are three hours, whatever the clocks
do. The hour that comes twice in autumn is told apart by ``datetime.fold`` (PEP 495); a moment in the hour that is left
out in spring is read with the offset before it. Without a zone (``""``) no clock ever changes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
_FAR = timedelta(hours=26)
"""No two readings of clocks of one zone that are this far apart are in another order than their moments."""


class NoZone(ValueError):
    """There is no time zone of that name."""


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo | None:
    """The rules of a zone by its IANA name; None for ``""``. Raises NoZone."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise NoZone(f'There is no time zone "{name}".') from error


def instant(date: datetime, zone: str) -> datetime:
    """The moment of a date as the clock in Greenwich shows it (UTC, naive)."""
    rules = zone_of(zone)
    if rules is None:
        return date.replace(fold=0)
    try:
        return date.replace(tzinfo=rules).astimezone(UTC).replace(tzinfo=None)
    except OverflowError:  # within hours of the first or last moment that a calendar holds
        return date.replace(fold=0)


def on_the_wall(moment: datetime, zone: str) -> datetime:
    """What the clock of a zone shows at a moment of UTC; the opposite of ``instant``."""
    rules = zone_of(zone)
    if rules is None:
        return moment
    return moment.replace(tzinfo=UTC).astimezone(rules).replace(tzinfo=None)


def later(date: datetime, duration: timedelta, zone: str) -> datetime:
    """``date + duration``: its whole days by the calendar, then what is left by time that passes. OverflowError."""
    sign = -1 if duration < timedelta() else 1
    days, rest = divmod(abs(duration), DAY)
    moved = date + sign * days * DAY
    if not rest:
        return moved.replace(fold=date.fold if not days else 0)
    if days:
        moved = moved.replace(fold=0)
    return on_the_wall(instant(moved, zone) + sign * rest, zone)


def between(end: datetime, start: datetime, zone: str) -> timedelta:
    """``end - start``: whole days by the calendar, and the time that passes beyond them.

    ``later(start, between(end, start))`` is ``end`` again, but for ends within the extra hour of a day of 25.
    """
    first, last = instant(start, zone), instant(end, zone)
    if last < first:
        return -between(start, end, zone)
    days = max((end.replace(fold=0) - start.replace(fold=0)) // DAY, 0)
    while days and instant(_moved(start, days), zone) > last:
        days -= 1
    begun = first if not days else instant(_moved(start, days), zone)
    return days * DAY + (last - begun)


def _moved(date: datetime, days: int) -> datetime:
    return (date + days * DAY).replace(fold=0)


def is_before(left: datetime, right: datetime, zone: str) -> bool:
    """Whether ``left`` is earlier, also within the hour that comes twice."""
    if zone and abs(left - right) < _FAR:
        return instant(left, zone) < instant(right, zone)
    return left < right


def elsewhere(date: datetime, there: str, zone: str) -> datetime:
    """What the clock in another zone shows at that moment. Raises NoZone."""
    return on_the_wall(instant(date, zone), there)
