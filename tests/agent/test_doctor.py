"""``klapp doctor``: what it finds is there, and what is wrong makes it say so."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klapp import doctor
from klapp.cli.main import main
from klapp.engine.probe import probe
from klapp.home import Home
from klapp.sandbox import enforced, landlock, seccomp
from klapp.sandbox.launch import Zygote
from tests.agent.house import House, reports

ROOT = str(Path(__file__).parents[2])
linux = pytest.mark.skipif(
    not sys.platform.startswith("linux") or landlock.version() < 3 or not seccomp.is_known(),
    reason="this system has no Landlock, or seccomp is not known here",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("KLAPP_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("KLAPP_KEYRING", "off")
    return Home(tmp_path / "state").prepare()


@pytest.fixture(scope="module")
def bare() -> Iterator[Zygote]:
    """Workers of a system without a sandbox."""
    made = Zygote("tests.security.unconfined", (ROOT,))
    yield made
    made.close()


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    return {finding["check"]: finding for finding in json.loads(capsys.readouterr().out)}


@linux
def test_a_sound_installation_is_fine(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--format", "json"]) == 0
    found = told(capsys)
    assert set(found) == set(doctor.CHECKS)
    assert found["sandbox"]["state"] == found["state folder"]["state"] == found["installation"]["state"] == "fine"
    assert found["agent"]["state"] == "advice"
    assert main(["doctor"]) == 0
    assert "Nothing is wrong." in capsys.readouterr().out


@linux
def test_a_state_folder_that_others_can_read_is_wrong(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.path / "klapp.db").write_text("x")
    os.chmod(home.path / "klapp.db", 0o644)
    os.chmod(home.path, 0o755)
    assert main(["doctor", "--format", "json"]) == 1
    finding = told(capsys)["state folder"]
    assert finding["state"] == "wrong"
    assert "klapp.db" in finding["message"]


def test_what_is_not_enforced_is_said_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert enforced._on_linux(7, True) == []
    assert "does not hold a coworker to its folders" in enforced._on_linux(0, True)[0]
    assert "cutting files short" in enforced._on_linux(1, True)[0]
    assert "TCP included" in enforced._on_linux(0, False)[1]
    for system in ("darwin", "win32", "sunos5"):
        monkeypatch.setattr(sys, "platform", system)
        assert enforced.not_enforced()


@linux
def test_the_probe_sees_whether_a_worker_is_held(bare: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    found = probe(bare)
    assert found.works
    assert not found.held
    assert found.holds == {"landlock": 0, "seccomp": False}
    monkeypatch.setattr(doctor, "launcher", lambda: bare)
    [finding] = doctor._sandbox("sandbox", Home(Path("/nowhere")))
    assert finding.state == "wrong"
    assert "could write in another" in finding.message


@linux
def test_without_a_sandbox_klapp_works_and_says_so(
    bare: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    monkeypatch.setattr(seccomp, "is_known", lambda: False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    house = House(tmp_path)
    house.coworker(
        'coworker "x"\nmay read "~/In/*"\nmay remove "~/In/*"\nmay write "~/Out/**"\n'
        'when file arrives in "~/In"\n  move file to "~/Out/"\nend\n'
    )
    house.file("In/a.txt", b"x")
    with house.agent() as agent:
        assert agent.workers
        agent.workers.launcher = bare
        agent.approve("x")
        assert [report["outcome"] for report in reports(agent.run("x"))] == ["done"]
        assert agent.workers.holds == {"landlock": 0, "seccomp": False}
    assert (house.person / "Out/a.txt").read_bytes() == b"x"
    monkeypatch.setattr(doctor, "launcher", lambda: bare)
    findings = list(doctor._sandbox("sandbox", house.home))
    assert [finding.state for finding in findings] == ["wrong", "wrong"]
    assert "Landlock is missing" in findings[0].message


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no /proc elsewhere")
def test_a_missing_proc_is_named_with_what_lacks_without_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.state for one in doctor.examine(home) if one.check == "proc"] == [doctor.FINE]
    monkeypatch.setattr(doctor, "PROC", home.path / "no-proc")
    [found] = [one for one in doctor.examine(home) if one.check == "proc"]
    assert found.state == doctor.WRONG
    assert "no-proc is missing or hidden" in found.message
    assert "mount" in found.help


def test_a_check_that_fails_is_a_finding(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str, home: Home) -> Iterator[doctor.Finding]:
        raise RuntimeError("broken")

    monkeypatch.setattr(doctor, "CHECKS", {"one": broken})
    [finding] = doctor.examine(home)
    assert finding.state == "wrong"
    assert "broken" in finding.message
