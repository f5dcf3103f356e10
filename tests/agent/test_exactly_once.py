"""Each start runs once: whatever moment an agent is killed at, and however often its coworker fails."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from klapp.agenda import NOT_READY, Agenda
from klapp.agent import Agent
from klapp.audit.log import Log
from klapp.dispatch import Start
from klapp.engine.record import OUTCOME
from klapp.mail.received import Received
from klapp.service import Service
from klapp.triggers.clock import Strike
from klapp.triggers.seen import SeenInDatabase
from tests.agent.house import House, until

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
FAILER = 'coworker "Failer"\nmay read "~/In/*"\nlimit 3 failures\nwhen file arrives in "~/In"\n  fail "no"\nend\n'
NOTED = ["1.a", "2.b", "again 2.b"]
WAIT = 20.0


def lines(house: House, name: str) -> list[str]:
    path = house.person / name
    return sorted(path.read_text().splitlines()) if path.exists() else []


def rows(agent: Agent, table: str) -> int:
    return int(agent.log_store.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def kept_until(agent: Agent) -> datetime:
    return datetime.fromisoformat(agent.coworkers.kept.get("served:Noter\x000")["until"])


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


def served_and_killed(house: House, boundary: Callable[[], None]) -> None:
    """Serve in a process that is killed at a boundary."""
    child = os.fork()
    if child == 0:
        try:
            boundary()
            served(house, lambda service: False)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "it was not killed"


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_kill_neither_doubles_nor_loses_a_run(tmp_path: Path, boundary: str) -> None:
    house = House(tmp_path)
    (house.person / "In").mkdir()
    house.coworker(NOTER, "c0")
    house.coworker(FOLLOWER, "c1")
    served(house, lambda service: True)
    house.file("In/1.a", b"1")
    house.file("In/2.b", b"2")
    served_and_killed(house, BOUNDARIES[boundary])
    with house.agent(sandboxed=False) as agent, Service(agent, lambda sentence: None) as service:
        until(lambda: lines(house, "noted.txt") == NOTED and lines(house, "followed.txt"))
        house.file("In/3.a", b"3")  # behind whatever may still wait
        until(lambda: lines(house, "noted.txt") == sorted([*NOTED, "3.a"]))
        until(lambda: not service._turns._queue and not service._turns.busy and not agent.marks.untold())
        until(lambda: not rows(agent, "dealt"))
        assert len(agent.agenda) == 0
        assert agent.log_store.unfinished() == []
        assert set(lines(house, "followed.txt")) == {"finished"}
    assert 1 <= lines(house, "followed.txt").count("finished") <= 3  # once for a bout; the kill makes two of one


MAILED = """coworker "Noter"
may receive mail from "work"
may write "~/noted.txt"

when mail arrives in "work"
  append "{mail.subject}" to "~/noted.txt"
end

when mail arrives in "work"
  append "again {mail.subject}" to "~/noted.txt"
