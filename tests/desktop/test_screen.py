"""A locked screen and a machine that sleeps end the account's sessions: over real buses, with services of these names."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from jeepney import DBusAddress, MessageType, message_bus, new_error, new_method_return, new_signal
from jeepney.io.blocking import open_dbus_connection

from klapp.account.screen import ScreenWatch
from klapp.agent import Agent
from klapp.service import Service
from klapp.vault.stretching import Cost
from tests.agent.house import House
from tests.desktop.conftest import until

LOGIND, MINE, OTHERS = "org.freedesktop.login1", "/org/freedesktop/login1/session/_32", "/org/freedesktop/login1/session/_33"  # fmt: skip
PASSWORD = "seven blue herons by the lake"
Answers = dict[str, tuple[str, tuple[Any, ...]]]


@pytest.fixture
def buses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A session's bus and one that stands for the system's, with nobody on them."""
    daemons = []
    for name in ("DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS"):
        daemon = subprocess.Popen(
            ("dbus-daemon", "--session", "--print-address=1", "--nofork"), stdout=subprocess.PIPE, text=True
        )
        daemons.append(daemon)
        assert daemon.stdout is not None
        monkeypatch.setenv(name, daemon.stdout.readline().strip())
    yield
    for daemon in daemons:
        daemon.kill()
        daemon.wait()


class Named:
    """A service on a bus, under a name: it answers calls of ``answers`` by their members, and sends signals."""

    def __init__(self, bus: str, name: str, answers: Answers) -> None:
        self.connection = open_dbus_connection(bus=bus)
        self.calls: list[str] = []
        self._answers = answers
        self._lock = threading.Lock()
        self.connection.send_and_get_reply(message_bus.RequestName(name), timeout=5)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(Exception):  # the test is over
            while True:
                message = self.connection.receive()
                if message.header.message_type is not MessageType.method_call:
                    continue
                member = message.header.fields.get(3)
                known = self._answers.get(member)
                answer = new_method_return(message, *known) if known else new_error(message, f"{LOGIND}.NoSuchSession")
                with self._lock:
                    self.calls.append(member)
                    self.connection.send(answer)

    def says(self, path: str, interface: str, member: str, signature: str = "", *body: Any) -> None:
        """Send a signal."""
        signal = new_signal(DBusAddress(path, interface=interface), member, signature or None, body)
        with self._lock:
            self.connection.send(signal)


Say = Callable[[Named], None]


def manager(asleep: bool) -> Say:
    return lambda one: one.says(f"/{LOGIND.replace('.', '/')}", f"{LOGIND}.Manager", "PrepareForSleep", "b", asleep)


def saver(active: bool) -> Say:
    return lambda one: one.says("/ScreenSaver", "org.freedesktop.ScreenSaver", "ActiveChanged", "b", active)


def hint(path: str, locked: bool) -> Say:
    changed = ({"LockedHint": ("b", locked)}, [])
    return lambda one: one.says(path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", f"{LOGIND}.Session", *changed)  # fmt: skip


def lock(path: str, member: str = "Lock") -> Say:
    return lambda one: one.says(path, f"{LOGIND}.Session", member)


SLEEP, SCREEN = "the machine went to sleep", "the screen was locked"
OF_SESSION: Answers = {"GetSessionByPID": ("o", (MINE,))}


def test_whatever_locks_ends_the_session_and_the_log_says_why(buses: None, tmp_path: Path) -> None:
    logind = Named("SYSTEM", LOGIND, OF_SESSION)
    screen_saver = Named("SESSION", "org.freedesktop.ScreenSaver", {"GetActive": ("b", (False,))})
    house = House(tmp_path)
    with house.agent() as agent, Service(agent, lambda _: None):
        agent.account._cost = Cost(memory_kib=64, passes=1, lanes=1)
        agent.account.create("Anna", PASSWORD)
        until(lambda: "GetSessionByPID" in logind.calls and "GetActive" in screen_saver.calls, "klapp to ask")
        ends: list[tuple[Named, Say, Say, str]] = [
            (logind, manager(False), manager(True), SLEEP),
            (logind, lock(OTHERS), lock(MINE), SCREEN),
            (logind, hint(OTHERS, True), hint(MINE, True), SCREEN),
            (screen_saver, saver(False), saver(True), SCREEN),
        ]
        for count, (service, in_vain, at_last, why) in enumerate(ends, 1):
            session = agent.account.login(PASSWORD)
            in_vain(service)
            agent.account.demand(session)
            at_last(service)
            until(lambda count=count: len(reasons(agent)) == count, why)  # type: ignore[misc]
            assert reasons(agent) == [one[3] for one in ends[:count]]
            assert not agent.account.status(session)["open"]


def reasons(agent: Agent) -> list[str]:
    """Why sessions ended, as the log has it."""
    return [entry.body["why"] for entry in agent.log_store.select("e.kind = 'logout' ORDER BY e.seq")]


@pytest.fixture
def watch(buses: None) -> Iterator[tuple[ScreenWatch, list[str]]]:
    told: list[str] = []
    watch = ScreenWatch(told.append)
    yield watch, told
    watch.stop()


def test_only_logind_is_believed_and_of_this_session_alone(watch: tuple[ScreenWatch, list[str]]) -> None:
    it, told = watch
    logind = Named("SYSTEM", LOGIND, OF_SESSION)
    forger = Named("SYSTEM", "org.example.Forger", {})
    it.start()
    until(lambda: "GetSessionByPID" in logind.calls, "klapp to ask")
    until(lambda: (lock(MINE)(logind), it.is_locked)[1], "a locked screen")
    for service, path in ((forger, MINE), (logind, OTHERS)):
        lock(path, "Unlock")(service)
        hint(path, False)(service)
    before = len(told)
    manager(True)(logind)  # signals of one sender keep their order, and what the forger says is in the bus before this
    until(lambda: SLEEP in told[before:], "the machine to sleep")
    assert it.is_locked
    lock(MINE, "Unlock")(logind)
    until(lambda: not it.is_locked, "an open screen")


def test_the_screen_of_the_person_is_taken_where_klapp_belongs_to_no_session(
    watch: tuple[ScreenWatch, list[str]],
) -> None:
    it, told = watch
    answers: Answers = {"GetUser": ("o", ("/org/freedesktop/login1/user/_1000",)), "Get": ("v", (("(so)", ("2", MINE)),))}  # fmt: skip
    logind = Named("SYSTEM", LOGIND, answers)
    it.start()
    until(lambda: "Get" in logind.calls, "klapp to ask")
    until(lambda: (lock(OTHERS)(logind), lock(MINE)(logind), told)[2], "a locked screen")
    assert it._mine == MINE


def test_a_screen_that_is_locked_already_is_known(watch: tuple[ScreenWatch, list[str]]) -> None:
    it, _ = watch
    Named("SESSION", "org.gnome.ScreenSaver", {"GetActive": ("b", (True,))})
    it.start()
    until(lambda: it.is_locked, "a locked screen")


def test_no_bus_and_one_that_goes_away_are_no_trouble(buses: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={os.devnull}/nothing")
    it = ScreenWatch(lambda _: None)
    screen_saver = Named("SESSION", "org.freedesktop.ScreenSaver", {"GetActive": ("b", (False,))})
    it.start()
    until(lambda: "GetActive" in screen_saver.calls, "klapp to ask")
    it.stop()
    until(lambda: not any(one.name == "klapp-screen" for one in threading.enumerate()), "the threads to end")
