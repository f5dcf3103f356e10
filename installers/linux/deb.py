"""The Debian package: an environment of klapp's own in /usr/lib/klapp, and what a desktop wants to know of a program.

``python -m installers.linux.deb`` is called by ``installers/linux/build-deb``, which brings the tools.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from importlib.metadata import distributions
from pathlib import Path

from installers.building import PYTHONS, ROOT, BuildError, Target, fresh, moment, project, put, run, settle
from installers.frame import command, lay_out
from installers.manual import manual

from installers import licences, pictures
from klapp.cli.arguments import parser as command_line
from klapp.cli.completion import script

FILES = Path(__file__).parent / "package"
MACHINES = {"amd64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
"""Debian's architectures, and the oldest systems that the wheels are chosen for; Debian 10 has that glibc."""
MAINTAINER = "The klapp project <klapp@klapp.invalid>"
COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/klapp",
    "zsh": "usr/share/zsh/vendor-completions/_klapp",
    "fish": "usr/share/fish/vendor_completions.d/klapp.fish",
}
COMMAND = """#!/usr/lib/klapp/bin/python3 -I
import sys

from klapp.cli.main import main

sys.exit(main())
"""
ENVIRONMENT = """home = /usr/bin
include-system-site-packages = true
version = {python}
executable = /usr/bin/python{python}
"""
CONTROL = """Package: klapp
Version: {version}
Architecture: {machine}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: python3 (>= {python}~), python3 (<< {next}~), python{python}, libc6 (>= 2.28), libgcc-s1, libstdc++6
Recommends: libglib2.0-bin | xdg-utils, shared-mime-info, gnome-keyring | kwalletmanager, tzdata
Section: utils
Priority: optional
Description: small, readable automations for your own files
 klapp sits in the tray and runs small automations, called coworkers, on your
 files, tables and mail. Each is a text that you can read. Before it runs,
 klapp proves that it stays within what you allow, and the system holds it
 there.
 .
 Everything stays on your machine, and everything that klapp stores is
 encrypted. Every decision is explained, and can be undone.
"""
COMMON = {
    "Apache License Version 2.0": "Apache-2.0",
    "GNU LESSER GENERAL PUBLIC LICENSE Version 3": "LGPL-3",
    "GNU LESSER GENERAL PUBLIC LICENSE Version 2.1": "LGPL-2.1",
    "GNU GENERAL PUBLIC LICENSE Version 3": "GPL-3",
}
"""How a licence begins that is part of every Debian, and its name there."""
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: klapp
Comment: The packages in /usr/lib/klapp are others' work, each under its own
 licence, which stands at the end of this file and beside the package itself.

Files: *
Copyright: The klapp project
License: Apache-2.0
 On Debian systems, the full text of the Apache License, version 2.0, is in
 /usr/share/common-licenses/Apache-2.0.
"""


def main() -> int:
    """Build the package into ``dist``; 1 where that is impossible."""
    options = argparse.ArgumentParser(prog="build-deb", description="Build klapp's Debian package, its bill and sums.")
    options.add_argument(
        "--python", choices=PYTHONS, default="3.11", help="the Debian release's Python (default: 3.11)"
    )
    options.add_argument("--architecture", choices=sorted(MACHINES), default="amd64", help="(default: amd64)")
    options.add_argument("--revision", type=int, default=1, help="the package's own number (default: 1)")
    return command(options, "linux", lambda given, into: build(given.python, given.architecture, given.revision, into))


def build(python: str, machine: str, revision: int, into: Path) -> Path:
    """Build the package and the bill of materials into a folder; the package's path."""
    version = f"{project()['version']}-{revision}"
    name = f"klapp_{version}_{machine}"
    scratch = fresh(ROOT / "build/linux")
    tree = scratch / "tree"
    packages = packages_of(tree, python)
    listed = lay_out(Target(MACHINES[machine], python), packages, into / f"{name}.cdx.json", scratch)
    write_files(tree, python, machine, version, listed)
    return pack(tree, into / f"{name}.deb")


def packages_of(tree: Path, python: str) -> Path:
    """Where a laid out package has its Python packages."""
    return tree / f"usr/lib/klapp/lib/python{python}/site-packages"


def write_files(tree: Path, python: str, machine: str, version: str, listed: bytes) -> None:
    """What lies around the Python packages; ``listed`` is their bill of materials."""
    _environment(tree, python)
    _desktop(tree, version)
    _documents(tree, packages_of(tree, python), version, listed)
    _control(tree, python, machine, version)
    settle(tree)


def pack(tree: Path, made: Path) -> Path:
    """The package of a folder that is laid out."""
    run("dpkg-deb", "--build", "--root-owner-group", "-Zxz", "--threads-max=1", tree, made)
    return made


