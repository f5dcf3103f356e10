"""Tells when the person's screen is locked, or the machine goes to sleep, where the desktop says so over D-Bus.

One thread for each bus sleeps until a signal comes; nothing is polled. Elsewhere than on Linux nobody tells, and a
session ends by itself when nothing is done.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_SAVERS = ("freedesktop", "gnome", "cinnamon", "mate")
_LOGIND, _SESSION = "org.freedesktop.login1", "org.freedesktop.login1.Session"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_SIGNALS: dict[str, tuple[tuple[str, str], ...]] = {
    "SESSION": tuple((f"org.{name}.ScreenSaver", "ActiveChanged") for name in _SAVERS),
    "SYSTEM": (
        ("org.freedesktop.login1.Manager", "PrepareForSleep"),
        (_SESSION, "Lock"),
        (_SESSION, "Unlock"),
        (_PROPERTIES, "PropertiesChanged"),
    ),
}
"""Which signals of which bus say so; ``ActiveChanged`` and ``PrepareForSleep`` have a truth value as their only argument."""
_ASLEEP, _LOCKED = "the machine went to sleep", "the screen was locked"


class ScreenWatch:
    """Calls ``locked`` with what happened, on a thread of its own, from ``start`` to ``stop``.

    ``is_locked`` is whether the screen is locked now, as far as the desktop has said: one that locks it and never says
    that it is open again leaves it True.
    """

    def __init__(self, locked: Callable[[str], object]) -> None:
        self._locked = locked
        self._connections: list[Any] = []
        self._stopped = False
        self.is_locked = False
        self._mine = ""

    def start(self) -> None:
        """Begin, where there are buses."""
        if not sys.platform.startswith("linux"):
            return
        for bus, signals in _SIGNALS.items():
            thread = threading.Thread(target=self._watch, args=(bus, signals), name="klapp-screen", daemon=True)
            thread.start()

    def stop(self) -> None:
        """End; nothing is called any more."""
        self._stopped = True
        for connection in self._connections:
            with suppress(OSError):
                connection.sock.shutdown(2)

    def _watch(self, bus: str, signals: tuple[tuple[str, str], ...]) -> None:
        from jeepney import MatchRule, message_bus
        from jeepney.io.blocking import open_dbus_connection

        # There may be no such bus, and it may go away; whoever runs it, klapp does without.
        with suppress(Exception), open_dbus_connection(bus=bus) as connection:
            self._connections.append(connection)
            # Anybody may send any signal over the system's bus: only logind is believed, and of this session alone.
            said = {"sender": _LOGIND} if bus == "SYSTEM" else {}
            if bus == "SYSTEM":  # the other bus has a thread of its own, and must not forget what this one knows
                self._mine = _own_session(connection)
            for interface, member in signals:
                rule = MatchRule(type="signal", interface=interface, member=member, **said)
                if interface == _PROPERTIES:
                    rule.add_arg_condition(0, _SESSION)
                connection.send_and_get_reply(message_bus.AddMatch(rule), timeout=5)
            if bus == "SESSION":
                self._look(connection)
            while not self._stopped:
                self._heard(connection.receive())

    def _look(self, connection: Any) -> None:
        """Whether the screen was locked before anybody listened; a screen saver that does not run is not started."""
        from jeepney import DBusAddress, message_bus, new_method_call

        for name in _SAVERS:
            interface, path = f"org.{name}.ScreenSaver", f"/org/{name}/ScreenSaver"
            if connection.send_and_get_reply(message_bus.NameHasOwner(interface), timeout=5).body == (True,):
                call = new_method_call(DBusAddress(path, interface, interface), "GetActive")
                if connection.send_and_get_reply(call, timeout=5).body == (True,):
                    self.is_locked = True

    def _heard(self, message: Any) -> None:
        path, interface, member = (message.header.fields.get(code) for code in (1, 2, 3))  # the specification's table
        body = message.body
        if self._mine and path != self._mine and interface in (_SESSION, _PROPERTIES):
            return  # another person's screen
        match member:
            case "PrepareForSleep" if body != (False,):
                self._tell(_ASLEEP)
            case "ActiveChanged" if body != (False,):
                self._tell(_LOCKED)
            case "Lock":
                self._tell(_LOCKED)
            case "ActiveChanged" | "Unlock":
                self.is_locked = False
            case "PropertiesChanged" if "LockedHint" in body[1]:
                if body[1]["LockedHint"][1]:
                    self._tell(_LOCKED)
                else:
                    self.is_locked = False

    def _tell(self, what: str) -> None:
        if self._stopped:
            return
        self.is_locked = self.is_locked or what == _LOCKED
        self._locked(what)


def _own_session(connection: Any) -> str:
    """The object of the session that this process belongs to or, for one that a user's systemd runs, of that person's
    screen; "" where logind knows of none."""
    from jeepney import DBusAddress, MessageType, Properties, new_method_call

    manager = DBusAddress("/org/freedesktop/login1", _LOGIND, f"{_LOGIND}.Manager")
    found = connection.send_and_get_reply(new_method_call(manager, "GetSessionByPID", "u", (os.getpid(),)), timeout=5)
    if found.header.message_type is MessageType.method_return:
        return str(found.body[0])
    user = connection.send_and_get_reply(new_method_call(manager, "GetUser", "u", (os.getuid(),)), timeout=5)
    if user.header.message_type is not MessageType.method_return:
        return ""
    address = DBusAddress(user.body[0], _LOGIND, f"{_LOGIND}.User")
    screen = connection.send_and_get_reply(Properties(address).get("Display"), timeout=5)
    return str(screen.body[0][1][1]) if screen.header.message_type is MessageType.method_return else ""
