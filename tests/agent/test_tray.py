"""The tray without a screen: its menu as data, what a panel is told, and pystray's part over a recording stand-in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from klapp.tray.icon import Pystray
from klapp.tray.menu import SEPARATOR, Action, Item, menu_of
from klapp.tray.picture import argb
from klapp.tray.statusnotifier import Numbers, changes

STATES = ("running", "working", "paused", "needs you", "trouble")


def overview(**coworker: Any) -> dict[str, Any]:
    one = {"name": "Tidy", "state": "running", "why": "", "last": "never ran", "new": [], "seen": "s"} | coworker
    return {"state": "running", "status": "fine", "account": True, "recent": [], "coworkers": [one]}


def test_what_changes_in_words_only_is_told_as_that() -> None:
    numbers = Numbers()
    before = numbers.tree(menu_of(overview()))
    assert changes(before, numbers.tree(menu_of(overview()))) == []
    [changed] = changes(before, numbers.tree(menu_of(overview(last="run 2")))) or []
    assert changed.item.label == "Last: run 2"
    assert changes(before, numbers.tree(menu_of(overview(state="paused")))) is None


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), max_size=5))
def test_numbers_are_unique_and_stay(menus: list[list[str]]) -> None:
    numbers = Numbers()
    for labels in [*menus, *menus]:
        items = [Item(label, None, (Item("x"), SEPARATOR, Item("x"))) for label in labels]
        found = [node.number for node in numbers.tree(items).all()]
        assert len(set(found)) == len(found)
        assert found == [node.number for node in numbers.tree(items).all()]


def test_each_state_has_a_shape_of_its_own() -> None:
    def shape(state: str) -> tuple[bool, ...]:
        pixels = argb(state, 16)  # what is white is the mark; colours do not count
        return tuple(min(pixels[place + 1 : place + 4]) > 200 for place in range(0, len(pixels), 4))

    shapes = [shape(state) for state in STATES]
    for one in range(len(shapes)):
        for other in range(one):
            assert sum(a != b for a, b in zip(shapes[one], shapes[other], strict=True)) >= 8


class Recorded:
    """Stands in for pystray: remembers what it was given."""

    class Icon:
        HAS_MENU = True

        def __init__(self, name: str, icon: Any, title: str, menu: Any) -> None:
            self.icon, self.title, self.menu = icon, title, menu

        def update_menu(self) -> None:
            self.lines = list(self.menu[0]())

    @staticmethod
    def MenuItem(label: str, action: Any, enabled: bool = True) -> Any:
        return SimpleNamespace(label=label, action=action, enabled=enabled)

    @staticmethod
    def Menu(*lines: Any) -> Any:
        return lines


Recorded.Menu.SEPARATOR = "-"  # type: ignore[attr-defined]


def test_pystray_shows_the_same_menu_and_obeys() -> None:
    done: list[Action] = []
    surface = Pystray(done.append, Recorded)
    surface.show("paused", "t" * 200, menu_of(overview(state="waiting", new=["read ~/In/*"])))
    icon = surface._icon
    assert len(icon.title) <= 127
    asked = next(line for line in icon.lines if getattr(line, "label", "") == "Tidy waits for your approval").action
    assert [getattr(line, "label", line) for line in asked] == [
        "It asks to:",
        "read ~/In/*",
        "-",
        "Allow this",
        "Do not allow",
    ]
    assert not asked[0].enabled
    asked[3].action(icon, asked[3])
    icon.lines[-1].action(icon, icon.lines[-1])
    assert done == [Action("allow", ("Tidy", "s")), Action("quit")]
