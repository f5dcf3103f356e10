"""The facade on a real disk, with a real log: what a person can do, from approving to undoing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from klapp.agent import Agent
from klapp.coworkers.store import NoCoworker
from tests.agent.house import NOW, House, reports

SORTER = """coworker "Sorter"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/**"
may notify

when file arrives in "~/In"
  if file.extension is "tmp"
    skip "not yet"
  end
  move file to "~/Out/{file.extension}/{file.name}"
  notify "{file.name} is sorted"
on error
  notify "oh: {error.message}"
end
"""


@pytest.fixture
def agent(house: House) -> Iterator[Agent]:
    house.coworker(SORTER)
    with house.agent() as agent:
        yield agent


def test_a_coworker_waits_until_it_is_approved(house: House, agent: Agent) -> None:
    [told] = agent.overview()
    assert told["state"] == "waiting"
    assert told["may"] == told["new"]
    with pytest.raises(NoCoworker, match="approv"):
        list(agent.run("Sorter"))
    assert agent.approve("sorter")["state"] == "ready"


def test_an_edit_that_asks_for_more_waits_again_and_one_that_does_not_goes_on(house: House, agent: Agent) -> None:
    agent.approve("one")
    house.coworker(SORTER.replace('may write "~/Out/**"', 'may write "~/Out/*/*"'))
    assert agent.overview()[0]["state"] == "ready"
    house.coworker(SORTER.replace('may write "~/Out/**"', 'may write "~/Out/**", "~/More/*"'))
    [told] = agent.overview()
    assert told["state"] == "waiting"
    assert told["new"] == ["create and change ~/More/*"]


def test_a_broken_edit_keeps_the_last_good_version(house: House, agent: Agent) -> None:
    agent.approve("Sorter")
    house.coworker(SORTER.replace("move file", "mvoe file"))
    [told] = agent.overview()
    assert told["stale"]
    assert told["state"] == "ready"
    agent.close()
    house.file("In/a.txt", b"x")
    with house.agent() as again:
        assert [r["outcome"] for r in reports(again.run("Sorter"))] == ["done"]
    assert (house.person / "Out/txt/a.txt").read_bytes() == b"x"


def test_a_run_does_what_it_says_and_the_log_knows_why(house: House, agent: Agent) -> None:
    house.file("In/b.pdf", b"pdf")
    house.file("In/c.tmp", b"tmp")
    agent.approve("Sorter")
    before = house.tree()
    simulated = agent.simulate("Sorter")
    assert house.tree() == before
    done = reports(agent.run("Sorter"))
    assert [(r["outcome"], r["reason"]) for r in done] == [("done", ""), ("skipped", "not yet")]
    assert [{**r, "run": None} for r in done] == simulated
    assert list(agent.log()) == done
    assert [e["sentence"].split(" ")[0] for e in done[0]["effects"]] == ["made", "made", "moved", "told"]
    assert house.told.notices == [("Sorter", "b.pdf is sorted")]
    assert json.loads(json.dumps(done)) == done
    explained = agent.explain(done[0]["run"])
    assert {"line": 8, "text": 'file.extension is "tmp"', "value": "no"} in explained["steps"]
    assert agent.replay(done[0]["run"]) == []
    assert agent.replay(done[1]["run"]) == []


def test_undo_brings_everything_back_and_can_itself_be_undone(house: House, agent: Agent) -> None:
    agent.approve("Sorter")
    for name in ("a.pdf", "b.pdf", "c"):
        house.file(f"In/{name}", name.encode(), NOW - timedelta(days=3))
    before = house.tree()
    done = reports(agent.run("Sorter"))
    after = house.tree()
    assert after != before
    undone = agent.undo([r["run"] for r in done])
    assert [r["outcome"] for r in undone] == ["done"] * 3, undone
    assert house.tree() == before
    [again] = agent.undo([done[0]["run"]])
    assert again["outcome"] == "failed"
    assert "taken back already" in again["reason"]
    redone = agent.undo([r["run"] for r in undone])
    assert [r["outcome"] for r in redone] == ["done"] * 3, redone
    assert house.tree() == after


