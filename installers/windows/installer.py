"""The Windows installer: Python's embeddable package with the locked wheels beside it, packed by NSIS.

``python -m installers.windows.installer`` is called by ``installers/windows/build``, which brings the tools.
"""

from __future__ import annotations

import argparse
import re
import sys
import zipfile
from pathlib import Path

from installers.building import ROOT, BuildError, Target, fresh, project, put, run, settle
from installers.frame import command, lay_out, runs_on

from installers import pictures

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
    return command(options, "windows", lambda given, into: build(given.embeddable, into))


def build(embeddable: Path, into: Path) -> Path:
    """Build the installer and its bill of materials into a folder; the installer's path."""
    scratch = fresh(ROOT / "build/windows")
    tree = scratch / "tree"
    version = project()["version"]
    python = unpack(embeddable, tree / "python")
    listed = into / f"klapp-{version}-windows.cdx.json"
    put(tree / "sbom.cdx.json", lay_out(Target(PLATFORM, python), tree / "packages", listed, scratch))
    write_files(tree)
    settle(tree)
    made = into / f"klapp-{version}-setup.exe"
    pack(tree, version, made)
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
            runs_on(versions[0], embeddable)
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
