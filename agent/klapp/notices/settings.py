"""How a person wants to be told: quiet hours, summaries, and what a locked screen may say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, time
from typing import Any

NAMES = ("quiet", "summaries", "names")
_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*(?:-|–|to)\s*([01]?\d|2[0-3]):([0-5]\d)")


class NoSetting(ValueError):
    """Notices can not be set so; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``quiet`` are the hours in which nothing is shown, "22:00-07:00", or "" for none; ``summaries`` whether it is told
    what coworkers did; ``names`` whether names of files may stand on a locked screen."""

    quiet: str = ""
    summaries: bool = True
    names: bool = False

    @classmethod
    def of_json(cls, data: Mapping[str, Any] | None) -> Settings:
        """The settings of what ``to_json`` gave; those that were never set have their defaults."""
        known = {name: value for name, value in (data or {}).items() if name in NAMES}
        return cls(**known)

    def to_json(self) -> dict[str, Any]:
        """As data that JSON can hold."""
        return asdict(self)

    def changed(self, name: str, value: str) -> Settings:
        """With one of them as a person typed it. Raises NoSetting."""
        if name == "quiet":
            return replace(self, quiet=_hours(value))
        if name not in NAMES:
            raise NoSetting(f"There is no such setting of notices. There are: {', '.join(NAMES)}.")
        if value.strip().lower() not in ("on", "off"):
            raise NoSetting(f'"{name}" is on or off.')
        on = value.strip().lower() == "on"
        return replace(self, summaries=on) if name == "summaries" else replace(self, names=on)

    def is_quiet(self, now: datetime) -> bool:
        """Whether it is within the quiet hours, by the person's own clock."""
        if not self.quiet:
            return False
        start, end = (time.fromisoformat(part) for part in self.quiet.split("-"))
        if start < end:
            return start <= now.time() < end
        return now.time() >= start or now.time() < end


def _hours(value: str) -> str:
    text = value.strip()
    if text.lower() in ("", "off", "none"):
        return ""
    found = _HOURS.fullmatch(text)
    if found is None:
        raise NoSetting("Quiet hours are two times of day, such as 22:00-07:00, or off.")
    start, end = (f"{int(hour):02}:{minute}" for hour, minute in (found.group(1, 2), found.group(3, 4)))
    if start == end:
        raise NoSetting(
            "Quiet hours that begin and end at the same time would be none, or all. Say off, or other times."
        )
    return f"{start}-{end}"
