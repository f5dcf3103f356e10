"""The ways in which a worker starts: forked from a warm process, as on Linux, started afresh, as on macOS, and over a pipe."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Pipe
from pathlib import Path

import pytest

from klapp.sandbox.channel import PipeChannel
from klapp.sandbox.launch import Zygote, command
from klapp.sandbox.spawner import Spawner

ROOT = str(Path(__file__).parents[2])
Starter = Zygote | Spawner


WAYS = {"forked": Zygote, "spawned": Spawner}
USUAL = os.environ.get("KLAPP_TEST_WORKERS", "forked").split()
"""The ways that every test is run with; those with few workers are run with both."""


def starting(entry: str, ways: Iterable[str] = USUAL) -> Callable[..., Iterator[Starter]]:
    """A fixture of what starts the workers of a module of the tests, for each of these ways."""

    @pytest.fixture(scope="module", params=[WAYS[way] for way in ways], ids=list(ways))
    def starter(request: pytest.FixtureRequest) -> Iterator[Starter]:
        made: Starter = request.param(entry, (ROOT,))
        yield made
        made.close()

    return starter


def another(starter: Starter) -> int:
    """The number of a process that belongs to this starter and is not the worker itself."""
    process = starter._process if isinstance(starter, Zygote) else starter._spare and starter._spare._process
    assert process
    return process.pid


class Piped:
    """A worker over a pipe, as ``klapp.sandbox.contained`` starts it, but for what Windows holds it by."""

    def __init__(self, entry: str) -> None:
        ours, theirs = Pipe()
        code = f"from klapp.sandbox.entry import main_over_pipe; main_over_pipe({entry!r}, {theirs.fileno()})"
        self.process = subprocess.Popen(
            command(code, (ROOT,)), pass_fds=[theirs.fileno()], env={}, cwd="/", stdin=subprocess.DEVNULL
        )
        theirs.close()
        self.channel = PipeChannel(ours, self.process.kill, 60)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.channel.close()


class Piper:
    """Starts such workers."""

    opens_folders = False

    def __init__(self, entry: str = "klapp.worker") -> None:
        self.entry = entry

    def launch(self, lock: int) -> Piped:
        return Piped(self.entry)

    def close(self) -> None:
        """Nothing is kept."""
