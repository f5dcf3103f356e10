"""The tray without a screen: its menu as data, what a panel is told, and pystray's part over a recording stand-in."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.addresses import editor
from klapp.glance import waits, when
from klapp.tray.finder import listen
from klapp.tray.icon import NoTray, Pystray, Tray
from klapp.tray.menu import SEPARATOR, Action, Item, menu_of
from klapp.tray.pixels import SIDES, argb, drawn
from klapp.tray.statusnotifier import Numbers, changes

STATES = ("running", "working", "paused", "needs you", "trouble")


def overview(**coworker: Any) -> dict[str, Any]:
    one = {"name": "Tidy", "state": "running", "needs": "", "why": "", "waits": "", "last": "never ran", "next": ""}
    one |= {"new": [], "seen": "s", "narrower": False} | coworker
    troubles = [{"sentence": "The clock has stopped.", "page": "/checkup"}] if coworker.get("trouble") else []
    told = {"state": "running", "status": "fine", "account": True, "recent": [], "coworkers": [one]}
    others = {"unusual": coworker.get("unusual", []), "update": coworker.get("update")}
    return told | {"troubles": troubles} | others


def labels(items: Any) -> list[str]:
    return [item.label for item in items]


def found(menu: Any, *path: str) -> Item:
    """The line of a menu that these labels lead to."""
    item = Item("")
    for label in path:
        item = next(one for one in menu if one.label == label)
        menu = item.children
    return item


def test_what_changes_in_words_only_is_told_as_that() -> None:
    numbers = Numbers()
    before = numbers.tree(menu_of(overview()))
    assert changes(before, numbers.tree(menu_of(overview()))) == []
    [changed] = changes(before, numbers.tree(menu_of(overview(last="run 2")))) or []
    assert changed.item.label == "Run 2"
    assert changes(before, numbers.tree(menu_of(overview(state="paused")))) is None


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), max_size=5))
def test_numbers_are_unique_and_stay(menus: list[list[str]]) -> None:
    numbers = Numbers()
    for labels in [*menus, *menus]:
        items = [Item(label, None, (Item("x"), SEPARATOR, Item("x"))) for label in labels]
        found = [node.number for node in numbers.tree(items).all()]
        assert len(set(found)) == len(found)
        assert found == [node.number for node in numbers.tree(items).all()]


def test_what_is_gone_is_forgotten_and_its_number_never_comes_back() -> None:
    numbers = Numbers()
    used: set[int] = set()
    for round in range(500):
        new = {node.number for node in numbers.tree([Item(f"run {round}", None, (Item("Undo"),))]).all()} - {0}
        assert not new & used
        used |= new
    assert len(numbers._known) == 2
    assert numbers.tree([]).children == []
    assert numbers._known == {}


def test_each_thing_that_needs_a_person_has_its_line_and_its_way() -> None:
    menu = menu_of(overview(state="paused", needs="resuming", why="It failed, so klapp paused it", trouble=True))
    assert found(menu, "Something is wrong", "Look at it in the page").action == Action("open_page", ("/checkup",))
    assert found(menu, "Tidy is paused: it failed", "Resume").action == Action("resume", ("Tidy",))
    looked = found(menu, "Tidy is paused: it failed", "Look at what it did").action
    assert looked == Action("open_page", ("/activity?name=Tidy",))
    assert found(menu, "Tidy (paused)", "It failed, so klapp paused it").action is None
    menu = menu_of(overview(state="running", needs="mending", name="A & B"))
    assert found(menu, "A & B has errors", "Mend it in the page").action == Action("open_page", ("/edit?name=A+%26+B",))
    menu = menu_of(overview(state="waiting", needs="approval", narrower=True))
    less = found(menu, "Tidy waits for your approval", "Allow only what its text needs").action
    assert less == Action("allow", ("Tidy", "s", True))
    menu = menu_of(overview(waits="2 starts wait: until it may work again", next="Next today at 09:00"))
    assert {"2 starts wait: until it may work again", "Next today at 09:00"} <= set(
        labels(found(menu, "Tidy").children)
    )
    assert found(menu, "Tidy", "Show in page").action == Action("open_page", ("/coworker?name=Tidy",))
    assert found(menu, "New coworker").action == Action("open_page", ("/new",))


def test_what_is_unusual_stands_before_the_coworkers_until_it_is_seen() -> None:
    text = "It made 120 runs today. On the busiest of the 14 days before it made 12."
    whose = {"key": "unusual:more:Tidy", "whose": "Tidy", "text": text, "page": "/activity?name=Tidy"}
    clock = {"key": "unusual:clock:klapp", "whose": "klapp", "text": "It was set back.", "page": "/log"}
    menu = menu_of(overview(unusual=[whose, clock], needs="approval"))
    assert labels(menu)[:6] == [
        "fine",
        "",
        "Tidy: something is unusual",
        "klapp: something is unusual",
        "Tidy waits for your approval",
        "",
    ]
    lines = labels(found(menu, "Tidy: something is unusual").children)
    assert " ".join(lines[: lines.index("")]) == text
    assert found(menu, "Tidy: something is unusual", "Pause").action == Action("pause", ("Tidy", ""))
    assert found(menu, "klapp: something is unusual", "Look at it in the page").action == Action("open_page", ("/log",))
    assert "Pause" not in labels(found(menu, "klapp: something is unusual").children)
    seen = found(menu, "klapp: something is unusual", "I have seen it").action
    assert seen == Action("seen", ("unusual:clock:klapp",))


def test_a_newer_klapp_is_shown_where_it_is_known_of_and_asked_for_by_a_click() -> None:
    assert found(menu_of(overview()), "Check for updates").action == Action("check_updates")
    new = {"version": "9.1.0", "security": True, "notes": "A hole is closed. " * 30}
    menu = menu_of(overview(update=new, needs="approval"))
    assert labels(menu)[2:5] == ["Tidy waits for your approval", "klapp 9.1.0 closes a hole", ""]
    update = found(menu, "klapp 9.1.0 closes a hole")
    assert len(update.children) == 8
    assert found(update.children, "Look at it in the page").action == Action("open_page", ("/checkup",))
    assert found(update.children, "Do not show this one again").action == Action("skip_update", ("9.1.0",))
    assert found(menu_of(overview(update=new | {"security": False})), "klapp 9.1.0 is there").children


def test_every_page_that_the_menu_opens_is_there() -> None:
    from klapp.console.app import is_page

    menus = [menu_of(overview(needs=needs, trouble=True)) for needs in ("approval", "mending", "resuming")]
    pages = [
        node.item.action.arguments[0]
        for menu in menus
        for node in Numbers().tree(menu).all()
        if node.item.action is not None and node.item.action.method == "open_page"
    ]
    assert len(pages) == 15
    assert all(map(is_page, pages))
    assert not any(map(is_page, ("", "/coworker/do", "//evil", "/ü", "/\n", "http://evil/", "/static/console.js")))


def test_why_something_waits_is_told_in_words() -> None:
    noon = datetime.now().replace(hour=12, minute=0, second=0, microsecond=0)
    assert waits({}) == ""
    assert waits({"retry": (1, noon.timestamp())}) == "1 start waits: tries again today at 12:00"
    told = waits({"window": (2, (noon + timedelta(days=1)).timestamp()), "not ready": (3, None)})
    assert told == "2 starts wait: until its hours begin, tomorrow at 12:00; 3 starts wait: until it may work again"
    assert when(noon - timedelta(days=1)) == "yesterday at 12:00"
    assert when(datetime(2020, 2, 3, 4, 5)) == "on 2020-02-03 at 04:05"


class Slow:
    """An agent whose overview takes until it is let go on."""

    def __init__(self) -> None:
        self.asked = 0
        self.during: Any = None

    def overview(self) -> dict[str, Any]:
        self.asked += 1
        if self.during is not None:
            during, self.during = self.during, None
            during()
        return overview(last=f"run {self.asked}")


def test_a_change_while_the_menu_is_made_is_not_lost_and_waits_for_nobody() -> None:
    agent = Slow()
    surface = Pystray(lambda action: None, Recorded)
    tray = Tray(agent, surface=surface)  # type: ignore[arg-type]  # nothing is clicked
    agent.during = tray.update
    tray.update()
    assert agent.asked == 3, "when it was made, when it was asked, and once more"
    assert any(item.label == "Run 3" for item in found(surface._items, "Tidy").children)


def test_each_state_has_a_shape_of_its_own() -> None:
    def shape(state: str) -> tuple[bool, ...]:
        pixels = argb(state)[0][2]  # what is white is the mark; colours do not count
        return tuple(min(pixels[place + 1 : place + 4]) > 200 for place in range(0, len(pixels), 4))

    shapes = [shape(state) for state in STATES]
    for one in range(len(shapes)):
        for other in range(one):
            assert sum(a != b for a, b in zip(shapes[one], shapes[other], strict=True)) >= 8


def test_the_stored_pixels_are_what_is_drawn() -> None:
    for state in STATES:
        for side, (width, height, pixels) in zip(SIDES, argb(state), strict=True):
            assert (width, height, len(pixels)) == (side, side, 4 * side * side)
            new = drawn(state, side)  # another version of Pillow may smooth edges a little differently
            apart = sum(abs(one - other) for one, other in zip(pixels, new, strict=True)) / len(pixels)
            assert apart < 2, "python -m klapp.tray.pixels draws them anew"
    assert argb("unheard of") == argb("trouble")


class Recorded:
    """Stands in for pystray: remembers what it was given."""

    class Icon:
        HAS_MENU = True

        def __init__(self, name: str, icon: Any, title: str, menu: Any) -> None:
            self.icon, self.title, self.menu = icon, title, menu

        def update_menu(self) -> None:
            self.lines = list(self.menu[0]())

    @staticmethod
    def MenuItem(label: str, action: Any, enabled: bool = True, default: bool = False) -> Any:
        return SimpleNamespace(label=label, action=action, enabled=enabled, default=default)

    @staticmethod
    def Menu(*lines: Any) -> Any:
        return lines


Recorded.Menu.SEPARATOR = "-"  # type: ignore[attr-defined]


def test_pystray_shows_the_same_menu_and_obeys() -> None:
    done: list[Action] = []
    surface = Pystray(done.append, Recorded)
    surface.show("paused", "t" * 200, menu_of(overview(state="waiting", needs="approval", new=["read ~/In/*"])))
    icon = surface._icon
    assert len(icon.title) <= 127
    asked = next(line for line in icon.lines if getattr(line, "label", "") == "Tidy waits for your approval").action
    assert [getattr(line, "label", line) for line in asked] == [
        "It asks to:",
        "read ~/In/*",
        "-",
        "See what it would do",
        "Allow this",
        "Do not allow",
    ]
    assert not asked[0].enabled
    assert [line.label for line in icon.lines if getattr(line, "default", False)] == ["Open klapp's page"]
    asked[4].action(icon, asked[4])
    icon.lines[-1].action(icon, icon.lines[-1])
    assert done == [Action("allow", ("Tidy", "s")), Action("quit")]


def test_the_real_pystray_takes_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own menus and icon, over a backend that puts down what a system would be told."""
    monkeypatch.setenv("PYSTRAY_BACKEND", "dummy")
    import pystray

    told: list[str] = []

    class Icon(pystray.Icon):  # type: ignore[misc]
        def _run(self) -> None:
            told.append("run")
            self._mark_ready()

        def _stop(self) -> None:
            told.append("stop")

        def _update_menu(self) -> None:
            told.append("menu")

        _show = _hide = _update_icon = _update_title = lambda self: None

    class Agent(Slow):
        done: tuple[Any, ...] = ()

        def act(self, method: str, arguments: Any) -> None:
            self.done = method, arguments

        def quit(self) -> None:
            self.done = ("quit",)

    library = SimpleNamespace(Icon=Icon, Menu=pystray.Menu, MenuItem=pystray.MenuItem)
    agent = Agent()
    surface = Pystray(lambda action: tray._act(action), library)
    tray = Tray(agent, surface=surface)
    icon = surface._icon
    lines = {line.text: line for line in icon.menu.items}
    assert [line.text for line in icon.menu.items if line.default] == ["Open klapp's page"]
    assert not lines["fine"].enabled
    submenu = {line.text: line for line in lines["Tidy"].submenu.items}
    submenu["Pause until tomorrow"](icon)
    assert agent.done == ("pause", ("Tidy", "tomorrow"))
    assert told.count("menu") >= 1
    shown = icon.icon
    surface.show("trouble", "klapp: Something is wrong", menu_of(overview(name="A & B_c", trouble=True)))
    assert icon.icon is not shown
    assert icon.title == "klapp: Something is wrong"
    assert {"A & B_c", "Something is wrong"} <= {line.text for line in icon.menu.items}
    monkeypatch.setattr("klapp.tray.icon.sys.platform", "win32")
    assert "A && B_c" in {line.text for line in icon.menu.items}
    icon()  # a click on the icon itself
    assert agent.done == ("open_page", ("/",))
    tray.run()
    lines["Quit"](icon)
    assert agent.done == ("quit",)
    assert [one for one in told if one != "menu"] == ["run", "stop"]


