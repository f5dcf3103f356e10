"""Agent, worker, or both killed at their boundaries while a coworker works in a process of its own: nothing is lost."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from klapp.audit.log import Log
from klapp.engine.workers import WorkerHands
from klapp.sandbox import landlock, seccomp
from klapp.sandbox.channel import Channel
from klapp.sandbox.launch import Zygote
from tests.agent.house import House, reports
from tests.security.starting import ROOT, Starter, starting
from tests.security.test_crash import VERBS, Boundary, check, set_up

pytestmark = [
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or landlock.version() < 3 or not seccomp.is_known(),
        reason="this system has no Landlock, or seccomp is not known here",
    ),
    pytest.mark.xdist_group("worker"),
]


starter = starting("tests.security.dying")


@pytest.mark.parametrize(("verb", "stride"), [("move, replacing", 3), ("append", 1), ("several", 3)])
def test_a_worker_that_dies_at_any_boundary_loses_nothing(
    verb: str, stride: int, starter: Starter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths: list[str] = []
    gone = WorkerHands._gone
    monkeypatch.setattr(WorkerHands, "_gone", lambda hands, why: deaths.append(why) or gone(hands, why))
    boundary = 1 - stride
    died = True
    while died:
        boundary += stride  # an odd number, so that both what is before and what is after an effect is met
        root = tmp_path / str(boundary)
        monkeypatch.setenv("XDG_DATA_HOME", str(root / "data"))
        house = set_up(root, VERBS[verb])
        before = house.tree()
        house.home.workers_lock.write_bytes(str(boundary).encode())
        deaths.clear()
        with house.agent() as agent:
            assert agent.workers
            agent.workers.launcher = starter
            list(agent.run("one"))
            assert house.home.workers_lock.read_bytes() == b""
            assert agent.log_store.unfinished() == []
        died = bool(deaths)
        check(house, before)
    assert boundary > 6


@pytest.mark.parametrize("both", [False, True], ids=["the agent", "both"])
def test_an_agent_that_dies_with_or_before_its_worker_loses_nothing(
    both: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boundary = -2
    died = True
    while died:
        boundary += 5  # each takes a zygote of its own
        root = tmp_path / str(boundary)
        monkeypatch.setenv("XDG_DATA_HOME", str(root / "data"))
        house = set_up(root, VERBS["several"])
        before = house.tree()
        house.home.workers_lock.write_bytes(str(boundary if both else 0).encode())
        died = killed(house, 0 if both else boundary)
        check(house, before)
    assert boundary > 6


def killed(house: House, boundary: int) -> bool:
    """Run in a child process that dies at a boundary, or for 0 as soon as it sees that its worker has died; False
    where it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            edge = Boundary(boundary)
            edge.around(Log, "append")
            edge.around(Channel, "send")
            edge.around(Channel, "receive")
            if not boundary:
                WorkerHands._gone = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign,assignment]
            with house.agent() as agent:
                assert agent.workers
                agent.workers.launcher = Zygote("tests.security.dying", (ROOT,))
                reports(agent.run("one"))
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)
