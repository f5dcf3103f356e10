"""Notices: one small interface; on the desktop, or as lines of a terminal."""

from __future__ import annotations

import html
import sys
import unicodedata
from collections.abc import Callable
from typing import Protocol

LONGEST = 500
APPLICATION = "klapp"


class Notifier(Protocol):
    """Shows a notice; True where it was shown. It never raises: a notice that fails must not fail a run."""

    def show(self, title: str, text: str) -> bool: ...


class TerminalNotifier:
    """Notices as lines of a terminal, or of a log that a service manager keeps."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def show(self, title: str, text: str) -> bool:
        """Say the notice in one line."""
        self.say(f"{cleaned(title)}: {cleaned(text)}")
        return True


class DesktopNotifier:
    """Notices of the desktop; those that can not be shown go to ``otherwise``."""

    def __init__(self, otherwise: Notifier) -> None:
        self.otherwise = otherwise

    def show(self, title: str, text: str) -> bool:
        """Show the notice under its title."""
        send = _over_bus if sys.platform.startswith("linux") else _through_plyer
        try:
            send(cleaned(title), cleaned(text))
        except Exception:
            # No bus, no daemon, a backend that raises what it likes: the person gets to know all the same.
            return self.otherwise.show(title, text)
        return True


class RecordedNotifier:
    """Notices that are remembered: ``remember`` is told title, text, and whether it was shown."""

    def __init__(self, notifier: Notifier, remember: Callable[[str, str, bool], None]) -> None:
        self.notifier = notifier
        self.remember = remember

    def show(self, title: str, text: str) -> bool:
        """Show the notice, and remember it."""
        shown = self.notifier.show(title, text)
        self.remember(title, text, shown is not False)
        return shown


def best(say: Callable[[str], None]) -> Notifier:
    """Notices on the desktop, and as lines where there is none."""
    return DesktopNotifier(TerminalNotifier(say))


def cleaned(text: str) -> str:
    """The text in one line, with nothing in it that could steer who shows it, and not too long."""
    line = "".join(
        " "
        if character in "\t\n\r"
        else "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(character) in _HIDDEN
        else character
        for character in text
    )
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"


_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _over_bus(title: str, text: str) -> None:
    """Desktop Notifications Specification 1.2, straight over D-Bus: a helper program's arguments, which a name in the
    text would be among, can be read by everybody on the machine."""
    from jeepney import DBusAddress, new_method_call
    from jeepney.io.blocking import open_dbus_connection
    from jeepney.wrappers import unwrap_msg

    path, name = "/org/freedesktop/Notifications", "org.freedesktop.Notifications"
    # The daemon may read the text as markup, never the title.
    body: tuple[object, ...] = (APPLICATION, 0, "", title, html.escape(text, quote=False), [], {}, -1)
    with open_dbus_connection(bus="SESSION") as connection:
        call = new_method_call(DBusAddress(path, bus_name=name, interface=name), "Notify", "susssasa{sv}i", body)
        unwrap_msg(connection.send_and_get_reply(call, timeout=5))


def _through_plyer(title: str, text: str) -> None:
    from plyer import notification

    notification.notify(title=title, message=text, app_name=APPLICATION)
