"""Settings that a person changes: sealed, logged, in force at once, and approved where they ask for more."""

from __future__ import annotations

from pathlib import Path

import pytest

from klapp.coworkers.store import NoCoworker
from tests.agent.house import House

COWORKER = """coworker "Filer"
may read "~/In/*"
may remove "~/In/*"
may write "{archive}/*"

setting archive: folder = "~/Archive" shown as "Where it goes"
setting least: size = 2 bytes from 0 bytes to 1 kB

when file arrives in "~/In"
  if file.size < least
    skip "too small"
  end
  move file to "{archive}/"
end
"""


def outcomes(agent: object, path: Path) -> list[str]:
    return [item["report"]["outcome"] for item in agent.run("Filer", [str(path)]) if item.get("report")]  # type: ignore[attr-defined]


def test_a_value_counts_at_once_and_is_part_of_the_run(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.coworker(COWORKER)
    with house.agent() as agent:
        agent.approve("Filer")
        assert outcomes(agent, house.file("In/a", b"x")) == ["skipped"]
        assert agent.change_setting("Filer", "least", ["1 byte"])["state"] == "ready"
        assert outcomes(agent, house.file("In/a", b"x")) == ["done"]
        runs = [run["run"] for run in agent.log()]
    with house.agent() as agent:
        assert [(one["name"], one["value"], one["changed"]) for one in agent.settings("Filer")] == [
            ("archive", '"~/Archive"', False), ("least", "1 bytes", True),
        ]  # fmt: skip
        agent.change_setting("Filer", "least", None)
        assert outcomes(agent, house.file("In/b", b"x")) == ["skipped"]
        assert [agent.replay(run) for run in runs] == [[], []]
        kinds = [entry.kind for entry in agent.log_store.select("kind = ?", ["setting changed"])]
        assert len(kinds) == 2


def test_a_value_that_asks_for_more_waits_for_approval(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.coworker(COWORKER)
    with house.agent() as agent:
        agent.approve("Filer")
        told = agent.change_setting("Filer", "archive", ["~/Archive2"])
        assert told["state"] == "waiting"
        assert any("~/Archive2/*" in line for line in told["new"])
        agent.approve("Filer")
        assert outcomes(agent, house.file("In/a", b"xyz")) == ["done"]
        assert (house.person / "Archive2/a").read_bytes() == b"xyz"
        assert agent.change_setting("Filer", "archive", None)["state"] == "waiting"


@pytest.mark.parametrize(
    ("setting", "values", "said"),
    [
        ("least", ["2 kB"], "lies from"),
        ("least", ["much"], "This is no size"),
        ("least", ["1 byte", "2 bytes"], "one value"),
        ("lest", ["1 byte"], "There are: archive, least"),
        ("archive", ["Archive"], "A path begins with"),
        ("archive", ["~/../x"], "can not have this value"),
    ],
)
def test_what_can_not_be_is_told_and_changes_nothing(
    tmp_path: Path, setting: str, values: list[str], said: str
) -> None:
    house = House(tmp_path)
    house.coworker(COWORKER)
    with house.agent() as agent:
        before = agent.settings("Filer")
        with pytest.raises((NoCoworker, ValueError), match=said):
            agent.change_setting("Filer", setting, values)
        assert agent.settings("Filer") == before
