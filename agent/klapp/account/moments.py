"""Time that nobody can turn back: what waits and sessions are measured by."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Moment:
    """Seconds since the machine started, sleep included where the system counts it, and which start that was."""

    boot: str
    seconds: float

    def since(self, earlier: Moment) -> float:
        """Seconds that have certainly passed. Of another start, only those of this one: the wall clock can be set."""
        return max(0.0, self.seconds - earlier.seconds) if self.boot == earlier.boot else self.seconds

    def to_json(self) -> list[Any]:
        """As the vault's shelf keeps it."""
        return [self.boot, self.seconds]

    @classmethod
    def from_json(cls, kept: Any) -> Moment:
        """The opposite of ``to_json``."""
        return cls(str(kept[0]), float(kept[1]))


Clock = Callable[[], Moment]


def now() -> Moment:
    """This moment."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    seconds = time.clock_gettime(clock) if clock is not None else time.monotonic()
    return Moment(_boot(), seconds)


def _boot() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
