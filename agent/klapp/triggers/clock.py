"""The clock: one thread that sleeps until the next plan strikes.

How far each plan has been served is kept, so what was missed while klapp was off, asleep or paused is known, and nothing
strikes twice.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from klapp.triggers.schedule import next_after
from klr.program import Options
from klr.schedules import Every, Schedule

LONGEST_SLEEP = timedelta(minutes=1)
"""The wall clock can be set, and a machine can sleep; so often it is looked at again, and only while a plan waits."""
LATE = timedelta(minutes=2)
"""A strike that comes later than this was missed."""
SET_BACK = timedelta(hours=1)
"""A clock that shows a time so far before one that was served was set; its plans begin anew."""
MOST_MISSED = 1000
Key = tuple[str, int]
"""A rule of the clock: the coworker's name and the rule's index."""


class Timed(Protocol):
    """The times of a rule (``klapp.dispatch.Plan``)."""

    @property
    def schedule(self) -> Schedule: ...
    @property
    def options(self) -> Options: ...


class Kept(Protocol):
    """Where it is kept how far plans are served (``klapp.vault.shelf.Shelf``)."""

    def get(self, name: str) -> Any | None: ...
    def put(self, name: str, value: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Strike:
    """A rule's time came. ``as_of`` tells that it is one of several that were missed, and the run is to take it for now."""

    key: Key
    moment: datetime
    as_of: bool = False


def local_zone() -> tzinfo:
    """The system's time zone, with its rules of daylight saving."""
    from tzlocal import get_localzone

    return get_localzone()


def zone_of(options: Options, local: tzinfo) -> tzinfo:
    """The zone whose times a rule means."""
    return ZoneInfo(options.zone) if options.zone else local


def jitter(options: Options, key: Key, moment: datetime, seed: bytes) -> timedelta:
    """How much later than its time a strike comes: the same for the same strike, and any within the limit for others."""
    if not options.jitter:
        return timedelta()
    told = f"{key[0]}\0{key[1]}\0{moment.timestamp()}".encode("utf-8", "surrogatepass")
    drawn = int.from_bytes(hashlib.blake2b(told, key=seed[:64], digest_size=8).digest())
    return options.jitter * (drawn / 2**64)


def served_until(kept: Kept, key: Key, moment: datetime) -> None:
    """What a strike of ``moment`` started is done: no clock that reads what is ``kept`` lets it come again."""
    known = kept.get(f"served:{key[0]}\0{key[1]}")
    if known is not None and moment > datetime.fromisoformat(known["until"]):
        kept.put(f"served:{key[0]}\0{key[1]}", known | {"until": moment.astimezone(UTC).isoformat()})


def is_served(kept: Kept, key: Key, moment: datetime) -> bool:
    """Whether what a strike of ``moment`` started is done."""
    known = kept.get(f"served:{key[0]}\0{key[1]}")
    return known is not None and moment <= datetime.fromisoformat(known["until"])


