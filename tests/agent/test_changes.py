"""What runs change, taken together: the two ends of every file's way, as a tree before and after."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.cli import runs
from klapp.engine.changes import CHANGES, COMES, GOES, Line, changed_tree, changes_of
from klapp.operations import Append, Copy, Create, MakeFolder, Move, Operation, Trash

VERSION = (1, 2, 3, 4)
PATHS = [f"/p/{folder}{name}" for folder in ("", "q/") for name in "abc"]


def report(*operations: Operation) -> dict[str, Any]:
    return {"effects": [{"sentence": one.sentence(), "operation": one.to_json()} for one in operations]}


@given(st.sets(st.sampled_from(PATHS)), st.data())
def test_what_is_told_is_what_differs_between_the_two_ends(start: set[str], data: st.DataObject) -> None:
    """Against a disk that is a dictionary: a path is told of exactly where its content is another one at the end."""
    disk: dict[str, object] = dict.fromkeys(start, "")
    disk = {path: f"first {path}" for path in disk}
    before = dict(disk)
    done: list[Operation] = []
    for turn in range(data.draw(st.integers(0, 8))):
        free = sorted(set(PATHS) - set(disk))
        taken = sorted(disk)
        kind = data.draw(st.sampled_from(["create"] * bool(free) + ["trash", "append", "move", "copy"] * bool(taken)))
        path = data.draw(st.sampled_from(taken if kind != "create" else free))
        if kind == "create":
            done.append(Create(path, b""))
            disk[path] = f"new {turn}"
        elif kind == "trash":
            done.append(Trash(path, VERSION, "t"))
            del disk[path]
        elif kind == "append":
            done.append(Append(path, b"x", VERSION))
            disk[path] = (disk[path], turn)
        elif free:
            goal = data.draw(st.sampled_from(free))
            done.append((Move if kind == "move" else Copy)(path, goal, VERSION))
            disk[goal] = disk.pop(path) if kind == "move" else (disk[path], turn)
    told = {one.path: one.change for one in changes_of([report(*done)])}
    assert told == {
        path: GOES if path not in disk else COMES if path not in before else CHANGES
        for path in PATHS
        if before.get(path) != disk.get(path)
    }


def test_folders_with_nothing_else_share_a_line_and_moves_tell_both_ends() -> None:
    lines = changed_tree(
        [report(MakeFolder("/p/q"), Move("/p/a", "/p/q/a", VERSION)), report(Move("/p/q/a", "/p/q/b", VERSION))]
    )
    assert lines == [
        Line(0, "/p/", ""),
        Line(1, "a", GOES, "to /p/q/b"),
        Line(1, "q/", COMES),
        Line(2, "b", COMES, "from /p/a"),
    ]
    assert changed_tree([report(Create("/p/a", b""), Trash("/p/a", VERSION, "t"))]) == []


@pytest.mark.parametrize(("terminal", "forbidden"), [(True, False), (True, True), (False, False)])
def test_colour_is_for_terminals_alone_and_names_can_not_steer_them(
    terminal: bool, forbidden: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1" if forbidden else "")
    runs._tell_tree([report(Create("/p/a\x1b[2J", b""))])
    told = capsys.readouterr().out
    assert ("\x1b[32m" in told) is (terminal and not forbidden)
    assert "\x1b[2J" not in told
    assert "a\\u001b[2J" in told
