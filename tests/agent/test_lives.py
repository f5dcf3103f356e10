"""What happened to a file through all its names, and why nothing else did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klapp.agent import Agent
from tests.agent.house import House, reports

FIRST = """coworker "First"
may read "~/In/*"
may remove "~/In/*"
may write "~/Mid/*"

when file arrives in "~/In" named "*.txt"
  if file.text contains "secret"
    skip "not for here"
  end
  move file to "~/Mid/renamed {file.name}"
end
"""
SECOND = """coworker "Second"
may read "~/Mid/*"
may remove "~/Mid/*"
may write "~/End/*"

when file arrives in "~/Mid"
  move file to "~/End/last"
end
"""
PICTURES = """coworker "Pictures"
may read "~/In/*"

when file arrives in "~/In" named "*.png"
  stop
end
"""
LARGE = """coworker "Large"
may read "~/In/*"
may notify

when file arrives in "~/In"
  if file.size < 1 MB
    skip "small"
  end
  notify "large: {file.name}"
end
"""
ELSEWHERE = PICTURES.replace("Pictures", "Elsewhere").replace("~/In", "~/Other")


@pytest.fixture
def agent(house: House) -> Iterator[Agent]:
    for name, text in (("1", FIRST), ("2", SECOND), ("3", PICTURES), ("4", LARGE), ("5", ELSEWHERE)):
        house.coworker(text, name)
    with house.agent(sandboxed=False) as agent:
        for name in ("First", "Second", "Pictures", "Elsewhere"):
            agent.approve(name)
        yield agent


def others(found: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(one["coworker"], Path(one["path"]).name): one["why"] for one in found["others"]}


def test_a_file_is_followed_from_any_of_its_names_in_both_directions(house: House, agent: Agent) -> None:
    first = house.file("In/a.txt", b"x")
    mid, last = house.person / "Mid/renamed a.txt", house.person / "End/last"
    house.file("In/other.txt", b"y")
    runs = [*reports(agent.run("First", [str(first)])), *reports(agent.run("Second"))]
    reports(agent.run("First"))
    told = [agent.history(str(path)) for path in (first, mid, last)]
    for found in told:
        [life] = found["lives"]
        assert life["names"] == [str(first), str(mid), str(last)]
        assert [(one["run"], one["coworker"]) for one in life["happenings"]] == [(1, "First"), (2, "Second")]
        assert life["happenings"][0]["did"] == [f"moved {first} to {mid}"]
    assert [found["there"] for found in told] == [False, False, True]
    agent.undo([run["run"] for run in runs])
    [life] = agent.history(str(last))["lives"]
    assert life["names"] == [str(path) for path in (first, mid, last, mid, first)]
    assert [one["undoes"] for one in life["happenings"]] == [None, None, 2, 1]
    assert agent.history(str(first))["there"]


def test_another_file_under_a_name_that_klapp_freed_has_a_life_of_its_own(house: House, agent: Agent) -> None:
    for content in (b"one", b"two"):
        place = house.file("In/a.txt", content)
        reports(agent.run("First"))
    lives = agent.history(str(place))["lives"]
    assert [[Path(name).name for name in life["names"]] for life in lives] == [
        ["a.txt", "renamed a.txt"],
        ["a.txt", "renamed a (2).txt"],
    ]
    assert [[one["run"] for one in life["happenings"]] for life in lives] == [[1], [2]]


def test_each_who_watches_the_place_says_why_it_did_nothing(house: House, agent: Agent) -> None:
    place = house.file("In/a.txt", b"a secret")
    untried = others(agent.history(str(place)))
    reports(agent.run("First", [str(place)]))
    found = agent.history(str(place))
    saw = 'skipped (not for here). Line 7: file.text contains "secret"? Yes. (file.text: a secret)'
    assert untried[("First", "a.txt")] == f"asked now, it would end: {saw}"
    assert others(found)[("First", "a.txt")] == f"it looked at it, and ended: {saw}"
    assert untried[("Pictures", "a.txt")] == "its pattern ~/In/*.png does not fit this path."
    assert "approval" in untried[("Large", "a.txt")]
    assert set(untried) == {("First", "a.txt"), ("Pictures", "a.txt"), ("Large", "a.txt")}
    assert [one["run"] for one in found["others"] if one["coworker"] == "First"] == [1]
    agent.approve("Large")
    assert "skipped (small). Line 6: file.size < 1 MB? Yes." in others(agent.history(str(place)))[("Large", "a.txt")]
    house.file("In/b.txt", b"x")
    before, count = house.tree(), agent.log_store.count()
    assert "nothing says no" in others(agent.history(str(house.person / "In/b.txt")))[("First", "b.txt")]
    assert (house.tree(), agent.log_store.count()) == (before, count)


def test_a_name_without_words_and_one_that_nobody_knows(house: House, agent: Agent) -> None:
    place = house.file("In/\N{SNOWMAN}\udcff.txt", b"x")
    [run] = reports(agent.run("First"))
    [life] = agent.history(str(place))["lives"]
    assert [one["run"] for one in life["happenings"]] == [run["run"]]
    nobody = agent.history(str(house.person / "Nowhere/x"))
    assert (nobody["lives"], nobody["others"], nobody["there"]) == ([], [], False)


def test_what_somebody_else_changed_in_between_is_told(house: House, agent: Agent) -> None:
    first = house.file("In/a.txt", b"x")
    mid, last = house.person / "Mid/renamed a.txt", house.person / "End/last"
    reports(agent.run("First", [str(first)]))
    assert agent.history(str(mid))["since"] is None
    mid.write_bytes(b"a person was here")
    assert agent.history(str(first))["since"] == {"run": 1, "what": "changed"}
    reports(agent.run("Second"))
    found = agent.history(str(last))
    [life] = found["lives"]
    assert [one["changed"] for one in life["happenings"]] == [None, 1]
    assert found["since"] is None
    last.rename(house.person / "elsewhere")
    assert agent.history(str(last))["since"] == {"run": 2, "what": "gone"}
    (house.person / "elsewhere").rename(last)
    assert [one["outcome"] for one in agent.undo([2])] == ["done"]
    found = agent.history(str(first))
    assert [one["changed"] for one in found["lives"][0]["happenings"]] == [None, 1, None]
    assert found["since"] is None


def test_what_klapp_itself_changes_is_nobody_elses(house: House, agent: Agent) -> None:
    house.coworker(
        'coworker "Notes"\nmay read "~/In/*"\nmay write "~/In/*", "~/Out/*"\nmay remove "~/In/*"\nwhen file arrives in "~/In"\n'
        'append "more" to "~/In/log.txt"\nwrite "new" to "~/Out/page.txt" on conflict replace\ncopy file to "~/Out/"\ntrash file\nend\n',
        "6",
    )
    agent.approve("Notes")
    for content in (b"1", b"22"):
        assert [one["outcome"] for one in reports(agent.run("Notes", [str(house.file("In/b.txt", content))]))] == [
            "done"
        ]
    agent.undo([2])
    for name in ("In/log.txt", "Out/page.txt", "Out/b.txt", "In/b.txt"):
        found = agent.history(str(house.person / name))
        assert all(one["changed"] is None for life in found["lives"] for one in life["happenings"]), (
            name,
            found["lives"],
        )
        assert found["since"] is None, name
