"""The real agent on a real desktop: its icon, its menu, its key in the keyring, its notices."""

from __future__ import annotations

import html
import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from jeepney import DBusAddress, Properties, new_method_call

from klapp.tray.pixels import SIDES
from tests.agent.test_updates import INSTALLER, KEY, RELEASE, VERIFIER, sign
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
        own = {name: root / name.lower() for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME")}
        for folder in own.values():
            folder.mkdir()
        self.env = {"KLAPP_HOME": str(self.state), "HOME": str(self.person)}
        self.env |= {name: str(folder) for name, folder in own.items()}
        self.opened = root / "opened"

    def opens_with_a_program(self, *types: str) -> None:
        """From now on the desktop opens such files with a program that puts down what it was given."""
        program = self.opened.with_name("opener")
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >>"{self.opened}"\n')
        program.chmod(0o755)
        applications = Path(self.env["XDG_DATA_HOME"], "applications")
        applications.mkdir()
        kinds = ";".join(types)
        entry = f"[Desktop Entry]\nType=Application\nName=Opener\nExec={program} %f\nMimeType={kinds};\n"
        (applications / "opener.desktop").write_text(entry)
        lines = "".join(f"{kind}=opener.desktop\n" for kind in types)
        Path(self.env["XDG_CONFIG_HOME"], "mimeapps.list").write_text(f"[Default Applications]\n{lines}")

    def was_opened(self) -> str:
        """The path that was opened last."""
        lines = until(lambda: self.opened.exists() and self.opened.read_text().splitlines(), "something to be opened")
        self.opened.unlink()
        return str(lines[-1])

    def __call__(self, *arguments: str, pass_fds: tuple[int, ...] = ()) -> str:
        done = self._run(arguments, pass_fds)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def succeeds(self, *arguments: str) -> bool:
        return self._run(arguments).returncode == 0

    def _run(self, arguments: tuple[str, ...], pass_fds: tuple[int, ...] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PYTHON, "-m", "klapp.cli.main", *arguments],
            env=self.desktop.env | self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            pass_fds=pass_fds,
        )

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
        "New coworker",
        "Check for updates",
        "Quit",
    ]
    (klapp.state / "coworkers" / "tidy.klr").write_text(COWORKER)
    until(lambda: "Tidy (needs you)" in [e.label for e in desktop.menu(item)], "the new coworker in the menu")
    desktop.click(item, "Tidy waits for your approval", "Allow this")
    until(lambda: "Tidy" in [e.label for e in desktop.menu(item)], "the approved coworker")
    klapp.put("a.txt")
    until(lambda: (klapp.person / "Out" / "a.txt").exists(), "the file to be moved")
    until(lambda: ("Tidy", "a.txt <b>is</b> tidy") in desktop.notices(), "the notice")
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
def test_every_other_line_of_the_menu_does_what_it_says(klapp: Klapp) -> None:
    desktop = klapp.desktop
    klapp.opens_with_a_program("text/html", "inode/directory")
    item = desktop.tray_items()[-1]

    def labels() -> list[str]:
        return [entry.label for entry in desktop.menu(item)]

    def leads_to(*path: str) -> str:
        """Where the page goes that a line opens."""
        desktop.click(item, *path)
        way = Path(klapp.was_opened()).read_text()
        link = re.search(r'url=(\S+)"', way)
        assert link
        with urllib.request.urlopen(link[1], timeout=20) as answer:
            goal = re.search(r'url=(\S+)"', answer.read().decode())
        assert goal
        return html.unescape(goal[1])

    desktop.click(item, "Open the folder of coworkers")
    assert klapp.was_opened() == str(klapp.state / "coworkers")
    assert leads_to("Open klapp's page") == "/"
    assert leads_to("New coworker") == "/new"
    desktop.activates(item)
    assert "/enter/" in Path(klapp.was_opened()).read_text()

    (klapp.state / "coworkers" / "tidy.klr").write_text(COWORKER)
    until(lambda: "Tidy waits for your approval" in labels(), "the question")
    assert leads_to("Tidy waits for your approval", "See what it would do") == "/approve?name=Tidy"
    desktop.click(item, "Tidy waits for your approval", "Do not allow")
    until(lambda: "Tidy (not allowed)" in labels(), "the refusal")
    assert "Tidy waits for your approval" not in labels()
    klapp("approve", "tidy", "--yes")
    until(lambda: "Tidy" in labels(), "the approval")
    assert leads_to("Tidy", "Show in page") == "/coworker?name=Tidy"
    asking = 'coworker "Asks"\nmay notify\nwhen asked for month: text shown as "Which month?"\n  notify month\nend\n'
    (klapp.state / "coworkers" / "asks.klr").write_text(asking)
    klapp("approve", "asks", "--yes")
    until(lambda: "Asks" in labels(), "the coworker that asks")
    assert leads_to("Asks", "Run now") == "/coworker?name=Asks"

    desktop.click(item, "Tidy", "Pause for an hour")
    until(lambda: "Tidy (paused)" in labels(), "the pause")
    klapp.put("waits.txt")
    [tidy] = [entry for entry in desktop.menu(item) if entry.label == "Tidy (paused)"]
    assert any(entry.label.startswith("Paused until") for entry in tidy.children)

    def told() -> list[str]:
        desktop.opens_menu(item)
        return [entry.label for one in desktop.menu(item) if one.label.startswith("Tidy") for entry in one.children]

    until(lambda: "1 start waits: until it may work again" in told(), "why it waits")
    desktop.click(item, "Tidy (paused)", "Resume")
    until(lambda: (klapp.person / "Out" / "waits.txt").exists(), "the file that waited")
    until(lambda: any(re.fullmatch(r"Last run .* at ..:..: \d steps? done", line) for line in told()), "the last run")

    password = klapp.state.with_name("password")
    with password.open("w") as file:
        file.write("correct horse battery staple\n" * 2)
    with password.open() as file:
        klapp("account", "create", "--password-fd", str(file.fileno()), pass_fds=(file.fileno(),))
    desktop.opens_menu(item)
    until(lambda: "Lock" in labels(), "the lock")
    with password.open() as file:
        klapp("unlock", "--password-fd", str(file.fileno()), pass_fds=(file.fileno(),))
    klapp("log")
    desktop.click(item, "Lock")
    until(lambda: not klapp.succeeds("log"), "the log to be locked")


