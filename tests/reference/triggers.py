"""What starts a rule: what happened, and where."""

from __future__ import annotations

from klr import syntax as s
from tests.reference.globs import matches

GIVES = {
    "file arrives": "file",
    "file changes": "file",
    "file leaves": "gone file",
    "folder arrives": "folder",
    "klapp starts": "",
    "asked": "",
    "finishes": "",
    "fails": "",
    "mail arrives": "mail",
}
"""What each trigger gives to its rule."""
Trigger = s.When | s.Every | s.Cron
Happening = tuple[str, str]
"""A trigger's phrase, or "clock", and where it happened; "" for nowhere."""


def phrase_of(trigger: Trigger) -> str:
    return " ".join(trigger.words) if isinstance(trigger, s.When) else "clock"


def starts(trigger: Trigger, happening: Happening, home: str) -> bool:
    """Whether something that happens starts a rule; the clock and other coworkers are always those that are meant."""
    phrase, path = happening
    if phrase_of(trigger) != phrase:
        return False
    if not isinstance(trigger, s.When) or not trigger.slots:
        return True
    slots = {word: value.constant or "" for word, value in trigger.slots if isinstance(value, s.Template)}
    if phrase == "mail arrives":  # where it happened is "account sender"
        account, _, sender = path.partition(" ")
        return account == slots["in"] and matches(f"/{slots.get('from') or '*'}".lower(), f"/{sender}", home)
    return matches(f"{slots['in'].rstrip('/')}/{slots.get('named') or '*'}", path, home)
