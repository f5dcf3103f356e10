"""The story of a run: what began it, what was decided on which values, what was done, what an undo would do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from klapp.agent import Agent
from klapp.audit.events import acting
from tests.agent.house import House, reports

SORTER = """coworker "Sorter"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/**"
may notify

setting big: size = 1 MB shown as "Big"

when file arrives in "~/In" named "*.txt"
  if file.size > big or not file.text contains "bill"
    skip "no bill"
  end
  move file to "~/Out/{file.name}"
  notify "{file.name} is sorted"
end
"""


@pytest.fixture
def agent(house: House) -> Iterator[Agent]:
    house.coworker(SORTER)
    with house.agent(sandboxed=False) as agent:
        agent.approve("Sorter")
        yield agent


def test_a_story_tells_cause_decisions_deeds_and_the_way_back(house: House, agent: Agent) -> None:
    place = house.file("In/a.txt", b"a bill")
    with acting("command line", "ann"):
        [done] = reports(agent.run("Sorter"))
    story = agent.explain(done["run"])["story"]
    rule = 'when file arrives in "~/In" named "*.txt" (line 9)'
    assert story["began"] == f"The rule is: {rule}, for {place}. It was started from the command line by ann."
    condition = 'file.size > big or not file.text contains "bill"'
    assert story["decided"] == [f"Line 10: {condition}? No. (file.size: 6 bytes, big: 1 MB, file.text: a bill)"]
    assert story["did"] == [effect["sentence"] for effect in done["effects"]]
    out = house.person / "Out"
    assert story["back"] == {
        "possible": True,
        "why": "",
        "how": [
            f"moved {out}/a.txt to {place}",
            f"removed the folder {out} if it was empty",
            "left notices and opened apps as they are",
        ],
    }


def test_the_way_back_is_told_as_the_world_is_now_and_telling_changes_nothing(house: House, agent: Agent) -> None:
    house.file("In/a.txt", b"a bill")
    [done] = reports(agent.run("Sorter"))
    (house.person / "Out/a.txt").write_bytes(b"by hand")
    before, entries = house.tree(), agent.log_store.count()
    back = agent.explain(done["run"])["story"]["back"]
    assert not back["possible"]
    assert "a.txt" in back["why"]
    assert (house.tree(), agent.log_store.count()) == (before, entries)


def test_stories_of_undone_runs_and_of_undos(house: House, agent: Agent) -> None:
    house.file("In/a.txt", b"a bill")
    house.file("In/b.txt", b"none")
    done, skipped = reports(agent.run("Sorter"))
    assert "nothing to take back" in agent.explain(skipped["run"])["story"]["back"]["why"]
    [undone] = agent.undo([done["run"]])
    assert agent.explain(done["run"])["story"]["back"]["why"] == f"It was taken back already, by run {undone['run']}."
    story = agent.explain(undone["run"])["story"]
    assert story["began"] == f"Run {done['run']} was taken back."
    assert f"moved {house.person}/In/a.txt to {house.person}/Out/a.txt" in story["back"]["how"]