def test_no_menu_and_no_library_are_no_tray(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoTray, match="can not show a menu"):
        Pystray(lambda action: None, SimpleNamespace(Icon=SimpleNamespace(HAS_MENU=False)))
    monkeypatch.setitem(sys.modules, "pystray", None)
    with pytest.raises(NoTray, match="no tray here"):
        Pystray(lambda action: None)


def test_a_double_click_in_the_finder_reaches_the_running_app() -> None:
    class Native:
        @classmethod
        def alloc(cls) -> Any:
            return SimpleNamespace(init=cls)

    delegates: list[Any] = []
    application = SimpleNamespace(setDelegate_=delegates.append)
    appkit = SimpleNamespace(NSApplication=SimpleNamespace(sharedApplication=lambda: application))
    opened: list[str] = []
    held = listen(opened.append, SimpleNamespace(NSObject=Native), appkit)
    assert delegates == [held]
    answers: list[int] = []
    held.application_openFiles_(SimpleNamespace(replyToOpenOrPrint_=answers.append), ["/a/one.klr", "/a/zwei.klr"])  # type: ignore[attr-defined]
    assert opened == ["/a/one.klr", "/a/zwei.klr"]
    assert answers == [0]


def test_the_editor_of_a_file_is_told_apart_from_bringing_it(tmp_path: Path) -> None:
    assert editor(tmp_path / "a b.klr", tmp_path) == "/edit?name=a+b.klr"
    assert editor(tmp_path / "a.klr", tmp_path / "other") == f"/bring?file={quote_plus(str(tmp_path / 'a.klr'))}"
    assert editor(Path("/x/\udcff.klr"), tmp_path).endswith("%FF.klr")
