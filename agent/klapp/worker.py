"""What a worker's process runs: ``klapp.engine.worker`` with everything that a coworker of this agent can say."""

from __future__ import annotations

from klapp.engine import worker
from klapp.vocabulary import VOCABULARY


def warm_up() -> None:
    """Load what coworkers usually need, once for all workers."""
    worker.warm_up(VOCABULARY)


def work(handle: int, lock: int) -> None:
    """Be a worker that is spoken to over a handle; returns when the agent is gone."""
    worker.work(handle, lock, VOCABULARY)
