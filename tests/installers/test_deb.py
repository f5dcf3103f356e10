"""The Debian package around packages that stand in for the locked ones: what is in it, its bill, and that two builds are
the same. ``installers/linux/try-deb`` builds the whole one, and installs it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from installers.building import BuildError, checksums, put
from installers.linux.deb import COMPLETIONS, pack, packages_of, write_files

from installers import bill, licences

METADATA = "Metadata-Version: 2.4\nName: attrs\nVersion: 1.0\nLicense-Expression: MIT\nLicense-File: LICENSE\n"


@pytest.fixture(autouse=True)
def moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


def stand_in(packages: Path) -> Path:
    """A folder with a package that anybody might have made."""
    put(packages / "attr/__init__.py", "")
    put(packages / "attrs-1.0.dist-info/METADATA", METADATA)
    put(packages / "attrs-1.0.dist-info/licenses/LICENSE", "Permission is hereby granted.\n")
    licences.held(packages)
    return packages


def built(folder: Path) -> Path:
    tree = folder / "tree"
    stand_in(packages_of(tree, "3.11"))
    write_files(tree, "3.11", "amd64", "1.2.3-1", b"{}")
    return pack(tree, folder / "klapp_1.2.3-1_amd64.deb")


def asked(*command: str | Path) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout


def test_two_builds_are_the_same_and_hold_what_a_desktop_wants(tmp_path: Path) -> None:
    one, two = built(tmp_path / "one"), built(tmp_path / "two")
    assert one.read_bytes() == two.read_bytes()
    subprocess.run(("sha256sum", "--check", "--quiet", checksums(tmp_path / "one")), cwd=tmp_path / "one", check=True)

    fields = {line.partition(":")[0]: line.partition(": ")[2] for line in asked("dpkg-deb", "-f", one).splitlines()}
    assert fields["Version"] == "1.2.3-1"
    assert "python3.11" in fields["Depends"]
    assert "gtk" not in str(fields)
    asked("dpkg-deb", "-R", one, tmp_path / "out")
    share = tmp_path / "out/usr/share"
    for path in ("applications/klapp.desktop", "applications/klapp-open.desktop", "mime/packages/klapp.xml",
                 "man/man1/klapp.1.gz", "metainfo/klapp.metainfo.xml", "icons/hicolor/48x48/apps/klapp.png",
                 "icons/hicolor/48x48/mimetypes/text-x-klr.png", "doc/klapp/copyright"):  # fmt: skip
        assert (share / path).stat().st_size, path
    assert all((tmp_path / "out" / place).stat().st_size for place in COMPLETIONS.values())
    assert "Permission is hereby granted." in (share / "doc/klapp/copyright").read_text()
    assert os.readlink(tmp_path / "out/usr/lib/klapp/bin/python3") == "../../../bin/python3.11"
    assert (tmp_path / "out/usr/bin/klapp").stat().st_mode & 0o777 == 0o755
    subprocess.run(("md5sum", "--check", "--quiet", "DEBIAN/md5sums"), cwd=tmp_path / "out", check=True)
    assert (share / "doc/klapp/sbom.cdx.json").read_text() == "{}"


def test_the_bill_lists_what_lies_there_and_is_held_against_its_schema(tmp_path: Path) -> None:
    packages = stand_in(tmp_path / "packages")
    listed = json.loads(bill.write(packages, tmp_path / "klapp.cdx.json", tmp_path / "scratch").read_bytes())
    assert (listed["bomFormat"], listed["specVersion"]) == ("CycloneDX", bill.VERSION)
    assert [(part["name"], part["version"]) for part in listed["components"]] == [("attrs", "1.0")]
    with pytest.raises(BuildError, match="is not valid"):
        bill.check(json.dumps(listed | {"components": [{"name": "attrs"}]}))
