"""Kept copies as a person sees them: what they take, how long they are kept, and why one is gone.

What a coworker replaces is kept so that it can be brought back, for so many days and within so many megabytes, the oldest
going first. What was replaced within the last day is never let go, however much it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from klapp.audit.events import CopiesLetGo, CopiesRule
from klapp.audit.log import Log
from klapp.files.kept import Dropped, Keeper
from klapp.vault.shelf import Shelf

DAYS, MEGABYTES = 180, 5000
SPARED = timedelta(days=1)
_SHARE = 50
"""When a 50th of what copies may take was kept anew, it is looked whether the oldest must go."""
_RULE = "kept copies"
_MOST_DAYS, _MOST_MEGABYTES = 36_500, 10**9


class Keeping:
    """The copies of one keeper. Every method takes and gives data that JSON can hold, and raises ValueError with a
    sentence for a person."""

    METHODS = frozenset({"report", "change"})

    def __init__(self, keeper: Keeper, log: Log, shelf: Shelf, clock: Callable[[], datetime]) -> None:
        self._keeper = keeper
        self._log = log
        self._shelf = shelf
        self._clock = clock

    def report(self) -> dict[str, Any]:
        """{"copies", "contents", "bytes", "oldest" (ISO, or None), "days", "megabytes"}."""
        space, (days, megabytes) = self._keeper.space(), self._rule()
        return {
            "copies": space.copies,
            "contents": space.contents,
            "bytes": space.bytes,
            "oldest": _moment(space.oldest).isoformat() if space.oldest is not None else None,
            "days": days,
            "megabytes": megabytes,
        }

    def change(self, days: int | None = None, megabytes: int | None = None) -> dict[str, Any]:
        """Put another rule in force, and let go of what it does not keep; None leaves a part of it as it is."""
        for value, most in ((days, _MOST_DAYS), (megabytes, _MOST_MEGABYTES)):
            if value is not None and (type(value) is not int or not 1 <= value <= most):
                raise ValueError(f"Copies are kept for 1 to {_MOST_DAYS:,} days, in 1 to {_MOST_MEGABYTES:,} MB.")
        before = self._rule()
        rule = (days or before[0], megabytes or before[1])
        if rule != before:
            with self._log.transaction():
                self._log.record(CopiesRule(*rule))
                self._shelf.put(_RULE, list(rule))
        self.tidy()
        return self.report()

    def tidy(self) -> None:
        """Let go of what the rule does not keep; the log says so first. To be done while nobody keeps or brings back."""
        now, (days, megabytes) = self._clock(), self._rule()
        self._keeper.fresh = 0
        self._keeper.older(_stamp(now - timedelta(days=days)), lambda gone: self._note(gone, "age", f"{days} days"))
        spared = _stamp(now - SPARED)
        self._keeper.over(megabytes * 1_000_000, spared, lambda gone: self._note(gone, "space", f"{megabytes:,} MB"))

    @property
    def is_due(self) -> bool:
        """Whether so much was kept since the last ``tidy`` that there may be too much."""
        return self._keeper.fresh * _SHARE >= self._rule()[1] * 1_000_000

    def _note(self, dropped: Dropped, why: str, rule: str) -> None:
        until = _moment(dropped.until).isoformat()
        self._log.record(CopiesLetGo(dropped.copies, dropped.bytes, until, why, rule))

    def _rule(self) -> tuple[int, int]:
        days, megabytes = self._shelf.get(_RULE) or (DAYS, MEGABYTES)
        return days, megabytes


def _stamp(moment: datetime) -> int:
    try:
        return round(moment.timestamp() * 1e6) * 1000
    except (ValueError, OverflowError, OSError):
        return 0


def _moment(stamp: int) -> datetime:
    return datetime.fromtimestamp(round(stamp / 1000) / 1e6)
