"""Starting with the login: what is written for each system, read back by who reads it there, and nothing foreign lost."""

from __future__ import annotations

import configparser
import json
import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.autostart import (
    DESKTOP,
    LAUNCH,
    RUN_KEY,
    SERVICE,
    Autostart,
    AutostartError,
    RunKey,
    desktop_entry,
    launch_agent,
    run_value,
    unchanged,
    unit,
)
from klapp.cli.main import main

WORDS = st.lists(
    st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), min_size=1), min_size=1
)
COMMAND = ["/usr/bin/klapp"]


def here(root: Path, platform: str = "linux", **given: Any) -> Autostart:
    environment = given.pop("environment", {})
    return Autostart(platform, root, environment, given.pop("command", COMMAND), **given)


def exec_line(entry: str) -> list[str]:
    """``Exec`` as a desktop reads it: the string first, then its arguments, each in quotes here."""
    parser = configparser.RawConfigParser(delimiters="=", comment_prefixes="#")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(entry)
    line = parser["Desktop Entry"]["Exec"].replace("\\\\", "\\")
    assert line.replace("%%", "").count("%") == 0
    return shlex.split(line.replace("\\`", "`").replace("\\$", "$").replace("%%", "%"))


@given(WORDS)
def test_a_desktop_reads_the_command_back(words: list[str]) -> None:
    assert exec_line(desktop_entry(words, {})) == words


@given(WORDS)
def test_every_system_reads_its_own_back_and_knows_it_unchanged(words: list[str]) -> None:
    told = plistlib.loads(launch_agent(words, {"KLAPP_HOME": "/x y"}).encode())
    assert told["ProgramArguments"] == words
    assert told["EnvironmentVariables"] == {"KLAPP_HOME": "/x y"}
    for write in (desktop_entry, unit, launch_agent):
        text = write(words, {})
        assert unchanged(text)
        assert not unchanged(text.replace("klapp", "klepp", 1))
        assert not unchanged(text + "\n")


@pytest.mark.parametrize("write", [desktop_entry, unit])
def test_a_name_that_would_be_another_line_is_refused(write: Any) -> None:
    with pytest.raises(AutostartError, match="can not be written down"):
        write(["/bin/x\nExecStart=/bin/evil"], {})


@pytest.mark.parametrize(
    ("platform", "way", "place"),
    [
        ("linux", DESKTOP, ".config/autostart/klapp.desktop"),
        ("linux", SERVICE, ".config/systemd/user/klapp.service"),
        ("darwin", LAUNCH, "Library/LaunchAgents/klapp.klapp.plist"),
    ],
)
def test_it_is_switched_on_and_off_and_twice_is_as_once(tmp_path: Path, platform: str, way: str, place: str) -> None:
    one = here(tmp_path, platform)
    assert one.status().way == ""
    status = one.on(way)
    assert (status.way, status.places[0], status.changed) == (way, str(tmp_path / place), ())
    before = (tmp_path / place).read_text()
    assert one.on(way) == status
    assert (tmp_path / place).read_text() == before
    assert one.off().way == ""
    assert one.off().way == ""
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []


def test_one_way_is_on_at_a_time_and_links_lead_to_the_unit(tmp_path: Path) -> None:
    one = here(tmp_path)
    one.on(DESKTOP)
    status = one.on(SERVICE)
    assert [Path(path).resolve() for path in status.places] == [tmp_path / ".config/systemd/user/klapp.service"] * 2
    assert not (tmp_path / ".config/autostart/klapp.desktop").exists()
    assert one.on().way == DESKTOP
    assert not (tmp_path / ".config/systemd/user/klapp.service").exists()


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_what_is_changed_or_foreign_is_left_alone_until_said_otherwise(tmp_path: Path, platform: str) -> None:
    one = here(tmp_path, platform)
    path = Path(one.on().places[0])
    path.write_text(path.read_text().replace("klapp", "my-klapp", 1))
    mine = path.read_bytes()
    for switch in (one.on, one.off):
        with pytest.raises(AutostartError, match="--replace"):
            switch()
        assert path.read_bytes() == mine
    assert one.status().changed == (str(path),)
    assert one.on(replace=True).changed == ()
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AutostartError, match="--replace"):
        one.on()
    assert one.off(replace=True).way == ""
    assert not (tmp_path / "elsewhere").exists()