@pytest.mark.usefixtures("running")
def test_what_is_unusual_comes_first_until_it_is_seen(klapp: Klapp) -> None:
    desktop = klapp.desktop
    item = desktop.tray_items()[-1]
    for number in range(20):
        klapp.put(f"a{number}.txt")
    for number in range(3):
        klapp.put(f"z{number}.txt")
    failing = COWORKER.replace("  move file", '  if file.name starts with "z"\n    fail "no"\n  end\n  move file')
    (klapp.state / "coworkers" / "tidy.klr").write_text(failing)
    klapp("approve", "tidy", "--yes")
    until(lambda: "Tidy" in [entry.label for entry in desktop.menu(item)], "the coworker")
    desktop.click(item, "Tidy", "Run now")

    def first() -> list[str]:
        return [entry.label for entry in desktop.menu(item) if entry.label][1:2]

    until(lambda: first() == ["Tidy: something is unusual"], "the line of what is unusual")
    [line] = [entry for entry in desktop.menu(item) if entry.label == "Tidy: something is unusual"]
    told = " ".join(entry.label for entry in line.children)
    assert "It failed 3 times in a row. None of the 20 runs before did." in told
    desktop.click(item, "Tidy: something is unusual", "I have seen it")
    until(lambda: first() != ["Tidy: something is unusual"], "the line to go")


@pytest.mark.usefixtures("running")
def test_a_newer_klapp_is_asked_for_by_a_click_and_shown_until_it_is_put_away(klapp: Klapp) -> None:
    desktop = klapp.desktop
    item = desktop.tray_items()[-1]
    desktop.click(item, "Check for updates")
    until(lambda: any("does not know whom to ask" in text for _, text in desktop.notices()), "the notice")
    mirror = klapp.person / "mirror"
    mirror.mkdir()
    (mirror / "klapp.release").write_text(sign(RELEASE, VERIFIER, KEY))
    (mirror / "klapp_9.1.0_amd64.deb").write_bytes(INSTALLER)
    klapp("update", "from", str(mirror))
    klapp("update", "key", str(VERIFIER))
    assert "only when you say" in klapp("update")
    desktop.click(item, "Check for updates")
    line = "klapp 9.1.0 closes a hole"
    until(lambda: line in [entry.label for entry in desktop.menu(item)], "the newer klapp in the menu")
    until(lambda: any("klapp 9.1.0 is there" in text for _, text in desktop.notices()), "the notice of it")
    desktop.click(item, line, "Do not show this one again")
    until(lambda: line not in [entry.label for entry in desktop.menu(item)], "the line to go")
    assert f"klapp update verify {mirror}/klapp_9.1.0_amd64.deb" in klapp("update", "check")
    assert "as klapp-releases signed it" in klapp("update", "verify", str(mirror / "klapp_9.1.0_amd64.deb"))
    (mirror / "klapp_9.1.0_amd64.deb").write_bytes(b"another")
    assert not klapp.succeeds("update", "verify", str(mirror / "klapp_9.1.0_amd64.deb"))
    for wrong in (("from",), ("check", "x"), ("verify", "gone.deb"), ("every", "day"), ("key", "x")):
        assert not klapp.succeeds("update", *wrong)
    assert len(re.findall("Asked .*: newer", klapp("audit", "show", "--kind", "update check"))) == 2


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


def test_hostile_texts_are_shown_as_they_are(desktop: Desktop) -> None:
    script = (
        "import sys; from klapp.notices.bus import BusDisplay; from klapp.notices.deck import alone\n"
        "from klapp.notices.notice import message\n"
        "text = '--help <b>&amp;</b>\\n\\x1b[31m' + chr(0xDCFF)\n"
        "assert BusDisplay(None).present(alone(message('-e evil <i>', text), visible=True))"
    )
    process = desktop.start(PYTHON, "-c", script)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    # This daemon says that it does not read the text as markup.
    told = "--help <b>&amp;</b> \N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}"
    assert ("-e evil <i>", told) in desktop.notices()


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
        assert "without an icon" not in process.communicate(timeout=60)[0]
