"""Plans of times, as data: what ``every`` and ``cron`` lines mean. When they strike is for whoever has a clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Literal, NamedTuple

from klr.formats import DAYS
from klr.runtime import show_duration

WEEKDAYS = {name.lower(): number for number, name in enumerate(DAYS)}
"""Monday is 0."""
ALL_DAYS, WORKING_DAYS = tuple(range(7)), tuple(range(5))
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}


@dataclass(frozen=True, slots=True)
class Every:
    """Again and again after the same time span, at least one minute, counted from midnight; on ``days`` of the week."""

    interval: timedelta
    days: tuple[int, ...] = ALL_DAYS

    def describe(self) -> str:
        """The plan in words."""
        on = "" if self.days == ALL_DAYS else f" on {_week(self.days)}"
        return f"every {show_duration(self.interval)}{on}"


@dataclass(frozen=True, slots=True)
class Weekly:
    """On these days of the week (0 is Monday), at these times, both sorted."""

    days: tuple[int, ...]
    times: tuple[time, ...]

    def describe(self) -> str:
        """The plan in words."""
        return f"every {_week(self.days)} at {_clock(self.times)}"


class Nth(NamedTuple):
    """The first, second, third, fourth (1 to 4) or last (-1) of a weekday in a month."""

    number: int
    weekday: int


MonthDay = int | Literal["last"] | Nth
"""A day of a month by number; one that a month does not have is its last day."""


@dataclass(frozen=True, slots=True)
class Monthly:
    """On these days of each month, at these times."""

    days: tuple[MonthDay, ...]
    times: tuple[time, ...]

    def describe(self) -> str:
        """The plan in words."""
        return f"every month on {', '.join(map(_day, self.days))} at {_clock(self.times)}"


@dataclass(frozen=True, slots=True)
class Yearly:
    """On these days of each year, each (month, day), at these times. The 29th of February is the 28th in other years."""

    days: tuple[tuple[int, int], ...]
    times: tuple[time, ...]

    def describe(self) -> str:
        """The plan in words."""
        days = ", ".join(f"{day} {MONTHS[month - 1]}" for month, day in self.days)
        return f"every year on {days} at {_clock(self.times)}"


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron line, as ``parse_cron`` reads it.

    Attributes:
        text: the line as written, its fields one space apart.
        minutes, hours, days, months, weekdays: the numbers that each field stands for, sorted; Monday is weekday 0.
        either_day: a day counts where ``days`` or ``weekdays`` has it, rather than both: so it is in crontab(5) for a
            line that limits both.
    """

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either_day: bool

    def describe(self) -> str:
        """The plan in words."""
        return f"at the times of `{self.text}`"


Schedule = Every | Weekly | Monthly | Yearly | Cron

_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate((month[:3] for month in MONTHS), 1)}),
    ("day of week", 0, 7, {name[:3].lower(): number for number, name in enumerate(DAYS, 1)}),
)
"""The name of each field, its lowest and highest number, and the words for some. 0 and 7 are both Sunday."""
_ITEM = re.compile(r"(?:\*|(?P<first>[0-9a-z]{1,4})(?:-(?P<last>[0-9a-z]{1,4}))?)(?:/(?P<step>[0-9]{1,4}))?")


def parse_cron(text: str) -> Cron:
    """Read a cron line of five fields, as in crontab(5); raises ValueError with a sentence that names what is wrong."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(
            f"A cron line has five fields (minute, hour, day, month, weekday), and this one has {len(fields)}."
        )
    minutes, hours, days, months, weekdays = (
        _numbers(written, *field) for written, field in zip(fields, _FIELDS, strict=True)
    )
    return Cron(
        " ".join(fields),
        minutes,
        hours,
        days,
        months,
        tuple(sorted({(day - 1) % 7 for day in weekdays})),
        either_day=not fields[2].startswith("*") and not fields[4].startswith("*"),
    )


def _numbers(written: str, name: str, lowest: int, highest: int, words: dict[str, int]) -> tuple[int, ...]:
    """The numbers that a field stands for, sorted."""
    found: set[int] = set()
    for item in written.lower().split(","):
        match = _ITEM.fullmatch(item)
        first, last, step = match.group("first", "last", "step") if match else ("", "", "")
        if first is None:
            low, high = lowest, highest
        else:
            low, high = (_number(end, lowest, highest, words) for end in (first, last or first))
        if not match or low < 0 or high < 0 or (step and (int(step) == 0 or (first and not last))):
            raise ValueError(f"`{written}` is no {name}: it goes from {lowest} to {highest}.")
        if low > high and first == "sun":
            low = 0
        if low > high:
            named = {number: word for word, number in words.items()}
            end, start = named.get(highest, highest), named.get(min(named, default=lowest), lowest)
            parts = f"{first}-{end},{start}-{last}"
            raise ValueError(f"`{item}` runs backwards, so it is no {name}. Write `{parts}`.")
        found.update(range(low, high + 1, int(step or 1)))
    return tuple(sorted(found))


def _number(end: str, lowest: int, highest: int, words: dict[str, int]) -> int:
    """The number that one end of a range stands for; -1 for none."""
    number = words.get(end, int(end) if end.isdecimal() else -1)
    return number if lowest <= number <= highest else -1


def _week(days: tuple[int, ...]) -> str:
    if days == ALL_DAYS:
        return "day"
    return "weekday" if days == WORKING_DAYS else ", ".join(DAYS[day] for day in days)


def _day(day: MonthDay) -> str:
    if isinstance(day, Nth):
        return f"the {next(word for word, number in ORDINALS.items() if number == day.number)} {DAYS[day.weekday]}"
    return "the last day" if day == "last" else f"day {day}"


def _clock(times: tuple[time, ...]) -> str:
    return ", ".join(f"{moment:%H:%M}" for moment in times)
