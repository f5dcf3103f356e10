"""The icon in the tray, through pystray: maps the menu's data to its items, and clicks to the facade."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from klapp.tray.menu import SEPARATOR, Item, menu_of
from klapp.tray.picture import picture


class NoTray(Exception):
    """There is no tray, or none that can show a menu; the message is a sentence for a person."""


class TrayAgent(Protocol):
    """What the tray asks of the agent."""

    def overview(self) -> dict[str, Any]:
        """``{"state", "status", "coworkers": [{"name", "state", "why", "last"}]}``."""

    def pause(self, name: str | None = None) -> None: ...
    def resume(self, name: str | None = None) -> None: ...
    def run(self, name: str) -> None: ...
    def quit(self) -> None: ...


class Tray:
    """The icon. ``run`` blocks, on the main thread; ``update`` may be called from any other."""

    def __init__(self, agent: TrayAgent) -> None:
        try:
            import pystray
        except Exception as error:
            # pystray looks for a display and its libraries when it is imported, and raises what they raise.
            raise NoTray("There is no tray here.") from error
        if not pystray.Icon.HAS_MENU:
            raise NoTray(
                "The tray here can not show a menu; on Linux that takes PyGObject (pip install 'klapp[desktop]')."
            )
        self._pystray = pystray
        self._agent = agent
        self._overview = agent.overview()
        self._icon = pystray.Icon("klapp", picture(self._overview["state"]), "klapp", pystray.Menu(self._items))

    def run(self) -> None:
        """Show the icon until the person quits."""
        self._icon.run()

    def update(self) -> None:
        """Show what has changed."""
        before, self._overview = self._overview, self._agent.overview()
        if self._overview == before:
            return
        if self._overview["state"] != before["state"]:
            self._icon.icon = picture(self._overview["state"])
        self._icon.title = f"klapp: {self._overview['status']}"
        self._icon.update_menu()

    def stop(self) -> None:
        """Take the icon away; ``run`` returns."""
        self._icon.stop()

    def _items(self) -> Iterator[Any]:
        return (self._item(item) for item in menu_of(self._overview))

    def _item(self, item: Item) -> Any:
        if item == SEPARATOR:
            return self._pystray.Menu.SEPARATOR
        if item.children:
            return self._pystray.MenuItem(item.label, self._pystray.Menu(*map(self._item, item.children)))
        return self._pystray.MenuItem(item.label, self._click(item), enabled=item.action is not None)

    def _click(self, item: Item) -> Callable[[Any, Any], None] | None:
        if item.action is None:
            return None
        method, name = item.action

        def clicked(icon: Any, chosen: Any) -> None:
            if method == "quit":
                self._agent.quit()
                self.stop()
            elif method == "run":
                self._agent.run(name or "")
            else:
                getattr(self._agent, method)(name)
                self.update()

        return clicked
