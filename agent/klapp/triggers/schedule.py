"""When the plans of ``every`` and ``cron`` strike next, in a time zone with daylight saving.

A wall-clock time that a night skips strikes at the first moment behind the gap; one that a night has twice strikes the
first time only. So no run is dropped, and none is doubled.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from klr.schedules import Cron, Every, Monthly, Schedule, Weekly

FARTHEST = timedelta(days=366 * 41)
"""Every plan that ever strikes does so within these: a 29th of February on one weekday, around a year such as 2100."""


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
            return _cron(schedule, moment, zone)


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


def _cron(schedule: Cron, moment: datetime, zone: tzinfo) -> datetime | None:
    """APScheduler's cron trigger finds the wall-clock times; which moment each of them is is decided as above.

    It is asked in a zone without daylight saving, for in others it doubles the hour that a night has twice; and with
    lists of numbers only, for its words and ranges mean other days than those of crontab(5).
    """
    wall = moment.astimezone(zone).replace(tzinfo=UTC) - timedelta(hours=3)
    triggers = _cron_triggers(schedule, wall + FARTHEST)
    while True:
        found = [at for trigger in triggers if (at := trigger.get_next_fire_time(None, wall)) is not None]
        if not found:
            return None
        struck = real(min(found).replace(tzinfo=None), zone)
        if struck > moment:
            return struck
        wall = min(found) + timedelta(seconds=1)


def _cron_triggers(schedule: Cron, end: datetime) -> list[Any]:
    """What strikes at the times of a cron line, until ``end``; two where a day counts that is in either of two lists."""
    from apscheduler.triggers.cron import CronTrigger

    def listed(numbers: tuple[int, ...]) -> str:
        return ",".join(map(str, numbers))

    hours = {"minute": listed(schedule.minutes), "hour": listed(schedule.hours), "month": listed(schedule.months)}
    days, weekdays = {"day": listed(schedule.days)}, {"day_of_week": listed(schedule.weekdays)}
    choices = [days, weekdays] if schedule.either_day else [days | weekdays]
    return [CronTrigger(**hours, **choice, second="0", end_date=end, timezone=UTC) for choice in choices]
