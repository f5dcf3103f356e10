"""Both ways in which a worker starts: forked from a warm process, as on Linux, and started afresh, as on macOS."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from klapp.sandbox.launch import Zygote
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
