"""Taking back what a person names: some files of a run, several runs since a moment, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.agent import Agent
from klapp.files.overlay import Overlay
from klapp.files.protocol import FileError
from klapp.operations import Operation
from klapp.operations.selecting import concerning
from klapp.operations.steps import Became, take_back
from tests.agent.batches import BATCHES, NAMES, NOW, TREES, Act, World, carried_out, planned, tree_of
from tests.agent.house import NOW as TODAY
from tests.agent.house import House, reports

FILER = """coworker "Filer"
may read "~/In/*", "~/Out/**"
may remove "~/In/*", "~/Out/**"
may write "~/In/*", "~/Out/**"
may notify

when file arrives in "~/In"
  copy file to "~/Out/copies/"
  move file to "~/Out/{file.extension}/"
  append "{file.name}" to "~/Out/log.txt"
  notify "{file.name}"
end
"""


@pytest.fixture
def house(house: House) -> House:
    house.coworker(FILER)
    return house


@pytest.fixture
def agent(house: House) -> Iterator[Agent]:
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
        yield agent


def did(house: House, agent: Agent, name: str = "a.txt") -> int:
    """The run that the arrival of a file leads to."""
    path = house.file(f"In/{name}", name.encode())
    (report,) = reports(agent.run("one", [str(path)]))
    assert report["outcome"] == "done", report
    return int(report["run"])


def logged(agent: Agent, run: int) -> dict[str, object]:
    return next(report for report in agent.log() if report["run"] == run)


def test_only_what_is_named_is_taken_back_and_then_the_rest(house: House, agent: Agent) -> None:
    out = house.person / "Out"
    before = house.tree()
    run = did(house, agent)
    after = house.tree()
    (part,) = agent.undo([run], [str(out / "copies")])
    assert part["outcome"] == "done", part
    assert house.tree() == {path: held for path, held in after.items() if not path.startswith("Out/copies")}
    assert (logged(agent, run)["undone_by"], logged(agent, run)["undone_partly"]) == (part["run"], True)
    assert "a part of run" in agent.explain(part["run"])["steps"][0]["text"]
    (again,) = agent.undo([run], [str(out / "copies/a.txt")])
    assert "taken back already" in again["reason"]
    (moved,) = agent.undo([run], [str(house.person / "In/a.txt")])
    assert moved["outcome"] == "done", moved
    assert (house.person / "In/a.txt").read_bytes() == b"a.txt"
    assert (out / "log.txt").exists()
    (rest,) = agent.undo([run])
    assert rest["outcome"] == "done", rest
    (house.person / "In/a.txt").unlink()
    assert {path for path in house.tree() if not path.startswith("In")} == {p for p in before if not p.startswith("In")}
    assert (logged(agent, run)["undone_by"], logged(agent, run)["undone_partly"]) == (rest["run"], False)
    assert "taken back already" in agent.undo([run])[0]["reason"]


def test_a_part_can_be_done_again_and_is_then_there_to_be_taken_back(house: House, agent: Agent) -> None:
    run = did(house, agent)
    after = house.tree()
    copies = [str(house.person / "Out/copies")]
    (part,) = agent.undo([run], copies)
    (refused,) = agent.undo([part["run"]], copies)
    assert "only be taken back as a whole" in refused["reason"]
    assert agent.undo([part["run"]])[0]["outcome"] == "done"
    assert house.tree() == after
    assert agent.undo([run], copies)[0]["outcome"] == "done"
    assert agent.undo([run])[0]["outcome"] == "done"
    assert [path for path in house.tree() if path.startswith("Out")] == []


def test_what_moved_on_is_refused_and_what_is_not_concerned_is_said(house: House, agent: Agent) -> None:
    run = did(house, agent)
    out = house.person / "Out"
    (out / "copies/a.txt").write_bytes(b"changed by hand")
    tree = house.tree()
    (refused,) = agent.undo([run], [str(out / "copies")])
    assert (refused["outcome"], "changed" in refused["reason"]) == ("failed", True)
    assert house.tree() == tree
    assert agent.undo([run], [str(out / "txt")])[0]["outcome"] == "done"
    with pytest.raises(ValueError, match="did nothing to"):
        agent.undo([run], [str(house.person / "elsewhere")])
    with pytest.raises(ValueError, match="whole path"):
        agent.undo([run], ["a.txt"])


def test_a_file_is_followed_from_run_to_run_and_the_others_stay(house: House, agent: Agent) -> None:
    did(house, agent, "a.txt")
    did(house, agent, "b.txt")
    moved = house.person / "Out/txt/a.txt"
    house.coworker(FILER.replace('"Filer"', '"Second"').replace('in "~/In"', 'in "~/Out/txt"'), "two")
    agent.coworkers.reload()
    agent.approve("two")
    second = reports(agent.run("Second", [str(moved)]))
    assert second[0]["outcome"] == "done", second
    before = house.tree()
    undone = agent.undo(only=[str(house.person / "In/a.txt")], since=TODAY.isoformat())
    assert [report["outcome"] for report in undone] == ["done"] * len(undone), undone
    found = house.tree()
    assert found["In/a.txt"][0] == b"a.txt"
    assert all(found[path] == held for path, held in before.items() if "b.txt" in path)


def test_everything_since_a_moment_the_newest_first(house: House, agent: Agent) -> None:
    moment = TODAY
    agent.clock = lambda: moment
    did(house, agent, "a.txt")
    kept = house.tree()
    moment = TODAY + timedelta(hours=1)
    runs = [did(house, agent, name) for name in ("b.txt", "c.txt")]
    undone = agent.undo(since=(TODAY + timedelta(minutes=30)).isoformat())
    assert [report["undoes"] for report in undone] == runs[::-1]
    found = house.tree()
    assert {path: held for path, held in found.items() if path not in ("In/b.txt", "In/c.txt")} == kept
    assert agent.undo(since=(TODAY + timedelta(minutes=30)).isoformat()) == []
    with pytest.raises(ValueError, match="either"):
        agent.undo(runs, since=TODAY.isoformat())


def changed(operation: Operation) -> set[str]:
    return {path for permission, paths in operation.places().items() if permission != "read" for path in paths}


def above(folders: set[str], path: str) -> bool:
    return any(path.startswith(f"{folder}/") or folder.startswith(f"{path}/") for folder in folders)


@given(TREES, BATCHES, st.lists(NAMES, min_size=1, max_size=2))
def test_what_is_selected_is_as_before_and_the_rest_as_after(
    files: dict[str, bytes], acts: list[Act], names: list[str]
) -> None:
    with tree_of(files) as tree:
        before = tree.snapshot()
        done = carried_out(tree, planned(Overlay(tree.files, tree.files.lane, NOW), tree, acts))
        after = tree.snapshot()
        chosen = concerning(done, [tree.path(name) for name in names])
        places = [changed(step.operation) for step in done]
        named = {tree.path(name) for name in names}
        assert all(index in chosen for index, paths in enumerate(places) if paths & named)
        together = set(named)
        for _ in places:
            together.update(
                *(paths for paths in places if paths & together or any(above(paths, one) for one in together))
            )
        assert all(places[index] <= together for index in chosen), "nothing that has no part in it is chosen"
        mine = set().union(*(places[index] for index in chosen))
        others = set().union(*(paths for index, paths in enumerate(places) if index not in chosen))
        overlay = Overlay(tree.files, tree.files.lane, NOW)
        try:
            steps = [step for _, step in take_back(done, World(overlay), Became(), chosen=chosen)]
        except FileError:
            assert mine & others, "only what another file stands in the way of is refused"
            assert tree.snapshot() == after
            return
        carried_out(tree, steps)
        found = tree.snapshot()
        folders = {path for path in before | after | found if ("folder",) in (before.get(path), after.get(path))}
        for path in (before.keys() | after.keys() | found.keys()) - folders:
            if path not in mine:
                assert found.get(path) == after.get(path)
            elif path not in others:
                assert found.get(path) == before.get(path)
            else:
                assert found.get(path) in (before.get(path), after.get(path))
