"""Killed at every boundary of every verb, klapp loses nothing: each file is whole, in one place, and the next start
settles what was begun."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from klapp.agent import Agent
from klapp.audit.log import Log
from klapp.files.guarded import GuardedFiles
from tests.agent.house import House, reports

HEAD = 'coworker "x"\nmay read "~/In/*", "~/Out/**"\nmay remove "~/In/*", "~/Out/**"\nmay write "~/In/*", "~/Out/**"\nmay notify\nwhen file arrives in "~/In"\n'
VERBS = {
    "move": 'move file to "~/Out/a/b/"',
    "move, numbered": 'move file to "~/Out/old.txt"',
    "move, replacing": 'move file to "~/Out/old.txt" on conflict replace',
    "copy": 'copy file to "~/Out/new/"',
    "copy, replacing": 'copy file to "~/Out/old.txt" on conflict replace',
    "rename": 'rename file to "other {file.name}"',
    "trash": "trash file",
    "write": 'write "{file.name}" to "~/Out/list of {file.stem}.txt"',
    "write, replacing": 'write "{file.name}" to "~/Out/old.txt" on conflict replace',
    "append": 'append "{file.name}" to "~/Out/old.txt"',
    "append to a new file": 'append "{file.name}" to "~/Out/log/new.txt"',
    "make folder": 'make folder "~/Out/{file.stem}/x"',
    "notify": 'notify "{file.name}"',
    "several": 'copy file to "~/Out/copies/"\nmove file to "~/Out/moved/"\nrename file to "{file.stem}.bak"\nappend "{file.name}" to "~/Out/log.txt"\nnotify "done"',
}  # fmt: skip
PRIMITIVES = ("move", "copy", "create", "append", "truncate", "replace", "overwrite", "make_folder", "remove_folder", "trash", "restore", "keep", "put_back", "sync")  # fmt: skip


class Boundary:
    """Counts the moments before and after each effect, and kills the process at one of them."""

    def __init__(self, fatal: int) -> None:
        self.fatal = fatal
        self.passed = 0

    def cross(self) -> None:
        self.passed += 1
        if self.passed == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: type, name: str) -> None:
        real: Callable[..., Any] = getattr(owner, name)

        def guarded(*arguments: Any, **named: Any) -> Any:
            self.cross()
            answer = real(*arguments, **named)
            self.cross()
            return answer

        setattr(owner, name, guarded)


def killed_at(house: House, boundary: int, act: Callable[[Agent], object]) -> bool:
    """Do something in a child process that dies at a boundary; False where it came to its end before that."""
    child = os.fork()
    if child == 0:
        try:
            edge = Boundary(boundary)
            for name in PRIMITIVES:
                edge.around(GuardedFiles, name)
            edge.around(Log, "append")
            with house.agent(sandboxed=False) as agent:
                act(agent)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def set_up(root: Path, body: str) -> House:
    house = House(root)
    house.coworker(HEAD + body + "\nend\n")
    house.file("In/1.txt", b"first")
    house.file("In/2.txt", b"second")
    house.file("Out/old.txt", b"what was there")
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
    return house


def check(house: House, before: dict[str, tuple[bytes, int, int]]) -> None:
    """After the next start: the log is closed and sound, no draft lies about, what is left goes on as if nothing had
    happened; and taking everything back gives every file as it was, so nothing was lost."""
    with house.agent(sandboxed=False) as agent:
        assert agent.log_store.unfinished() == []
        assert agent.log_store.verify() is None
        names = {name for _, _, files in os.walk(house.person) for name in files}
        assert not any(name.startswith(".klapp-") for name in names)
        left = list((house.person / "In").iterdir())
        done = reports(agent.run("one", [str(path) for path in left])) if left else []
        assert all(report["outcome"] == "done" for report in done), done
        undone = agent.undo([report["run"] for report in agent.log()])
        assert all(report["outcome"] == "done" for report in undone), undone
    assert house.tree() == before


@pytest.mark.parametrize("verb", VERBS)
def test_a_kill_at_any_boundary_of_a_run_loses_nothing(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boundary = 0
    alive = True
    while alive:
        boundary += 1
        root = tmp_path / str(boundary)
        monkeypatch.setenv("XDG_DATA_HOME", str(root / "data"))
        house = set_up(root, VERBS[verb])
        before = house.tree()
        alive = killed_at(house, boundary, lambda agent: list(agent.run("one")))
        check(house, before)
    assert boundary > 4


@pytest.mark.parametrize("verb", ["move", "move, replacing", "copy", "trash", "append", "several"])
def test_a_kill_at_any_boundary_of_an_undo_can_be_undone_again(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boundary = 0
    alive = True
    while alive:
        boundary += 1
        root = tmp_path / str(boundary)
        monkeypatch.setenv("XDG_DATA_HOME", str(root / "data"))
        house = set_up(root, VERBS[verb])
        before = house.tree()
        with house.agent(sandboxed=False) as agent:
            runs = [report["run"] for report in reports(agent.run("one"))]
        alive = killed_at(house, boundary, lambda agent: agent.undo(runs))  # noqa: B023 - called at once
        with house.agent(sandboxed=False) as agent:
            assert agent.log_store.unfinished() == []
            agent.undo(runs)
            assert house.tree() == before, boundary
