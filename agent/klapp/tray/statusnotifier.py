"""The icon on Linux: a StatusNotifierItem with a com.canonical.dbusmenu, served straight over D-Bus.

No toolkit is loaded: the panel draws both. One thread (``run``) answers the panel; ``show`` may be called from any other
and tells the panel only what has changed. A panel that starts anew, or later than klapp, is registered with again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from klapp.tray.menu import SEPARATOR, Action, Item
from klapp.tray.pixels import argb

WATCHER = "org.kde.StatusNotifierWatcher"
ITEM, ITEM_PATH = "org.kde.StatusNotifierItem", "/StatusNotifierItem"
MENU, MENU_PATH = "com.canonical.dbusmenu", "/MenuBar"
MOST_NUMBERS = 2**31 - 1
"""They are signed and of 32 bits on the bus."""
PROPERTIES = "org.freedesktop.DBus.Properties"


class NoBus(Exception):
    """There is no session bus to be shown over."""


@dataclass(slots=True)
class Node:
    """A line of the menu as panels know it, by number."""

    number: int
    item: Item
    children: list[Node] = field(default_factory=list)

    def properties(self) -> dict[str, tuple[str, Any]]:
        """As dbusmenu has them; what is left out has its default."""
        if self.item == SEPARATOR:
            return {"type": ("s", "separator")}
        # A single "_" would mark the letter behind it as a shortcut.
        found: dict[str, tuple[str, Any]] = {"label": ("s", self.item.label.replace("_", "__"))}
        if self.item.action is None and not self.children:
            found["enabled"] = ("b", False)
        if self.children:
            found["children-display"] = ("s", "submenu")
        return found

    def layout(self, depth: int) -> tuple[int, dict[str, tuple[str, Any]], list[Any]]:
        """(number, properties, children), so many levels deep; -1 for all."""
        below = [] if depth == 0 else [("(ia{sv}av)", child.layout(depth - 1)) for child in self.children]
        root = {"children-display": ("s", "submenu")} if self.number == 0 else self.properties()
        return self.number, root, below

    def all(self) -> Iterator[Node]:
        """This one and everything below it."""
        yield self
        for child in self.children:
            yield from child.all()


class Numbers:
    """Gives each line of a menu its number: the same one as long as it is there, so that an open menu stays as it is.

    What is gone is forgotten. Its number comes back to no other line, for a panel may still click what it shows.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], int] = {}
        self._last = 0

    def tree(self, items: Sequence[Item]) -> Node:
        """The nodes of a menu below the root, number 0."""
        there: dict[tuple[str, ...], int] = {}
        root = Node(0, Item("root"), self._nodes(items, (), there))
        self._known = there
        return root

    def _nodes(self, items: Sequence[Item], above: tuple[str, ...], there: dict[tuple[str, ...], int]) -> list[Node]:
        seen: dict[str, int] = {}
        nodes = []
        for item in items:
            key = item.key or item.label
            seen[key] = seen.get(key, 0) + 1
            place = (*above, f"{key}#{seen[key]}")
            number = there[place] = self._known.get(place) or self._next()
            nodes.append(Node(number, item, self._nodes(item.children, place, there)))
        return nodes

    def _next(self) -> int:
        self._last = self._last % MOST_NUMBERS + 1
        return self._last


def changes(before: Node, now: Node) -> list[Node] | None:
    """The nodes whose properties are others; None where lines came, went or moved."""
    old, new = list(before.all()), list(now.all())
    if [(one.number, len(one.children)) for one in old] != [(one.number, len(one.children)) for one in new]:
        return None
    return [n for o, n in zip(old, new, strict=True) if n.number and o.properties() != n.properties()]


