"""The Windows installer: what is laid out, and that NSIS takes it; nothing of it is run."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import pytest
from installers.building import BuildError, put, settle
from installers.windows.installer import COMMAND, SCRIPT, pack, unpack, write_files

PYTHON = ("python.exe", "pythonw.exe", "python313.dll", "python313.zip", "python313._pth")


def embeddable(path: Path, names: tuple[str, ...] = PYTHON) -> Path:
    """A stand-in with the names of Python's embeddable package."""
    with zipfile.ZipFile(path, "w") as packed:
        for name in names:
            packed.writestr(name, "import site" if name.endswith("._pth") else name)
    return path


def test_python_looks_in_klapps_packages_and_nowhere_else(tmp_path: Path) -> None:
    assert unpack(embeddable(tmp_path / "python.zip"), tmp_path / "python") == "3.13"
    lines = (tmp_path / "python/python313._pth").read_bytes().decode().splitlines()
    assert lines == ["python313.zip", ".", "..\\packages"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("readme.txt",), "is not Python's embeddable package"),
        (("python.exe", "python313._pth"), "is not Python's embeddable package"),
        (("python.exe", "pythonw.exe", "python310._pth"), "is Python 3.10; klapp runs on"),
    ],
)
def test_what_is_no_such_python_is_refused(tmp_path: Path, names: tuple[str, ...], told: str) -> None:
    with pytest.raises(BuildError, match=re.escape(told)):
        unpack(embeddable(tmp_path / "python.zip", names), tmp_path / "python")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="can not be read"):
        unpack(put(tmp_path / "python.zip", "x"), tmp_path / "python")
    with pytest.raises(BuildError, match="can not be read"):
        unpack(tmp_path / "missing.zip", tmp_path / "python")


def test_the_command_hands_all_its_words_on() -> None:
    assert COMMAND == '@"%~dp0python\\python.exe" -I -m klapp.cli.main %*\r\n'


def test_what_is_installed_is_taken_away_again_and_nothing_else() -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    install, remove = text.split('Section "Uninstall"')
    for key in set(re.findall(r'WriteReg\w+ HKCU "([^"]+)"', install)):
        above = (re.escape(gone) for gone in re.findall(r'DeleteRegKey HKCU "([^"]+)"', remove))
        assert any(re.match(rf"{gone}(\\|$)", key) for gone in above), key
    # Folders are emptied by name only: whoever installs into a folder of theirs loses nothing.
    assert set(re.findall(r'RMDir /r "([^"]+)"', text)) == {"$INSTDIR\\python", "$INSTDIR\\packages"}
    assert '"$INSTDIR\\python\\pythonw.exe" -I -m klapp.cli.main open "%1"' in install, "a double click"
    assert "RequestExecutionLevel user" in text
    assert "HKLM" not in text
    assert "$LOCALAPPDATA\\klapp" not in text


def test_nsis_packs_it_the_same_way_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shutil.which("makensis"), "not installed: nsis; see installers/linux/all-tests"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    made = []
    for number in ("one", "two"):
        tree = tmp_path / number
        unpack(embeddable(tmp_path / "python.zip"), tree / "python")
        put(tree / "packages/klapp/__init__.py", "")
        put(tree / "sbom.cdx.json", "{}")
        write_files(tree)
        left = {path.name for path in tree.iterdir() if path.is_file()}
        assert left == set(re.findall(r'Delete "\$INSTDIR\\([^"]+)"', SCRIPT.read_text())) - {"uninstall.exe"}
        settle(tree)
        pack(tree, "1.2.3", tmp_path / f"{number}.exe")
        made.append((tmp_path / f"{number}.exe").read_bytes())
    assert made[0][:2] == b"MZ"
    assert made[0] == made[1]
