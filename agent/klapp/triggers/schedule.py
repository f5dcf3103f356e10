"""When the plans of ``every`` and ``cron`` strike next, in a time zone with daylight saving.

A wall-clock time that a night skips strikes at the first moment behind the gap; one that a night has twice strikes the
first time only. So no run is dropped, and none is doubled.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from klr.schedules import Cron, Every, Monthly, Schedule, Weekly

SUNDAY = 7
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FARTHEST = timedelta(days=366 * 9)


def next_after(schedule: Schedule, moment: datetime, zone: tzinfo) -> datetime | None:
    """The first moment after ``moment`` (aware) at which the plan strikes, aware and in ``zone``; None for never."""
    match schedule:
        case Every():
            return _interval(schedule.interval, moment, zone)
        case Weekly():
            days = set(schedule.days)
            return _first(schedule.times, moment, zone, lambda date: date.weekday() in days)
        case Monthly():
            return _first(schedule.times, moment, zone, lambda date: date.day == _day_of(schedule, date))
        case Cron():
            return _cron(schedule.text, moment, zone)


def _interval(interval: timedelta, moment: datetime, zone: tzinfo) -> datetime:
    """Counted in real time from a fixed midnight, so that a change of the clocks neither stretches nor shortens it."""
    origin = datetime(2024, 1, 1, tzinfo=zone).astimezone(UTC)
    passed = (moment.astimezone(UTC) - origin) // interval
    return (origin + (passed + 1) * interval).astimezone(zone)


def _day_of(schedule: Monthly, date: datetime) -> int:
    following = (date.replace(day=28) + timedelta(days=4)).replace(day=1)
    last = (following - timedelta(days=1)).day
    return last if schedule.day == "last" else min(schedule.day, last)


def _first(times: tuple[time, ...], moment: datetime, zone: tzinfo, falls_on: Any) -> datetime | None:
    here = moment.astimezone(zone)
    day = datetime(here.year, here.month, here.day) - timedelta(days=1)
    while day < datetime(here.year, here.month, here.day) + FARTHEST:
        if falls_on(day):
            struck = sorted(real(day.replace(hour=t.hour, minute=t.minute, second=t.second), zone) for t in times)
            for candidate in struck:
                if candidate > moment:
                    return candidate
        day += timedelta(days=1)
    return None


def real(wall: datetime, zone: tzinfo) -> datetime:
    """The moment of a wall-clock time: the first of two, or, for one that was skipped, the end of the gap."""
    first = wall.replace(tzinfo=zone, fold=0)
    back = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    if back == wall:
        return first
    # In a gap, fold=0 counts with the offset before it, so it lands just as far behind the gap's start as it was in it.
    offset_before, offset_after = first.utcoffset(), wall.replace(tzinfo=zone, fold=1).utcoffset()
    assert offset_before is not None
    assert offset_after is not None
    low, high = first.astimezone(UTC) - (offset_after - offset_before), first.astimezone(UTC)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == offset_before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0).astimezone(zone)


def _cron(text: str, moment: datetime, zone: tzinfo) -> datetime | None:
    """APScheduler's cron trigger finds the wall-clock time; which moment that is is decided as above.

    It is asked in a zone without daylight saving, for in others it doubles the hour that a night has twice.
    """
    from apscheduler.triggers.cron import CronTrigger

    minute, hour, day, month, weekday = text.lower().split()
    trigger: Any = CronTrigger(
        minute=minute, hour=hour, day=day, month=month, day_of_week=_weekdays(weekday), timezone=UTC
    )
    wall = moment.astimezone(zone).replace(tzinfo=UTC) - timedelta(hours=3)
    for _ in range(4000):
        found = trigger.get_next_fire_time(None, wall)
        if found is None:
            return None
        struck = real(found.replace(tzinfo=None), zone)
        if struck > moment:
            return struck
        wall = found + timedelta(seconds=1)
    return None


def _weekdays(field: str) -> str:
    """A cron weekday field (0 and 7 are Sunday) in APScheduler's words, a list of day names."""
    if field == "*":
        return field
    chosen: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        low, _, high = ("0-6" if span == "*" else span).partition("-")
        first, last = _number(low), _number(high or low)
        chosen.update(number % SUNDAY for number in range(first, last + 1, int(step or 1)))
    return ",".join(_DAYS[(number - 1) % SUNDAY] for number in sorted(chosen))


def _number(day: str) -> int:
    return int(day) if day.isdecimal() else (_DAYS.index(day) + 1) % SUNDAY
