"""Vim's files, tried in the real Vim: what is coloured as what, how lines are indented, and where findings lead."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from klapp.cli.main import main

ROOT = Path(__file__).parents[3]
PLUGIN = ROOT / "dsl" / "editors" / "vim"
SAMPLE = (ROOT / "dsl/editors/vscode/test/golden/everything.klr").read_text(encoding="utf-8")
RULES = sorted((ROOT / "rules").glob("*.klr"))

pytestmark = pytest.mark.skipif(not shutil.which("vim"), reason="needs Vim")


def vim(path: Path, commands: str, out: Path) -> str:
    """What a script of Ex commands writes into ``out``, with ``path`` open as Vim itself opens it."""
    script = out.with_suffix(".vim")
    script.write_text(f"{commands}\nqall!\n", encoding="utf-8")
    setup = f"set runtimepath^={PLUGIN} encoding=utf-8 | filetype plugin indent on | syntax on"
    done = subprocess.run(
        ["vim", "-es", "-N", "-u", "NONE", "-i", "NONE", "--cmd", setup, str(path), "-S", str(script)],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert out.is_file(), done.stdout + done.stderr
    return out.read_text(encoding="utf-8")


PLACES = [
    ("# Every kind", "klrComment"),
    ("coworker", "klrDeclaration"),
    ("Every # kind", "klrString"),
    ("{{braces", "klrEscape"),
    ("~/Downloads", "klrString"),
    ("500 files", "klrNumber"),
    ("1.5 GB", "klrNumber"),
    ("list of text", "klrType"),
    ("yes/no", "klrType"),
    ("yes\n", "klrConstant"),
    ("shown as", "klrSlot"),
    ("when file", "klrControl"),
    ("named", "klrSlot"),
    ("# how large", "klrComment"),
    (".size", ""),
    ("size #", "klrProperty"),
    ("not file", "klrOperator"),
    ("matches", "klrMatch"),
    ('^\\d{4}', "klrPattern"),
    ("ignoring case", "klrOperator"),
    ("20 MB", "klrNumber"),
    ("end is no", "klrProperty"),
    ("is no\n", "klrOperator"),
    ("skip", "klrVerb"),
    ("else if", "klrControl"),
    ("is any of", "klrOperator"),
    ("for each", "klrControl"),
    ("sorted by", "klrOperator"),
    ("{old.modified", "klrBrace"),
    ("modified:", "klrProperty"),
    (":%Y-%m", "klrFormat"),
    ("match of", "klrMatch"),
    ("[0-9]+", "klrPattern"),
    ('none"}', "klrString"),
    ("on conflict", "klrSlot"),
    ("on error\n      notify", "klrControl"),
    ("09:00", "klrMoment"),
    ("an open text", "klrString"),
    ("2026-03-13 16:30", "klrMoment"),
    ("given setting", "klrControl"),
    ("expect no", "klrControl"),
]  # fmt: skip


def test_each_place_is_coloured_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.klr"
    path.write_text(SAMPLE, encoding="utf-8")
    spots = []
    for text, _ in PLACES:
        before = SAMPLE[: SAMPLE.index(text)]
        spots.append([before.count("\n") + 1, len(before.rpartition("\n")[2].encode()) + 1])
    commands = f"""
let names = map({json.dumps(spots)}, {{_, at -> synIDattr(synID(at[0], at[1], 1), 'name')}})
call writefile([json_encode([&filetype] + names)], '{tmp_path}/out')
"""
    filetype, *names = json.loads(vim(path, commands, tmp_path / "out"))
    assert filetype == "klr"
    assert list(zip((text for text, _ in PLACES), names, strict=True)) == PLACES


@pytest.mark.parametrize("rule", RULES, ids=lambda path: path.stem)
def test_lines_are_indented_as_the_formatter_does(rule: Path, tmp_path: Path) -> None:
    text = rule.read_text(encoding="utf-8")
    path = tmp_path / "a.klr"
    path.write_text("".join(line.lstrip(" ") for line in text.splitlines(keepends=True)), encoding="utf-8")
    indented = vim(path, f"normal! gg=G\nsilent write! {tmp_path}/out", tmp_path / "out")
    assert indented == text


def test_findings_lead_to_their_places(tmp_path: Path) -> None:
    path = tmp_path / "a.klr"
    path.write_text('coworker "x"\nwhen asked\n  mvoe file\nend\n', encoding="utf-8")
    report = tmp_path / "report"
    with report.open("w") as file, contextlib.redirect_stdout(file):
        main(["check", "--format", "github", str(path)])
    commands = f"""
execute 'cgetfile {report}'
call writefile([json_encode(map(filter(getqflist(), 'v:val.valid'), {{_, one -> [bufname(one.bufnr), one.lnum, one.col, one.type, one.text]}}))], '{tmp_path}/out')
"""
    found = json.loads(vim(path, commands, tmp_path / "out"))
    assert any(name.endswith("a.klr") and line == 3 and type.upper() == "E" for name, line, _, type, _ in found), found
    assert any("mvoe" in text for *_, text in found)
