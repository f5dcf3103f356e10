"""The macOS app: its bundle, its launcher and the layout of its package; nothing of Apple's is run."""

from __future__ import annotations

import io
import plistlib
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from installers.building import BuildError, settle
from installers.macos.app import IDENTIFIER, pack, unpack, write_files


def movable(path: Path, version: str = "3.13", extra: tuple[str, ...] = ()) -> Path:
    """A stand-in for a Python that runs from any folder; its ``python3`` says what it was called with."""
    files = {
        "python/bin/python3": '#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n',
        f"python/lib/python{version}/os.py": "",
        f"python/lib/python{version}/site-packages/pip/__init__.py": "",
    }
    with tarfile.open(path, "w:gz") as packed:
        for name, content in [*files.items(), *((name, "") for name in extra)]:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755 if "/bin/" in name else 0o644
            packed.addfile(entry, io.BytesIO(content.encode()))
    return path


def laid_out(folder: Path) -> Path:
    contents = folder / "root/Applications/klapp.app/Contents"
    version, packages = unpack(movable(folder.with_suffix(".tar.gz")), contents / "Resources")
    assert version == "3.13"
    assert list(packages.iterdir()) == []
    write_files(folder, contents, "1.2.3")
    settle(folder / "root")
    return contents


def test_the_bundle_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    contents = laid_out(tmp_path / "app")
    about = plistlib.loads((contents / "Info.plist").read_bytes())
    assert about["CFBundleIdentifier"] == IDENTIFIER
    assert (contents / "MacOS" / about["CFBundleExecutable"]).stat().st_mode & 0o111
    assert (contents / "Resources" / about["CFBundleIconFile"]).read_bytes()[:4] == b"icns"
    assert about["CFBundleShortVersionString"] == "1.2.3"
    assert about["LSUIElement"] is True
    [kind] = about["UTExportedTypeDeclarations"]
    assert kind["UTTypeTagSpecification"]["public.filename-extension"] == ["klr"]
    [opened] = about["CFBundleDocumentTypes"]
    assert opened["LSItemContentTypes"] == [kind["UTTypeIdentifier"]]
    assert opened["LSHandlerRank"] == "Owner", "or the text editor would have it"


@pytest.mark.skipif(sys.platform == "win32", reason="the launcher is a script for sh")
def test_the_launcher_runs_its_own_python_even_through_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    contents = laid_out(tmp_path / "it's an app")
    (tmp_path / "far").symlink_to(contents / "MacOS/klapp")
    (tmp_path / "near").symlink_to("far")
    for called in (contents / "MacOS/klapp", tmp_path / "far", tmp_path / "near"):
        said = subprocess.run([called, "explain", "a b"], stdout=subprocess.PIPE, text=True, check=True).stdout
        python = str((contents / "Resources/python/bin/python3").resolve())
        assert said.splitlines() == [python, "-I", "-m", "klapp.cli.main", "explain", "a b"]


def test_the_package_names_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    laid_out(tmp_path / "app")
    script = ET.parse(tmp_path / "app/distribution.xml").getroot()
    licence = script.find("license")
    assert licence is not None
    assert (tmp_path / "app/resources" / licence.attrib["file"]).is_file()
    assert {one.attrib["id"] for one in script.iter("pkg-ref")} == {IDENTIFIER}
    [component] = plistlib.loads((tmp_path / "app/component.plist").read_bytes())
    assert (tmp_path / "app/root" / component["RootRelativeBundlePath"]).is_dir()


def test_the_layout_is_packed_the_same_way_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setenv("PATH", "/nowhere")
    made = []
    for number in ("one", "two"):
        laid_out(tmp_path / number)
        into = tmp_path / f"{number}-made"
        into.mkdir()
        made.append(pack(tmp_path / number, "1.2.3", into).read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("version", ["3.10", "3.99"])
def test_a_python_that_klapp_does_not_run_on_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(BuildError, match=re.escape(f"is Python {version}; klapp runs on")):
        unpack(movable(tmp_path / "python.tar.gz", version), tmp_path / "out")


def test_an_archive_that_reaches_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="can not be read"):
        unpack(movable(tmp_path / "python.tar.gz", extra=("../outside",)), tmp_path / "out")
    assert not (tmp_path / "outside").exists()


def test_what_is_no_python_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "empty.tar.gz", "w:gz"):
        pass
    with pytest.raises(BuildError, match="is not a Python that runs from any folder"):
        unpack(tmp_path / "empty.tar.gz", tmp_path / "out")
