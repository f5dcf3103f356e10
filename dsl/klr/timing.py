"""Checks ``every`` and ``cron`` lines, and turns them into plans of times."""

from __future__ import annotations

from datetime import time, timedelta

from klr import syntax as s
from klr.diagnostics import Diagnostic, Edit, did_you_mean, instead, listing
from klr.schedules import (
    ALL_DAYS,
    MONTHS,
    ORDINALS,
    WEEKDAYS,
    WORKING_DAYS,
    Every,
    MonthDay,
    Monthly,
    Nth,
    Schedule,
    Weekly,
    Yearly,
    parse_cron,
)
from klr.source import Span
from klr.synonyms import DAYS

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=3653)
GROUPS = {"day": ALL_DAYS, "weekday": WORKING_DAYS, "weekend": (5, 6)}
INTERVALS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Timing:
    """Checks plans of times; findings go to ``diagnostics``."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics

    def error(self, message: str, span: Span, help: str = "", repair: tuple[Edit, ...] = ()) -> None:
        """Record a finding about an ``every`` line."""
        self.diagnostics.append(Diagnostic("K503", message, span, help, repair))

    def of(self, trigger: s.Every | s.Cron) -> Schedule | None:
        """The plan of a line, or None where it is wrong."""
        return self._cron(trigger) if isinstance(trigger, s.Cron) else self._every(trigger)

    def _cron(self, cron: s.Cron) -> Schedule | None:
        try:
            return parse_cron(cron.text.constant or "")
        except ValueError as error:
            help = 'For example: `cron "30 16 * * 5"` for Fridays at 16:30.'
            self.diagnostics.append(Diagnostic("K504", str(error), cron.text.span, help))
            return None

    def _every(self, every: s.Every) -> Schedule | None:
        times = tuple(sorted({literal.value for literal in every.times}))
        if isinstance(every.what, s.Literal):
            return self._interval(every, every.what.value)
        if len(every.what) == 1 and every.what[0] in INTERVALS and not times:
            return self._interval(every, INTERVALS[every.what[0]])
        if every.what in (("month",), ("year",)):
            days = [
                self._month_day(every, day) if every.what == ("month",) else self._date(every, day)
                for day in every.days
            ]
            if not days:
                example = "`on 15` or `on last friday`" if every.what == ("month",) else "`on 24 december`"
                self.error(f"`every {every.what[0]}` does not say on which day.", every.span, f"Write {example}.")
            if not days or None in days or not self._has_times(every, times):
                return None
            # Each is of the kind that belongs to the word; the order is that of the text.
            return Monthly(tuple(days), times) if every.what == ("month",) else Yearly(tuple(days), times)  # type: ignore[arg-type]
        return self._weekly(every, times)

    def _interval(self, every: s.Every, interval: timedelta) -> Schedule | None:
        if interval < SHORTEST:
            self.error("A rule runs at most once a minute.", every.span, "Write `every 1 minute` or longer.")
            return None
        if interval > LONGEST:
            self.error("A rule that waits longer than ten years never runs.", every.span, "Write a shorter time.")
            return None
        if not every.days:
            return Every(interval)
        days = self._days(every, [" ".join(day) for day in every.days])
        return Every(interval, days) if days else None

    def _days(self, every: s.Every, words: list[str]) -> tuple[int, ...]:
        """The days of the week that words stand for, sorted; none where one of them is no such word."""
        days: set[int] = set()
        for word in words:
            if word not in GROUPS and word not in WEEKDAYS:
                known = [*GROUPS, *WEEKDAYS, *INTERVALS, "month", "year"]
                help = (
                    did_you_mean(word, known, DAYS)
                    or f"After `every` stands a time span such as `15 minutes`, or {listing(known)}."
                )
                self.error(
                    f"klapp does not know a day called `{word}`.",
                    every.span,
                    help,
                    instead(every.span, word, known, DAYS),
                )
                return ()
            days.update(GROUPS.get(word) or (WEEKDAYS[word],))
        return tuple(sorted(days))

    def _weekly(self, every: s.Every, times: tuple[time, ...]) -> Schedule | None:
        assert not isinstance(every.what, s.Literal)
        days = self._days(every, list(every.what))
        if not days:
            return None
        if every.days:
            help = "For example: `every month on last day at 18:00`."
            self.error("Only a month, a year or a time span takes `on` a day.", every.span, help)
            return None
        return Weekly(days, times) if self._has_times(every, times) else None

    def _month_day(self, every: s.Every, words: tuple[str, ...]) -> MonthDay | None:
        """``15``, ``last day``, ``first monday``."""
        match words:
            case ("last", "day"):
                return "last"
            case (str(number),) if number.isdecimal() and 1 <= int(number) <= 31:
                return int(number)
            case (ordinal, weekday) if ordinal in ORDINALS and weekday in WEEKDAYS:
                return Nth(ORDINALS[ordinal], WEEKDAYS[weekday])
        written = " ".join(words)
        known = [*(f"{word} {day}" for word in ORDINALS for day in WEEKDAYS), "last day"]
        help = did_you_mean(written, known) or "Write `on 15`, `on last day` or `on first monday`."
        self.error(f"`{written}` is no day of a month.", every.span, help, instead(every.span, written, known))
        return None

    def _date(self, every: s.Every, words: tuple[str, ...]) -> tuple[int, int] | None:
        """``24 december``, as (month, day)."""
        match words:
            case (number, month) if number.isdecimal() and month in MONTHS:
                if 1 <= int(number) <= _LENGTHS[MONTHS.index(month)]:
                    return MONTHS.index(month) + 1, int(number)
        written = " ".join(words)
        help, repair = "", tuple[Edit, ...]()
        if words[-1] not in MONTHS:
            help, repair = did_you_mean(words[-1], MONTHS), instead(every.span, words[-1], MONTHS)
        help = help or "Write, for example, `every year on 24 december at 09:00`."
        self.error(f"`{written}` is no day of a year.", every.span, help, repair)
        return None

    def _has_times(self, every: s.Every, times: tuple[time, ...]) -> bool:
        if not times:
            words = ", ".join(every.what) if isinstance(every.what, tuple) else every.what.written
            on = f" on {', '.join(map(' '.join, every.days))}" if every.days else ""
            self.error("This does not say at what time.", every.span, f"For example: `every {words}{on} at 09:00`.")
        return bool(times)
