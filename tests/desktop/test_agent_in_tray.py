"""The real agent on a real desktop: its icon, its menu, its key in the keyring, its notices."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from jeepney import DBusAddress, Properties, new_method_call

from klapp.tray.statusnotifier import SIDES
from tests.desktop.conftest import PYTHON, WATCHER, Desktop, ask, keyring_of_its_own, until

pytestmark = pytest.mark.xdist_group("desktop")

COWORKER = """coworker "Tidy"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/*"
may notify

when file arrives in "~/In"
  move file to "~/Out/"
  notify "{file.name} <b>is</b> tidy"
end
"""


class Klapp:
    """klapp on the desktop, with a home of its own."""

    def __init__(self, desktop: Desktop, root: Path) -> None:
        self.desktop = desktop
        self.state = root / "state"
        self.person = root / "person"
        (self.state / "coworkers").mkdir(parents=True)
        (self.person / "In").mkdir(parents=True)
        self.env = {"KLAPP_HOME": str(self.state), "HOME": str(self.person)}

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            [PYTHON, "-m", "klapp.cli.main", *arguments],
            env=self.desktop.env | self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def list(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads(self("list", "--format", "json"))
        return listed

    def put(self, name: str, content: str = "x") -> None:
        (self.person / "In" / name).write_text(content)


@pytest.fixture
def klapp(desktop: Desktop, tmp_path: Path) -> Klapp:
    return Klapp(desktop, tmp_path)


@pytest.fixture
def running(klapp: Klapp) -> Iterator[subprocess.Popen[str]]:
    before = len(klapp.desktop.tray_items())
    process = klapp.desktop.start(PYTHON, "-m", "klapp.cli.main", "agent", **klapp.env)
    try:
        until(lambda: process.poll() is not None or len(klapp.desktop.tray_items()) > before, "the icon")
        assert process.poll() is None, process.stdout and process.stdout.read()
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_the_key_lies_in_the_real_keyring(klapp: Klapp) -> None:
    klapp("list")
    assert json.loads((klapp.state / "vault.json").read_text())["slots"][0]["kind"] == "keyring"
    assert klapp.list() == []


@pytest.mark.usefixtures("running")
def test_the_menu_shows_coworkers_and_obeys(klapp: Klapp, running: subprocess.Popen[str]) -> None:
    desktop = klapp.desktop
    item = desktop.tray_items()[-1]
    assert [e.label for e in desktop.menu(item) if e.label] == [
        "No coworkers yet",
        "Open klapp's page",
        "Open the folder of coworkers",
        "Quit",
    ]
    (klapp.state / "coworkers" / "tidy.klr").write_text(COWORKER)
    until(lambda: "Tidy (needs you)" in [e.label for e in desktop.menu(item)], "the new coworker in the menu")
    desktop.click(item, "Tidy waits for your approval", "Allow this")
    until(lambda: "Tidy" in [e.label for e in desktop.menu(item)], "the approved coworker")
    klapp.put("a.txt")
    until(lambda: (klapp.person / "Out" / "a.txt").exists(), "the file to be moved")
    until(lambda: ("Tidy", "a.txt <b>is</b> tidy") in _plain(desktop.notices()), "the notice")
    desktop.click(item, "Tidy", "Pause")
    until(lambda: klapp.list()[0]["state"] == "paused", "the pause")
    klapp.put("b.txt")
    desktop.click(item, "Tidy (paused)", "Resume")
    until(lambda: klapp.list()[0]["state"] == "ready", "the end of the pause")
    until(lambda: "Tidy" in [e.label for e in desktop.menu(item)], "the menu to follow")
    desktop.click(item, "Tidy", "Run now")
    until(lambda: (klapp.person / "Out" / "b.txt").exists(), "the run")
    desktop.click(item, "Pause all", "Pause until tomorrow")
    until(lambda: klapp.list()[0]["state"] == "paused", "the pause of all")
    desktop.click(item, "Resume all")
    until(lambda: klapp.list()[0]["state"] == "ready", "the end of the pause of all")
    assert json.loads(klapp("log", "--format", "json").splitlines()[0])["outcome"] == "done"
    [recent] = [entry for entry in desktop.menu(item) if entry.label == "Recent activity"]
    desktop.click(item, "Recent activity", recent.children[0].label, "Undo")
    until(lambda: (klapp.person / "In" / "b.txt").exists(), "the undo")
    desktop.click(item, "Quit")
    assert running.wait(20) == 0


@pytest.mark.usefixtures("running")
def test_the_icon_is_drawn_for_panels_of_every_height(klapp: Klapp) -> None:
    item = klapp.desktop.tray_items()[-1]
    pictures = ask(klapp.desktop.bus, Properties(item).get("IconPixmap"))[0][1]
    assert [(width, height) for width, height, _ in pictures] == [(side, side) for side in SIDES]
    assert all(len(pixels) == 4 * width * height for width, height, pixels in pictures)


def test_the_icon_comes_back_with_another_panel(klapp: Klapp, running: subprocess.Popen[str]) -> None:
    desktop = klapp.desktop
    watcher = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    number = ask(desktop.bus, new_method_call(watcher, "GetConnectionUnixProcessID", "s", (WATCHER.bus_name,)))[0]
    name = f"org.kde.StatusNotifierItem-{running.pid}-1"
    os.kill(number, signal.SIGKILL)

    def owned() -> bool:
        return bool(ask(desktop.bus, new_method_call(watcher, "NameHasOwner", "s", (WATCHER.bus_name,)))[0])

    until(lambda: not owned(), "the panel's end")
    panel = desktop.start("lxqt-panel")
    try:
        until(owned, "the new panel")
        owner = ask(desktop.bus, new_method_call(watcher, "GetNameOwner", "s", (name,)))[0]
        until(lambda: any(one.bus_name in (owner, name) for one in desktop.tray_items()), "the icon in the new panel")
        assert running.poll() is None
    finally:
        desktop.ends.append(panel)


@pytest.mark.usefixtures("running")
def test_a_second_agent_steps_back(klapp: Klapp) -> None:
    second = klapp.desktop.start(PYTHON, "-m", "klapp.cli.main", "agent", **klapp.env)
    said, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "already runs" in said


def _plain(notices: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Notices with the markup that the daemon was sent read back."""
    import html

    return [(title, html.unescape(text)) for title, text in notices]


def test_hostile_texts_are_shown_as_they_are(desktop: Desktop) -> None:
    script = (
        "import sys; from klapp.notices import DesktopNotifier, TerminalNotifier\n"
        "shown = DesktopNotifier(TerminalNotifier(sys.exit)).show('-e evil <i>', '--help <b>&amp;</b>\\n\\x1b[31m' + chr(0xDCFF))"
    )
    process = desktop.start(PYTHON, "-c", script)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    title, text = _plain(desktop.notices())[-1]
    assert title == "-e evil <i>"
    assert text == "--help <b>&amp;</b> \N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}"


def test_without_a_tray_klapp_says_so_once_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "bus").mkdir()
    with ExitStack() as closing:
        klapp = Klapp(keyring_of_its_own(tmp_path / "bus", closing), tmp_path)
        process = klapp.desktop.start(PYTHON, "-m", "klapp.cli.main", "agent", **klapp.env)
        closing.callback(process.wait)
        closing.callback(process.kill)
        assert process.stdout is not None
        assert "without an icon" in process.stdout.readline()
        assert klapp.list() == []
        os.kill(process.pid, signal.SIGINT)
        assert "without an icon" not in process.communicate(timeout=20)[0]
