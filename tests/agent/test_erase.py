"""Erasing files for good: past the trash, with a sealed copy that an undo brings back as long as it is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from klapp.agent import Agent
from klapp.engine.workers import WorkerPool
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from tests.agent.house import House, reports

ERASER = """coworker "Eraser"
may read "~/In/*"
may erase "~/In/*.tmp"
may notify

when file arrives in "~/In" named "*.tmp"
  erase file
end
"""


def erased(house: House, agent: Agent, content: bytes = b"a letter") -> tuple[Path, int]:
    """A file that a run of the coworker erased, and the run."""
    path = house.file("In/a.tmp", content)
    os.chmod(path, 0o640)
    os.utime(path, ns=(10**18, 10**18 + 7))
    (report,) = reports(agent.run("one", [str(path)]))
    assert report["outcome"] == "done", report
    assert not path.exists()
    return path, int(report["run"])


@pytest.mark.parametrize("sandboxed", [False, True])
def test_what_was_erased_comes_back_as_it_was(house: House, sandboxed: bool) -> None:
    house.coworker(ERASER)
    with house.agent(sandboxed=sandboxed) as agent:
        agent.approve("one")
        assert isinstance(agent.workers, WorkerPool) == sandboxed
        path, run = erased(house, agent)
        assert not [
            file for file in house.home.path.parent.rglob("*") if file.is_file() and b"a letter" in file.read_bytes()
        ]
        assert agent.replay(run) == []
        (undone,) = agent.undo([run])
        assert undone["outcome"] == "done", undone
        info = path.stat()
        assert (path.read_bytes(), info.st_mode & 0o777, info.st_mtime_ns) == (b"a letter", 0o640, 10**18 + 7)


def test_its_history_tells_that_it_was_erased_and_came_back(house: House) -> None:
    house.coworker(ERASER)
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
        path, run = erased(house, agent)
        (life,) = agent.history(str(path))["lives"]
        assert "erased" in life["happenings"][-1]["did"][-1]
        agent.undo([run])
        (life,) = agent.history(str(path))["lives"]
        assert "brought back" in life["happenings"][-1]["did"][-1]


def test_a_simulation_shows_it_and_leaves_the_file(house: House) -> None:
    house.coworker(ERASER)
    path = house.file("In/a.tmp", b"a letter")
    with house.agent(sandboxed=False) as agent:
        (report,) = agent.simulate("one", [str(path)])
        assert "erased" in str(report["effects"]), report
        assert path.exists()


def test_a_copy_that_went_is_missed_in_words(house: House) -> None:
    house.coworker(ERASER)
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
        _, run = erased(house, agent)
        for kept in house.home.kept.iterdir():
            kept.unlink()
        (refused,) = agent.undo([run])
        assert refused["outcome"] == "failed"
        assert "a.tmp" in refused["reason"], refused


def test_leave_to_remove_is_no_leave_to_erase() -> None:
    loaded = load(ERASER.replace("may erase", "may remove"), VOCABULARY)
    (found,) = [found for found in loaded.errors if found.code == "K401"]
    assert "delete for good" in found.message


def test_a_file_that_changed_meanwhile_stays(house: House) -> None:
    house.coworker(ERASER.replace("  erase file\n", '  let said = file.text\n  notify "{said}"\n  erase file\n'))
    path = house.file("In/a.tmp", b"a letter")
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
        keep = agent.keeper.keep

        def keeping(token: str, source: object) -> None:
            keep(token, source)  # type: ignore[arg-type]
            path.write_bytes(b"a newer letter")

        agent.keeper.keep = keeping  # type: ignore[method-assign, assignment]
        (report,) = reports(agent.run("one", [str(path)]))
        assert report["outcome"] == "failed"
        assert path.read_bytes() == b"a newer letter"