def _environment(tree: Path, python: str) -> None:
    """The files that make a folder an environment of Debian's Python, and the command."""
    home = tree / "usr/lib/klapp"
    put(home / "pyvenv.cfg", ENVIRONMENT.format(python=python))
    (home / "bin").mkdir()
    (home / "bin/python3").symlink_to(f"../../../bin/python{python}")
    put(tree / "usr/bin/klapp", COMMAND, 0o755)


def _desktop(tree: Path, version: str) -> None:
    share = tree / "usr/share"
    for side in pictures.SIDES:
        sized = share / f"icons/hicolor/{side}x{side}"
        put(sized / "apps/klapp.png", pictures.png(side))
        put(sized / "mimetypes/text-x-klr.png", pictures.document(side))
    for entry in ("klapp.desktop", "klapp-open.desktop"):
        put(share / "applications" / entry, _file(entry))
    put(share / "mime/packages/klapp.xml", _file("klapp.xml"))
    about = _file("klapp.metainfo.xml").replace("@VERSION@", version).replace("@DATE@", f"{moment():%Y-%m-%d}")
    put(share / "metainfo/klapp.metainfo.xml", about)
    for shell, place in COMPLETIONS.items():
        put(tree / place, script(shell, command_line()) + "\n")


def _documents(tree: Path, packages: Path, version: str, listed: bytes) -> None:
    """What /usr/share/doc and /usr/share/man hold: licences, changes, the manual page, the bill of materials."""
    share = tree / "usr/share"
    changes = (
        f"klapp ({version}) unstable; urgency=medium\n\n  * See CHANGELOG.md of the project.\n\n"
        f" -- {MAINTAINER}  {moment():%a, %d %b %Y %H:%M:%S +0000}\n"
    )
    put(share / "doc/klapp/changelog.Debian.gz", _packed(changes))
    put(share / "doc/klapp/changelog.gz", _packed((ROOT / "CHANGELOG.md").read_text(encoding="utf-8")))
    put(share / "doc/klapp/copyright", _copyright(packages))
    put(share / "doc/klapp/sbom.cdx.json", listed)
    put(share / "man/man1/klapp.1.gz", _packed(manual(version, moment())))
    put(share / "lintian/overrides/klapp", _file("overrides"))


def _copyright(packages: Path) -> str:
    """Debian's copyright file for all that is shipped; raises BuildError where a licence is unknown or its text missing."""
    table = licences.declared()
    parts = [COPYRIGHT]
    for package in sorted(distributions(path=[str(packages)]), key=lambda one: licences.name_of(one.name)):
        name = licences.name_of(package.name)
        if name == "klapp":
            continue
        texts = licences.texts(package)
        if not texts:
            raise BuildError(f"{name} brings no text of its licence, and Debian wants it; see licences.py.")
        inside = "".join(f"Comment: {line}\n" for line in ["; ".join(licences.inside().get(name, ()))] if line)
        body = "\n".join(f"{title}\n\n{_shortened(text)}" for title, text in texts)
        folded = "\n".join(f" {line}" if line.strip() else " ." for line in body.expandtabs().splitlines())
        expression = table[name].replace(" OR ", " or ").replace(" AND ", " and ")
        parts.append(
            f"\nFiles: usr/lib/klapp/lib/*/site-packages/{licences.information(package).name}/*\n"
            f"Copyright: the authors of {package.name} {package.version}, see below\n"
            f"{inside}License: {expression}\n{folded}\n"
        )
    return "".join(parts)


def _shortened(text: str) -> str:
    """A licence, or where Debian has it whole. It lies beside its package in any case."""
    start = " ".join(text[:400].split())
    for title, name in COMMON.items():
        if title in start and len(text) > 5000:
            return f"The text of this licence is that in /usr/share/common-licenses/{name}."
    return text


def _control(tree: Path, python: str, machine: str, version: str) -> None:
    size = sum(path.lstat().st_size for path in tree.rglob("*") if path.is_file()) // 1024
    following = f"3.{int(python.partition('.')[2]) + 1}"
    told = {"version": version, "machine": machine, "maintainer": MAINTAINER, "size": size}
    put(tree / "DEBIAN/control", CONTROL.format(python=python, next=following, **told))
    for name in ("postinst", "prerm"):
        put(tree / f"DEBIAN/{name}", _file(name).replace("@PYTHON@", python), 0o755)
    files = sorted(path for path in (tree / "usr").rglob("*") if path.is_file() and not path.is_symlink())
    put(tree / "DEBIAN/md5sums", "".join(f"{_md5(path)}  {path.relative_to(tree)}\n" for path in files))


def _md5(path: Path) -> str:
    """dpkg's own check for damage; nothing is trusted by it."""
    import hashlib

    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _file(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode(), 9, mtime=0)


if __name__ == "__main__":
    sys.exit(main())
