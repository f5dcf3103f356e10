"""What starts a rule: checks ``when``, ``every`` and ``cron`` lines, and turns them into data."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

from klr import syntax as s
from klr.diagnostics import Diagnostic, Edit, did_you_mean, instead, listing
from klr.parser import MISSING
from klr.program import TriggerUse
from klr.proof import GlobError, glob, glob_component
from klr.schedules import WEEKDAYS, Every, Monthly, Schedule, Weekly, parse_cron
from klr.source import Span
from klr.types import PATH
from klr.vocabulary import Trigger, Vocabulary

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=3653)
GROUPS = {"day": tuple(range(7)), "weekday": tuple(range(5)), "weekend": (5, 6)}
INTERVALS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}


class Starts:
    """Checks triggers; findings go to ``diagnostics``."""

    def __init__(self, vocabulary: Vocabulary, diagnostics: list[Diagnostic]) -> None:
        self.vocabulary = vocabulary
        self.diagnostics = diagnostics

    def error(self, code: str, message: str, span: Span, help: str = "", repair: tuple[Edit, ...] = ()) -> None:
        """Record a finding."""
        self.diagnostics.append(Diagnostic(code, message, span, help, repair))

    def of(self, trigger: s.When | s.Every | s.Cron) -> tuple[TriggerUse | None, bool]:
        """(the trigger as data, or None where it is wrong; whether its rule has a ``file``)."""
        match trigger:
            case s.When():
                return self._when(trigger)
            case s.Cron():
                return self._use("cron", self._cron(trigger)), False
            case s.Every():
                return self._use("every", self._every(trigger)), False

    @staticmethod
    def _use(phrase: str, schedule: Schedule | None) -> TriggerUse | None:
        return TriggerUse(phrase, {"schedule": schedule}) if schedule else None

    def known(self, when: s.When) -> Trigger | None:
        """The declaration of a ``when`` line's phrase; an unknown one is reported."""
        phrase = " ".join(when.words)
        trigger = self.vocabulary.triggers.get(phrase)
        if trigger is None and phrase != MISSING:
            known = sorted(self.vocabulary.triggers)
            help = did_you_mean(phrase, known) or f"A rule can wait for {listing(known)}."
            repair = instead(when.span, phrase, known)
            self.error("K501", f"klapp can not wait for `{phrase}`.", when.span, help, repair)
        return trigger

    def _when(self, when: s.When) -> tuple[TriggerUse | None, bool]:
        trigger = self.known(when)
        if trigger is None:
            return None, "file" in when.words or MISSING in when.words
        found = len(self.diagnostics)
        values: dict[str, Any] = {}
        slots = {slot.word: slot for slot in trigger.slots}
        for word, value in when.slots:
            if word not in slots:
                self.error(
                    "K502",
                    f"`when {trigger.phrase}` takes no `{word}`.",
                    value.span,
                    f"For example: `{trigger.example}`.",
                )
            elif word in values:
                self.error("K502", f"There are two `{word}` here.", value.span, "Keep one of them.")
            elif not isinstance(value, s.Template) or value.constant is None:
                self.error(
                    "K309",
                    f"`{word}` takes a text without holes here.",
                    value.span,
                    f"For example: `{trigger.example}`.",
                )
            else:
                values[word] = self._pattern(value, slots[word].type == PATH)
        for slot in trigger.slots:
            if slot.required and slot.word not in values and found == len(self.diagnostics):
                self.error(
                    "K502",
                    f"`when {trigger.phrase}` does not say `{slot.word}` what.",
                    when.span,
                    f"For example: `{trigger.example}`.",
                )
        use = TriggerUse(trigger.phrase, values) if found == len(self.diagnostics) else None
        return use, trigger.gives_file

    def _pattern(self, template: s.Template, is_path: bool) -> str:
        """A folder, as a path glob without a last ``/``; or a glob for names."""
        written = template.constant or ""
        if is_path and len(written) > 2:
            written = written.rstrip("/")
        try:
            glob(written + "/*" if is_path and not written.endswith("/**") else written) if is_path else glob_component(
                written
            )
        except GlobError as error:
            self.error("K402", str(error), template.span)
        return written

    # -- the clock ----------------------------------------------------------------------------------------------------

    def _cron(self, cron: s.Cron) -> Schedule | None:
        try:
            return parse_cron(cron.text.constant or "")
        except ValueError as error:
            self.error("K504", str(error), cron.text.span, 'For example: `cron "30 16 * * 5"` for Fridays at 16:30.')
            return None

    def _every(self, every: s.Every) -> Schedule | None:
        times = tuple(sorted({literal.value for literal in every.times}))
        if isinstance(every.what, s.Literal):
            return self._interval(every, every.what.value)
        if len(every.what) == 1 and every.what[0] in INTERVALS and not every.day and not times:
            return Every(INTERVALS[every.what[0]])
        if every.what == ("month",):
            return self._monthly(every, times)
        return self._weekly(every, times)

    def _interval(self, every: s.Every, interval: timedelta) -> Schedule | None:
        if interval < SHORTEST:
            self.error("K503", "A rule runs at most once a minute.", every.span, "Write `every 1 minute` or longer.")
            return None
        if interval > LONGEST:
            self.error(
                "K503", "A rule that waits longer than ten years never runs.", every.span, "Write a shorter time."
            )
            return None
        return Every(interval)

    def _weekly(self, every: s.Every, times: tuple[time, ...]) -> Schedule | None:
        assert not isinstance(every.what, s.Literal)
        days: set[int] = set()
        for word in every.what:
            if word in GROUPS:
                days.update(GROUPS[word])
            elif word in WEEKDAYS:
                days.add(WEEKDAYS[word])
            else:
                known = [*GROUPS, *WEEKDAYS, *INTERVALS, "month"]
                help = (
                    did_you_mean(word, known)
                    or f"After `every` stands a time span such as `15 minutes`, or {listing(known)}."
                )
                repair = instead(every.span, word, known)
                self.error("K503", f"klapp does not know a day called `{word}`.", every.span, help, repair)
                return None
        if every.day:
            self.error(
                "K503",
                "Only `every month` takes `on` a day.",
                every.span,
                "For example: `every month on last day at 18:00`.",
            )
            return None
        return Weekly(tuple(sorted(days)), times) if self._has_times(every, times) else None

    def _monthly(self, every: s.Every, times: tuple[time, ...]) -> Schedule | None:
        if not self._has_times(every, times):
            return None
        if every.day == "last day":
            return Monthly("last", times)
        if every.day.isdecimal() and 1 <= int(every.day) <= 31:
            return Monthly(int(every.day), times)
        self.error("K503", "`every month` does not say on which day.", every.span, "Write `on 15` or `on last day`.")
        return None

    def _has_times(self, every: s.Every, times: tuple[time, ...]) -> bool:
        if not times:
            words = ", ".join(every.what) if isinstance(every.what, tuple) else every.what.written
            self.error("K503", "This does not say at what time.", every.span, f"For example: `every {words} at 09:00`.")
        return bool(times)