def test_undo_leaves_alone_what_has_changed_since(house: House, agent: Agent) -> None:
    agent.approve("Sorter")
    house.file("In/a.txt", b"one")
    reports(agent.run("Sorter"))
    moved = house.person / "Out/txt/a.txt"
    moved.write_bytes(b"two, by hand")
    before = house.tree()
    [refused] = agent.undo()
    assert refused["outcome"] == "failed"
    assert str(moved) in refused["reason"] or "a.txt" in refused["reason"]
    assert house.tree() == before


def test_pause_and_resume(house: House, agent: Agent) -> None:
    agent.approve("Sorter")
    agent.pause("Sorter", (NOW + timedelta(hours=1)).isoformat())
    assert agent.overview()[0]["state"] == "paused"
    agent.pause(None)
    agent.resume(None)
    assert agent.overview()[0]["state"] == "ready"
    agent.pause("Sorter", (NOW - timedelta(hours=1)).isoformat())
    assert agent.overview()[0]["state"] == "ready"
    agent.revoke("Sorter")
    assert agent.overview()[0]["state"] == "waiting"


def test_an_unknown_coworker_or_run_is_named(agent: Agent) -> None:
    with pytest.raises(NoCoworker, match=r"Sotrer.*Sorter"):
        agent.approve("Sotrer")
    with pytest.raises(ValueError, match="no run of that number"):
        agent.explain(99)


def test_names_that_are_not_utf8_and_other_oddities_are_sorted_and_brought_back(house: House, agent: Agent) -> None:
    agent.approve("Sorter")
    folder = house.person / "In"
    folder.mkdir()
    names = [b"\xff\xfe.pdf", b"-rf.pdf", b"a\nb.pdf", "\N{PILE OF POO}.pdf".encode(), b"  .pdf", b"a" * 250 + b".pdf"]
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(name)
    before = house.tree()
    done = reports(agent.run("Sorter"))
    assert len(done) == len(names)
    assert all(r["outcome"] == "done" for r in done), done
    assert os.listdir(folder) == []
    assert all(agent.replay(r["run"]) == [] for r in done)
    agent.undo()
    assert house.tree() == before


def test_what_is_given_by_name_must_be_waited_for(house: House, agent: Agent) -> None:
    agent.approve("Sorter")
    other = house.file("Elsewhere/x.pdf")
    with pytest.raises(NoCoworker, match="waits for no file"):
        list(agent.run("Sorter", [str(other)]))
    house.file("In/a.pdf")
    house.file("In/b.pdf")
    assert len(reports(agent.run("Sorter", [str(house.person / "In/a.pdf")]))) == 1
    assert len(reports(agent.run("Sorter", [str(house.person)]))) == 1


def test_a_link_is_neither_followed_nor_moved(house: House, agent: Agent) -> None:
    agent.approve("Sorter")
    secret = house.file("Secret/x.pdf", b"secret")
    (house.person / "In").mkdir()
    (house.person / "In/link.pdf").symlink_to(secret)
    assert reports(agent.run("Sorter")) == []
    (house.person / "Out").symlink_to(house.person / "Secret")
    house.file("In/a.pdf", b"a")
    [done] = reports(agent.run("Sorter"))
    assert sorted(os.listdir(house.person / "Secret")) == ["x.pdf"]
    assert (house.person / "In/a.pdf").read_bytes() == b"a"
    assert house.told.notices[-1][1].startswith("oh: "), done


def test_settings_and_dates_reach_the_rules(house: House) -> None:
    house.coworker(
        'coworker "Weekly"\nmay read "~/In/*"\nmay notify\nsetting few: number = 1\n\nwhen asked\n'
        '  let fresh = files in "~/In/*" where it.modified > today - 7 days\n  if count of fresh > few\n'
        '    notify "{count of fresh} since {today - 7 days}"\n  end\nend\n'
    )
    for day in (1, 2, 30):
        house.file(f"In/{day}", b"", NOW - timedelta(days=day))
    with house.agent() as agent:
        agent.approve("Weekly")
        list(agent.run("Weekly"))
    assert house.told.notices == [("Weekly", f"2 since {datetime(2026, 11, 13):%Y-%m-%d}")]
