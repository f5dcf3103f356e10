"""Tells when the person's screen is locked, or the machine goes to sleep, where the desktop says so over D-Bus.

One thread for each bus sleeps until a signal comes; nothing is polled. Elsewhere than on Linux nobody tells, and a
session ends by itself when nothing is done.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_SIGNALS: dict[str, tuple[tuple[str, str], ...]] = {
    "SESSION": (
        ("org.freedesktop.ScreenSaver", "ActiveChanged"),
        ("org.gnome.ScreenSaver", "ActiveChanged"),
        ("org.cinnamon.ScreenSaver", "ActiveChanged"),
        ("org.mate.ScreenSaver", "ActiveChanged"),
    ),
    "SYSTEM": (("org.freedesktop.login1.Manager", "PrepareForSleep"), ("org.freedesktop.login1.Session", "Lock")),
}
"""Which signals of which bus say so; each has True as its only argument, or none."""


class ScreenWatch:
    """Calls ``locked`` with what happened, on a thread of its own, from ``start`` to ``stop``."""

    def __init__(self, locked: Callable[[str], object]) -> None:
        self._locked = locked
        self._connections: list[Any] = []
        self._stopped = False

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
            for interface, member in signals:
                rule = MatchRule(type="signal", interface=interface, member=member)
                connection.send_and_get_reply(message_bus.AddMatch(rule), timeout=5)
            while not self._stopped:
                self._heard(connection.receive())

    def _heard(self, message: Any) -> None:
        member = message.header.fields.get(3)  # the member's name, in the D-Bus specification's table of header fields
        if self._stopped or member not in ("ActiveChanged", "PrepareForSleep", "Lock") or message.body == (False,):
            return
        self._locked("the machine went to sleep" if member == "PrepareForSleep" else "the screen was locked")
