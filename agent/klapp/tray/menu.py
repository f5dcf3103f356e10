"""What the menu shows, as data: made from the overview alone, whatever draws it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a menu.

    ``action`` is the facade's method and the coworker that it is for (or None for all); without one, the line only
    tells. ``children`` make it a submenu. A label of "" is a separator.
    """

    label: str
    action: tuple[str, str | None] | None = None
    children: tuple[Item, ...] = ()


SEPARATOR = Item("")
LONGEST = 60


def menu_of(overview: Mapping[str, Any]) -> tuple[Item, ...]:
    """The whole menu: the status, what needs the person, each coworker, and what concerns them all."""
    coworkers = overview["coworkers"]
    needing = [
        Item(_short(f"{one['name']}: {one['why']}")) for one in coworkers if one["state"] in ("waiting", "broken")
    ]
    groups: Iterable[list[Item]] = (
        [Item(_short(overview["status"]))],
        needing,
        [_coworker(one) for one in coworkers],
        [Item("Pause all", ("pause", None)), Item("Resume all", ("resume", None))] if coworkers else [],
        [Item("Quit", ("quit", None))],
    )
    return tuple(_separated(groups))


def _separated(groups: Iterable[list[Item]]) -> Iterator[Item]:
    first = True
    for group in groups:
        if group and not first:
            yield SEPARATOR
        yield from group
        first = first and not group


def _coworker(one: Mapping[str, Any]) -> Item:
    name, state = one["name"], one["state"]
    acts: list[Item] = []
    if state in ("running", "paused"):
        acts.append(Item("Run now", ("run", name)))
        acts.append(Item("Resume", ("resume", name)) if state == "paused" else Item("Pause", ("pause", name)))
    told = [Item(_short(line)) for line in (one["why"], f"Last: {one['last']}") if line]
    marks = {"paused": " (paused)", "waiting": " (needs you)", "broken": " (has errors)"}
    return Item(_short(name) + marks.get(state, ""), None, (*acts, *((SEPARATOR,) if acts else ()), *told))


def _short(text: str) -> str:
    """A line that a menu can hold; ``_`` would mark the letter behind it as a shortcut, so it is doubled."""
    line = " ".join(text.split())
    return (line if len(line) <= LONGEST else line[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}").replace("_", "__")
