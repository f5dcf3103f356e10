"""Notices on a real screen with the real dunst: its buttons, its pause, its death, a locked screen, many runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from jeepney import DBusAddress, Properties, new_method_call, new_signal
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from tests.desktop.conftest import PYTHON, Desktop, ask, until
from tests.desktop.test_agent_in_tray import COWORKER, Klapp

pytestmark = pytest.mark.xdist_group("desktop")
DAEMON = DBusAddress(
    "/org/freedesktop/Notifications",
    bus_name="org.freedesktop.Notifications",
    interface="org.freedesktop.Notifications",
)
BUS = DBusAddress("/org/freedesktop/DBus", bus_name="org.freedesktop.DBus", interface="org.freedesktop.DBus")
OWN_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><keep_umask/><listen>unix:dir={folder}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
"""
"""A bus that starts no service by itself, so that a daemon that is dead stays so."""
QUIET = COWORKER.replace('  notify "{file.name} <b>is</b> tidy"\n', "").replace("may notify\n", "")


class Screen:
    """The desktop's screen with a bus of its own, and a dunst on it that can be killed; its menu of buttons chooses the
    line that holds the word in the file ``press``."""

    def __init__(self, desktop: Desktop, root: Path, closing: ExitStack) -> None:
        self.root = root
        self.closing = closing
        config = root / "bus.conf"
        config.write_text(OWN_BUS.format(folder=root))
        bus = subprocess.Popen(
            ("dbus-daemon", f"--config-file={config}", "--print-address=1", "--nofork"),
            env=desktop.env, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        closing.callback(bus.wait)
        closing.callback(bus.kill)
        assert bus.stdout is not None
        address = bus.stdout.readline().strip()
        self.env = desktop.env | {"DBUS_SESSION_BUS_ADDRESS": address, "KLAPP_KEYRING": "off"}
        self.bus: DBusConnection = closing.enter_context(open_dbus_connection(address))
        menu = root / "menu"
        menu.write_text(f"#!/bin/sh\ngrep -m1 -F \"$(cat '{root}/press')\"\n")
        menu.chmod(0o755)
        (root / "dunstrc").write_text(f"[global]\n dmenu = {menu}\n history_length = 0\n sticky_history = yes\n")
        self.dunst: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        """Start the daemon."""
        process = self.dunst = subprocess.Popen(("dunst", "-conf", str(self.root / "dunstrc")), env=self.env, text=True)
        self.closing.callback(process.wait)
        self.closing.callback(process.kill)
        until(self.is_there, "dunst")

    def kill(self) -> None:
        """End the daemon, and what it shows with it."""
        assert self.dunst is not None
        self.dunst.kill()
        self.dunst.wait()
        until(lambda: not self.is_there(), "the end of dunst")

    def is_there(self) -> bool:
        return bool(ask(self.bus, new_method_call(BUS, "NameHasOwner", "s", (DAEMON.bus_name,)))[0])

    def ctl(self, *command: str) -> str:
        done = subprocess.run(("dunstctl", *command), env=self.env, check=True, timeout=10, stdout=subprocess.PIPE)
        return done.stdout.decode()

    def shown(self) -> list[tuple[str, str]]:
        """(title, text) of all that is or was on the screen."""
        counted = Properties(DBusAddress(DAEMON.object_path, DAEMON.bus_name, "org.dunstproject.cmd0"))
        if (
            not ask(self.bus, counted.get("displayedLength"))[0][1]
            and not ask(self.bus, counted.get("historyLength"))[0][1]
        ):
            return []
        self.ctl("close-all")
        found = json.loads(self.ctl("history"))["data"][0]
        return [(one["summary"]["data"], one["body"]["data"]) for one in found]

    def visible(self) -> int:
        counted = Properties(DBusAddress(DAEMON.object_path, DAEMON.bus_name, "org.dunstproject.cmd0"))
        return int(ask(self.bus, counted.get("displayedLength"))[0][1])

    def press(self, label: str) -> None:
        """Press a button, through the daemon's own menu of them."""
        (self.root / "press").write_text(label)
        self.ctl("context")


class Agent(Klapp):
    """klapp on that screen, its agent running between ``begin`` and ``kill``."""

    def __init__(self, screen: Screen, root: Path) -> None:
        super().__init__(Desktop(screen.env, screen.bus, root / "log"), root)
        self.screen = screen
        secret = root / "passphrase"
        secret.write_text("correct horse battery")
        secret.chmod(0o600)
        self.env |= {"KLAPP_PASSPHRASE_FILE": str(secret)}
        self.process: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        self.process = self.desktop.start(PYTHON, "-m", "klapp.cli.main", "agent", "--headless", **self.env)
        assert self.process.stdout is not None
        while "is at work" not in (line := self.process.stdout.readline()):
            assert line

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def coworker(self, text: str) -> None:
        (self.state / "coworkers" / "tidy.klr").write_text(text)


@pytest.fixture
def screen(desktop: Desktop, tmp_path: Path) -> Iterator[Screen]:
    with ExitStack() as closing:
        yield Screen(desktop, tmp_path, closing)


@pytest.fixture
def klapp(screen: Screen, tmp_path: Path) -> Iterator[Agent]:
    agent = Agent(screen, tmp_path)
    yield agent
    if agent.process is not None:
        agent.kill()


def test_a_question_and_an_undo_by_real_buttons(screen: Screen, klapp: Agent) -> None:
    screen.begin()
    klapp.coworker(QUIET)
    klapp("approve", "tidy", "--yes")
    klapp.begin()
    klapp.put("letter.pdf")
    until(screen.visible, "the summary")
    screen.press("Undo")
    until(lambda: (klapp.person / "In/letter.pdf").exists(), "the undo")
    until(lambda: any("as it was before" in text for _, text in screen.shown()), "what came of it")
    klapp.coworker(QUIET.replace("Out", "Elsewhere"))
    until(screen.visible, "the question")
    screen.press("Review")
    page = klapp.state / "console.html"
    until(page.exists, "the way to the page")
    assert any("~/Elsewhere/*" in text for _, text in screen.shown())


def test_what_fails_is_paused_by_a_real_button(screen: Screen, klapp: Agent) -> None:
    screen.begin()
    klapp.coworker('coworker "Tidy"\nmay read "~/In/*"\nwhen file arrives in "~/In"\n  fail "no"\nend\n')
    klapp("approve", "tidy", "--yes")
    klapp.begin()
    klapp.put("letter.pdf")
    until(screen.visible, "the failure")
    screen.press("Pause")
    until(lambda: klapp.list()[0]["state"] == "paused", "the pause")


def test_a_daemon_that_dies_and_an_agent_that_is_killed_lose_nothing(screen: Screen, klapp: Agent) -> None:
    klapp.coworker(COWORKER)
    klapp("approve", "tidy", "--yes")
    klapp.begin()
    klapp.put("before.txt")  # there is no daemon at all
    until(lambda: "before.txt" in klapp("notices"), "the first notice in the log")
    klapp.kill()
    klapp.begin()
    screen.begin()
    until(screen.visible, "what waited over the restart")
    screen.kill()  # and with it what was on the screen
    klapp.put("while.txt")
    until(lambda: "while.txt" in klapp("notices"), "the second notice in the log")
    screen.begin()
    until(screen.visible, "what waited for the daemon")
    until(lambda: ("Tidy", "2 notices. The last: while.txt <b>is</b> tidy") in screen.shown(), "both")


def test_a_pause_of_the_daemon_and_a_locked_screen_are_respected(screen: Screen, klapp: Agent) -> None:
    screen.begin()
    klapp.coworker(COWORKER)
    klapp("approve", "tidy", "--yes")
    klapp.begin()
    screen.ctl("set-paused", "true")
    for name in "abc":
        klapp.put(f"{name}.txt")
    until(lambda: klapp("notices").count("tidy") == 3, "the notices in the log")
    assert "not to be disturbed" in klapp("notices", "set")
    waiting = Properties(DBusAddress(DAEMON.object_path, DAEMON.bus_name, "org.dunstproject.cmd0"))
    assert ask(screen.bus, waiting.get("waitingLength"))[0][1] == 0
    screen.ctl("set-paused", "false")
    until(lambda: any(text.startswith("3 notices.") for _, text in screen.shown()), "one notice of them all")
    # A locked screen is told no names.
    saver = DBusAddress("/org/freedesktop/ScreenSaver", interface="org.freedesktop.ScreenSaver")
    screen.bus.send(new_signal(saver, "ActiveChanged", "b", (True,)))
    klapp.put("diagnosis of Ms Ada.pdf")
    until(screen.visible, "the notice")
    told = screen.shown()
    assert told
    assert not any("Ada" in text for _, text in told)
    screen.bus.send(new_signal(saver, "ActiveChanged", "b", (False,)))
    klapp.put("open.pdf")
    until(lambda: any("open.pdf" in text for _, text in screen.shown()), "names again")


def test_a_thousand_runs_are_a_few_notices(screen: Screen, klapp: Agent) -> None:
    klapp.coworker(QUIET)
    klapp("approve", "tidy", "--yes")
    screen.begin()
    klapp.begin()
    calls = open_dbus_connection(screen.env["DBUS_SESSION_BUS_ADDRESS"])
    with calls:
        rule = "type='method_call',interface='org.freedesktop.Notifications',member='Notify'"
        monitor = DBusAddress("/org/freedesktop/DBus", BUS.bus_name, "org.freedesktop.DBus.Monitoring")
        ask(calls, new_method_call(monitor, "BecomeMonitor", "asu", ([rule], 0)))
        for number in range(1000):
            klapp.put(f"{number}.txt")
        out = klapp.person / "Out"
        until(lambda: out.is_dir() and len(os.listdir(out)) == 1000, "a thousand runs")
        runs, showings = 0, 0
        while runs < 1000:
            message = calls.receive(timeout=30)
            if message.header.fields.get(3) == "Notify":
                showings += 1
                runs = max(runs, _runs(message.body[4]))
        assert showings <= 6


def _runs(text: str) -> int:
    """For how many runs a summary stands: "1,000 runs. The last: ...", or "It made 7 changes in 7 runs. ..."."""
    words = text.replace(",", "").split()
    place = next((index for index, word in enumerate(words) if word.startswith("run")), 0)
    return int(words[place - 1]) if place and words[place - 1].isdigit() else 1
