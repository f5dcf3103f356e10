"""What is not as usual, judged by what the log holds: a few honest rules, each of which tells the numbers it judged by.

The rules are pure functions. ``Watch`` asks the log when a coworker has done its work, at most once a minute for each,
and tells; while nothing is done, nothing is looked at. What is told is no proof of harm, and silence none of its absence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from klapp.audit.events import UnusualSeen
from klapp.audit.log import Log
from klapp.notices import Action, Kind, Notice, opens
from klapp.vault.database import Connection
from klapp.vault.shelf import Shelf, rewrite

DAYS = 14
"""Days before today that make up what is usual."""
LEAST_DAYS, LEAST_RUNS, TIMES = 3, 50, 5
"""Much more than usual: more than five times its busiest day, at least 50 runs, and known from at least three days."""
LEAST_FAILED, FINE_BEFORE = 3, 20
"""Suddenly failing: three times in a row, after at least 20 runs of which none failed."""
SET_BACK = 120.0
"""Seconds by which a clock may go back without a word: that much is set right by the network's time."""
LOOK_AGAIN = 60.0
MOST = 50_000
"""So many of a coworker's newest runs are counted."""
OPEN, MOST_OPEN = "unusual", 20
"""Where on the shelf lies what nobody has said to have seen, and how much of it: the newest."""


def busiest_before(days: Sequence[int]) -> int | None:
    """``days`` are the runs of each day, the last one of today. If today is far beyond them: the most of any other."""
    *before, today = days
    active = [count for count in before if count]
    if len(active) < LEAST_DAYS or today < LEAST_RUNS or today <= TIMES * max(active):
        return None
    return max(active)


def failing_suddenly(failed: Sequence[bool]) -> int | None:
    """``failed`` tells of each run whether it failed, the newest last. If it began to fail at once: how often in a row."""
    row = 0
    while row < len(failed) and failed[-1 - row]:
        row += 1
    before = failed[: len(failed) - row][-FINE_BEFORE:]
    return row if row >= LEAST_FAILED and len(before) == FINE_BEFORE and not any(before) else None


def set_back(seen: float, now: float) -> float | None:
    """By how many seconds a clock was set back since it was seen at ``seen``; None where it was not, or by little."""
    return seen - now if seen - now > SET_BACK else None


def forget_unusual(connection: Connection, meant: Callable[[str], bool]) -> None:
    """Within the caller's transaction: let go of what was not as usual, was not seen, and says something that is meant."""
    rewrite(
        connection, OPEN, lambda found: [one for one in found if not meant(one["whose"]) and not meant(one["text"])]
    )


class Watch:
    """Looks at one log, and tells what is not as usual, of each kind once a day."""

    def __init__(
        self, log: Log, shelf: Shelf, tell: Callable[[Notice], None], clock: Callable[[], float] = time.time
    ) -> None:
        """``clock`` gives seconds since 1970."""
        self._log = log
        self._shelf = shelf
        self._notify = tell
        self._clock = clock
        self._looked: dict[str, float] = {}
        self._seen = 0.0

    def look(self, coworker: str) -> None:
        """A coworker has done its work."""
        self.look_at_clock()
        now = time.monotonic()
        if now - self._looked.get(coworker, float("-inf")) < LOOK_AGAIN:
            return
        self._looked[coworker] = now
        days, failed = self._days(coworker), self._failed(coworker)
        if (most := busiest_before(days)) is not None:
            text = f"It made {days[-1]:,} runs today. On the busiest of the {DAYS} days before it made {most:,}."
            self._tell("more", coworker, text, _look(coworker), Action("Pause", "pause", (coworker, "")))
        if (row := failing_suddenly(failed)) is not None:
            text = f"It failed {row} times in a row. None of the {FINE_BEFORE} runs before did."
            self._tell("failing", coworker, text, _look(coworker), Action("Pause", "pause", (coworker, "")))

    def look_at_clock(self) -> None:
        """Whether this machine's clock was set back, also since klapp last ran."""
        now = self._clock()
        seen = self._seen or self._newest()
        self._seen = now
        if (seconds := set_back(seen, now)) is not None:
            back = str(timedelta(seconds=int(seconds)))
            text = (
                f"The clock of this machine was set back by {back}. What happened when is told by the log's own order."
            )
            self._tell("clock", "klapp", text, opens("Look", "/log"))

    def log_is_wrong(self, sentence: str) -> None:
        """The log is not as it was written."""
        self._tell("log", "klapp", sentence, opens("Look", "/log"))

    def open(self) -> list[dict[str, str]]:
        """What was not as usual and nobody has said to have seen: {"key", "whose", "text", "page"}, the newest first."""
        found: list[dict[str, str]] = self._shelf.get(OPEN) or []
        return found

    def seen(self, key: str) -> bool:
        """A person has seen it; whether it was open."""
        found = {one["key"]: one for one in self.open()}
        one = found.pop(key, None)
        if one is not None:
            with self._shelf.together():
                self._log.record(UnusualSeen(one["whose"], one["text"]))
                self._shelf.put(OPEN, list(found.values()))
        return one is not None

    def _tell(self, about: str, whose: str, text: str, *actions: Action) -> None:
        key, today = f"unusual:{about}:{whose}", date.fromtimestamp(self._clock()).isoformat()
        if self._shelf.get(key) != today:
            self._shelf.put(key, today)
            self._notify(Notice(Kind.ANOMALY, whose, text, "", f"unusual {about} {whose}", actions))
            # No name of a file is in it, so that the tray, which nothing locks, may show it.
            new = {"key": key, "whose": whose, "text": text, "page": str(actions[0].arguments[0])}
            others = [one for one in self.open() if one["key"] != key]
            self._shelf.put(OPEN, [new, *others][:MOST_OPEN])

    # -- what the log holds -------------------------------------------------------------------------------------------

    def _asked(self, query: str, *values: Any) -> list[Any]:
        with self._log.lock:
            return list(self._log.connection.execute(query, values).fetchall())

    def _newest(self) -> float:
        ((at,),) = self._asked("SELECT max(at) FROM (SELECT at FROM entries ORDER BY seq DESC LIMIT 100)")
        return (at or 0) / 1e9

    def _days(self, coworker: str) -> list[int]:
        offset = datetime.fromtimestamp(self._clock()).astimezone().utcoffset()
        shift = int(offset.total_seconds()) if offset else 0
        query = (
            "SELECT (at / 1000000000 + ?) / 86400, count(*) FROM (SELECT at FROM entries WHERE kind = 'intent' "
            "AND owner = ? ORDER BY run DESC LIMIT ?) GROUP BY 1"
        )
        counts = dict(self._asked(query, shift, coworker, MOST))
        today = int(self._clock() + shift) // 86400
        return [counts.get(day, 0) for day in range(today - DAYS, today + 1)]

    def _failed(self, coworker: str) -> list[bool]:
        query = (
            "SELECT o.outcome FROM entries i JOIN entries o ON o.run = i.run AND o.run IS NOT NULL AND o.kind = 'outcome' "
            "WHERE i.kind = 'intent' AND i.owner = ? ORDER BY i.run DESC LIMIT ?"
        )
        return [outcome == "failed" for (outcome,) in reversed(self._asked(query, coworker, 3 * FINE_BEFORE))]


def _look(coworker: str) -> Action:
    return opens("Look", "/activity", name=coworker)