end
"""


@pytest.mark.parametrize(
    "boundary",
    {
        "behind the intents": lambda: killed_behind(Log, "append", intends),
        "behind the outcomes": lambda: killed_behind(Log, "append", lambda entries, *_: ends(entries)),
        "before the mail is dealt with": lambda: killed_before(Received, "dealt", of_file),
        "when the mail is dealt with": lambda: killed_behind(Received, "dealt", of_file),
    }.values(),
)
def test_a_kill_neither_doubles_nor_loses_what_a_mail_starts(tmp_path: Path, boundary: Callable[[], None]) -> None:
    house = House(tmp_path)
    house.coworker(MAILED, "c0")
    with house.agent(sandboxed=False) as agent:
        agent.approve("c0")
        agent.received.add("work", 1, 1, b"Subject: one\r\nFrom: a@b.example\r\n\r\ntext")
    served_and_killed(house, boundary)
    with house.agent(sandboxed=False) as agent, Service(agent, lambda sentence: None) as service:
        until(lambda: not service._turns._queue and not service._turns.busy)
        until(lambda: not agent.received.waiting() and not rows(agent, "dealt"))
        assert lines(house, "noted.txt") == ["again one", "one"]


def test_a_version_that_waits_is_known_until_that_version_is_dealt_with(tmp_path: Path) -> None:
    old, new = (1, 7, 100, 5), (1, 7, 200, 5)
    house = House(tmp_path)
    with house.agent(sandboxed=False) as agent:
        for version in (old, new):
            agent.marks.hold(Start("Noter", 0, "file arrives", "/In/a", version), NOT_READY, None)
        agent.marks.known_now([("/In/a", old)])
        agent.marks.keep(lambda phrase, path, version: True, ())
        assert not agent.marks.has(Start("Noter", 0, "file arrives", "/In/a", old))
        assert agent.marks.has(Start("Noter", 0, "file arrives", "/In/a", new))


def test_a_moment_is_put_down_only_when_no_earlier_one_is_under_way(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.coworker(
        'coworker "Noter"\nmay write "~/n.txt"\nevery 1 hour catch up all\n  append "x" to "~/n.txt"\nend\n', "c0"
    )
    with house.agent(sandboxed=False) as agent:
        agent.approve("c0")
        with Service(agent, lambda sentence: None) as service:
            first = kept_until(agent) + timedelta(hours=1)
            gate = threading.Event()
            service._turns.then(lambda: gate.wait(WAIT))
            service._due([Strike(("Noter", 0), first)])
            agent.pause("Noter")
            for _ in range(2):  # the second time is as after a kill: it is held already
                service._due([Strike(("Noter", 0), first + timedelta(hours=1))])
            assert agent.agenda.count("Noter") == 1
            assert kept_until(agent) < first
            gate.set()
            until(lambda: agent.agenda.count("Noter") == 2)
            until(lambda: kept_until(agent) == first + timedelta(hours=1))
            service.answer("resume", {"name": "Noter"})
            until(lambda: lines(house, "n.txt") == ["x", "x"])


def test_a_coworker_that_failed_too_often_is_tried_once_more_by_hand(tmp_path: Path) -> None:
    house = House(tmp_path)
    (house.person / "In").mkdir()
    house.coworker(FAILER, "c0")
    for number in range(4):
        house.file(f"In/{number}", b"1")
    with house.agent(sandboxed=False) as agent:
        agent.approve("c0")
        with Service(agent, lambda sentence: None):
            items = list(agent.run("Failer"))
            assert [item["left"] for item in items if "left" in item] == [1]
            items = list(agent.run("Failer"))
            assert sum("report" in item for item in items) == 1
            assert items[-1] == {"left": 3}


def test_a_batch_that_fails_is_cut_short_and_its_rest_waits(tmp_path: Path) -> None:
    house = House(tmp_path)
    (house.person / "In").mkdir()
    house.coworker(FAILER, "c0")
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


@pytest.mark.parametrize("paused", [False, True])
def test_a_full_disk_holds_all_up_and_then_each_start_runs_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paused: bool
) -> None:
    monkeypatch.setattr("klapp.turns.NO_LOG", 0.1)
    monkeypatch.setattr("klapp.turns.LONGEST_WAIT", 0.5)
    house = House(tmp_path)
    (house.person / "In").mkdir()
    house.coworker(NOTER, "c0")
    said: list[str] = []
    with house.agent(sandboxed=False) as agent:
        agent.approve("c0")
        if paused:
            agent.pause("Noter")
        with Service(agent, said.append) as service:
            database = agent.log_store.connection

            def limited(pages: int) -> None:
                with agent.log_store.lock:
                    database.execute(f"PRAGMA max_page_count = {pages}").fetchone()

            limited(1)  # it is as large as it may be
            names = [f"{number:0100}.a" for number in range(60)]
            for name in names:
                house.file(f"In/{name}", b"1")
            until(lambda: any("can not write its log" in sentence for sentence in said))
            limited(2**30)
            if paused:
                until(lambda: agent.agenda.count("Noter") == 60)
                service.answer("resume", {"name": "Noter"})
            until(lambda: len(lines(house, "noted.txt")) >= 60 and not service._turns.busy)
            until(lambda: not rows(agent, "dealt") and not len(agent.agenda))
    assert lines(house, "noted.txt") == names
