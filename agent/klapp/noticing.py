"""What can be asked of notices, as plain data: the part of the agent's facade behind ``klapp notices`` and the page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from klapp.audit.events import SettingChanged
from klapp.audit.log import Log
from klapp.notices import Kind, Notices
from klapp.notices.outbox import KIND, notice_of
from klapp.unusual import Watch

NEWEST = 50
WORDS = {
    Kind.SUMMARY: "work done",
    Kind.MESSAGE: "told",
    Kind.APPROVAL: "asks you",
    Kind.FAILURE: "failed",
    Kind.ANOMALY: "unusual",
    Kind.UPDATE: "update",
}
"""What a person calls each kind."""


class Noticing:
    """Asks of one log, its notices and what watches it. Raises ValueError with a sentence for a person."""

    METHODS = frozenset({"newest", "settings", "change", "unusual", "seen"})

    def __init__(self, log: Log, notices: Notices, watch: Watch) -> None:
        self._log = log
        self._notices = notices
        self._watch = watch

    def newest(self, before: int | None = None, limit: int = NEWEST, unusual: bool = False) -> list[dict[str, Any]]:
        """What was told, newest first: {"entry", "at", "about", "words", "title", "text", "path"}, the latter the page that
        says more, or "". Those with a number less than ``before``; only anomalies where ``unusual``."""
        found = []
        condition = f"{KIND} AND e.seq < ? ORDER BY e.seq DESC"
        self._log.flush()
        for entry in self._log.select(f"{condition} LIMIT ?", (before or 1 << 62, 20 * limit if unusual else limit)):
            notice = notice_of(entry)
            if notice is None or (unusual and notice.kind is not Kind.ANOMALY):
                continue
            paths = [str(action.arguments[0]) for action in notice.actions if action.method == "open_page"]
            told = {"title": notice.title, "text": notice.full, "path": paths[0] if paths else ""}
            at = datetime.fromtimestamp(entry.at / 1e9).astimezone().isoformat(timespec="seconds")
            found.append(
                {
                    "entry": entry.seq,
                    "at": at,
                    "about": str(notice.kind),
                    "words": WORDS[notice.kind],
                    "count": notice.count,
                }
                | told
            )
        return found[:limit]

    def unusual(self) -> list[dict[str, str]]:
        """What was not as usual and waits to be seen; see ``Watch.open``."""
        return self._watch.open()

    def seen(self, key: str) -> bool:
        """A person has seen what was not as usual; whether it was open still."""
        return self._watch.seen(key)

    def settings(self) -> dict[str, Any]:
        """How the person is told: the settings by name, and under "held" why some wait, or ""."""
        return self._notices.settings.to_json() | {"held": self._notices.held()}

    def change(self, name: str, value: str) -> dict[str, Any]:
        """Set one as a person typed it; gives them all."""
        before = self._notices.settings
        after = before.changed(name, value)
        if after != before:
            old, new = before.to_json()[name], after.to_json()[name]
            event = SettingChanged("", f"notices {name}", _typed(old), _typed(new))
            self._notices.change(after, lambda: self._log.record(event))
        return self.settings()


def _typed(value: str | bool) -> str:
    return value or "off" if isinstance(value, str) else "on" if value else "off"
