"""Commands used wrongly: told in words, with what was meant, and exit code 2; and the same data for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from klapp.cli.main import main
from tests.agent.test_cli import SORTER, Terminal


@pytest.fixture
def klapp(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["chek"], "klapp knows no command chek. Did you mean `check`?"),
        (["frobnicate"], "There are: check, fmt,"),
        (["check"], "Something is missing: klapp check FILE"),
        (["check", "--fix", "x"], "klapp check does not take --fix."),
        (["check", "--formt", "json", "x"], "klapp check does not take --formt. Did you mean `--format`?"),
        (["check", "--form", "json", "x"], "does not take --form."),
        (["list", "--format", "yaml"], "knows no --format called yaml. There are: text, json."),
        (["pause", "x", "--for", "5y"], "--for: '5y' is not a time span such as 30m, 1h or 2d."),
        (["undo", "7-3"], "goes backwards"),
        (["log", "--newest"], "--newest: expected one argument."),
        (["audit"], "Something is missing: klapp audit WHAT"),
        (["completion", "tcsh"], "There are: bash, zsh, fish."),
        (["new", "a", "--list", "--from", "b"], "not allowed with"),
        (["\x1b[31m"], "knows no command"),
    ],
)
def test_wrong_usage_is_told_in_words(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert told in said.err
    assert said.err.splitlines()[-1].startswith("See: klapp")
    assert "\x1b" not in said.err


def test_runs_that_there_are_not_are_told_as_such(klapp: Terminal) -> None:
    klapp.sorter()
    for command in ("undo", "explain", "replay"):
        assert "There is no run of that number" in klapp(command, "99", code=1)


def test_what_commands_did_is_told_to_programs_too(klapp: Terminal) -> None:
    path = klapp.sorter(SORTER.replace("  move", "      move"))
    assert json.loads(klapp("fmt", "--check", "--format", "json", str(path), code=1)) == [
        {"file": str(path), "state": "unformatted"}
    ]
    assert json.loads(klapp("fmt", "--format", "json", str(path)))[0]["state"] == "formatted"
    assert json.loads(klapp("fmt", "--format", "json", str(path)))[0]["state"] == "fine"
    assert json.loads(klapp("approve", "sorter", "--yes", "--format", "json"))["state"] == "ready"
    assert json.loads(klapp("pause", "sorter", "--format", "json"))[0]["state"] == "paused"
    assert json.loads(klapp("resume", "--all", "--format", "json"))[0]["state"] == "ready"
    assert json.loads(klapp("revoke", "sorter", "--format", "json"))["state"] == "waiting"
    assert "--yes" in klapp("approve", "sorter", "--format", "json", code=1)


def test_what_is_new_is_shown_apart(klapp: Terminal) -> None:
    path = klapp.sorter()
    assert "(new)" not in klapp("approve", "sorter", "--yes")
    path.write_text(SORTER.replace('"~/Out/*"\n', '"~/Out/*", "~/More/*"\n').replace('to "~/Out/"', 'to "~/More/"', 1))
    told = klapp("approve", "sorter", "--yes").splitlines()
    assert [line for line in told if line.endswith("(new)")] == ["  - ~/More/* (new)"]
    assert "--on PATH" in klapp("run", "sorter")
