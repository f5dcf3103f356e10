"""Proof, guard and sandbox: each is switched off in turn, and the other two hold. And workers that die, hang or lie."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from klapp.engine import saying, workers
from klapp.engine.runs import Request
from klapp.lane import Lane
from klapp.sandbox import landlock, seccomp
from klapp.sandbox.confinement import Confinement
from klapp.vocabulary import VOCABULARY
from klr.loader import compiled, load
from klr.program import Program
from klr.vocabulary import Permission
from tests.agent.house import House, reports
from tests.security import planted
from tests.security.starting import WAYS, Starter, starting

pytestmark = [
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or landlock.version() < 3 or not seccomp.is_known(),
        reason="this system has no Landlock, or seccomp is not known here",
    ),
    pytest.mark.xdist_group("worker"),
]
HEAD = 'coworker "{}"\nmay read "~/In/*"\nmay remove "~/In/*"\nmay write "~/Out/**"\nmay notify\nwhen file arrives in "~/In"\n'
GOOD = HEAD + '  move file to "~/Out/"\nend\n'
BAD = HEAD + '  move file to "~/Private/"\nend\n'


starter = starting("tests.security.planted")
either_starter = starting("tests.security.planted", WAYS)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    house = House(tmp_path)
    for number in range(4):
        house.file(f"In/{number}.txt", b"x")
    house.file("Private/secret", b"secret")
    house.file("Out/old", b"old")
    return house


def without_proof(text: str) -> Program:
    program = compiled(text, VOCABULARY)
    assert program is not None
    return program


def ran(house: House, program: Program, starter: Starter | None = None, *, sandboxed: bool = True) -> list[Any]:
    """The reports of all files in ``In``, of a program that nobody has approved or proved, and that has a moment."""
    program = replace(program, limits=replace(program.limits, time=timedelta(milliseconds=100)))
    with house.agent(sandboxed=sandboxed) as agent:
        if starter and agent.workers:
            agent.workers.launcher = starter
        files = agent.engine.files_for(program)
        requests = [
            Request(
                program.name,
                program,
                program.rules[0],
                files.look(f"{house.person}/In/{number}.txt"),
                datetime(2026, 1, 1),
                {},
            )
            for number in range(4)
        ]
        return agent.engine.perform(requests)


def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the guard off in this process; "unguarded" is the coworker whose worker does the same."""

    def root(self: Lane, permission: Permission, path: str) -> str:
        return "/"

    for name in ("root", "leading_root", "opening_root"):
        monkeypatch.setattr(Lane, name, root)


def untouched(house: House) -> bool:
    return len(list((house.person / "In").iterdir())) == 4 and os.listdir(house.person / "Private") == ["secret"]


# -- three lines ------------------------------------------------------------------------------------------------------


def test_the_proof_alone_refuses() -> None:
    assert load(BAD.format("x"), VOCABULARY).program is None
    assert load(GOOD.format("x"), VOCABULARY).program is not None


def test_without_proof_and_sandbox_the_guard_holds(house: House) -> None:
    assert {report.outcome for report in ran(house, without_proof(BAD.format("x")), sandboxed=False)} == {"failed"}
    assert untouched(house)