class StatusNotifier:
    """The icon and its menu. ``act`` is called with the action of what was clicked, on a thread of its own."""

    def __init__(
        self,
        act: Callable[[Action], None],
        say: Callable[[str], None] = lambda _: None,
        opened: Callable[[], None] = lambda: None,
    ) -> None:
        """``opened`` is called, on a thread of its own, when a person opens the menu. Raises NoBus."""
        from jeepney.io.blocking import open_dbus_connection

        self._act = act
        self._say = say
        self._opened = opened
        self._numbers = Numbers()
        self._root = self._numbers.tree(())
        self._state, self._title = "running", "klapp"
        self._revision = 1
        self._lock = threading.RLock()
        self._stopped = False
        self._clicks: list[Callable[[], None]] = []
        self._pictures: dict[str, list[tuple[int, int, bytes]]] = {}
        try:
            self._bus = open_dbus_connection(bus="SESSION")
        except Exception as error:
            # No address, nobody there, a refusal: whatever it is, there is no tray over it.
            raise NoBus("There is no tray here: this session has no bus.") from error

    # -- what the agent calls ----------------------------------------------------------------------------------------

    def show(self, state: str, title: str, items: Sequence[Item]) -> None:
        """Show this; what is the same as before is not told again."""
        with self._lock:
            tree = self._numbers.tree(items)
            changed, self._root = changes(self._root, tree), tree
            before = self._state, self._title
            self._state, self._title = state, title
            if changed is None:
                self._revision += 1
                self._signal(MENU_PATH, MENU, "LayoutUpdated", "ui", (self._revision, 0))
            elif changed:
                told = [(node.number, node.properties()) for node in changed]
                gone = [(node.number, ["enabled"]) for node in changed if "enabled" not in node.properties()]
                self._signal(MENU_PATH, MENU, "ItemsPropertiesUpdated", "a(ia{sv})a(ias)", (told, gone))
            if before[0] != state:
                self._signal(ITEM_PATH, ITEM, "NewIcon", "", ())
            if before[1] != title:
                self._signal(ITEM_PATH, ITEM, "NewToolTip", "", ())

    def run(self) -> None:
        """Answer the panel until ``stop``, or until the session's bus is gone."""
        from jeepney import MatchRule, message_bus

        rule = MatchRule(type="signal", interface="org.freedesktop.DBus", member="NameOwnerChanged")
        rule.add_arg_condition(0, WATCHER)
        self._send(message_bus.AddMatch(rule))
        self._send(message_bus.RequestName(self._name))
        has_owner = self._bus.send_and_get_reply(message_bus.NameHasOwner(WATCHER), timeout=5).body[0]
        if has_owner:
            self._register()
        else:
            self._say("There is no tray here yet. klapp goes on without an icon, and shows one when there is.")
        while not self._stopped:
            try:
                message = self._bus.receive()
            except Exception:
                # The session's end, or ours.
                return
            with suppress(Exception):  # a panel that asks for what there is not must not end us
                self._heard(message)

    def stop(self) -> None:
        """Take the icon away; ``run`` returns."""
        self._stopped = True
        with suppress(OSError):
            self._bus.sock.shutdown(2)

    # -- the bus -----------------------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return f"org.kde.StatusNotifierItem-{os.getpid()}-1"

    def _send(self, message: Any) -> None:
        with self._lock, suppress(OSError):  # a bus that is gone is noticed by `run`
            self._bus.send(message)

    def _signal(self, path: str, interface: str, member: str, signature: str, body: tuple[Any, ...]) -> None:
        from jeepney import DBusAddress, new_signal

        self._send(new_signal(DBusAddress(path, interface=interface), member, signature or None, body))

    def _register(self) -> None:
        from jeepney import DBusAddress, new_method_call

        watcher = DBusAddress("/StatusNotifierWatcher", bus_name=WATCHER, interface=WATCHER)
        self._send(new_method_call(watcher, "RegisterStatusNotifierItem", "s", (self._name,)))

    def _heard(self, message: Any) -> None:
        from jeepney import HeaderFields, MessageType

        fields = message.header.fields
        member = fields.get(HeaderFields.member)
        if message.header.message_type == MessageType.signal:
            if member == "NameOwnerChanged" and message.body[0] == WATCHER and message.body[2]:
                self._register()
        elif message.header.message_type == MessageType.method_call:
            self._answer(message, fields.get(HeaderFields.path), fields.get(HeaderFields.interface), member)

    def _answer(self, message: Any, path: str, interface: str | None, member: str) -> None:
        from jeepney import new_error, new_method_return

        with self._lock:
            try:
                signature, body = self._called(path, interface, member, message.body)
            except (KeyError, ValueError, TypeError, IndexError):
                self._send(new_error(message, "org.freedesktop.DBus.Error.InvalidArgs"))
                return
            self._send(new_method_return(message, signature or None, body))
            clicks, self._clicks = self._clicks, []
        for click in clicks:  # after the answer: one of them may end us
            threading.Thread(target=click, name="klapp-click", daemon=True).start()

    def _called(self, path: str, interface: str | None, member: str, body: Any) -> tuple[str, tuple[Any, ...]]:
        if interface == PROPERTIES:
            values = self._item() if path == ITEM_PATH else _MENU_PROPERTIES
            return ("v", (values[body[1]],)) if member == "Get" else ("a{sv}", (values,))
        if path == MENU_PATH:
            return self._menu(member, body)
        if member in ("Activate", "SecondaryActivate", "ContextMenu", "Scroll"):
            if member == "Activate":  # from panels that do not open the menu by such a click
                self._clicks.extend(self._click(node) for node in self._root.children if node.item.by_icon)
            return "", ()
        raise ValueError(member)

    def _item(self) -> dict[str, tuple[str, Any]]:
        if self._state not in self._pictures:
            self._pictures[self._state] = argb(self._state)
        pixmaps = self._pictures[self._state]
        return {
            "Category": ("s", "ApplicationStatus"), "Id": ("s", "klapp"), "Title": ("s", "klapp"),
            "Status": ("s", "Active"), "WindowId": ("i", 0), "IconName": ("s", ""), "IconThemePath": ("s", ""),
            "IconPixmap": ("a(iiay)", pixmaps), "OverlayIconName": ("s", ""), "OverlayIconPixmap": ("a(iiay)", []),
            "AttentionIconName": ("s", ""), "AttentionIconPixmap": ("a(iiay)", []), "AttentionMovieName": ("s", ""),
            "ToolTip": ("(sa(iiay)ss)", ("", [], self._title, "")), "ItemIsMenu": ("b", True), "Menu": ("o", MENU_PATH),
        }  # fmt: skip

    def _menu(self, member: str, body: Any) -> tuple[str, tuple[Any, ...]]:
        nodes = {node.number: node for node in self._root.all()}
        match member:
            case "GetLayout":
                return "u(ia{sv}av)", (self._revision, nodes[body[0]].layout(body[1]))
            case "GetGroupProperties":
                wanted = [nodes[number] for number in body[0] if number in nodes] or list(nodes.values())
                return "a(ia{sv})", ([(node.number, node.properties()) for node in wanted],)
            case "GetProperty":
                return "v", (nodes[body[0]].properties()[body[1]],)
            case "AboutToShow":
                if body[0] == 0:
                    self._clicks.append(self._opened)
                return "b", (False,)
            case "AboutToShowGroup":
                return "aiai", ([], [])
            case "Event":
                self._clicked(nodes, body[0], body[1])
                return "", ()
            case "EventGroup":
                for number, event, _, _ in body[0]:
                    self._clicked(nodes, number, event)
                return "ai", ([],)
        raise ValueError(member)

    def _click(self, node: Node) -> Callable[[], None]:
        assert node.item.action is not None
        return partial(self._act, node.item.action)

    def _clicked(self, nodes: dict[int, Node], number: int, event: str) -> None:
        node = nodes.get(number)
        if event == "clicked" and node is not None and node.item.action is not None:
            self._clicks.append(self._click(node))
        elif event == "opened" and number == 0:
            self._clicks.append(self._opened)


_MENU_PROPERTIES: dict[str, tuple[str, Any]] = {
    "Version": ("u", 3),
    "TextDirection": ("s", "ltr"),
    "Status": ("s", "normal"),
    "IconThemePath": ("as", []),
}
