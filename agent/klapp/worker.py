"""What a worker's process runs: ``klapp.engine.worker`` with everything that a coworker of this agent can say."""

from __future__ import annotations

from klapp.engine import worker
from klapp.sandbox.channel import Channel
from klapp.vocabulary import VOCABULARY


def warm_up() -> None:
    """Load what coworkers usually need, once for all workers."""
    worker.warm_up(VOCABULARY)


def work(handle: int, lock: int) -> None:
    """Be a worker that is spoken to over a handle; returns when the agent is gone."""
    worker.work(handle, lock, VOCABULARY)


def serve(channel: Channel) -> None:
    """Be a worker that can open no files, spoken to over a channel; returns when the agent is gone."""
    worker.serve(channel, VOCABULARY)
