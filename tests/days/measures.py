"""What a living klapp takes: memory, handles, threads, processes, disk, rows; and whether any of it grows."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from klapp.agent import Agent

LOG_TABLES = ("entries", "keys", "contents", "tiles", "checkpoints", "search")
"""Tables of the log itself, and what is made for looking into it: they grow with its entries."""


@dataclass(frozen=True, slots=True)
class Measured:
    """At the end of a day. ``memory`` and ``workers`` are resident bytes, of the agent and of all its children."""

    runs: int
    memory: int
    workers: int
    processes: int
    handles: int
    threads: int
    entries: int
    log: int
    kept: int
    state: int
    rows: dict[str, int]

    @property
    def per_entry(self) -> float:
        """Bytes of the log for each entry that is in it."""
        return self.log / max(1, self.entries)


def measure(agent: Agent) -> Measured:
    """Now, with all that is garbage given back first."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    children = _children(os.getpid())
    with agent.log_store.lock:
        one = lambda query: int(agent.log_store.connection.execute(query).fetchone()[0])  # noqa: E731
        pages, free, size = (one(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
        (runs,) = agent.log_store.connection.execute("SELECT last_run FROM numbers").fetchone()
        entries = one("SELECT count(*) FROM entries")
        tables = [
            row[0]
            for row in agent.log_store.connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
            )
        ]
        rows = {name: one(f'SELECT count(*) FROM "{name}"') for name in tables if not name.startswith(LOG_TABLES)}
    return Measured(
        runs=runs,
        memory=_resident(os.getpid()),
        workers=sum(map(_resident, children)),
        processes=len(children),
        handles=len(os.listdir("/proc/self/fd")),
        threads=threading.active_count(),
        entries=entries,
        log=(pages - free) * size,
        kept=_size(agent.home.kept),
        state=_size(agent.home.path),
        rows=rows,
    )


def _resident(process: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _children(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(OSError):
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_children(child)]
    return found


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def slope(values: Sequence[float]) -> float:
    """By how much a value grows each day: the median of the slopes between all pairs of days (Theil 1950, Sen 1968), which
    one odd day does not move."""
    pairs = [(b - a) / (j - i) for i, a in enumerate(values) for j, b in enumerate(values) if j > i]
    pairs.sort()
    if not pairs:
        return 0.0
    return pairs[len(pairs) // 2] if len(pairs) % 2 else (pairs[len(pairs) // 2 - 1] + pairs[len(pairs) // 2]) / 2


def growing(days: Sequence[Measured], *, memory: float, kept_days: int) -> list[str]:
    """What grows, in sentences; none, where all is well. ``memory`` is how many bytes a day the agent may seem to grow by,
    for what its allocator does is no leak. The first day is not looked at, for whatever is loaded once is loaded on it;
    nor, in a life that is long enough, are those on which the log still fills up to what its rule keeps."""
    found = []
    full = days[kept_days + 1 :]  # from here on as much is let go as is added
    settled = full if len(full) > 2 else days[1:]
    for name in ("handles", "threads", "processes"):
        values = [getattr(day, name) for day in settled]
        if slope(values) > 0 and values[-1] > values[0] + 1:  # one may come and go, such as a timer's thread
            found.append(f"{name} grow: {values}")
    for name in ("memory", "workers"):
        values = [getattr(day, name) for day in settled]
        if (each := slope(values)) > memory:
            found.append(f"{name} grows by {each / 1e6:.2f} MB a day")
    per_entry = [day.per_entry for day in days]
    if max(per_entry[1:]) > 1.15 * per_entry[0]:
        found.append(f"the log grows faster than its entries: {[round(one) for one in per_entry]} bytes for each")
    taken = {name: [getattr(day, name) for day in days] for name in ("log", "kept", "entries")}
    taken |= {f"rows of {table}": [day.rows.get(table, 0) for day in days] for table in days[-1].rows}
    for name, (first, *values) in taken.items():
        values = values[kept_days:]
        # What is let go once a day may be measured a moment before that or behind it.
        if values and max(values) > values[0] + 1.2 * first + 20:
            found.append(f"{name} grow though old ones are let go: {values}")
    return found
