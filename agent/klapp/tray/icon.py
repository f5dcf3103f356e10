"""The icon in the tray: shows the agent's overview, and hands clicks to the agent.

On Linux it is served over D-Bus (``klapp.tray.statusnotifier``); elsewhere pystray draws it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, Protocol

from klapp.tray.finder import listen
from klapp.tray.menu import SEPARATOR, Action, Item, menu_of
from klapp.tray.picture import picture


class NoTray(Exception):
    """There is no tray, or none that can show a menu; the message is a sentence for a person."""


class TrayAgent(Protocol):
    """What the tray asks of the agent; beside these, the methods that the menu's actions name."""

    def overview(self) -> dict[str, Any]:
        """What ``klapp.glance.overview`` tells."""

    def act(self, method: str, arguments: Sequence[Any]) -> None:
        """Do what was clicked; never raises, but tells the person."""

    def quit(self) -> None: ...


class Surface(Protocol):
    """What draws icon and menu."""

    def show(self, state: str, title: str, items: Sequence[Item]) -> None: ...
    def run(self) -> None: ...
    def stop(self) -> None: ...


class Tray:
    """The icon. ``run`` blocks, on the main thread; ``update`` may be called from any other."""

    def __init__(
        self, agent: TrayAgent, say: Callable[[str], None] = lambda _: None, surface: Surface | None = None
    ) -> None:
        """``say`` is told, once, where there is no tray yet; ``surface`` is the system's own where None. Raises NoTray."""
        self._agent = agent
        self._shown: dict[str, Any] | None = None
        self._lock = threading.Lock()
        self._stale = False
        self._surface = surface or self._best(say)
        self.update()

    def _best(self, say: Callable[[str], None]) -> Surface:
        if not sys.platform.startswith("linux"):
            surface = Pystray(self._act)
            if sys.platform == "darwin":
                self._listening = listen(lambda path: self._act(Action("open_file", (path,))))
            return surface
        from klapp.tray.statusnotifier import NoBus, StatusNotifier

        try:
            return StatusNotifier(self._act, say, self.update)
        except NoBus as error:
            raise NoTray(str(error)) from error

    def run(self) -> None:
        """Show the icon until the person quits."""
        self._surface.run()

    def update(self) -> None:
        """Show what has changed."""
        # Whoever comes while another is at it leaves it to them to look once more, and waits for nobody.
        self._stale = True
        while self._stale and self._lock.acquire(blocking=False):
            try:
                self._stale = False
                self._update()
            finally:
                self._lock.release()

    def _update(self) -> None:
        overview = self._agent.overview()
        if overview != self._shown:
            self._shown = overview
            self._surface.show(overview["state"], f"klapp: {overview['status']}", menu_of(overview))

    def stop(self) -> None:
        """Take the icon away; ``run`` returns."""
        self._surface.stop()

    def _act(self, action: Action) -> None:
        if action.method == "quit":
            self._agent.quit()
            self.stop()
            return
        self._agent.act(action.method, action.arguments)
        self.update()


class Pystray:
    """The icon through pystray, on Windows and macOS."""

    def __init__(self, act: Callable[[Action], None], pystray: Any = None) -> None:
        """``pystray`` is the library, or what stands in for it in tests. Raises NoTray."""
        if pystray is None:
            try:
                pystray = import_module("pystray")
            except Exception as error:
                # pystray looks for a display and its libraries when it is imported, and raises what they raise.
                raise NoTray("There is no tray here.") from error
        if not pystray.Icon.HAS_MENU:
            raise NoTray("The tray here can not show a menu.")
        self._pystray = pystray
        self._act = act
        self._state = ""
        self._items: Sequence[Item] = ()
        self._icon = pystray.Icon("klapp", picture("running"), "klapp", pystray.Menu(self._lines))

    def show(self, state: str, title: str, items: Sequence[Item]) -> None:
        """Show this."""
        if state != self._state:
            self._icon.icon = picture(state)
        self._state, self._items = state, items
        self._icon.title = title[:127]  # as many characters as Windows takes
        self._icon.update_menu()

    def run(self) -> None:
        """Show the icon until ``stop``."""
        self._icon.run()

    def stop(self) -> None:
        """Take the icon away."""
        self._icon.stop()

    def _lines(self) -> Iterator[Any]:
        return map(self._line, self._items)

    def _line(self, item: Item) -> Any:
        if item == SEPARATOR:
            return self._pystray.Menu.SEPARATOR
        # On Windows, a single "&" would mark the letter behind it as a shortcut.
        label = item.label.replace("&", "&&") if sys.platform == "win32" else item.label
        if item.children:
            return self._pystray.MenuItem(label, self._pystray.Menu(*map(self._line, item.children)))
        action = item.action
        click = None if action is None else lambda icon, chosen: self._act(action)
        return self._pystray.MenuItem(label, click, enabled=action is not None, default=item.by_icon)