def test_without_proof_guard_and_sandbox_nothing_holds(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests around this one would see it if something came through."""
    unguarded(monkeypatch)
    assert {report.outcome for report in ran(house, without_proof(BAD.format("x")), sandboxed=False)} == {"done"}
    assert not untouched(house)


def test_without_proof_and_guard_the_confinement_holds(
    house: House, starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguarded(monkeypatch)
    assert {report.outcome for report in ran(house, without_proof(BAD.format("unguarded")), starter)} == {"failed"}
    assert untouched(house)


def test_without_proof_and_guard_the_kernel_holds(
    house: House, either_starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the agent's second look at the plan is there; the worker itself tries, and can not."""
    unguarded(monkeypatch)
    monkeypatch.setattr(Confinement, "allows", lambda *_: True)
    monkeypatch.setattr(Confinement, "is_below", lambda *_: True)
    found = ran(house, without_proof(BAD.format("unguarded")), either_starter)
    assert {report.outcome for report in found} == {"failed"}
    assert "does not let you" in found[0].reason
    assert untouched(house)


def test_without_proof_the_others_hold(house: House, starter: Starter) -> None:
    assert {report.outcome for report in ran(house, without_proof(BAD.format("x")))} == {"failed"}
    assert untouched(house)


def test_what_is_right_is_done_by_all_three(house: House, either_starter: Starter) -> None:
    assert {report.outcome for report in ran(house, without_proof(GOOD.format("x")), either_starter)} == {"done"}
    assert sorted(os.listdir(house.person / "Out")) == ["0.txt", "1.txt", "2.txt", "3.txt", "old"]


# -- workers that die, hang or lie ------------------------------------------------------------------------------------

WHILE_PLANNING = [lie for lie, _ in planted.LIES.items() if lie not in ("dies", "hangs", "dies halfway", "no product", "too many steps", "too few steps", "lazy")]  # fmt: skip
WHILE_DOING = ["dies", "hangs", "no product", "too many steps", "too few steps"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (workers, saying):
        monkeypatch.setattr(module, "PATIENCE", 0.2)


@pytest.mark.parametrize("lie", WHILE_PLANNING)
def test_a_lie_about_a_plan_is_found_before_anything_happens(
    lie: str, house: House, starter: Starter, impatient: None
) -> None:
    found = ran(house, without_proof(GOOD.format(lie)), starter)
    assert [report.outcome for report in found] == ["failed"] * 4
    assert found[0].reason.startswith("The process that worked on it ")
    assert untouched(house)
    assert not Path("/tmp/klapp-outside").exists()
    with house.agent() as agent:
        assert agent.log_store.unfinished() == []
        assert agent.log_store.verify() is None
        assert len(list(agent.log())) == 4
        assert [agent.replay(report.run) for report in found] == [[]] * 4
        assert all(agent.explain(report.run)["reason"] == report.reason for report in found)


@pytest.mark.parametrize("lie", WHILE_DOING)
def test_a_worker_lost_at_work_is_replaced_and_its_runs_are_settled(
    lie: str, house: House, starter: Starter, impatient: None
) -> None:
    found = ran(house, without_proof(GOOD.format(lie)), starter)
    assert [report.outcome for report in found] == ["failed"] * 4
    assert untouched(house)
    assert any("process that worked for it" in text for _, text in house.told.notices)
    with house.agent() as agent:
        assert agent.log_store.unfinished() == []
        assert agent.log_store.verify() is None


def test_what_a_dying_worker_has_done_is_kept_and_can_be_taken_back(house: House, either_starter: Starter) -> None:
    before = house.tree()
    found = ran(house, without_proof(GOOD.format("dies halfway")), either_starter)
    assert [report.outcome for report in found].count("done") >= 2
    with house.agent() as agent:
        assert agent.log_store.unfinished() == []
        undone = agent.undo([report.run for report in found if report.outcome == "done"])
        assert {report["outcome"] for report in undone} == {"done"}
    assert house.tree() == before


def test_what_was_not_done_is_not_confirmed(house: House, starter: Starter) -> None:
    found = ran(house, without_proof(GOOD.format("lazy")), starter)
    assert len(found) == 4
    assert untouched(house)
    with house.agent() as agent:
        outcomes = [agent.log_store.entries(report.run)[-1].body for report in found]
    assert all(outcome["unconfirmed"] == [f"{house.person}/Out/{n}.txt"] for n, outcome in enumerate(outcomes))
    assert len([text for _, text in house.told.notices if "is not what lies there" in text]) == 1


def test_a_worker_killed_from_outside_is_replaced(house: House) -> None:
    house.coworker(GOOD.format("x"))
    with house.agent() as agent:
        agent.approve("one")
        assert len(reports(agent.run("one", [str(house.person / "In/0.txt")]))) == 1
        assert agent.workers
        for running in agent.workers._idle:
            os.kill(running.process.number, 9)  # type: ignore[attr-defined]
        assert [r["outcome"] for r in reports(agent.run("one"))] == ["done"] * 3


def test_an_agent_killed_while_its_worker_works_leaves_nothing_half_done(house: House) -> None:
    house.coworker(GOOD.format("x"))
    for number in range(4, 400):
        house.file(f"In/{number}.txt", b"x")
    before = house.tree()
    with house.agent() as agent:
        agent.approve("one")
    child = os.fork()
    if child == 0:
        with house.agent() as agent:
            list(agent.run("one"))
        os._exit(0)
    while not (house.person / "Out/100.txt").exists() and not os.waitpid(child, os.WNOHANG)[0]:
        pass
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(child, 9)
        os.waitpid(child, 0)
    with house.agent() as agent:
        assert agent.log_store.unfinished() == []
        assert agent.log_store.verify() is None
        undone = agent.undo([report["run"] for report in agent.log() if report["effects"]])
        assert {report["outcome"] for report in undone} == {"done"}
    assert house.tree() == before
