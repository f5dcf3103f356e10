"""One agent for each state folder, and one change at a time: locks that the system drops when their owner dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(Exception):
    """Another agent holds this state folder; the message is a sentence for a person."""


@contextmanager
def hold(home: Path) -> Iterator[None]:
    """Be the one agent for a state folder; raises AlreadyRunning where another is."""
    from filelock import FileLock, Timeout

    lock = FileLock(home / "agent.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout as error:
        raise AlreadyRunning(
            f"klapp already runs with its state in {home}. Look for its icon, or ask it with: klapp list"
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def working(home: Path) -> Iterator[None]:
    """Be the one thread of all processes that changes files for this state folder; waits for its turn.

    Not to be entered again by a thread that is within it.
    """
    from filelock import FileLock

    # One lock object for each turn: threads of one process take turns like those of several.
    with FileLock(home / "work.lock", mode=0o600):
        yield


@contextmanager
def nobody_at_work(lock: Path) -> Iterator[None]:
    """Wait until no worker of an agent that was killed changes anything any more; it ends moments after that agent."""
    from filelock import FileLock

    with FileLock(lock, mode=0o600):
        yield
