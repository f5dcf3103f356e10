"""Findings at the command line: pages of codes, and ``klapp check`` in the forms that other tools read."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from jsonschema import Draft4Validator

from klapp.cli.main import main
from klr.codes import page, pages

SCHEMA = Path(__file__).parents[1] / "fixtures" / "sarif-schema-2.1.0.json"
WRONG = page("K301").wrong


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A coworker with one mistake, in a file with an odd name."""
    path = tmp_path / "a, b%:#é.klr"
    path.write_text(WRONG, encoding="utf-8")
    return path


def test_a_code_is_explained_by_its_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "k401"]) == 0
    shown = capsys.readouterr().out
    assert shown == page("K401").plain() + "\n"
    assert shown.startswith("K401: ")
    assert main(["explain", "--format", "json", "K401"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == page("K401").title


def test_an_unknown_code_is_one_sentence_with_a_guess(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "K4011"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "klapp gives no finding the code K4011. Did you mean K411?\n"


@pytest.mark.parametrize("typed", ["run7", "K", "-1", "0", "K401x"])
def test_what_is_neither_run_nor_code_is_wrong_usage(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["explain", typed])
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_pages_can_be_read_without_any_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLAPP_HOME", str(tmp_path / "none"))
    assert all(main(["explain", code]) == 0 for code in pages())
    assert not (tmp_path / "none").exists()


def test_check_writes_sarif_that_its_schema_accepts(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--format", "sarif", str(wrong)]) == 1
    log = json.loads(capsys.readouterr().out)
    Draft4Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(log)
    (result,) = log["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == wrong.as_uri()
    assert place["region"]["startLine"] == 5


def test_check_writes_commands_for_github(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--format", "github", str(wrong)]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("::error file=")
    assert "a%2C b%25%3A#é.klr,line=5,endLine=5,col=10,endColumn=11,title=K301%3A " in line


def test_nothing_to_say_is_nothing_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "good.klr"
    path.write_text(page("K301").right, encoding="utf-8")
    assert main(["check", "--format", "github", str(path)]) == 0
    assert capsys.readouterr().out == ""
    assert main(["check", "--format", "sarif", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["results"] == []


def test_a_page_can_be_shown_where_only_ascii_can(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["explain", "K103"]) == 0