class Clock:
    """Calls ``due`` with the strikes whose time has come, on a thread of its own.

    Inside, every moment is in UTC: Python adds to, subtracts and compares moments of one zone by what the clock on the wall
    shows, which is wrong by an hour in the one that comes twice.
    """

    def __init__(
        self,
        due: Callable[[list[Strike]], None],
        *,
        kept: Kept | None = None,
        zone: tzinfo | None = None,
        now: Callable[[], datetime] | None = None,
        seed: bytes = b"",
    ) -> None:
        self._due = due
        self._kept = kept
        self._zone = zone
        self._now = now or (lambda: datetime.now(UTC))
        self._seed = seed
        self._plans: dict[Key, Timed] = {}
        self._struck: dict[Key, datetime] = {}
        self._next: dict[Key, datetime] = {}
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

    def set(self, plans: Mapping[Key, Timed]) -> None:
        """From now on these plans, and no others. One that was there before goes on from where it was."""
        with self._changed:
            before = self._plans
            self._plans = dict(plans)
            struck = self._struck
            self._struck, self._next = {}, {}
            for key, plan in self._plans.items():
                same = key in struck and before[key].schedule == plan.schedule
                self._struck[key] = struck[key] if same else self._served(key, plan)
                self._plan(key)
            self._changed.notify()

    def served(self, key: Key, moment: datetime) -> None:
        """What a strike started is done: it is not to come again, also not after a restart."""
        if key in self._plans and self._kept is not None:
            served_until(self._kept, key, moment)

    def next_runs(self) -> dict[Key, datetime]:
        """The next moment of each plan, aware, in the zone of its rule."""
        with self._changed:
            return {key: at.astimezone(self._zone_of(key)) for key, at in self._next.items()}

    # -- how far plans are served -------------------------------------------------------------------------------------

    def _served(self, key: Key, plan: Timed) -> datetime:
        """The moment up to which a plan is served: now, for one that is new or was changed."""
        now = self._now()
        if self._kept is None:
            return now
        known = self._kept.get(f"served:{key[0]}\0{key[1]}")
        if known is not None and known["plan"] == _written(plan):
            return datetime.fromisoformat(known["until"])
        self._keep(key, plan, now)
        return now

    def _keep(self, key: Key, plan: Timed, moment: datetime) -> None:
        assert self._kept is not None
        until = moment.astimezone(UTC).isoformat()
        self._kept.put(f"served:{key[0]}\0{key[1]}", {"plan": _written(plan), "until": until})

    # -- striking -----------------------------------------------------------------------------------------------------

    def _after(self, key: Key, moment: datetime) -> datetime | None:
        plan = self._plans[key]
        at = next_after(plan.schedule, moment, self._zone_of(key), plan.options.window)
        return None if at is None else at.astimezone(UTC)

    def _zone_of(self, key: Key) -> tzinfo:
        if self._zone is None:
            self._zone = local_zone()
        return zone_of(self._plans[key].options, self._zone)

    def _plan(self, key: Key) -> None:
        at = self._after(key, self._struck[key])
        if at is None:
            self._next.pop(key, None)
        else:
            self._next[key] = at + jitter(self._plans[key].options, key, at, self._seed)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and not (strikes := self._strikes()):
                    self._changed.wait(self._pause())
                if self._stopped:
                    return
            self._due(strikes)

    def _strikes(self) -> list[Strike]:
        """Those whose moment has come, in the order of their times."""
        now = self._now()
        strikes: list[Strike] = []
        for key, plan in self._plans.items():
            if self._struck[key] > now + SET_BACK:
                self._struck[key] = now
                self._plan(key)
            if key in self._next and self._next[key] <= now:
                missed = self._missed(key, plan, now)
                strikes.extend(_caught_up(key, plan.options, missed, now))
                self._struck[key] = missed[-1]
                self._plan(key)
        return sorted(strikes, key=lambda strike: strike.moment)

    def _missed(self, key: Key, plan: Timed, now: datetime) -> list[datetime]:
        """The newest of the moments since the last strike, the one that is on time included."""
        since = self._struck[key]
        if isinstance(plan.schedule, Every):
            since = max(since, now - MOST_MISSED * plan.schedule.interval - timedelta(days=7))
        moments: list[datetime] = []
        while (at := self._after(key, since)) is not None and at <= now:
            moments.append(at)
            since = at
            if len(moments) > 20 * MOST_MISSED:  # a cron line of each minute, after years
                since = max(since, now - timedelta(days=1))
                del moments[:-MOST_MISSED]
        return moments[-MOST_MISSED:]

    def _pause(self) -> float | None:
        """Seconds to sleep; None while there is nothing to wait for."""
        if not self._next:
            return None
        return max(0.0, min((min(self._next.values()) - self._now()), LONGEST_SLEEP).total_seconds())


def _caught_up(key: Key, options: Options, moments: list[datetime], now: datetime) -> list[Strike]:
    """What becomes of moments of which all but perhaps the last were missed."""
    if options.catch_up == "all":
        return [Strike(key, at, as_of=now - at > LATE + options.jitter) for at in moments]
    if options.catch_up == "never" and now - moments[-1] > LATE + options.jitter:
        return []
    return [Strike(key, moments[-1])]


def _written(plan: Timed) -> str:
    return f"{plan.schedule!r} {plan.options.window} {plan.options.zone}"
