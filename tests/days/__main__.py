"""Seven days of klapp at work under a turned clock, and what they take: python -m tests.days [--days 7] [--files 400]

Prints a row for each day, and says what grows. ``--leak`` plants one, to show that it would be seen.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.days.life import KEPT_DAYS, Life, life
from tests.days.measures import Measured, growing, measure

MEMORY = 1_000_000
"""Bytes a day that the agent may seem to grow by: some 1.6 KB for each run."""
LEAKS = ("memory", "handles", "threads", "log")
_leaked: list[object] = []
HEADINGS = "| day | runs | agent MB | workers MB | processes | handles | threads | entries | bytes an entry | log MB | kept KB | other rows |"


@contextmanager
def leaking(one: Life, kind: str) -> Iterator[None]:
    """Plant a leak: something small, each quarter of an hour."""
    import threading

    def leak() -> None:
        if kind == "memory":
            _leaked.append(b"x" * 20_000 + bytes(str(one.came), "ascii"))
        elif kind == "handles" and one.quarters % 6 == 0:
            _leaked.append(open(__file__))  # noqa: SIM115
        elif kind == "threads" and one.quarters % 6 == 0:
            held = threading.Event()
            _leaked.append(held)
            threading.Thread(target=held.wait, daemon=True).start()
        elif kind == "log":
            with one.agent.log_store.lock:
                made = "CREATE TABLE IF NOT EXISTS planted (what BLOB)"
                one.agent.log_store.connection.execute(made)
                one.agent.log_store.connection.execute("INSERT INTO planted VALUES (zeroblob(20000))")

    one.on_quarter = leak
    try:
        yield
    finally:
        for held in _leaked:
            for end in ("set", "close"):
                if hasattr(held, end):
                    getattr(held, end)()
        _leaked.clear()


def lived(
    days: int, files: int, batches: int, leak: str, tell: Callable[[str], None], hours: int = 24
) -> tuple[list[Measured], float]:
    """Live for so many days; what was measured at the end of each, and how long it took in seconds."""
    found, begun = [], time.monotonic()
    tell(HEADINGS)
    tell("|---" * HEADINGS.count(" | ") + "|---|")
    with tempfile.TemporaryDirectory(prefix="klapp-days-") as folder, life(Path(folder)) as one, leaking(one, leak):
        for day in range(1, days + 1):
            one.day(files, batches, hours)
            found.append(measured := measure(one.agent))
            tell(_row(day, measured))
        assert one.agent.log_store.verify() is None
        assert one.agent.log_store.unfinished() == []
        nights = (one.person / "Diary/nights.txt").read_text().splitlines()
        assert len(nights) == days or hours < 24, nights
    return found, time.monotonic() - begun


def _row(day: int, one: Measured) -> str:
    return (
        f"| {day} | {one.runs:,} | {one.memory / 1e6:.1f} | {one.workers / 1e6:.1f} | {one.processes} | {one.handles} | "
        f"{one.threads} | {one.entries:,} | {one.per_entry:,.0f} | {one.log / 1e6:.2f} | {one.kept / 1e3:,.0f} | {sum(one.rows.values()):,} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.days", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--files", type=int, default=480, help="so many a day")
    parser.add_argument("--batches", type=int, default=24, help="in so many batches a day")
    parser.add_argument("--leak", choices=LEAKS, default="")
    options = parser.parse_args()
    found, seconds = lived(
        options.days, options.files, options.batches, options.leak, lambda line: print(line, flush=True)
    )
    grows = growing(found, memory=MEMORY, kept_days=KEPT_DAYS)
    print(
        f"{found[-1].runs:,} runs in {seconds:.0f} s. " + ("Grows: " + "; ".join(grows) if grows else "Nothing grows.")
    )
    return 1 if grows else 0


if __name__ == "__main__":
    sys.exit(main())
