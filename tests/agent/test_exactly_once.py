"""Each start runs once: whatever moment an agent is killed at, and however often its coworker fails."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from klapp.agenda import Agenda
from klapp.audit.log import Log
from klapp.engine.record import OUTCOME
from klapp.service import Service
from klapp.triggers.seen import SeenInDatabase
from tests.agent.house import House

NOTER = """coworker "Noter"
may read "~/In/*"
may write "~/noted.txt"

when file arrives in "~/In"
  append "{file.name}" to "~/noted.txt"
end

when file arrives in "~/In" named "*.b"
  append "again {file.name}" to "~/noted.txt"
end
"""
FOLLOWER = """coworker "Follower"
may write "~/followed.txt"

when "Noter" finishes
  append "finished" to "~/followed.txt"
end
"""
NOTED = ["1.a", "2.b", "again 2.b"]
WAIT = 20.0


def until(look: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT
    while not look():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def lines(house: House, name: str) -> list[str]:
    path = house.person / name
    return sorted(path.read_text().splitlines()) if path.exists() else []


def ends(entries: Any) -> bool:
    return any(entry.kind == OUTCOME for entry in entries)


def killed_before(owner: type, name: str, when: Callable[..., bool]) -> None:
    """Have this process die before a method does its work."""
    real = getattr(owner, name)

    def deadly(self: Any, *arguments: Any, **named: Any) -> Any:
        if when(*arguments):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, *arguments, **named)

    setattr(owner, name, deadly)


def killed_behind(owner: type, name: str, when: Callable[..., bool]) -> None:
    """Have this process die when a method has done its work."""
    real = getattr(owner, name)

    def deadly(self: Any, *arguments: Any, **named: Any) -> Any:
        answer = real(self, *arguments, **named)
        if when(*arguments):
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, name, deadly)


def intends(entries: Any, *_: Any) -> bool:
    return any(entry.kind == "intent" and entry.owner == "Noter" for entry in entries)


def ends_of(name: str) -> Callable[..., bool]:
    """Whether a run ends, and one of a coworker began before."""
    begun: list[bool] = []

    def look(entries: Any, *_: Any) -> bool:
        begun.extend(True for entry in entries if entry.owner == name and entry.kind == "intent")
        return bool(begun) and ends(entries)

    return look


def of_file(looks: Any, *_: Any) -> bool:
    return bool(list(looks))


BOUNDARIES: dict[str, Callable[[], None]] = {
    "before the intents": lambda: killed_before(Log, "append", intends),
    "behind the intents": lambda: killed_behind(Log, "append", intends),
    "before the outcomes": lambda: killed_before(Log, "append", lambda entries, *_: ends(entries)),
    "behind the outcomes": lambda: killed_behind(Log, "append", lambda entries, *_: ends(entries)),
    "before the watch knows": lambda: killed_before(SeenInDatabase, "told", of_file),
    "when the watch knows": lambda: killed_behind(SeenInDatabase, "told", of_file),
    "before a chain is held": lambda: killed_before(Agenda, "enlist", lambda start: True),
    "behind a chain that is held": lambda: killed_behind(Agenda, "enlist", lambda start: True),
    "before a chain has an outcome": lambda: killed_before(Log, "append", ends_of("Follower")),
    "behind a chain that ended": lambda: killed_behind(Log, "append", ends_of("Follower")),
}


def served(house: House, done: Callable[[Service], object]) -> None:
    with house.agent(sandboxed=False) as agent:
        for number in range(len(list(house.home.coworkers.glob("*.klr")))):
            agent.approve(f"c{number}")
        with Service(agent, lambda sentence: None) as service:
            until(lambda: done(service))


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_kill_neither_doubles_nor_loses_a_run(tmp_path: Path, boundary: str) -> None:
    house = House(tmp_path)
    (house.person / "In").mkdir()
    house.coworker(NOTER, "c0")
    house.coworker(FOLLOWER, "c1")
    served(house, lambda service: True)
    house.file("In/1.a", b"1")
    house.file("In/2.b", b"2")
    child = os.fork()
    if child == 0:
        try:
            BOUNDARIES[boundary]()
            served(house, lambda service: False)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "it was not killed"
    with house.agent(sandboxed=False) as agent, Service(agent, lambda sentence: None) as service:
        until(lambda: lines(house, "noted.txt") == NOTED and lines(house, "followed.txt"))
        house.file("In/3.a", b"3")  # behind whatever may still wait
        until(lambda: lines(house, "noted.txt") == sorted([*NOTED, "3.a"]))
        until(lambda: not service._turns._queue and not service._turns.busy and not agent.marks.untold())
        assert len(agent.agenda) == 0
        assert agent.log_store.unfinished() == []
        assert set(lines(house, "followed.txt")) == {"finished"}
    assert 1 <= lines(house, "followed.txt").count("finished") <= 3  # once for a bout; the kill makes two of one


def test_a_batch_that_fails_is_cut_short_and_its_rest_waits(tmp_path: Path) -> None:
    house = House(tmp_path)
    (house.person / "In").mkdir()
    house.coworker(
        'coworker "Failer"\nmay read "~/In/*"\nlimit 3 failures\nwhen file arrives in "~/In"\n  fail "no"\nend\n', "c0"
    )
    served(house, lambda service: True)
    for number in range(40):
        house.file(f"In/{number}", b"1")
    with house.agent() as agent, Service(agent, lambda sentence: None) as service:
        until(lambda: agent.agenda.count("Failer") == 37)
        assert len(list(agent.log())) == 3
        [told] = agent.overview()
        assert told["state"] == "paused"
        service.answer("resume", {"name": "Failer"})
        until(lambda: agent.agenda.count("Failer") == 34)
        assert len(list(agent.log())) == 6
        assert len({run["file"] for run in agent.log()}) == 6
