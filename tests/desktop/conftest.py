"""A real desktop for tests: a screen, a bus, a panel with a tray, a notice daemon and an unlocked keyring.

Everything runs under Xvfb in scratch folders and is ended with the session. What is missing makes the tests fail, with
the name of what to install; ``installers/linux/all-tests`` installs it all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from jeepney import DBusAddress, Message, Properties, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from jeepney.wrappers import unwrap_msg

PROGRAMS = ("Xvfb", "dbus-daemon", "lxqt-panel", "dunst", "dunstctl", "gnome-keyring-daemon", "notify-send")
ROOT = Path(__file__).parents[2]
WATCHER = DBusAddress(
    "/StatusNotifierWatcher", bus_name="org.kde.StatusNotifierWatcher", interface="org.kde.StatusNotifierWatcher"
)
PATIENCE = 20.0
"""Seconds that anything on the desktop may take; nothing is measured by it."""
PYTHON = os.environ.get("KLAPP_PYTHON", sys.executable)
"""The Python whose klapp is tried: this one's, or that of an installed package."""
_T = TypeVar("_T")


def ask(bus: DBusConnection, message: Message) -> Any:
    """The body of the answer to a call over the bus; raises what the other side answers with."""
    return unwrap_msg(bus.send_and_get_reply(message, timeout=5))


def until(look: Callable[[], _T], what: str) -> _T:
    """Look again and again until there is something; fails, naming what was waited for."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


@dataclass
class Entry:
    """One line of a tray menu as the panel gets it."""

    number: int
    label: str
    enabled: bool
    children: list[Entry] = field(default_factory=list)


@dataclass
class Desktop:
    """The running desktop. ``env`` is the environment for programs on it."""

    env: dict[str, str]
    bus: DBusConnection
    log: Path
    ends: list[subprocess.Popen[str]] = field(default_factory=list)
    """What a test started and others go on to use; ended with the desktop."""

    def tray_items(self) -> list[DBusAddress]:
        """What is in the tray."""
        reply = ask(self.bus, Properties(WATCHER).get("RegisteredStatusNotifierItems"))
        return [self._item(str(name)) for name in reply[0][1]]

    @staticmethod
    def _item(name: str) -> DBusAddress:
        bus, slash, path = name.partition("/")
        return DBusAddress(slash + path or "/StatusNotifierItem", bus_name=bus, interface="org.kde.StatusNotifierItem")

    def _menu_of(self, item: DBusAddress) -> DBusAddress:
        path = ask(self.bus, Properties(item).get("Menu"))[0][1]
        return DBusAddress(path, bus_name=item.bus_name, interface="com.canonical.dbusmenu")

    def menu(self, item: DBusAddress) -> list[Entry]:
        """The menu of a tray item, as the panel would show it; separators have the label ""."""
        call = new_method_call(self._menu_of(item), "GetLayout", "iias", (0, -1, []))
        _, layout = ask(self.bus, call)
        return _entries(layout)

    def click(self, item: DBusAddress, *labels: str) -> None:
        """Click an entry: each label leads one menu deeper."""
        entries = self.menu(item)
        for label in labels:
            entry = next((e for e in entries if e.label == label), None)
            assert entry, f"no {label!r} among {[e.label for e in entries]}"
            entries = entry.children
        body = (entry.number, "clicked", ("s", ""), int(time.time()))
        ask(self.bus, new_method_call(self._menu_of(item), "Event", "isvu", body))

    def activates(self, item: DBusAddress) -> None:
        """Click the icon itself, as panels do that open the menu by another button."""
        ask(self.bus, new_method_call(item, "Activate", "ii", (0, 0)))

    def opens_menu(self, item: DBusAddress) -> None:
        """Tell the item, as a panel does, that its menu is about to be shown."""
        ask(self.bus, new_method_call(self._menu_of(item), "AboutToShow", "i", (0,)))

    def notices(self) -> list[tuple[str, str]]:
        """(title, text) of every notice that was shown, the oldest first."""
        subprocess.run(["dunstctl", "close-all"], env=self.env, check=True, timeout=10)
        found = subprocess.run(["dunstctl", "history"], env=self.env, check=True, timeout=10, stdout=subprocess.PIPE)
        shown = json.loads(found.stdout)["data"][0]
        return [(one["summary"]["data"], one["body"]["data"]) for one in reversed(shown)]

    def start(self, *command: str, **extra: str) -> subprocess.Popen[str]:
        """Start a program on the desktop, with what it says on both outputs as text."""
        return subprocess.Popen(
            command, env=self.env | extra, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


def _entries(layout: Any) -> list[Entry]:
    entries = []
    for _, child in layout[2]:
        number, properties, _ = child
        label = properties.get("label", ("s", ""))[1].replace("_", "").strip()
        enabled = properties.get("enabled", ("b", True))[1]
        entries.append(Entry(number, label, enabled, _entries(child)))
    return entries


@pytest.fixture(scope="session")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    """The desktop, for a whole session of tests."""
    with real_desktop(tmp_path_factory.mktemp("desktop")) as found:
        yield found


@contextmanager
def real_desktop(root: Path) -> Iterator[Desktop]:
    """A desktop with everything in a folder that is there."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    assert not missing, f"not installed: {', '.join(missing)}; see installers/linux/all-tests"
    with ExitStack() as closing:
        found = _Starter(root, closing).desktop()
        yield found
        for process in found.ends:
            process.kill()
            process.wait()


