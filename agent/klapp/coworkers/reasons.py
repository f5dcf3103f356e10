"""Why a coworker does not run, in words."""

from __future__ import annotations

from datetime import datetime

from klapp.coworkers.store import Coworker


def why(coworker: Coworker) -> str:
    """Why a coworker does not run, or what else a person should know of it; "" where all is well."""
    if coworker.program is None:
        first = coworker.loaded.errors[0].message if coworker.loaded.errors else ""
        return f"its file has errors. {first} See all with: klapp check {coworker.path}"
    if coworker.refused:
        return f"you said no to what it asks for. Allow it after all with: klapp approve {coworker.path.stem}"
    if coworker.missing:
        return f"it waits for your approval: klapp approve {coworker.path.stem}"
    if coworker.stale:
        return f"its newest version has errors, so the last good one stays in force. See: klapp check {coworker.path}"
    if coworker.paused is not False:
        if coworker.pause_reason:
            return f'paused: {coworker.pause_reason} Resume it with: klapp resume "{coworker.name}"'
        return (
            f"paused until {coworker.paused:%Y-%m-%d %H:%M}"
            if isinstance(coworker.paused, datetime)
            else "paused until resumed"
        )
    return ""
