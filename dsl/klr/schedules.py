"""Plans of times, as data: what ``every`` and ``cron`` lines mean. When they strike is for whoever has a clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Literal

from klr.runtime import DAYS, show_duration

WEEKDAYS = {name.lower(): number for number, name in enumerate(DAYS)}
"""Monday is 0."""


@dataclass(frozen=True, slots=True)
class Every:
    """Again and again after the same time span, at least one minute, counted from midnight."""

    interval: timedelta

    def describe(self) -> str:
        """The plan in words."""
        return f"every {show_duration(self.interval)}"


@dataclass(frozen=True, slots=True)
class Weekly:
    """On these days of the week (0 is Monday), at these times, both sorted."""

    days: tuple[int, ...]
    times: tuple[time, ...]

    def describe(self) -> str:
        """The plan in words."""
        if self.days == tuple(range(7)):
            days = "day"
        elif self.days == tuple(range(5)):
            days = "weekday"
        else:
            days = ", ".join(DAYS[day] for day in self.days)
        return f"every {days} at {_clock(self.times)}"


@dataclass(frozen=True, slots=True)
class Monthly:
    """On one day of each month, at these times. A day that a month does not have is its last day."""

    day: int | Literal["last"]
    times: tuple[time, ...]

    def describe(self) -> str:
        """The plan in words."""
        day = "the last day" if self.day == "last" else f"day {self.day}"
        return f"every month on {day} at {_clock(self.times)}"


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields as in crontab(5): minute, hour, day of month, month, day of week (0 and 7 are Sunday)."""

    text: str

    def describe(self) -> str:
        """The plan in words."""
        return f"at the times of `{self.text}`"


Schedule = Every | Weekly | Monthly | Cron

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))
_NAMES = {
    "month": dict(
        zip(
            ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
            range(1, 13),
            strict=True,
        )
    ),
    "day of week": dict(zip(["sun", "mon", "tue", "wed", "thu", "fri", "sat"], range(7), strict=True)),
}
_ITEM = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?")


def parse_cron(text: str) -> Cron:
    """Check the five fields of a cron line; raises ValueError with a sentence that names the one that is wrong."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(
            f"A cron line has five fields (minute, hour, day, month, weekday), and this one has {len(fields)}."
        )
    for written, (name, lowest, highest) in zip(fields, _FIELDS, strict=True):
        for item in written.lower().split(","):
            if not _fits(item, name, lowest, highest):
                raise ValueError(f"`{written}` is no {name}: it goes from {lowest} to {highest}.")
    return Cron(" ".join(fields))


def _fits(item: str, name: str, lowest: int, highest: int) -> bool:
    match = _ITEM.fullmatch(item)
    if not match:
        return False
    first, last, step = match.groups()
    if first == "*":
        return last is None and (step is None or int(step) > 0)
    ends = [_NAMES.get(name, {}).get(end, end) for end in (first, last) if end is not None]
    if not all(str(end).isdecimal() and lowest <= int(end) <= highest for end in ends):
        return False
    return int(ends[0]) <= int(ends[-1]) and (step is None or (int(step) > 0 and last is not None))


def _clock(times: tuple[time, ...]) -> str:
    return ", ".join(f"{moment:%H:%M}" for moment in times)
