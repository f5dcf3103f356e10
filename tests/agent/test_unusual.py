"""What is not as usual: the rules, and that they are held against what the log really holds."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from klapp.notices import Notice
from klapp.unusual import DAYS, busiest_before, failing_suddenly, set_back
from klapp.unusual import Watch as Watching
from klapp.vault.shelf import Shelf
from tests.agent.house import House


def test_much_more_than_usual() -> None:
    assert busiest_before([10, 12, 0, 9, 61]) == 12
    assert busiest_before([10, 12, 0, 9, 60]) is None
    assert busiest_before([0, 0, 9, 9, 5000]) is None  # known from two days only
    assert busiest_before([1, 1, 1, 49]) is None  # too few to speak of


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=15))
def test_a_day_like_one_before_is_never_unusual(days: list[int]) -> None:
    assert busiest_before([*days, max(days)]) is None


def test_suddenly_failing() -> None:
    fine = [False] * 20
    assert failing_suddenly([*fine, True, True, True]) == 3
    assert failing_suddenly([*fine, True, True]) is None
    assert failing_suddenly([*fine[1:], True, True, True]) is None
    assert failing_suddenly([*fine, True, False, True, True, True]) is None
    assert failing_suddenly([]) is None


@given(st.floats(0, 1e10), st.floats(0, 1e6))
def test_a_clock_that_goes_on_is_no_matter(seen: float, more: float) -> None:
    assert set_back(seen, seen + more) is None
    assert set_back(seen + 3600, seen) is not None


def test_the_log_is_asked_and_each_is_told_once_a_day(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.coworker('coworker "Tidy"\nmay read "~/In/*"\nwhen file arrives in "~/In"\n  if file.name is "bad"\n    fail "no"\n  end\nend\n', "tidy")  # fmt: skip
    for number in range(20):
        house.file(f"In/{number}")
    now, told = [0.0], list[Notice]()
    with house.agent(sandboxed=False) as agent:
        agent.approve("tidy")
        list(agent.run("tidy"))
        bad = house.file("In/bad")
        for _ in range(3):
            list(agent.run("tidy", on=[str(bad)]))
        store = agent.log_store
        ((newest,),) = store.connection.execute("SELECT max(at) FROM entries").fetchall()
        now[0] = newest / 1e9

        def watch() -> Watching:
            return Watching(store, Shelf(store.connection, store.lock), told.append, lambda: now[0])

        assert watch()._days("Tidy") == [0] * DAYS + [23]
        watch().look("Tidy")
        watch().look("Tidy")
        assert [one.text for one in told] == ["It failed 3 times in a row. None of the 20 runs before did."]
        now[0] -= 7200
        watch().look_at_clock()
        assert [one["whose"] for one in watch().open()] == ["klapp", "Tidy"]
        assert watch().seen(watch().open()[0]["key"])
        assert not watch().seen("nothing")
        assert [one["text"] for one in watch().open()] == [told[0].text]
        assert [entry.body["whose"] for entry in store.select("e.kind = 'unusual seen'", ())] == ["klapp"]
        assert "set back by 1:59:" in told[-1].text or "set back by 2:00:" in told[-1].text
        now[0] += 2 * 86400
        watch().look("Tidy")
        assert len(told) == 3
