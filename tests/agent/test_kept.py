"""Kept copies: stored once, sealed, within a budget and an age; what is let go is said, and no undo pretends otherwise."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from klapp.agent import Agent
from klapp.files.kept import Dropped, Keeper
from klapp.operations.keeping import new_token
from klapp.service import Service
from klapp.vault.sealed import seal
from tests.agent.house import NOW, House, reports, until

WRITER = """coworker "Writer"
may read "~/In/*"
may write "~/Out/*"
when file arrives in "~/In"
write "{file.name}" to "~/Out/page.txt" on conflict replace
end
"""


@pytest.fixture
def house(house: House) -> House:
    house.coworker(WRITER)
    return house


@pytest.fixture
def agent(house: House) -> Iterator[Agent]:
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
        yield agent


class Kept:
    """A keeper with a clock, and files to be kept."""

    def __init__(self, root: Path) -> None:
        self.now = 1000.0
        self.root = root
        self.keeper = Keeper(root / "kept", b"k" * 32, lambda: self.now)

    def keep(self, content: bytes) -> str:
        token, path = new_token(), self.root / "file"
        path.write_bytes(content)
        with path.open("rb") as source:
            self.keeper.keep(token, source)
        return token

    def brought(self, token: str) -> bytes:
        path = self.root / "goal"
        with path.open("w+b") as goal:
            self.keeper.bring(token, goal)
        return path.read_bytes()


def test_the_same_content_is_stored_once_and_stays_while_one_copy_needs_it(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    one, two, other = kept.keep(b"secret" * 50_000), kept.keep(b"secret" * 50_000), kept.keep(b"")
    assert kept.keeper.space()[:2] == (3, 1)
    assert all(b"secret" not in path.read_bytes() for path in (tmp_path / "kept").iterdir())
    assert kept.keeper.drop([one]) == 0
    assert kept.brought(two) == b"secret" * 50_000
    assert kept.brought(other) == b""
    assert kept.keeper.drop([two]) > 300_000
    assert kept.keeper.space()[:3] == (1, 0, 0)


def test_a_damaged_content_is_not_relied_on_by_the_next_copy(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.keep(b"what there was")
    (content,) = [path for path in (tmp_path / "kept").iterdir() if len(path.name) == 64]
    content.write_bytes(content.read_bytes()[:-1] + b"?")
    assert kept.brought(kept.keep(b"what there was")) == b"what there was"


def test_what_a_kill_left_is_removed_and_what_can_not_be_read_keeps_everything(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    one, two = kept.keep(b"one"), kept.keep(b"two")
    (tmp_path / "kept" / f".klapp-{'0' * 24}").write_bytes(b"draft")
    assert kept.keeper.drop([]) == len(b"draft")
    (tmp_path / "kept" / one).write_bytes(b"damaged")
    kept.keeper.drop([])
    assert kept.keeper.space().contents == 2
    assert kept.brought(two) == b"two"


def test_the_oldest_go_first_and_those_of_now_stay(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    tokens = []
    for day in range(4):
        kept.now = 1000.0 + day
        tokens.append(kept.keep(bytes([day]) * 1000))
    each = kept.keeper.space().bytes // 4
    said: list[Dropped] = []
    kept.keeper.over(4 * each, 10**30, said.append)
    assert not said
    kept.keeper.over(2 * each, 10**30, said.append)
    (dropped,) = said
    assert (dropped.copies, dropped.bytes, dropped.until) == (2, 2 * each, 1001 * 10**9)
    assert kept.keeper.tokens() == sorted(tokens[2:])
    kept.keeper.over(0, 1003 * 10**9, said.append)
    assert said.pop().copies == 1, "the newest is spared"
    kept.keeper.older(1003 * 10**9, said.append)
    kept.keeper.older(1004 * 10**9, said.append)
    assert said.pop().copies == 1
    assert said == [dropped]


def test_what_goes_is_said_before_it_goes(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    one = kept.keep(b"x" * 1000)

    def full(_: Dropped) -> None:
        raise OSError("the log does not take it")

    for let_go in (lambda: kept.keeper.over(0, 10**30, full), lambda: kept.keeper.older(10**30, full)):
        with pytest.raises(OSError, match="does not take"):
            let_go()
    assert kept.brought(one) == b"x" * 1000


def test_holes_are_kept_and_cost_nothing(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    path, token = tmp_path / "file", new_token()
    with path.open("wb") as file:
        file.write(b"begin")
        file.seek(1 << 30)
        file.write(b"end")
        file.truncate((1 << 30) + (1 << 20))
    if path.stat().st_blocks * 512 > 1 << 20:
        pytest.skip("this file system has no holes")
    with path.open("rb") as source:
        kept.keeper.keep(token, source)
    assert kept.keeper.space().bytes < 1 << 20
    goal = tmp_path / "goal"
    with goal.open("w+b") as brought:
        kept.keeper.bring(token, brought)
    assert (goal.stat().st_size, goal.stat().st_blocks) == (path.stat().st_size, path.stat().st_blocks)
    with goal.open("rb") as file:
        assert file.read(5) == b"begin"
        file.seek(1 << 30)
        assert file.read(4) == b"end\0"


def replaced(house: House, agent: Agent) -> int:
    house.file("Out/page.txt", b"what there was")
    path = house.file("In/new.txt", b"")
    (report,) = reports(agent.run("one", [str(path)]))
    assert report["outcome"] == "done", report
    return int(report["run"])


@pytest.mark.parametrize("why", ["age", "space", "by hand"])
def test_an_undo_of_what_was_let_go_is_refused_and_says_why(house: House, agent: Agent, why: str) -> None:
    run = replaced(house, agent)
    moment = NOW + timedelta(days=40)
    agent.clock = lambda: moment
    assert agent.kept("report")["copies"] == 1
    agent.tidy_copies()
    assert agent.kept("report")["copies"] == 1
    if why == "age":
        agent.kept("change", days=30)
    elif why == "space":
        agent.keeping._keeper.over = lambda most, spared, say, real=agent.keeper.over: real(0, spared, say)  # type: ignore[method-assign]
        agent.kept("change", megabytes=1)
    else:
        agent.keeper.drop(agent.keeper.tokens())
    tree = house.tree()
    (refused,) = agent.undo([run])
    assert refused["outcome"] == "failed"
    assert {"age": "older than 30 days", "space": "more than 1 MB", "by hand": "somebody else"}[why] in refused[
        "reason"
    ]
    assert house.tree() == tree
    kinds = [entry["entry"]["kind"] for entry in agent.audit("show", wanted={}) if "entry" in entry]
    assert ("copies let go" in kinds) == (why != "by hand")
    assert agent.log_store.verify() is None


def test_what_was_replaced_today_stays_whatever_the_budget(house: House, agent: Agent) -> None:
    house.file("Out/page.txt", os.urandom(3_000_000))
    run = int(reports(agent.run("one", [str(house.file("In/new.txt"))]))[0]["run"])
    assert agent.kept("change", days=1, megabytes=1)["copies"] == 1
    assert agent.undo([run])[0]["outcome"] == "done"
    for wrong in ({"days": 0}, {"megabytes": -1}, {"days": True}, {"days": 10**9}):
        with pytest.raises(ValueError, match="kept for"):
            agent.kept("change", **wrong)


def test_a_copy_without_a_note_is_no_copy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Kept(tmp_path).keeper.bring(new_token(), io.BytesIO())


def of_earlier(kept: Kept, content: bytes) -> str:
    """A copy as klapp made them at first."""
    token, traits = new_token(), json.dumps([0o640, 1, 2_000_000_000, {}]).encode() + b"\n"
    path = kept.root / "kept" / token
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as goal:
        seal(b"k" * 32, b"kept:" + token.encode(), io.BytesIO(traits + content), goal)
    return token


def test_a_copy_of_an_earlier_klapp_is_brought_back_and_in_nobodys_way(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    content = b"[not traits]\n" + os.urandom(1_000_000)
    token = of_earlier(kept, content)
    assert kept.brought(token) == content
    with (tmp_path / "goal").open("w+b") as goal:
        assert kept.keeper.bring(token, goal)[:3] == (0o640, 1, 2_000_000_000)
    kept.keeper.drop([kept.keep(b"other")])
    assert kept.keeper.space().contents == 0, "what no copy needs goes, though an earlier one is there"
    kept.keeper.older(10**30, lambda gone: None)
    assert kept.keeper.tokens() == []


@pytest.mark.parametrize("damage", [b"", b"damaged", None])
def test_a_damaged_copy_is_said_and_nothing_is_changed(house: House, agent: Agent, damage: bytes | None) -> None:
    run = replaced(house, agent)
    for path in house.home.kept.iterdir():
        path.write_bytes(path.read_bytes()[:-1] if damage is None else damage)
    tree = house.tree()
    (refused,) = agent.undo([run])
    assert refused["outcome"] == "failed"
    assert "is damaged" in refused["reason"]
    assert house.tree() == tree
    assert agent.log_store.unfinished() == []


def test_an_agent_that_stays_on_lets_go_when_it_has_done_something(tmp_path: Path) -> None:
    """Once a day, and when much was kept; it asks for nothing while it has nothing to do."""
    house = House(tmp_path)
    house.coworker(WRITER)
    house.file("Out/page.txt", b"what there was")
    (house.person / "In").mkdir()
    moment, looks = NOW, []
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
        agent.kept("change", days=3, megabytes=50)
        agent.clock = lambda: moment
        tidy = agent.keeping.tidy
        agent.keeping.tidy = lambda: (looks.append(moment), tidy())  # type: ignore[method-assign]

        def copies_after(content: bytes) -> int:
            seen = len(list(agent.log()))
            house.file("Out/page.txt", content)
            reports(agent.run("one", [str(house.file(f"In/{seen}"))]))
            until(lambda: not service.version.endswith("+") and not service._turns._queue)
            return int(agent.kept("report")["copies"])

        with Service(agent, lambda sentence: None) as service:
            until(lambda: looks == [NOW])
            assert copies_after(b"1") == 1
            moment = NOW + timedelta(days=2)
            assert copies_after(b"2") == 2
            until(lambda: len(looks) == 2)
            moment = NOW + timedelta(days=4)
            assert copies_after(b"3") in (2, 3)
            until(lambda: agent.kept("report")["copies"] == 2)
            assert len(looks) == 3
            copies_after(os.urandom(1_100_000))
            until(lambda: len(looks) == 4)
            copies_after(b"4")
            assert len(looks) == 4
