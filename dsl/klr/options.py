"""Checks how a rule starts: the options behind its trigger, such as ``between 09:00 and 18:00``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from klr import syntax as s
from klr.diagnostics import Diagnostic, Edit, did_you_mean, instead, listing
from klr.program import Options
from klr.schedules import Every, Schedule

OF_CLOCK = frozenset(("between", "at most", "retry", "within", "catch up", "in time zone"))
"""The options of ``every`` and ``cron``; those of the other triggers are in their declarations."""
EXCESS = ("queue", "skip", "restart")
CATCH_UP = ("once", "all", "never")
EXAMPLES = {
    "between": "between 09:00 and 18:00",
    "at most": "at most 1 at a time else skip",
    "once quiet": "once quiet for 10 seconds",
    "retry": "retry 3 times after 1 minute",
    "within": "within 5 minutes",
    "catch up": "catch up once",
    "in time zone": 'in time zone "Europe/Berlin"',
}
"""Every option, by its first words, as it is written."""
MOST_AT_A_TIME, MOST_RETRIES = 16, 20
LONGEST = timedelta(days=1)


class OptionsOf:
    """Checks the options of one rule; findings go to ``diagnostics``.

    ``taken`` are the options that its trigger takes, ``schedule`` is its plan of times, if it has one; ``phrase`` says
    what it is to a person.
    """

    def __init__(
        self, phrase: str, taken: frozenset[str], schedule: Schedule | None, diagnostics: list[Diagnostic]
    ) -> None:
        self.phrase = phrase
        self.taken = taken
        self.schedule = schedule
        self.diagnostics = diagnostics

    def error(self, message: str, node: s.Node, help: str = "", repair: tuple[Edit, ...] = ()) -> None:
        """Record a finding about an option."""
        self.diagnostics.append(Diagnostic("K507", message, node.span, help, repair))

    def of(self, lines: Sequence[s.Option]) -> Options:
        """The options as data: those that are right, and the usual ones for the rest."""
        options = Options()
        seen: set[str] = set()
        for line in lines:
            if line.kind not in self.taken:
                self._misplaced(line)
            elif line.kind in seen:
                self.error(f"There are two `{line.kind}` here.", line, "Keep one of them.")
            elif (found := getattr(self, "_" + line.kind.replace(" ", "_"))(line, *line.values)) is not None:
                options = replace(options, **found)
            seen.add(line.kind)
        if options.zone and not self.schedule and not options.window:
            zone = next(line for line in lines if line.kind == "in time zone")
            self.error("There is no time here that a zone could be of.", zone, "Remove it, or add `between`.")
        return options

    def _misplaced(self, line: s.Option) -> None:
        known = [f"`{EXAMPLES[kind]}`" for kind in EXAMPLES if kind in self.taken]
        help = f"It takes {', '.join(known[:-1])}{' or ' if known[1:] else ''}{known[-1]}." if known else ""
        self.error(f"`{self.phrase}` takes no `{line.kind}`.", line, help)

    # -- each option --------------------------------------------------------------------------------------------------

    def _between(self, line: s.Option, first: s.Literal, last: s.Literal) -> dict[str, Any] | None:
        if first.value == last.value:
            self.error(
                "From a time to the same time is no time at all.", line, f"For example: `{EXAMPLES['between']}`."
            )
            return None
        times = getattr(self.schedule, "times", ())
        outside = [time for time in times if not inside(time, (first.value, last.value))]
        if outside:
            self.error(
                f"{outside[0]:%H:%M} is not between these times, so it never comes.", line, "Change one of them."
            )
            return None
        if isinstance(self.schedule, Every) and self.schedule.interval >= LONGEST:
            self.error("What comes once a day or less has one time.", line, "Write, for example, `every day at 09:00`.")
            return None
        return {"window": (first.value, last.value)}

    def _at_most(self, line: s.Option, number: s.Literal, otherwise: str = "queue") -> dict[str, Any] | None:
        if number.value != int(number.value) or not 1 <= number.value <= MOST_AT_A_TIME:
            self.error(f"A rule runs 1 to {MOST_AT_A_TIME} times at a time.", line, "Write a whole number.")
            return None
        if otherwise not in EXCESS:
            help = did_you_mean(otherwise, EXCESS) or f"Behind `else` stands {listing(EXCESS)}."
            self.error(f"A rule can not `{otherwise}`.", line, help, instead(line.span, otherwise, EXCESS))
            return None
        return {"most": int(number.value), "excess": otherwise}

    def _once_quiet(self, line: s.Option, time: s.Literal) -> dict[str, Any] | None:
        return {"quiet": time.value} if self._is_short(line, time) else None

    def _retry(self, line: s.Option, number: s.Literal, after: s.Literal) -> dict[str, Any] | None:
        if number.value != int(number.value) or not 1 <= number.value <= MOST_RETRIES:
            self.error(f"A run is tried again 1 to {MOST_RETRIES} times.", line, "Write a whole number.")
            return None
        return {"retries": int(number.value), "retry_after": after.value} if self._is_short(line, after) else None

    def _within(self, line: s.Option, time: s.Literal) -> dict[str, Any] | None:
        if isinstance(self.schedule, Every) and time.value >= self.schedule.interval:
            self.error("One start would meet the next.", line, "Write a time shorter than the rule's own.")
            return None
        return {"jitter": time.value} if self._is_short(line, time) else None

    def _catch_up(self, line: s.Option, word: str) -> dict[str, Any] | None:
        if word not in CATCH_UP:
            help = did_you_mean(word, CATCH_UP) or "Write `catch up once`, `catch up all` or `never catch up`."
            self.error(f"klapp can not catch up `{word}`.", line, help, instead(line.span, word, CATCH_UP))
            return None
        return {"catch_up": word}

    def _in_time_zone(self, line: s.Option, zone: s.Template) -> dict[str, Any] | None:
        from zoneinfo import ZoneInfo, available_timezones

        name = zone.constant or ""
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
            known = available_timezones()
            help = did_you_mean(name, known) or "Zones are named after cities: Europe/Berlin, America/New_York."
            self.error(f"There is no time zone `{name}`.", zone, help, instead(zone.span, name, known))
            return None
        return {"zone": name}

    def _is_short(self, line: s.Option, time: s.Literal) -> bool:
        if timedelta() < time.value <= LONGEST:
            return True
        self.error("This is a time of up to a day.", line, f"For example: `{EXAMPLES[line.kind]}`.")
        return False


def inside(moment: Any, window: tuple[Any, Any]) -> bool:
    """Whether a time of day is within a window, both ends included; a window can go over midnight."""
    first, last = window
    return bool(first <= moment <= last if first <= last else moment >= first or moment <= last)
