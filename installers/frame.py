"""The frame of the three builders: a command that builds into a folder, and a system's packages laid out with their bill."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from installers import bill, licences
from installers.building import PYTHONS, ROOT, BuildError, Target, checksums, moment, stage, wheel


def command(options: ArgumentParser, system: str, build: Callable[[Namespace, Path], Path]) -> int:
    """Read the command line, build into ``dist`` or where it says, and write ``SHA256SUMS``; 1 where that is impossible."""
    usual = f"dist/{system}"
    options.add_argument("--into", type=Path, default=ROOT / usual, help=f"(default: {usual})")
    given = options.parse_args()
    into = given.into.absolute()
    try:
        moment()  # before minutes are spent
        into.mkdir(parents=True, exist_ok=True)
        made = build(given, into)
        checksums(into)
    except BuildError as error:
        print(f"klapp: {error}", file=sys.stderr)
        return 1
    print(f"klapp: built {made}")
    return 0


def lay_out(target: Target, packages: Path, listed: Path, scratch: Path) -> bytes:
    """Lay the locked packages of a system out in a folder, with klapp's; each has a licence that is known. Their bill of
    materials is written to ``listed``, and given."""
    packages.mkdir(parents=True, exist_ok=True)
    stage(target, wheel(scratch), packages)
    licences.held(packages)
    return bill.write(packages, listed, scratch).read_bytes()


def runs_on(version: str, brought: Path) -> None:
    """Raises BuildError where a Python that was brought is one that klapp does not run on."""
    if version not in PYTHONS:
        raise BuildError(f"{brought} is Python {version}; klapp runs on {', '.join(PYTHONS)}.")
