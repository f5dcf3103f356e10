"""One agent for each state folder, and one change at a time: locks that the system drops when their owner dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from klapp.locks import Held, locked


class AlreadyRunning(Exception):
    """Another agent holds this state folder; the message is a sentence for a person."""


@contextmanager
def hold(home: Path) -> Iterator[None]:
    """Be the one agent for a state folder; raises AlreadyRunning where another is."""
    with ExitStack() as closing:
        try:
            closing.enter_context(locked(home / "agent.lock", wait=False))
        except Held as error:
            raise AlreadyRunning(
                f"klapp already runs with its state in {home}. Look for its icon, or ask it with: klapp list"
            ) from error
        yield


def working(home: Path) -> AbstractContextManager[None]:
    """Be the one thread of all processes that changes files for this state folder; waits for its turn.

    Not to be entered again by a thread that is within it. Threads of one process take turns like those of several.
    """
    return locked(home / "work.lock")


def nobody_at_work(lock: Path) -> AbstractContextManager[None]:
    """Wait until no worker of an agent that was killed changes anything any more; it ends moments after that agent."""
    return locked(lock)
