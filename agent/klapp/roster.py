"""The coworkers as a person sees them: their state, when they run, their settings, and what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from klapp.audit.events import SettingChanged
from klapp.audit.log import Log
from klapp.coworkers.approval import in_words, permissions_of
from klapp.coworkers.reasons import why
from klapp.coworkers.review import narrowed_text, seen_of
from klapp.coworkers.store import Coworker, Coworkers, NoCoworker
from klapp.dispatch import plans
from klapp.engine.report import report_of
from klr.program import Program, Setting
from klr.runtime import show
from klr.settings import read as read_setting
from klr.settings import written

MOST_ASKING = 100
"""Of so many texts it is remembered whether they could do with less."""


class Roster:
    """Tells of coworkers, and changes their settings."""

    def __init__(self, log: Log, coworkers: Coworkers) -> None:
        self.log_store = log
        self.coworkers = coworkers
        self.next_runs: Callable[[str, Program], datetime | None] = self._next_run
        """When a coworker runs next by the clock, aware; a service knows it better than the plan alone."""
        self._narrower: dict[str, bool] = {}

    def told(self, coworker: Coworker) -> dict[str, Any]:
        """A coworker with its state, permissions, last and next run."""
        program = coworker.program
        runs = list(self.log_store.runs(coworker=coworker.name, newest=1)) if program else []
        return {
            "name": coworker.name,
            "file": str(coworker.path),
            "state": coworker.state,
            "why": why(coworker),
            "about": program.about if program else "",
            "may": in_words(permissions_of(program) if program else {}),
            "new": in_words(coworker.missing),
            "stale": coworker.stale,
            "failing": bool(coworker.pause_reason),
            "refused": coworker.refused,
            "seen": seen_of(program) if program else "",
            "narrower": self._could_do_with_less(coworker),
            "last": report_of(runs[-1]) if runs else None,
            "next": at.isoformat() if program and (at := self.next_runs(coworker.name, program)) else None,
        }

    def _could_do_with_less(self, coworker: Coworker) -> bool:
        """Whether one that asks could do all that it does with tighter lines; worked out once for each text."""
        if coworker.state != "waiting" or coworker.program is None:
            return False
        seen = seen_of(coworker.program)
        if seen not in self._narrower:
            if len(self._narrower) >= MOST_ASKING:
                self._narrower.clear()
            self._narrower[seen] = narrowed_text(coworker) is not None
        return self._narrower[seen]

    def settings(self, name: str) -> list[dict[str, Any]]:
        """The settings of a coworker: name, label, type, value in force as the language writes it, whether it is the
        one that its file gives, and what it may be."""
        self.coworkers.reload()
        coworker = self.coworkers.find(name)
        if coworker.program is None:
            raise NoCoworker(f'"{coworker.name}" has errors. Mend them first: klapp check {coworker.path}')
        changed = self.coworkers.changed_settings(coworker.name)
        return [
            {
                "name": one.name,
                "label": one.label,
                "type": str(one.type),
                "value": written(one.value),
                "changed": one.name in changed,
                "from": None if one.low is None else written(one.low),
                "to": None if one.high is None else written(one.high),
                "one_of": list(map(written, one.choices)),
            }
            for one in coworker.program.settings.values()
        ]

    def change_setting(self, name: str, setting: str, values: Sequence[str] | None) -> dict[str, Any]:
        """Give a setting the value that a person typed, one text for each element of a list; None for that of the file."""
        self.coworkers.reload()
        coworker = self.coworkers.find(name)
        known = coworker.program.settings if coworker.program else {}
        if setting not in known:
            names = ", ".join(known) or "none"
            raise NoCoworker(f'"{coworker.name}" has no setting `{setting}`. There are: {names}.')
        before = written(known[setting].value)
        value = None if values is None else written(read_setting(known[setting], values))

        def say(program: Program) -> None:
            after = written(program.settings[setting].value)
            if after != before:
                self.log_store.record(SettingChanged(program.name, setting, before, after))

        return self.told(self.coworkers.change_setting(coworker.name, setting, value, say))

    def asks(self, name: str) -> list[dict[str, Any]]:
        """What a coworker asks a person for when it is run: {"name", "label", "type", "default"}, the latter None where
        there must be an answer."""
        self.coworkers.reload()
        program = self.coworkers.find(name).program
        return [
            {
                "name": one.name,
                "label": one.label,
                "type": str(one.type),
                "default": None if one.value is None else show(one.value),
            }
            for one in (asked(program) if program else ())
        ]

    @staticmethod
    def _next_run(name: str, program: Program) -> datetime | None:
        from klapp.triggers.clock import local_zone, zone_of
        from klapp.triggers.schedule import next_after

        now, local = datetime.now(UTC), local_zone()
        found = [
            next_after(plan.schedule, now, zone_of(plan.options, local), plan.options.window)
            for plan in plans(program).values()
        ]
        return min((at for at in found if at is not None), key=datetime.timestamp, default=None)


def asked(program: Program) -> tuple[Setting, ...]:
    """What a person is asked for: each name once, by the first rule that asks for it."""
    found = {one.name: one for rule in reversed(program.rules) for one in rule.trigger.answers}
    return tuple(found.values())
