"""Every run that a test makes in this process is replayed from its log before the agent lets go of it: replay equals run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from klapp.agent import Agent
    from klr.program import Program

MOST = 300
"""So many runs of an agent are replayed at most: the newest."""


@cache
def _load() -> Callable[[str], Program]:
    """Makes a program of a text, each text once: to check one takes far longer than to replay a run of it. Nothing is
    proved: a run is what its program did, also where a test has one run that the proof refuses."""
    from klapp.vocabulary import VOCABULARY
    from klr.loader import compiled

    def load(text: str) -> Program:
        program = compiled(text, VOCABULARY)
        assert program is not None
        return program

    return cache(load)


def differing(agent: Agent, first: int) -> tuple[list[str], int]:
    """What of an agent's runs from ``first`` on is not the same when it is replayed, and the first run that is to be
    looked at the next time. Undos decide nothing, and what was erased is gone."""
    from klapp.engine.record import Logged
    from klapp.engine.replay import replay

    found, following = [], first
    unfinished = min(agent.log_store.unfinished(), default=None)
    for entries in agent.log_store.runs(first=first, newest=MOST):
        logged = Logged.of(entries)
        following = logged.number + 1
        if logged.erased or logged.body.get("undoes") is not None:
            continue
        for difference in replay(agent.log_store, logged.number, _load()):
            found.append(f"run {logged.number} of {logged.body['coworker']}: {difference}")
    return found, following if unfinished is None else min(following, unfinished)


@pytest.fixture(autouse=True)
def replayed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Replays. Tests that never loaded an agent pay nothing for it."""
    if "klapp.agent" not in sys.modules:
        yield
        return
    from klapp.agent import Agent

    found: list[str] = []
    closed: list[Agent] = []
    firsts: dict[Path, int] = {}
    close = Agent.close

    def replaying(agent: Agent) -> None:
        try:
            if not any(agent is one for one in closed):
                database = agent.home.database
                different, firsts[database] = differing(agent, firsts.get(database, 1))
                found.extend(different)
        finally:
            closed.append(agent)
            close(agent)

    monkeypatch.setattr(Agent, "close", replaying)
    yield
    assert found == []
