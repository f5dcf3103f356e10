"""What the menu shows, as data: made from the overview alone, whatever draws it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from klapp.addresses import address


class Action(NamedTuple):
    """A method of the agent that the tray talks to, and what it is called with."""

    method: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a menu. Without an ``action`` it only tells; ``children`` make it a submenu; a label of "" is a
    separator. Lines with the same ``key`` at the same place are the same line to a panel, though their words change.
    ``by_icon`` is what a click on the icon itself does, where that does not open the menu."""

    label: str
    action: Action | None = None
    children: tuple[Item, ...] = ()
    key: str = ""
    by_icon: bool = False


SEPARATOR = Item("")
LONGEST = 60
MOST_LINES = 5
MARKS = {"paused": " (paused)", "waiting": " (needs you)", "refused": " (not allowed)", "broken": " (has errors)"}


def menu_of(overview: Mapping[str, Any]) -> tuple[Item, ...]:
    """The whole menu: the status, what is wrong, what needs the person, each coworker, and what concerns them all."""
    coworkers = overview["coworkers"]
    all_of_them = [
        Item("Pause all", None, (*_pauses(None),), "pause all"),
        Item("Resume all", Action("resume", (None,))),
    ]
    groups: Iterable[list[Item]] = (
        [Item(_short(overview["status"]), key="status")],
        [
            *map(_trouble, overview["troubles"]),
            *map(_unusual, overview["unusual"]),
            *(_needing(one) for one in coworkers if one["needs"]),
            *([_update(overview["update"])] if overview["update"] else []),
        ],
        [_coworker(one) for one in coworkers],
        [Item("Recent activity", None, tuple(map(_recent, overview["recent"])))] if overview["recent"] else [],
        all_of_them if coworkers else [],
        [
            Item("Open klapp's page", _page("/"), by_icon=True),
            Item("Open the folder of coworkers", Action("open_folder")),
            Item("New coworker", _page("/new")),
            Item("Check for updates", Action("check_updates")),
        ],
        [Item("Lock", Action("lock"))] if overview["account"] else [],
        [Item("Quit", Action("quit"))],
    )
    return tuple(_separated(groups))


def _separated(groups: Iterable[list[Item]]) -> Iterator[Item]:
    first = True
    for group in groups:
        if group and not first:
            yield SEPARATOR
        yield from group
        first = first and not group


def _page(path: str, **query: str) -> Action:
    """Open an address of klapp's page."""
    return Action("open_page", (address(path, **query),))


def _trouble(one: Mapping[str, Any]) -> Item:
    told = Item(_short(one["sentence"]))
    return Item("Something is wrong", None, (told, Item("Look at it in the page", _page(one["page"]))), one["sentence"])


def _unusual(one: Mapping[str, str]) -> Item:
    whose = one["whose"]
    children = [
        *(Item(_short(line)) for line in textwrap.wrap(one["text"], LONGEST)),
        SEPARATOR,
        Item("Look at it in the page", Action("open_page", (one["page"],))),
        *([Item("Pause", Action("pause", (whose, "")))] if whose != "klapp" else []),
        Item("I have seen it", Action("seen", (one["key"],))),
    ]
    return Item(_short(f"{whose}: something is unusual"), None, tuple(children), one["key"])


def _update(one: Mapping[str, Any]) -> Item:
    version = one["version"]
    children = (
        *(Item(_short(line)) for line in textwrap.wrap(one["notes"], LONGEST)[:MOST_LINES]),
        SEPARATOR,
        Item("Look at it in the page", _page("/checkup")),
        Item("Do not show this one again", Action("skip_update", (version,))),
    )
    label = f"klapp {version} closes a hole" if one["security"] else f"klapp {version} is there"
    return Item(label, None, children, "update")


def _needing(one: Mapping[str, Any]) -> Item:
    name = one["name"]
    if one["needs"] == "mending":
        label = f"{name} has errors"
        children = [Item(_short(one["why"]), key="why"), Item("Mend it in the page", _page("/edit", name=name))]
    elif one["needs"] == "resuming":
        label = f"{name} is paused: it failed"
        children = [
            Item("Look at what it did", _page("/activity", name=name)),
            Item("Resume", Action("resume", (name,))),
        ]
    else:
        label = f"{name} waits for your approval"
        asked = (Item(_short(line)) for line in one["new"])
        less = Item("Allow only what its text needs", Action("allow", (name, one["seen"], True)))
        answers = (
            Item("Allow this", Action("allow", (name, one["seen"]))),
            *([less] if one["narrower"] else []),
            Item("Do not allow", Action("refuse", (name,))),
        )
        example = Item("See what it would do", _page("/approve", name=name))
        children = [Item("It asks to:"), *asked, SEPARATOR, example, *answers]
    return Item(_short(label), None, tuple(children), f"needs {name}")


def _coworker(one: Mapping[str, Any]) -> Item:
    name, state = one["name"], one["state"]
    acts: list[Item] = []
    if state in ("running", "paused"):
        acts.append(Item("Run now", Action("run", (name,))))
        acts.extend([Item("Resume", Action("resume", (name,)))] if state == "paused" else _pauses(name))
    acts.append(Item("Show in page", _page("/coworker", name=name)))
    told = [Item(_short(_upper(one[key])), key=key) for key in ("why", "waits", "last", "next") if one[key]]
    return Item(_short(name) + MARKS.get(state, ""), None, (*told, SEPARATOR, *acts), f"coworker {name}")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _pauses(name: str | None) -> Iterator[Item]:
    for label, span in (("Pause", ""), ("Pause for an hour", "hour"), ("Pause until tomorrow", "tomorrow")):
        yield Item(label, Action("pause", (name, span)))


def _recent(run: Mapping[str, Any]) -> Item:
    children = (Item("Undo", Action("undo", (run["run"],))),) if run["undo"] else ()
    return Item(_short(run["words"]), None, children, f"run {run['run']}")


def _short(text: str) -> str:
    """A line that a menu can hold."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"
