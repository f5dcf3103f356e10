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
from klapp.cli.coworkers import review_in_words
from klapp.cli.main import main
from klapp.coworkers.review import review_of
from klapp.coworkers.store import Coworker
from klapp.engine.probe import Probe, probe
from klapp.home import Home
from klapp.sandbox import enforced, landlock, seatbelt, seccomp
from klapp.sandbox.launch import Zygote
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from tests.agent.house import House, reports
from tests.security.starting import Piper

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


SYSTEMS = {
    "darwin": ((), "neither the memory"),
    "darwin without": (("no Seatbelt",), "neither the memory"),
    "win32": ((), "klapp itself does what that process plans"),
    "sunos5": (("no sandbox for coworkers",), ""),
}


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A system that klapp is made out to run on, as far as its sandbox goes."""
    monkeypatch.setattr(sys, "platform", request.param.split()[0])
    monkeypatch.setattr(seatbelt, "is_there", lambda: request.param == "darwin")
    return str(request.param)


def test_what_a_system_does_not_enforce_is_said_by_the_approval(system: str) -> None:
    text = 'coworker "x"\nmay read "~/In/*"\nwhen file arrives in "~/In"\n  skip "no"\nend\n'
    loaded = load(text, VOCABULARY)
    coworker = Coworker("x", Path("/x.klr"), loaded, loaded.program, {})
    review = review_of(coworker).to_json()
    wrong, less = SYSTEMS[system]
    told = "\n".join(review["unenforced"])
    assert all(part in told for part in (*wrong, less))
    assert [line for line in review_in_words(review) if line.startswith("Know this: ")] == [
        f"Know this: {sentence}" for sentence in review["unenforced"]
    ]


class Idle:
    """Starts nothing, on a system that opens folders to workers or does not."""

    def __init__(self, opens_folders: bool) -> None:
        self.opens_folders = opens_folders


@pytest.mark.parametrize("works", [True, False])
@pytest.mark.parametrize("held", [True, False])
def test_what_a_system_does_not_enforce_is_said_by_the_doctor(
    system: str, works: bool, held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, less = SYSTEMS[system]
    monkeypatch.setattr(doctor, "HAS_WORKERS", system != "sunos5")
    monkeypatch.setattr(doctor, "launcher", lambda: Idle(system != "win32"))
    monkeypatch.setattr(doctor, "probe", lambda _: Probe(works, held, {}))
    found = list(doctor._sandbox("sandbox", Home(Path("/nowhere"))))
    states = [finding.state for finding in found]
    if system == "sunos5":
        assert states == ["advice"]
    elif not works:
        assert states == ["wrong"]
    else:
        assert states == [
            *["wrong"] * (1 if wrong or not held else 0),
            *["fine"] * (held and not wrong),
            "advice",
            "advice",
        ]
        assert less in " ".join(finding.message for finding in found)


@linux
def test_the_probe_of_a_worker_without_files_sees_whether_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    assert probe(Piper()) == Probe(True, True, {"landlock": landlock.version(), "seccomp": True})
    assert probe(Piper("tests.security.unconfined")) == Probe(True, False, {"landlock": 0, "seccomp": False})


@linux
def test_the_probe_sees_whether_a_worker_is_held(bare: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    found = probe(bare)
    assert found.works
    assert not found.held
    assert found.holds == {"landlock": 0, "seccomp": False}
    monkeypatch.setattr(doctor, "launcher", lambda: bare)
    [finding] = doctor._sandbox("sandbox", Home(Path("/nowhere")))
    assert finding.state == "wrong"
    assert "could write where it must not" in finding.message


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
