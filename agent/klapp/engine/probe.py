"""Tries the sandbox: a real worker does what it may, and tries what it must not be able to.

Where the system can open no folder to a worker, it may do nothing at all; then the agent does the same beside it, so
that what kept the worker from it is nothing but its sandbox.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klapp.engine.record import step_to_json
from klapp.files.guarded import GuardedFiles
from klapp.lane import Lane
from klapp.operations import Create
from klapp.operations.steps import Step
from klapp.sandbox.channel import Lost
from klapp.sandbox.confinement import Confinement
from klapp.sandbox.launch import Launcher

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found: ``works`` is whether a worker could do what it may, ``held`` whether it was kept from writing
    beside that by the system alone; ``holds`` is what it says of its sandbox; ``why`` it could not be tried."""

    works: bool
    held: bool
    holds: Mapping[str, Any]
    why: str = ""


def probe(launcher: Launcher) -> Probe:
    """Start a worker in a temporary folder and try it. Its guard is told to allow both files; the system is not."""
    with tempfile.TemporaryDirectory(prefix="klapp-probe-") as made:
        folder = Path(made).resolve()
        inside, outside = folder / "in" / "file", folder / "out" / "file"
        for path in (inside, outside):
            path.parent.mkdir()
        try:
            holds = _tried(launcher, folder, inside, outside)
        except Lost as error:
            return Probe(False, False, {}, str(error))
        if launcher.opens_folders:
            return Probe(inside.exists(), not outside.exists(), holds)
        held = not inside.exists() and not outside.exists()
        return Probe(not held or _can_be_written(inside), held, holds)


def _can_be_written(path: Path) -> bool:
    """Whether this process can do there what the worker could not."""
    GuardedFiles(Lane.exactly({"write": {str(path)}}, [str(path.parent)]), None).create(str(path), b"klapp")
    return path.exists()


def _tried(launcher: Launcher, folder: Path, inside: Path, outside: Path) -> Mapping[str, Any]:
    confinement = Confinement.around({"write": [str(inside)]})
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        process = launcher.launch(lock)
    finally:
        os.close(lock)
    try:
        process.channel.send(
            {
                "places": confinement.places() if launcher.opens_folders else {},
                "files": "change" if launcher.opens_folders else "",
                "home": str(folder),
                "trash": str(folder / "trash"),
                "every_disk": False,
                "coworker": "",
                "text": None,
                "exactly": {"write": [str(inside), str(outside)]},
            }
        )
        holds: Mapping[str, Any] = process.channel.receive(PATIENCE)
        for path in (inside, outside):
            step = step_to_json(Step(Create(str(path), b"klapp"), None))
            process.channel.send({"do": "steps", "known": [], "steps": [step]})
            process.channel.receive(PATIENCE)
    finally:
        process.end()
    return holds
