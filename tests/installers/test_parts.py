"""What the builders make by themselves: the manual page, the icons, checksums, one moment on every file."""

from __future__ import annotations

import hashlib
import io
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from installers.building import BuildError, checksums, moment, put, run, settle
from installers.manual import manual
from PIL import Image

from installers import pictures
from klapp.cli.main import COMMANDS

AT = datetime(2026, 3, 9, tzinfo=UTC)


def test_the_manual_has_every_command_and_no_line_that_roff_takes_for_its_own() -> None:
    page = manual("1.2", AT)
    assert '.TH KLAPP 1 "2026-03-09" "klapp 1.2"' in page
    for command in COMMANDS:
        assert f'.SS "{command}' in page
    known = (".TH ", ".SH ", ".SS ", ".TP", ".PP", ".B ")
    assert all(line.startswith(known) for line in page.splitlines() if line.startswith((".", "'")))
    assert "%(" not in page


@pytest.mark.parametrize("side", pictures.SIDES)
def test_the_icons_have_their_sizes_and_show_something(side: int) -> None:
    for drawn in (pictures.png(side), pictures.document(side)):
        image = Image.open(io.BytesIO(drawn))
        assert image.size == (side, side)
        assert image.getextrema()[3] == (0, 255)


def test_the_icons_of_windows_and_macos_hold_several_sizes() -> None:
    assert (16, 16) in Image.open(io.BytesIO(pictures.ico())).info["sizes"]
    assert len(Image.open(io.BytesIO(pictures.icns())).info["sizes"]) > 3


def test_files_get_one_moment_and_modes_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    put(tmp_path / "a/plain", "x", 0o600)
    put(tmp_path / "a/command", "x", 0o700)
    (tmp_path / "a/link").symlink_to("nowhere")
    settle(tmp_path)
    assert {int(path.lstat().st_mtime) for path in tmp_path.rglob("*")} == {1000000000}
    if os.name == "posix":
        assert (tmp_path / "a/plain").stat().st_mode & 0o777 == 0o644
        assert (tmp_path / "a/command").stat().st_mode & 0o777 == 0o755


def test_without_a_moment_nothing_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(BuildError, match="SOURCE_DATE_EPOCH"):
        moment()


def test_the_sums_are_of_every_file_but_themselves(tmp_path: Path) -> None:
    put(tmp_path / "b", "2")
    put(tmp_path / "a", "1")
    checksums(tmp_path)
    assert checksums(tmp_path).read_text() == "".join(
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in (("a", "1"), ("b", "2"))
    )


def test_a_tool_that_fails_is_told_with_its_words() -> None:
    with pytest.raises(BuildError, match=r"sh failed:\nno such luck"):
        run("sh", "-c", "echo no such luck; exit 3")
