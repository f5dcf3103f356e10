"""Has the log say what becomes of coworkers' files: what changed in their rules, line by line, and which are gone."""

from __future__ import annotations

from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path

from klapp.audit.events import Event, RulesChanged, RulesGone


class Changes:
    """Told by ``Coworkers`` of each change; ``record`` writes to the log."""

    def __init__(self, record: Callable[[Event], None]) -> None:
        self._record = record

    def changed(self, name: str, path: Path, before: str, now: str) -> None:
        """A right version that was not there before; ``before`` is the text that was in force, or ""."""
        self._record(RulesChanged(name, str(path), _diff(before, now)))

    def gone(self, name: str, path: Path, before: str) -> None:
        """The file of a coworker was removed; ``before`` is its last right text."""
        self._record(RulesGone(name, str(path), _diff(before, "")))


def _diff(before: str, now: str) -> str:
    return "\n".join(unified_diff(before.splitlines(), now.splitlines(), "before", "now", lineterm="", n=1))