def keyring_of_its_own(root: Path, closing: ExitStack) -> Desktop:
    """A bus with an unlocked keyring and nothing else, ended by ``closing``: what is done to it disturbs no other test."""
    starter = _Starter(root, closing)
    return starter.bare()


class _Starter:
    """Starts what the desktop is made of; each is ended by ``closing``."""

    def __init__(self, root: Path, closing: ExitStack) -> None:
        self.root = root
        self.closing = closing
        self.log = root / "log"
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        folders = {
            "HOME": "home",
            "XDG_RUNTIME_DIR": "run",
            "XDG_CONFIG_HOME": "config",
            "XDG_DATA_HOME": "data",
            "XDG_CACHE_HOME": "cache",
        }
        for name in folders.values():
            (root / name).mkdir(mode=0o700)
        self.env = kept | {name: str(root / folder) for name, folder in folders.items()} | {"GDK_BACKEND": "x11"}
        if sys.executable == PYTHON:  # an installed package is tried as it is, with nothing of these sources
            self.env["PYTHONPATH"] = os.pathsep.join((str(ROOT / "dsl"), str(ROOT / "agent"), str(ROOT)))

    def desktop(self) -> Desktop:
        self._screen()
        self._bus()
        self._keyring()
        self._panel()
        self._run("dunst", "-conf", "/dev/null")
        bus = self.closing.enter_context(open_dbus_connection(self.env["DBUS_SESSION_BUS_ADDRESS"]))
        for name in ("org.kde.StatusNotifierWatcher", "org.freedesktop.Notifications", "org.freedesktop.secrets"):
            until(lambda name=name: self._is_there(bus, name), name)  # type: ignore[misc]
        until(lambda: self._is_unlocked(bus), "an unlocked keyring")
        return Desktop(self.env, bus, self.log)

    def bare(self) -> Desktop:
        self._bus()
        self._keyring()
        bus = self.closing.enter_context(open_dbus_connection(self.env["DBUS_SESSION_BUS_ADDRESS"]))
        until(lambda: self._is_there(bus, "org.freedesktop.secrets"), "org.freedesktop.secrets")
        until(lambda: self._is_unlocked(bus), "an unlocked keyring")
        return Desktop(self.env, bus, self.log)

    def _run(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, env=self.env, stderr=log, **({"stdout": log} | options))
        self.closing.callback(_end, process)
        return process

    def _screen(self) -> None:
        reading, writing = os.pipe()
        self._run(
            "Xvfb", "-displayfd", str(writing), "-screen", "0", "1024x768x24", "-nolisten", "tcp", pass_fds=(writing,)
        )
        os.close(writing)
        with os.fdopen(reading) as number:
            self.env["DISPLAY"] = ":" + number.readline().strip()

    def _bus(self) -> None:
        # In a folder of its own, where a package that is tried in a root of its own finds it, too.
        place = f"--address=unix:path={self.root / 'run' / 'bus'}"
        bus = self._run("dbus-daemon", "--session", place, "--print-address=1", "--nofork", stdout=subprocess.PIPE)
        assert bus.stdout is not None
        self.env["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().decode().strip()

    def _keyring(self) -> None:
        """Unlocked by a password that is not empty: with an empty one it would wait for a dialog."""
        keyring = self._run(
            "gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground", stdin=subprocess.PIPE
        )
        assert keyring.stdin is not None
        keyring.stdin.write(b"keyring password")
        keyring.stdin.close()

    def _panel(self) -> None:
        folder = self.root / "config" / "lxqt"
        folder.mkdir()
        (folder / "panel.conf").write_text(
            "[General]\n__userfile__=true\n\n[panel1]\nplugins=statusnotifier\n\n[statusnotifier]\ntype=statusnotifier\n"
        )
        self._run("lxqt-panel")

    @staticmethod
    def _is_there(bus: DBusConnection, name: str) -> bool:
        address = DBusAddress(
            "/org/freedesktop/DBus", bus_name="org.freedesktop.DBus", interface="org.freedesktop.DBus"
        )
        return bool(ask(bus, new_method_call(address, "NameHasOwner", "s", (name,)))[0])

    @staticmethod
    def _is_unlocked(bus: DBusConnection) -> bool:
        """Whether there is a keyring to put things into: until then, the daemon would ask for a password by a dialog."""
        place = {"bus_name": "org.freedesktop.secrets"}
        service = DBusAddress("/org/freedesktop/secrets", interface="org.freedesktop.Secret.Service", **place)
        (path,) = ask(bus, new_method_call(service, "ReadAlias", "s", ("default",)))
        if path == "/":
            return False
        collection = DBusAddress(path, interface="org.freedesktop.Secret.Collection", **place)
        return not ask(bus, Properties(collection).get("Locked"))[0][1]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
