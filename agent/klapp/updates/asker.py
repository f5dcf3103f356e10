"""Asks when it is due, and when a person says so, on a thread that is there only while there is something to wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

LONGEST = 6 * 3600.0
"""Seconds after which the clock is looked at again: a timer does not count while the machine sleeps."""
LEAST = 60.0
"""Seconds between two times, whatever is said to be due."""
_THREAD = "klapp-updates"


class Asker:
    """``due`` gives the next moment by ``clock``, or None; ``ask`` is told whether a person asked, and moves it on."""

    def __init__(
        self, due: Callable[[], datetime | None], ask: Callable[[bool], None], clock: Callable[[], datetime]
    ) -> None:
        self._due = due
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._stopped = False

    def now(self) -> None:
        """A person asks; returns at once, for a host may take its time."""
        threading.Thread(target=self._ask, args=(True,), name=_THREAD, daemon=True).start()

    def set(self, least: float = 0.0) -> None:
        """Look anew when it is due, and wait for that; at least so many seconds."""
        moment = self._due()
        with self._lock:
            self._cancel()
            if moment is not None and not self._stopped:
                left = max((moment - self._clock()).total_seconds(), least)
                self._timer = threading.Timer(min(left, LONGEST), self._ring)
                self._timer.name, self._timer.daemon = _THREAD, True
                self._timer.start()

    def stop(self) -> None:
        """Ask no more by itself; what is being asked goes on."""
        with self._lock:
            self._stopped = True
            self._cancel()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        moment = self._due()
        if moment is not None and moment <= self._clock():
            self._ask(False)
        self.set(LEAST)
