"""The macOS app and its package: the bundle with the locked wheels and a Python, and the layout that ``pkgbuild`` packs.

``python -m installers.macos.app`` is called by ``installers/macos/build``, which brings the tools. The bundle is laid out
on any system; the package is made where Apple's ``pkgbuild`` and ``productbuild`` are.
"""

from __future__ import annotations

import argparse
import plistlib
import shutil
import sys
import tarfile
from pathlib import Path

from installers.building import ROOT, BuildError, Target, fresh, moment, project, put, run, settle
from installers.frame import command, lay_out, runs_on

from installers import pictures

PLATFORM = "aarch64-apple-darwin"
NAME = "klapp"
IDENTIFIER = "klapp.klapp"
COWORKER = "klapp.coworker"
OLDEST = "11.0"
LAUNCHER = """#!/bin/sh
# Opened from the Finder or called by its link, the app runs its own Python on its own packages, and nothing else.
here=$0
while [ -L "$here" ]; do
    goal=$(readlink "$here")
    case $goal in /*) here=$goal ;; *) here=$(dirname "$here")/$goal ;; esac
done
resources=$(CDPATH='' cd -- "$(dirname -- "$here")/../Resources" && pwd -P) || exit 1
exec "$resources/python/bin/python3" -I -m klapp.cli.main "$@"
"""
DISTRIBUTION = """<?xml version="1.0" encoding="UTF-8"?>
<installer-gui-script minSpecVersion="2">
  <title>klapp</title>
  <license file="LICENSE.txt"/>
  <options customize="never" require-scripts="false" hostArchitectures="arm64"/>
  <domains enable_anywhere="false" enable_currentUserHome="true" enable_localSystem="true"/>
  <volume-check><allowed-os-versions><os-version min="{oldest}"/></allowed-os-versions></volume-check>
  <choices-outline><line choice="klapp"/></choices-outline>
  <choice id="klapp" title="klapp"><pkg-ref id="{identifier}"/></choice>
  <pkg-ref id="{identifier}" version="{version}" onConclusion="none">klapp-component.pkg</pkg-ref>
</installer-gui-script>
"""


def main() -> int:
    """Lay the app out, and pack it where that is possible; 1 where it is impossible."""
    options = argparse.ArgumentParser(
        prog="build", description="Build klapp's app for macOS, its bill and its package."
    )
    options.add_argument(
        "python",
        type=Path,
        help="a Python for Apple's processors that runs from any folder, as .tar.gz with python/ in it",
    )
    return command(options, "macos", lambda given, into: build(given.python, into))


def build(python: Path, into: Path) -> Path:
    """Lay the bundle out and pack it; the package's path, or that of the layout where there is nothing to pack it with."""
    scratch = fresh(ROOT / "build/macos")
    version = project()["version"]
    contents = scratch / f"root/Applications/{NAME}.app/Contents"
    found, packages = unpack(python, contents / "Resources")
    listed = into / f"klapp-{version}-macos.cdx.json"
    put(contents / "Resources/sbom.cdx.json", lay_out(Target(PLATFORM, found), packages, listed, scratch))
    write_files(scratch, contents, version)
    settle(scratch / "root")
    return pack(scratch, version, into)


def unpack(python: Path, resources: Path) -> tuple[str, Path]:
    """Lay the Python out below the bundle's resources; its version, and its folder of packages.

    Raises:
        BuildError: where this is no such Python, or one that klapp does not run on.
    """
    try:
        with tarfile.open(python) as packed:
            packed.extractall(resources, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise BuildError(f"{python} can not be read: {error}") from error
    found = sorted(resources.glob("python/lib/python3.*/os.py"))
    if len(found) != 1 or not (resources / "python/bin/python3").exists():
        raise BuildError(
            f"{python} is not a Python that runs from any folder: it lacks python/bin/python3 or its library."
        )
    version = found[0].parent.name.removeprefix("python")
    runs_on(version, python)
    packages = found[0].parent / "site-packages"
    # What a Python for everybody brings is not in the lock file.
    return version, fresh(packages)


def information(version: str) -> dict[str, object]:
    """``Info.plist``: an app without a window of its own (``LSUIElement``), and the type of ``.klr`` files."""
    return {
        "CFBundleIdentifier": IDENTIFIER,
        "CFBundleName": NAME,
        "CFBundleDisplayName": NAME,
        "CFBundleExecutable": NAME,
        "CFBundleIconFile": "klapp.icns",
        "CFBundlePackageType": "APPL",
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleShortVersionString": version,
        "CFBundleVersion": version,
        "LSMinimumSystemVersion": OLDEST,
        "LSUIElement": True,
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": "The klapp project, Apache-2.0",
        # A double click comes to the running app; see klapp.tray.finder.
        "CFBundleDocumentTypes": [
            {
                "CFBundleTypeName": "klapp coworker",
                "CFBundleTypeRole": "Editor",
                "LSHandlerRank": "Owner",
                "LSItemContentTypes": [COWORKER],
            }
        ],
        "UTExportedTypeDeclarations": [
            {
                "UTTypeIdentifier": COWORKER,
                "UTTypeDescription": "klapp coworker",
                "UTTypeConformsTo": ["public.plain-text"],
                "UTTypeIconFile": "klapp.icns",
                "UTTypeTagSpecification": {"public.filename-extension": ["klr"], "public.mime-type": ["text/x-klr"]},
            }
        ],
    }


def write_files(scratch: Path, contents: Path, version: str) -> None:
    """The bundle's own files, and those that describe its package."""
    put(contents / "Info.plist", plistlib.dumps(information(version)))
    put(contents / "PkgInfo", "APPL????")
    put(contents / f"MacOS/{NAME}", LAUNCHER, 0o755)
    put(contents / "Resources/klapp.icns", pictures.icns())
    component = {"RootRelativeBundlePath": f"Applications/{NAME}.app", "BundleIsRelocatable": False}
    put(scratch / "component.plist", plistlib.dumps([component]))
    put(scratch / "distribution.xml", DISTRIBUTION.format(oldest=OLDEST, identifier=IDENTIFIER, version=version))
    put(scratch / "resources/LICENSE.txt", (ROOT / "LICENSE").read_bytes())


def pack(scratch: Path, version: str, into: Path) -> Path:
    """The package; where this is no Mac, the layout of it as an archive."""
    if not shutil.which("pkgbuild"):
        made = into / f"klapp-{version}-macos-layout.tar"
        _archive(scratch, made)
        return made
    component = scratch / "klapp-component.pkg"
    run(
        "pkgbuild", "--root", scratch / "root", "--component-plist", scratch / "component.plist",
        "--identifier", IDENTIFIER, "--version", version, "--install-location", "/", component,
    )  # fmt: skip
    made = into / f"klapp-{version}.pkg"
    run(
        "productbuild", "--distribution", scratch / "distribution.xml", "--resources", scratch / "resources",
        "--package-path", scratch, made,
    )  # fmt: skip
    return made


def _archive(scratch: Path, made: Path) -> None:
    """The layout with one moment and one owner in it, in one order."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = int(moment().timestamp())
        return entry

    with tarfile.open(made, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("component.plist", "distribution.xml", "resources", "root"):
            archive.add(scratch / name, name, filter=plain)


if __name__ == "__main__":
    sys.exit(main())