def test_another_command_replaces_what_an_earlier_klapp_wrote(tmp_path: Path) -> None:
    here(tmp_path, command=["/old/klapp"]).on()
    path = Path(here(tmp_path, environment={"KLAPP_HOME": "/my state"}).on().places[0])
    assert exec_line(path.read_text()) == ["env", "KLAPP_HOME=/my state", *COMMAND]


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("a file")
    with pytest.raises(AutostartError, match="can not be written"):
        here(tmp_path).on()


class Winreg:
    """Stands in for Windows's registry."""

    HKEY_CURRENT_USER, REG_SZ = "HKCU", 1

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def CreateKey(self, root: str, path: str) -> Any:
        assert (root, path) == ("HKCU", r"Software\Microsoft\Windows\CurrentVersion\Run")
        return self

    OpenKey = CreateKey

    def __enter__(self) -> Winreg:
        return self

    def __exit__(self, *_: object) -> None: ...

    def QueryValueEx(self, key: Any, name: str) -> tuple[str, int]:
        if name not in self.values:
            raise FileNotFoundError
        return self.values[name], 1

    def SetValueEx(self, key: Any, name: str, _: int, kind: int, value: str) -> None:
        self.values[name] = value

    def DeleteValue(self, key: Any, name: str) -> None:
        if self.values.pop(name, None) is None:
            raise FileNotFoundError


def test_windows_keeps_it_in_the_run_key(tmp_path: Path) -> None:
    winreg = Winreg()
    command = ["C:\\Program Files\\klapp\\pythonw.exe", "-I", "-m", "klapp.cli.main"]
    one = here(tmp_path, "win32", command=command, registry=RunKey(winreg))
    assert one.off().way == ""
    assert one.on().way == RUN_KEY
    assert winreg.values == {"klapp": '"C:\\Program Files\\klapp\\pythonw.exe" -I -m klapp.cli.main'}
    assert one.on().changed == ()
    winreg.values["klapp"] = "C:\\other.exe"
    for switch in (one.on, one.off):
        with pytest.raises(AutostartError, match="--replace"):
            switch()
    assert one.off(replace=True).way == ""
    assert winreg.values == {}
    with pytest.raises(AutostartError, match="too long"):
        run_value(["C:\\" + "x" * 300])


def test_a_system_that_klapp_does_not_know_is_told(tmp_path: Path) -> None:
    with pytest.raises(AutostartError, match="no such way"):
        here(tmp_path, "plan9").on()
    with pytest.raises(AutostartError, match="no such way"):
        here(tmp_path, "darwin").on(SERVICE)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_takes_the_unit_and_finds_it_held(tmp_path: Path) -> None:
    path = Path(here(tmp_path, command=[sys.executable, "-I", "-m", "klapp.cli.main"]).on(SERVICE).places[0])
    env = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", path],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "")
    command = ["systemd-analyze", "security", "--offline=true", "--json=short", str(path)]
    told = subprocess.run(command, env=env, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    wrong = {one["name"] for one in json.loads(told.stdout) if one["exposure"] not in (None, "0.0")}
    assert not wrong & {
        "NoNewPrivileges=", "LockPersonality=", "RestrictRealtime=", "RestrictSUIDSGID=", "SystemCallArchitectures=",
        "RestrictNamespaces=~user", "RestrictAddressFamilies=~AF_PACKET", "SystemCallFilter=~@mount",
        "SystemCallFilter=~@debug", "SystemCallFilter=~@module", "SystemCallFilter=~@reboot",
    }  # fmt: skip


def test_the_command_switches_and_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("writes Linux's own")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert main(["autostart", "status"]) == 0
    assert "does not start by itself" in capsys.readouterr().out
    assert main(["autostart", "on"]) == 0
    assert "starts when you log in, with its icon" in capsys.readouterr().out
    path = tmp_path / ".config/autostart/klapp.desktop"
    assert subprocess.run([*exec_line(path.read_text())[:1], "--help"], stdout=subprocess.DEVNULL).returncode == 0
    if shutil.which("desktop-file-validate"):
        assert subprocess.run(["desktop-file-validate", path]).returncode == 0
    path.write_text("mine")
    assert main(["autostart", "off"]) == 1
    assert "--replace" in capsys.readouterr().err
    assert main(["autostart", "off", "--replace", "--format", "json"]) == 0
    assert '"way": ""' in capsys.readouterr().out
