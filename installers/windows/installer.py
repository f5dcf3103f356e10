"""The Windows installer: Python's embeddable package with the locked wheels beside it, packed by NSIS.

``python -m installers.windows.installer`` is called by ``installers/windows/build``, which brings the tools.
"""

from __future__ import annotations

import argparse
import re
import sys
import zipfile
from pathlib import Path

from installers.building import (
    PYTHONS,
    ROOT,
    BuildError,
    Target,
    checksums,
    fresh,
    moment,
    project,
    put,
    run,
    settle,
    stage,
    wheel,
)

from installers import bill, licences, pictures

SCRIPT = Path(__file__).with_name("klapp.nsi")
PLATFORM = "x86_64-pc-windows-msvc"
COMMAND = '@"%~dp0python\\python.exe" -I -m klapp.cli.main %*\r\n'
PATHS = "{zip}\r\n.\r\n..\\packages\r\n"
"""The embeddable Python's ``._pth``: with it, it looks nowhere else, neither in the registry nor in the environment."""


def main() -> int:
    """Build the installer into ``dist``; 1 where that is impossible."""
    options = argparse.ArgumentParser(
        prog="build", description="Build klapp's installer for Windows, its bill and sums."
    )
    options.add_argument(
        "embeddable", type=Path, help="Python's embeddable package for 64-bit Windows, a .zip that python.org offers"
    )
    options.add_argument("--into", type=Path, default=ROOT / "dist/windows", help="(default: dist/windows)")
    given = options.parse_args()
    try:
        print(f"klapp: built {build(given.embeddable, given.into.absolute())}")
    except BuildError as error:
        print(f"klapp: {error}", file=sys.stderr)
        return 1
    return 0


def build(embeddable: Path, into: Path) -> Path:
    """Build the installer, its bill of materials and ``SHA256SUMS`` into a folder; the installer's path."""
    moment()
    scratch = fresh(ROOT / "build/windows")
    tree = scratch / "tree"
    python = unpack(embeddable, tree / "python")
    packages = tree / "packages"
    packages.mkdir()
    stage(Target(PLATFORM, python), wheel(scratch), packages)
    licences.held(packages)
    write_files(tree)
    into.mkdir(parents=True, exist_ok=True)
    version = project()["version"]
    made = into / f"klapp-{version}-setup.exe"
    listed = bill.write(packages, into / f"klapp-{version}-windows.cdx.json", scratch)
    put(tree / "sbom.cdx.json", listed.read_bytes())
    settle(tree)
    pack(tree, version, made)
    checksums(into)
    return made


def unpack(embeddable: Path, into: Path) -> str:
    """Lay the embeddable Python out, told to look in klapp's packages; its version, such as "3.13".

    Raises:
        BuildError: where this is no such package, or one of a Python that klapp does not run on.
    """
    try:
        with zipfile.ZipFile(embeddable) as packed:
            names = packed.namelist()
            versions = [f"3.{found[1]}" for name in names if (found := re.fullmatch(r"python3(\d\d)\._pth", name))]
            if len(versions) != 1 or not {"python.exe", "pythonw.exe"} <= set(names):
                raise BuildError(f"{embeddable} is not Python's embeddable package for Windows.")
            if versions[0] not in PYTHONS:
                raise BuildError(f"{embeddable} is Python {versions[0]}; klapp runs on {', '.join(PYTHONS)}.")
            packed.extractall(into)  # zipfile itself keeps names within the folder
    except (OSError, zipfile.BadZipFile) as error:
        raise BuildError(f"{embeddable} can not be read: {error}") from error
    short = versions[0].replace(".", "")
    put(into / f"python{short}._pth", PATHS.format(zip=f"python{short}.zip"))
    return versions[0]


def write_files(tree: Path) -> None:
    """What lies beside Python and the packages."""
    put(tree / "klapp.cmd", COMMAND)
    put(tree / "klapp.ico", pictures.ico())
    put(tree / "LICENSE.txt", (ROOT / "LICENSE").read_text(encoding="utf-8").replace("\n", "\r\n"))


def pack(tree: Path, version: str, made: Path) -> None:
    """Run NSIS on a folder that is laid out; its warnings are errors."""
    run("makensis", "-V2", "-WX", f"-DTREE={tree}", f"-DVERSION={version}", f"-DOUT={made}", SCRIPT)


if __name__ == "__main__":
    sys.exit(main())
