"""A double click on a .klr file, as the desktop does it with what the package installs."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest

from tests.desktop.conftest import PYTHON, ROOT, Desktop, until
from tests.desktop.test_agent_in_tray import COWORKER, Klapp, klapp  # noqa: F401

pytestmark = pytest.mark.xdist_group("desktop")
PACKAGE = ROOT / "installers/linux/package"
FILES = {"klapp.xml": "mime/packages", "klapp.desktop": "applications", "klapp-open.desktop": "applications"}
"""What the package puts where below /usr/share."""


def installed(klapp: Klapp) -> None:  # noqa: F811
    """Put there what the package puts there: the type, the desktop entries, the command; and a browser that takes notes."""
    share = Path(klapp.env["XDG_DATA_HOME"])
    there = os.environ.get("KLAPP_FILES")  # of a package that is installed
    for name, folder in FILES.items():
        (share / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(there, folder, name) if there else PACKAGE / name, share / folder / name)
    subprocess.run(["update-mime-database", share / "mime"], check=True)
    subprocess.run(["update-desktop-database", share / "applications"], check=True)
    programs = share / "bin"
    programs.mkdir()
    browser = programs / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >>"{klapp.opened}"\n')
    (programs / "klapp").write_text(f'#!/bin/sh\nexec "{PYTHON}" -m klapp.cli.main "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    klapp.env |= {"PATH": f"{programs}:{klapp.desktop.env['PATH']}", "BROWSER": f"{browser} %s"}


def asked(klapp: Klapp, *command: str) -> str:  # noqa: F811
    done = subprocess.run(command, env=klapp.desktop.env | klapp.env, stdout=subprocess.PIPE, text=True, timeout=60)
    return done.stdout.strip()


def goal(klapp: Klapp) -> tuple[str, dict[str, list[str]]]:  # noqa: F811
    """The page's address, and its query, that the browser was sent to."""
    way = Path(urlsplit(klapp.was_opened()).path).read_text()
    link = re.search(r'url=(\S+)"', way)
    assert link
    with urlopen(link[1], timeout=20) as answer:
        found = re.search(r'url=(\S+)"', answer.read().decode())
    assert found
    address = urlsplit(html.unescape(found[1]))
    return address.path, parse_qs(address.query)


def test_a_double_click_opens_the_pages_editor(desktop: Desktop, klapp: Klapp) -> None:  # noqa: F811
    installed(klapp)
    mine = klapp.state / "coworkers" / "tidy.klr"
    mine.write_text(COWORKER)
    assert asked(klapp, "xdg-mime", "query", "filetype", str(mine)) == "text/x-klr"
    assert asked(klapp, "xdg-mime", "query", "default", "text/x-klr") == "klapp-open.desktop"
    before = len(desktop.tray_items())
    asked(klapp, "gio", "open", str(mine))  # nothing runs yet: it is started
    try:
        assert goal(klapp) == ("/edit", {"name": ["tidy.klr"]})
        until(lambda: len(desktop.tray_items()) > before, "the icon of what was started")
        other = klapp.person / "Fürs Büro & more.klr"
        other.write_text(COWORKER)
        asked(klapp, "gio", "open", str(other))
        assert goal(klapp) == ("/bring", {"file": [str(other)]})
    finally:
        desktop.click(desktop.tray_items()[-1], "Quit")
    until(lambda: len(desktop.tray_items()) == before, "its end")


def test_what_can_not_be_opened_is_told_on_the_screen(desktop: Desktop, klapp: Klapp) -> None:  # noqa: F811
    assert not klapp.succeeds("open", str(klapp.person / "gone.klr"))
    until(lambda: any("is no coworker" in text for _, text in desktop.notices()), "the notice")
    klapp.env["KLAPP_EDITOR"] = "no-such-editor"
    path = klapp.person / "one.klr"
    path.write_text(COWORKER)
    assert not klapp.succeeds("open", str(path))
    program = klapp.opened.with_name("editor")
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >>"{klapp.opened}"\n')
    program.chmod(0o755)
    klapp.env["KLAPP_EDITOR"] = str(program)
    assert klapp.succeeds("open", str(path))
    assert klapp.was_opened() == str(path)
