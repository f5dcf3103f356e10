"""Notices on the Linux desktop, straight over D-Bus (Desktop Notifications Specification 1.2), with buttons.

Straight, since a helper program's arguments, which a name in the text would be among, can be read by everybody on the
machine. One connection sends and listens, for some daemons tell only who has sent a notice that its button was pressed.
"""

from __future__ import annotations

import html
import os
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from klapp.notices.deck import Showing
from klapp.notices.displays import APPLICATION, Away, Display, Heard
from klapp.notices.notice import Kind, cleaned

NAME, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
BUS, BUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
PROPERTIES = "org.freedesktop.DBus.Properties"
DISTURBING = ((NAME, "Inhibited"), ("org.dunstproject.cmd0", "paused"))
"""Properties of daemons that are true while the person is not to be disturbed: KDE's, and dunst's."""
URGENCY = {Kind.SUMMARY: 0, Kind.ANOMALY: 2, Kind.UPDATE: 2}
"""The specification's; 1 for all others."""
PATIENCE = 5.0
"""Seconds for an answer of the bus or the daemon, who may have to be started first."""
AGAIN = 60.0
"""Seconds between two tries to reach a bus that was not there."""
BY_PERSON = 2
"""The specification's reason of what was dismissed."""


def has_bus() -> bool:
    """Whether this session has a bus, or can have one that is started by itself."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return bool(os.environ.get("DBUS_SESSION_BUS_ADDRESS")) or (bool(runtime) and os.path.exists(f"{runtime}/bus"))


class BusDisplay:
    """Notices of the desktop. A thread of its own listens; what it hears is told on it."""

    at_once = False

    def __init__(self, otherwise: Display) -> None:
        """``otherwise`` says at once what can not be shown as it comes; it is shown all the same when it can be."""
        self._otherwise = otherwise
        self._heard: Heard | None = None
        self._bus: Any = None
        self._sending = threading.Lock()
        self._answers: dict[int, Future[Any]] = {}
        self._owner = ""
        self._can_start = False
        self._abilities: frozenset[str] | None = None
        self._held: set[tuple[str, str]] = set()
        self._tried = float("-inf")
        self._stopped = False

    def start(self, heard: Heard) -> None:
        """Begin to listen."""
        self._heard = heard
        with suppress(Away):
            self._connected()

    def stop(self) -> None:
        """Hang up."""
        self._stopped = True
        if self._bus is not None:
            with suppress(OSError):
                self._bus.sock.shutdown(2)

    def disturbs(self) -> bool:
        """Whether no daemon says that the person is not to be disturbed. May ask the daemon, and take as long."""
        if self._owner and self._abilities is None:
            with suppress(Away):
                self._learn()
        return not self._held

    def reachable(self) -> bool:
        """Whether there is a daemon, or one that the bus can start."""
        if self._bus is None and self._tried == float("-inf"):
            with suppress(Away):
                self._connected()
        return self._bus is not None and (bool(self._owner) or self._can_start)

    def missed(self, showing: Showing) -> None:
        """Say it."""
        self._otherwise.present(showing)

    def present(self, showing: Showing) -> int:
        """Show it; a daemon that is not there is started, where the bus knows how."""
        self._connected()
        if self._abilities is None:
            with suppress(Away):
                self._learn()
        body = (
            APPLICATION,
            showing.replaces,
            "",
            cleaned(showing.title),
            self._text(showing.text),
            self._buttons(showing),
            {"urgency": ("y", URGENCY.get(showing.kind, 1)), "desktop-entry": ("s", APPLICATION)},
            -1,
        )
        try:
            (number,) = self._ask(NAME, PATH, NAME, "Notify", "susssasa{sv}i", body)
        except Away:
            self._can_start = False  # if it could be: the next one that is there says so by itself
            raise
        return int(number)

    def _text(self, text: str) -> str:
        """A daemon that reads the text as markup is given none; the title never is."""
        line = cleaned(text)
        plain = self._abilities is not None and "body-markup" not in self._abilities
        return line if plain else html.escape(line, quote=False)

    def _buttons(self, showing: Showing) -> list[str]:
        if "actions" not in (self._abilities or ()) or self._heard is None:
            return []
        found: list[str] = []
        for index, action in enumerate(showing.actions):
            found += [str(index), action.label]
        return ["default", showing.actions[0].label, *found] if found else []

    # -- the connection -----------------------------------------------------------------------------------------------

    def _connected(self) -> None:
        if self._bus is not None:
            return
        if time.monotonic() - self._tried < AGAIN:
            raise Away("There is no session bus.")
        self._tried = time.monotonic()
        from jeepney.io.blocking import open_dbus_connection

        try:
            self._bus = open_dbus_connection(bus="SESSION")
        except Exception as error:
            # No address, nobody there, a refusal: whatever it is, nothing is shown over it.
            raise Away("There is no session bus.") from error
        threading.Thread(target=self._listen, args=(self._bus,), name="klapp-notices-bus", daemon=True).start()
        self._watch("org.freedesktop.DBus", "NameOwnerChanged", NAME)
        for interface, member in ((NAME, "ActionInvoked"), (NAME, "NotificationClosed"), (PROPERTIES, None)):
            self._watch(interface, member, None)
        with suppress(Away):
            (startable,) = self._ask(BUS, BUS_PATH, BUS, "ListActivatableNames", "", ())
            self._can_start = NAME in startable
        with suppress(Away):  # there may be none yet
            (self._owner,) = self._ask(BUS, BUS_PATH, BUS, "GetNameOwner", "s", (NAME,))
            self._learn()

    def _watch(self, interface: str, member: str | None, first: str | None) -> None:
        from jeepney import MatchRule, message_bus

        rule = MatchRule(type="signal", interface=interface, member=member, path=None if first else PATH)
        if first:
            rule.add_arg_condition(0, first)
        self._answer_to(message_bus.AddMatch(rule))

    def _ask(self, name: str, path: str, interface: str, member: str, signature: str, body: tuple[Any, ...]) -> Any:
        from jeepney import DBusAddress, new_method_call

        return self._answer_to(new_method_call(DBusAddress(path, name, interface), member, signature or None, body))

    def _answer_to(self, message: Any) -> Any:
        """The body of the answer to a call. Raises Away."""
        from jeepney.wrappers import unwrap_msg

        answer: Future[Any] = Future()
        bus = self._bus
        if bus is None:
            raise Away("The session bus is gone.")
        try:
            with self._sending:
                serial = next(bus.outgoing_serial)
                self._answers[serial] = answer
                bus.send(message, serial=serial)
            return unwrap_msg(answer.result(PATIENCE))
        except Exception as error:
            # The daemon's refusal, the bus's, no answer in time, or a bus that is gone.
            raise Away(str(error)) from error
        finally:
            self._answers.pop(serial, None)

    def _learn(self) -> None:
        """What the daemon can do, and whether it holds notices back. Raises Away."""
        (abilities,) = self._ask(NAME, PATH, NAME, "GetCapabilities", "", ())
        self._abilities = frozenset(abilities)
        for interface, name in DISTURBING:
            with suppress(Away):  # most daemons have neither
                ((_, value),) = self._ask(NAME, PATH, PROPERTIES, "Get", "ss", (interface, name))
                self._holds((interface, name), value)

    def _holds(self, name: tuple[str, str], value: object) -> None:
        (self._held.add if value is True else self._held.discard)(name)

    # -- what is heard ------------------------------------------------------------------------------------------------

    def _listen(self, bus: Any) -> None:
        while True:
            try:
                message = bus.receive()
            except Exception:
                # The session's end, or ours.
                break
            with suppress(Exception):  # whatever somebody on the bus sends, the next one is heard
                self._take(message)
        self._bus = None
        for answer in list(self._answers.values()):
            answer.set_exception(OSError("the session bus is gone"))
        with suppress(OSError):
            bus.close()
        if not self._stopped:
            self._went()

    def _take(self, message: Any) -> None:
        from jeepney import HeaderFields, MessageType

        fields = message.header.fields
        serial = fields.get(HeaderFields.reply_serial)
        if message.header.message_type in (MessageType.method_return, MessageType.error):
            if serial in self._answers:
                self._answers[serial].set_result(message)
            return
        if message.header.message_type != MessageType.signal or self._heard is None:
            return
        sender, member, body = fields.get(HeaderFields.sender), fields.get(HeaderFields.member), message.body
        if member == "NameOwnerChanged" and sender == BUS and body[0] == NAME:
            self._owned(body[1], body[2])
        elif sender != self._owner:  # somebody who has not shown it knows nothing of it
            return
        elif member == "ActionInvoked":
            self._heard.pressed(int(body[0]), 0 if body[1] == "default" else int(body[1]))
        elif member == "NotificationClosed":
            self._heard.closed(int(body[0]), body[1] == BY_PERSON)
        elif member == "PropertiesChanged":
            for interface, name in DISTURBING:
                if body[0] == interface and name in body[1]:
                    self._holds((interface, name), body[1][name][1])
                    self._heard.changed()

    def _owned(self, before: str, now: str) -> None:
        self._owner = now
        self._abilities = None
        self._held.clear()
        if before:
            self._went()
        if now and self._heard is not None:
            self._heard.changed()

    def _went(self) -> None:
        self._owner, self._abilities = "", None
        self._held.clear()
        if self._heard is not None:
            self._heard.gone()
