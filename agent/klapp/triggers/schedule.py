"""When the plans of ``every`` and ``cron`` strike next, in a time zone with daylight saving.

A wall-clock time that a night skips strikes at the first moment behind the gap; one that a night has twice strikes the
first time only. So no run is dropped, and none is doubled.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache

from klr.options import inside
from klr.schedules import ALL_DAYS, Cron, Every, Monthly, Nth, Schedule, Weekly, Yearly

Window = tuple[time, time]
"""From when to when on a day, both included; over midnight where the second is the earlier one."""

FARTHEST = timedelta(days=366 * 41)
"""Every plan that ever strikes does so within these: a 29th of February on one weekday, around a year such as 2100."""


def next_after(schedule: Schedule, moment: datetime, zone: tzinfo, window: Window | None = None) -> datetime | None:
    """The first moment after ``moment`` (aware) at which the plan strikes, aware and in ``zone``; None for never.

    With a ``window``, only moments within it count; a time span is counted from its beginning each day then.
    """
    match schedule:
        case Every():
            if window:
                return _interval_within(schedule, moment, zone, window)
            return _interval_on(schedule, moment, zone)
        case Weekly():
            days = set(schedule.days)
            return _first(schedule.times, moment, zone, lambda date: date.weekday() in days)
        case Monthly():
            return _first(schedule.times, moment, zone, lambda date: _is_day_of_month(schedule, date))
        case Yearly():
            return _first(schedule.times, moment, zone, lambda date: _is_day_of_year(schedule, date))
        case Cron():
            return _cron_within(schedule, moment, zone, window)


def opens(moment: datetime, zone: tzinfo, window: Window) -> datetime:
    """The moment itself, where it is within a window, or the next at which the window opens."""
    here = moment.astimezone(zone)
    if inside(here.time().replace(second=0, microsecond=0), window):
        return moment
    day = datetime(here.year, here.month, here.day)
    starts = (real(_at(day + timedelta(days=later), window[0]), zone) for later in (0, 1, 2))
    return next(start for start in starts if start > moment)


def _interval(interval: timedelta, moment: datetime, zone: tzinfo) -> datetime:
    """Counted in real time from a fixed midnight, so that a change of the clocks neither stretches nor shortens it."""
    origin = datetime(2024, 1, 1, tzinfo=zone).astimezone(UTC)
    passed = (moment.astimezone(UTC) - origin) // interval
    return (origin + (passed + 1) * interval).astimezone(zone)


def _interval_on(schedule: Every, moment: datetime, zone: tzinfo) -> datetime | None:
    """As ``_interval``, on the days of the week that count."""
    end = moment + FARTHEST
    while moment < end:
        found = _interval(schedule.interval, moment, zone)
        if schedule.days == ALL_DAYS or found.weekday() in schedule.days:
            return found
        following = datetime(found.year, found.month, found.day) + timedelta(days=1)
        moment = max(found, real(following, zone) - timedelta(microseconds=1))
    return None


def _interval_within(schedule: Every, moment: datetime, zone: tzinfo, window: Window) -> datetime | None:
    """The time span again and again from the beginning of a window to its end, on each day that counts."""
    first, last = window
    here = moment.astimezone(zone)
    for later in range(-1, 15):
        day = datetime(here.year, here.month, here.day) + timedelta(days=later)
        if day.weekday() not in schedule.days:
            continue
        start = real(_at(day, first), zone).astimezone(UTC)
        end = real(_at(day + timedelta(days=last < first), last), zone)
        passed = max(0, (moment.astimezone(UTC) - start) // schedule.interval + 1)
        found = start + passed * schedule.interval
        if found <= end:
            return found.astimezone(zone)
    return None


def _at(day: datetime, clock: time) -> datetime:
    return day.replace(hour=clock.hour, minute=clock.minute, second=clock.second)


def _last_day(date: datetime) -> int:
    return monthrange(date.year, date.month)[1]


def _is_day_of_month(schedule: Monthly, date: datetime) -> bool:
    last = _last_day(date)
    for day in schedule.days:
        if isinstance(day, Nth):
            counted = (date.day - 1) // 7 + 1 == day.number or (day.number == -1 and date.day > last - 7)
            if counted and date.weekday() == day.weekday:
                return True
        elif date.day == (last if day == "last" else min(day, last)):
            return True
    return False


def _is_day_of_year(schedule: Yearly, date: datetime) -> bool:
    return any(date.month == month and date.day == min(day, _last_day(date)) for month, day in schedule.days)


def _first(
    times: Sequence[time], moment: datetime, zone: tzinfo, falls_on: Callable[[datetime], bool]
) -> datetime | None:
    """The first of these times (sorted) on a day that counts, after a moment."""
    here = moment.astimezone(zone)
    day = datetime(here.year, here.month, here.day) - timedelta(days=1)
    end = day + FARTHEST
    while day < end:
        if falls_on(day):
            # Later times of the day are never earlier moments, whatever the clocks do.
            index = bisect_right(times, moment, key=lambda clock: real(_at(day, clock), zone))
            if index < len(times):
                return real(_at(day, times[index]), zone)
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


def _cron_within(schedule: Cron, moment: datetime, zone: tzinfo, window: Window | None) -> datetime | None:
    end = moment + FARTHEST
    while (found := _cron(schedule, moment, zone)) is not None and found < end:
        if window is None or (opened := opens(found, zone, window)) == found:
            return found
        moment = opened - timedelta(seconds=1)
    return None


def _cron(schedule: Cron, moment: datetime, zone: tzinfo) -> datetime | None:
    days, weekdays, months = set(schedule.days), set(schedule.weekdays), set(schedule.months)

    def falls_on(date: datetime) -> bool:
        if date.month not in months:
            return False
        in_month, in_week = date.day in days, date.weekday() in weekdays
        return in_month or in_week if schedule.either_day else in_month and in_week

    return _first(_times(schedule.hours, schedule.minutes), moment, zone, falls_on)


@lru_cache(maxsize=64)
def _times(hours: tuple[int, ...], minutes: tuple[int, ...]) -> tuple[time, ...]:
    return tuple(time(hour, minute) for hour in hours for minute in minutes)
