"""Two coworkers that want one file: one of them gets it, the other is told plainly, and nothing is lost."""

from __future__ import annotations

import json
import os
import traceback
from pathlib import Path
from typing import Any

import pytest

from klapp.service import Service
from tests.agent.house import House, reports, until

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="two processes are forked here")
MANY = 25
CONTENTS = {f"{number}.txt": b"%d\n" % number for number in range(MANY)}


def mover(name: str) -> str:
    return f'coworker "{name}"\nmay read "~/In/*"\nmay remove "~/In/*"\nmay write "~/{name}/*"\nwhen file arrives in "~/In"\n  move file to "~/{name}/"\nend\n'


def adder(name: str) -> str:
    return f'coworker "{name}"\nmay read "~/In/*"\nmay write "~/Out/*"\nwhen file arrives in "~/In"\n  append "{name} {{file.name}}\\n" to "~/Out/list.txt"\nend\n'


def house_with(tmp_path: Path, *texts: str) -> House:
    house = House(tmp_path)
    for number, text in enumerate(texts):
        house.coworker(text, f"c{number}")
    for name, content in CONTENTS.items():
        house.file(f"In/{name}", content)
    with house.agent(sandboxed=False) as agent:
        for number in range(len(texts)):
            agent.approve(f"c{number}")
    return house


def at_once(house: House, *names: str) -> dict[str, list[dict[str, Any]]]:
    """What came of the files for each of these coworkers, each in a process of its own: all have seen every file before
    any of them begins."""
    ready, go = os.pipe(), os.pipe()
    told = {name: house.person.parent / f"told by {name}" for name in names}
    children = []
    for name in names:
        child = os.fork()
        if child:
            children.append(child)
            continue
        try:
            with house.agent(sandboxed=False) as agent:
                running = agent.run(name, [str(house.person / f"In/{number}.txt") for number in range(MANY)])
                os.write(ready[1], b".")
                os.read(go[0], 1)
                told[name].write_text(json.dumps(list(running)))
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    for _ in names:
        os.read(ready[0], 1)
    os.write(go[1], b"." * len(names))
    for child in children:
        os.waitpid(child, 0)
    for end in (*ready, *go):
        os.close(end)
    return {name: json.loads(path.read_text()) for name, path in told.items()}


def test_of_two_who_move_it_each_file_goes_to_one_and_the_other_is_told(tmp_path: Path) -> None:
    house = house_with(tmp_path, mover("One"), mover("Two"))
    told = at_once(house, "One", "Two")
    done = {name: [one["file"] for one in reports(items) if one["outcome"] == "done"] for name, items in told.items()}
    gone = {name: [path for one in items for path in one.get("gone", ())] for name, items in told.items()}
    paths = sorted(str(house.person / f"In/{number}.txt") for number in range(MANY))
    assert sorted(done["One"] + done["Two"]) == paths, "each went to one"
    assert (sorted(gone["One"]), sorted(gone["Two"])) == (sorted(done["Two"]), sorted(done["One"]))
    for name, files in done.items():
        assert sorted(path.name for path in (house.person / name).glob("*")) == sorted(Path(one).name for one in files)
    with house.agent(sandboxed=False) as agent:
        assert (agent.log_store.unfinished(), agent.log_store.verify()) == ([], None)
        first, second = sorted(done, key=lambda name: -len(done[name]))
        others = {one["coworker"]: one["why"] for one in agent.history(done[first][0])["others"]}
        assert others[second].startswith(f'"{first}" had it first: run ')
        undone = agent.undo([one["run"] for one in agent.log()])
        assert {one["outcome"] for one in undone} == {"done"}
    assert {path.name: path.read_bytes() for path in (house.person / "In").iterdir()} == CONTENTS


def test_two_who_add_to_one_file_both_do_and_lose_nothing(tmp_path: Path) -> None:
    house = house_with(tmp_path, adder("One"), adder("Two"))
    told = at_once(house, "One", "Two")
    for items in told.values():
        assert [one["outcome"] for one in reports(items)] == ["done"] * MANY
    lines = (house.person / "Out/list.txt").read_text().splitlines()
    assert sorted(lines) == sorted(f"{name} {number}.txt" for name in told for number in range(MANY))


def test_of_two_in_one_agent_one_gets_each_file(tmp_path: Path) -> None:
    house = House(tmp_path)
    for name in ("One", "Two"):
        house.coworker(mover(name), name)
    for folder in ("In", "One", "Two"):
        (house.person / folder).mkdir()
    said: list[str] = []
    with house.agent() as agent:
        for name in ("One", "Two"):
            agent.approve(name)
        with Service(agent, said.append) as service:
            for name, content in CONTENTS.items():
                house.file(f"In/{name}", content)
            until(lambda: not any((house.person / "In").iterdir()))
            until(lambda: not service._turns.busy and not service._turns._queue)
        arrived = {path.name: path.read_bytes() for name in ("One", "Two") for path in (house.person / name).iterdir()}
        assert arrived == CONTENTS
        assert [one["outcome"] for one in agent.log()] == ["done"] * MANY
        history = agent.history(str(house.person / "In/7.txt"))
        (happening,) = history["lives"][0]["happenings"]
        (other,) = {"One", "Two"} - {happening["coworker"]}
        [why] = [one["why"] for one in history["others"] if one["coworker"] == other and "/In/" in one["path"]]
        assert why.startswith(f'"{happening["coworker"]}" had it first: run {happening["run"]} moved ')
