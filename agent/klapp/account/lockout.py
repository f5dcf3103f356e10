"""Counts failed logins, so that a kill does not help, and makes each next one wait longer.

A failure is counted before the password is looked at. Waits are measured by the machine's own run, not by its clock.
"""

from __future__ import annotations

from klapp.account.errors import AccountError
from klapp.account.moments import Clock, Moment
from klapp.vault.shelf import Shelf

_NAME = "account:failures"
FREE = 4
"""Failures in a row without a wait: people mistype."""
FIRST, LONGEST = 30.0, 3600.0
"""Seconds of the first wait, and of the longest."""
MOST = 100
"""Failures in a row after which a recovery code is needed (NIST SP 800-63B-4, section 3.2.2)."""


class Lockout:
    """The failed logins of one account."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock

    def failures(self) -> int:
        """How many there were in a row."""
        return self._kept()[0]

    def wait(self) -> float:
        """Seconds until the next try."""
        failures, last = self._kept()
        if failures <= FREE or last is None:
            return 0.0
        pause = min(LONGEST, FIRST * 2.0 ** (failures - FREE - 1))
        return max(0.0, pause - self._clock().since(last))

    def enter(self, *, with_recovery_code: bool) -> None:
        """Begin a try: it counts as failed until ``passed``. Raises AccountError where one has to wait."""
        with self._shelf.together():  # of two tries at once, each counts
            if (left := self.wait()) > 0:
                raise AccountError(f"There were too many failed logins. The next try is possible in {_span(left)}.")
            failures = self.failures()
            if failures >= MOST and not with_recovery_code:
                raise AccountError(
                    f"There were {failures} failed logins in a row. Log in with your password and a recovery code now."
                )
            self._shelf.put(_NAME, {"count": failures + 1, "last": self._clock().to_json()})

    def passed(self) -> None:
        """The try was a good one: nothing is counted any more."""
        self._shelf.delete(_NAME)

    def _kept(self) -> tuple[int, Moment | None]:
        kept = self._shelf.get(_NAME)
        return (int(kept["count"]), Moment.from_json(kept["last"])) if kept else (0, None)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"
