"""The clock: one thread that sleeps until the next plan strikes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from klapp.triggers.schedule import next_after
from klr.schedules import Schedule

LONGEST_SLEEP = timedelta(minutes=10)
"""The wall clock can be set, and a machine can sleep; so often it is looked at again, and only while a plan waits."""


def local_zone() -> tzinfo:
    """The system's time zone, with its rules of daylight saving."""
    from tzlocal import get_localzone

    return get_localzone()


class Clock:
    """Calls ``due(key)`` each time when a plan strikes. A strike that a sleeping machine missed is made up for, once."""

    def __init__(
        self, due: Callable[[Any], None], *, zone: tzinfo | None = None, now: Callable[[], datetime] | None = None
    ) -> None:
        self._due = due
        self._zone = zone
        self._now = now or (lambda: datetime.now(UTC))
        self._plans: dict[Hashable, Schedule] = {}
        self._next: dict[Hashable, datetime] = {}
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="klapp-clock", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; no ``due`` is called afterwards."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def set(self, schedules: Mapping[Any, Schedule]) -> None:
        """From now on these plans, and no others; one that was there before keeps its next moment."""
        with self._changed:
            kept = {key: at for key, at in self._next.items() if self._plans.get(key) == schedules.get(key)}
            self._plans = dict(schedules)
            self._next = {}
            for key, schedule in self._plans.items():
                at = kept.get(key) or self._after(schedule)
                if at is not None:
                    self._next[key] = at
            self._changed.notify()

    def next_runs(self) -> dict[Any, datetime]:
        """The next moment of each plan, aware."""
        with self._changed:
            return dict(self._next)

    def _after(self, schedule: Schedule) -> datetime | None:
        if self._zone is None:
            self._zone = local_zone()
        return next_after(schedule, self._now(), self._zone)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and not (struck := self._struck()):
                    self._changed.wait(self._pause())
                if self._stopped:
                    return
            for key in struck:
                self._due(key)

    def _struck(self) -> list[Hashable]:
        """The plans whose moment has come; each gets its next one."""
        now = self._now()
        struck = [key for key, at in sorted(self._next.items(), key=lambda pair: pair[1]) if at <= now]
        for key in struck:
            at = self._after(self._plans[key])
            if at is None:
                del self._next[key]
            else:
                self._next[key] = at
        return struck

    def _pause(self) -> float | None:
        """Seconds to sleep; None while there is nothing to wait for."""
        if not self._next:
            return None
        return max(0.0, min((min(self._next.values()) - self._now()), LONGEST_SLEEP).total_seconds())
