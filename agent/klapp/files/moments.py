"""Moments as the disk holds them, in nanoseconds since 1970, and as the wall clock shows them."""

from __future__ import annotations

from datetime import datetime


def wall_clock(stamp: int) -> datetime:
    """Nanoseconds since 1970 (UTC) as naive local time, microseconds rounded down.

    A moment that no calendar holds is the first or last there is.
    """
    seconds, nanoseconds = divmod(stamp, 1_000_000_000)
    try:
        return datetime.fromtimestamp(seconds).replace(microsecond=nanoseconds // 1000)
    except (ValueError, OverflowError, OSError):
        return datetime.min if stamp < 0 else datetime.max


def nanoseconds(moment: datetime) -> int:
    """A wall-clock moment of this machine's time zone as nanoseconds since 1970 (UTC), exact to the microsecond."""
    return int(moment.replace(microsecond=0).timestamp()) * 10**9 + moment.microsecond * 1000


def zone_name() -> str:
    """The IANA name of the time zone that this machine's clock shows; "" where it has none that is known."""
    from tzlocal import get_localzone_name

    from klr.moments import NoZone, zone_of

    try:
        name = str(get_localzone_name() or "")
        zone_of(name)
    except (NoZone, LookupError, ValueError, OSError):
        return ""
    return name
