"""One trial: a coworker runs, or is taken back, and something befalls one call; then nothing may be lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from klapp.agent import Agent
from klapp.coworkers.store import NoCoworker
from klapp.files.protocol import FileError
from tests.agent.house import House, reports
from tests.faults.system import KILLS, System

HEAD = 'coworker "x"\nmay read "~/In/*", "~/Out/**"\nmay remove "~/In/*", "~/Out/**"\nmay erase "~/In/*"\nmay write "~/In/*", "~/Out/**"\nmay notify\nwhen file arrives in "~/In"\n'
POLICIES = ("rename", "skip", "replace", "fail")
BODIES = {
    "move": 'move file to "~/Out/a/b/"',
    "copy": 'copy file to "~/Out/new/"',
    "rename": 'rename file to "other {file.name}"',
    "trash": "trash file",
    "erase": "erase file",
    "write": 'write "{file.name}" to "~/Out/list of {file.stem}.txt"',
    "append": 'append "{file.name}" to "~/Out/old.txt"',
    "append to a new file": 'append "{file.name}" to "~/Out/log/new.txt"',
    "append row": 'append row ["File": file.name] to "~/Out/list.csv"',
    "write table": 'write table [["File": file.name]] to "~/Out/{file.stem}.csv"',
    "write table, replace": 'write table [["File": file.name]] to "~/Out/old.txt.csv" on conflict replace',
    "make folder": 'make folder "~/Out/{file.stem}/x"',
    "notify": 'notify "{file.name}"',
    "several": 'copy file to "~/Out/copies/"\nmove file to "~/Out/moved/"\nrename file to "{file.stem}.bak"\nappend "{file.name}" to "~/Out/log.txt"\nnotify "done"',
    **{f"move, {policy}": f'move file to "~/Out/old.txt" on conflict {policy}' for policy in POLICIES},
    **{f"copy, {policy}": f'copy file to "~/Out/old.txt" on conflict {policy}' for policy in POLICIES},
    **{f"rename, {policy}": f'rename file to "taken.txt" on conflict {policy}' for policy in POLICIES},
    **{f"write, {policy}": f'write "{{file.name}}" to "~/Out/old.txt" on conflict {policy}' for policy in POLICIES},
}  # fmt: skip
"""Every verb with every conflict policy."""
Act = Callable[[Agent], object]


def set_up(root: Path, body: str) -> House:
    """A house with two files for the coworker, and something at its goal."""
    os.environ["XDG_DATA_HOME"] = str(root / "data")
    house = House(root)
    house.coworker(HEAD + body + "\nend\n")
    house.file("In/1.txt", b"first")
    house.file("In/2.txt", b"second")
    house.file("In/taken.txt", b"there already")
    house.file("Out/old.txt", b"what was there")
    house.file("Out/old.txt.csv", b"File\nbefore\n")
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
    return house


def run(agent: Agent) -> list[dict[str, Any]]:
    """Have the coworker do its work with the first two files."""
    person = Path(agent.person)
    left = [str(path) for path in (person / "In/1.txt", person / "In/2.txt") if path.exists()]
    return reports(agent.run("one", left)) if left else []


def befallen(house: House, system: System, act: Act) -> str:
    """Do something while something befalls a call; what klapp could not do it must say in a sentence."""
    with house.agent(sandboxed=False) as agent:
        try:
            with system.installed():
                act(agent)
        except (FileError, NoCoworker) as error:
            return str(error)
    return ""


def killed(house: House, system: System, act: Act) -> bool:
    """Do something in a process that dies at a call; False where it came to its end before."""
    child = os.fork()
    if child == 0:
        try:
            with house.agent(sandboxed=False) as agent, system.installed():
                act(agent)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def nothing_is_lost(house: House, before: dict[str, tuple[bytes, int, int]]) -> None:
    """After the next start the log is closed and sound, no draft lies about, what is left can be done, and taking
    everything back gives every file as it was. Raises AssertionError."""
    with house.agent(sandboxed=False) as agent:
        assert agent.log_store.unfinished() == [], "unfinished"
        assert agent.log_store.verify() is None, "log"
        names = {name for _, _, files in os.walk(house.person) for name in files}
        assert not any(name.startswith(".klapp-") for name in names), f"drafts: {names}"
        again = run(agent)
        assert not any(report["outcome"] == "unfinished" for report in again), again
        taken_back(agent)
    found = house.tree()
    assert found == before, f"{_difference(before, found)}"


def taken_back(agent: Agent) -> None:
    """Take every run back that is not an undo."""
    runs = [report["run"] for report in agent.log() if report["undoes"] is None and not agent_undone(agent, report)]
    undone = agent.undo(runs) if runs else []
    failed = [report["reason"] for report in undone if report["outcome"] != "done"]
    assert not failed, failed


def agent_undone(agent: Agent, report: dict[str, Any]) -> bool:
    """Whether a run is taken back already."""
    from klapp.engine.record import Logged
    from klapp.engine.undo import is_undone

    return is_undone(agent.engine, Logged.of(agent.log_store.entries(report["run"])))


def _difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {
        path: (before.get(path), after.get(path))
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    }


def trial(root: Path, body: str, fatal: int, fault: str, *, undoing: bool = False) -> System:
    """Set up, let it befall a run or the undo of one, and look that nothing is lost. Raises AssertionError."""
    house = set_up(root, body)
    before = house.tree()
    act: Act = run
    if undoing:
        with house.agent(sandboxed=False) as agent:
            run(agent)
        act = taken_back_whatever
    system = System(fatal, fault, changing=fault in KILLS)
    if fault in KILLS:
        system.name = "killed" if killed(house, system, act) else ""
    else:
        befallen(house, system, act)
    nothing_is_lost(house, before)
    return system


def taken_back_whatever(agent: Agent) -> None:
    """Take everything back as far as it can be."""
    agent.undo([report["run"] for report in agent.log()])
