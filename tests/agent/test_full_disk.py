"""The disk with klapp's own log on it is full, really: nothing is done that could not be logged, and all goes on later."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klapp.service import Service
from tests.agent.house import House, reports, until
from tests.agent.test_wounds import mounted

MOVER = """coworker "Mover"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/*"
when file arrives in "~/In"
  move file to "~/Out/"
end
"""
MANY = 40


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house whose state lies on a disk of its own, of 8 MB, and the person's files on another."""
    state = tmp_path / "state"
    if not mounted(state, "8m"):
        pytest.skip("mounting a file system takes root")
    try:
        house = House(tmp_path)
        house.coworker(MOVER)
        for folder in ("In", "Out"):
            (house.person / folder).mkdir()
        yield house
    finally:
        subprocess.run(["umount", "-l", state], capture_output=True)


def fill(house: House) -> Path:
    """Take every byte that is left on the state's disk."""
    ballast = house.home.path / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            while True:
                try:
                    file.write(bytes(size))
                except OSError:
                    break
    assert shutil.disk_usage(house.home.path).free == 0
    return ballast


def arrive(house: House) -> dict[str, bytes]:
    # Names that fill pages of the log: an intent that happened to fit would be no trial.
    contents = {f"{number:0200}.txt": b"%d\n" % number for number in range(MANY)}
    for name, content in contents.items():
        house.file(f"In/{name}", content)
    return contents


def contents_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_stops_before_it_does_anything_and_works_when_there_is_room(house: House) -> None:
    contents = arrive(house)
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
        ballast = fill(house)
        for _ in range(2):
            with pytest.raises(Exception, match="full"):
                reports(agent.run("one"))
            assert (contents_of(house.person / "In"), contents_of(house.person / "Out")) == (contents, {})
        ballast.unlink()
        assert [one["outcome"] for one in reports(agent.run("one"))] == ["done"] * MANY
        assert contents_of(house.person / "Out") == contents
        assert (agent.log_store.unfinished(), agent.log_store.verify()) == ([], None)


def test_an_agent_tells_waits_and_goes_on_when_there_is_room(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("klapp.turns.NO_LOG", 0.1)
    monkeypatch.setattr("klapp.turns.LONGEST_WAIT", 0.5)
    said: list[str] = []
    with house.agent() as agent:
        agent.approve("one")
        with Service(agent, said.append) as service:
            until(lambda: not service._turns.busy and not service._turns._queue)
            ballast = fill(house)
            contents = arrive(house)
            until(lambda: any("can not write its log" in sentence for sentence in said))
            assert (contents_of(house.person / "In"), contents_of(house.person / "Out")) == (contents, {})
            assert not any("Traceback" in sentence for sentence in said)
            ballast.unlink()
            until(lambda: contents_of(house.person / "Out") == contents, 60)
            until(lambda: not service._turns.busy and not service._turns._queue, 60)
        assert len([one for one in agent.log() if one["outcome"] == "done"]) == MANY
        assert (agent.log_store.unfinished(), agent.log_store.verify()) == ([], None)
        assert {one["outcome"] for one in agent.undo([one["run"] for one in agent.log()])} == {"done"}
    assert contents_of(house.person / "In") == contents


def test_a_log_that_fills_up_between_intent_and_outcome_loses_nothing(house: House) -> None:
    """The intent is there, and then not even the outcome fits: the next start closes what was done."""
    contents = arrive(house)
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
        commit, ballasts = agent.log_store.append, list[Path]()

        def append(*arguments: Any, **named: Any) -> None:
            commit(*arguments, **named)
            if agent.log_store.unfinished() and not ballasts:
                ballasts.append(fill(house))

        agent.log_store.append = append  # type: ignore[method-assign]
        with pytest.raises(Exception, match="full"):
            reports(agent.run("one"))
        assert contents_of(house.person / "Out") == contents
        assert len(agent.log_store.unfinished()) == MANY
        agent.log_store.append = commit  # type: ignore[method-assign]
        ballasts[0].unlink()
    with house.agent(sandboxed=False) as agent:
        assert [one["outcome"] for one in agent.recovered] == ["done"] * MANY
        assert agent.log_store.verify() is None
        assert os.listdir(house.person / "In") == []
