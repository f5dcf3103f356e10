"""What starts a rule: which file, or no file at all."""

from __future__ import annotations

from collections.abc import Callable

from klr import syntax as s
from tests.reference.globs import matches


def file_arrives(slots: dict[str, str], event: str | None, home: str) -> bool:
    """Whether a file that arrives at a path is waited for."""
    return event is not None and matches(f"{slots['in'].rstrip('/')}/{slots.get('named') or '*'}", event, home)


TRIGGERS: dict[str, Callable[[dict[str, str], str | None, str], bool]] = {
    "file arrives": file_arrives,
    "asked": lambda slots, event, home: event is None,
}
"""Whether an event, a path or None for what needs no file, starts a rule, by the values of its slots."""


def starts(trigger: s.When | s.Every | s.Cron, event: str | None, home: str) -> bool:
    """Whether an event starts a rule; the clock is taken to strike whenever nothing arrives."""
    if not isinstance(trigger, s.When):
        return event is None
    slots = {word: value.constant or "" for word, value in trigger.slots if isinstance(value, s.Template)}
    return TRIGGERS[" ".join(trigger.words)](slots, event, home)
