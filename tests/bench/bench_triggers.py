"""What waiting costs: finding the rules for an event, from event to action, bursts, start-up, and rest.

    python tests/bench/bench_triggers.py [--only dispatch latency burst start rest] [--files 10000] [--rest 600]

Dispatch stands beside a bare Python dictionary, latency beside a bare watchdog handler, in turn within one run. A burst
is told whole although the kernel's queue is made so short that it overflows (as root only). Printed are medians, and
what goes with them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from tests.agent.house import House

from klapp.dispatch import Index
from klapp.service import Service
from klapp.triggers.folders import Change, FolderWatch
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from klr.program import Program

EVENTS, ROUNDS = 20_000, 5
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


def text(number: int) -> str:
    """A coworker that waits in a folder of its own."""
    return (
        f'coworker "C{number}"\nmay read "~/In{number}/*.pdf"\nmay notify\n\n'
        f'when file arrives in "~/In{number}" named "*.pdf"\n  notify file.name\nend\n'
    )


def programs(count: int) -> dict[str, Program]:
    found = {f"C{number}": load(text(number), VOCABULARY).program for number in range(count)}
    return {name: program for name, program in found.items() if program is not None}


def dispatch() -> None:
    """Microseconds to find the rules of an event, with 1 and with 1,000 coworkers."""
    paths = [f"/home/p/In0/paper {number}.pdf" for number in range(EVENTS)]
    figures: dict[str, list[float]] = {}
    indexes = {count: Index(programs(count), "/home/p") for count in (1, 1000)}
    bare = {count: {(f"/home/p/In{n}", ".pdf"): [n] for n in range(count)} for count in (1, 1000)}
    for _ in range(ROUNDS):
        for count in (1, 1000):
            for name, find in (
                ("klapp", lambda path, index=indexes[count]: index.hearing("file arrives", path)),
                ("bare dictionary", lambda path, index=bare[count]: index.get((os.path.dirname(path), path[-4:]))),
            ):
                start = time.perf_counter()
                for path in paths:
                    find(path)
                figures.setdefault(f"{name}, {count:,}", []).append((time.perf_counter() - start) / EVENTS * 1e6)
    middle = {name: statistics.median(found) for name, found in figures.items()}
    for name, value in middle.items():
        print(f"  {name:24} {value:8.2f} us an event")
    print(f"  1,000 coworkers cost {middle['klapp, 1,000'] / middle['klapp, 1']:.2f} x what one costs")


@contextmanager
def bare_watch(folder: Path, told: Callable[[str], None]) -> Iterator[None]:
    from watchdog.events import FileClosedEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    class Handler(FileSystemEventHandler):
        def on_closed(self, event: FileClosedEvent) -> None:
            told(os.fsdecode(event.src_path))

    observer = Observer()
    observer.schedule(Handler(), str(folder), event_filter=[FileClosedEvent])
    observer.start()
    yield
    observer.stop()
    observer.join()


@contextmanager
def klapp_watch(folder: Path, told: Callable[[str], None], quiet: float = 0.0) -> Iterator[FolderWatch]:
    def changed(changes: list[Change]) -> None:
        watch.done(changes)
        for change in changes:
            told(change.path)

    watch = FolderWatch([(str(folder), False)], changed, quiet=timedelta(seconds=quiet))
    watch.start()
    yield watch
    watch.stop()


def latency() -> None:
    """From the close of a file to the handler, at a steady load; klapp's own quiet time is set to nothing."""
    figures: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, watch in (("bare watchdog", bare_watch), ("klapp's watch", klapp_watch)):
            with tempfile.TemporaryDirectory() as root:
                closed: dict[str, float] = {}
                found: list[float] = []
                with watch(Path(root), lambda path: found.append(time.perf_counter() - closed[path])):  # noqa: B023
                    for number in range(200):
                        path = f"{root}/{number}"
                        closed[path] = time.perf_counter() + 1  # in case it is told before the next line
                        with open(path, "w") as file:
                            file.write("x")
                        closed[path] = time.perf_counter()
                        time.sleep(0.005)
                    until(lambda: len(found) >= 200)  # noqa: B023
                figures.setdefault(name, []).extend(found)
    for name, values in figures.items():
        marks = statistics.quantiles(values, n=100)
        print(f"  {name:16} p50 {marks[49] * 1e3:7.2f} ms   p99 {marks[98] * 1e3:7.2f} ms")


def until(look: Callable[[], bool], seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() > end:
            raise SystemExit("waited in vain")
        time.sleep(0.01)


def burst(count: int) -> None:
    """Files made at once with a queue of 1,000 events: how many were told, and when the last one was."""
    before = QUEUE.read_text()
    shorten = os.access(QUEUE, os.W_OK)
    with tempfile.TemporaryDirectory() as root:
        told: set[str] = set()
        if shorten:
            QUEUE.write_text("1000")
        try:
            with klapp_watch(Path(root), told.add, quiet=1.0) as watch:
                start, cpu = time.perf_counter(), time.process_time()
                with watch._observer._inotify_fd._lock if shorten else threading.Lock():
                    for number in range(count):
                        os.close(os.open(f"{root}/{number}", os.O_CREAT | os.O_WRONLY))
                made = time.perf_counter() - start
                until(lambda: len(told) >= count)
                took, used = time.perf_counter() - start, time.process_time() - cpu
        finally:
            if shorten:
                QUEUE.write_text(before)
    what = "queue overflowed" if shorten else "no overflow: not root"
    print(
        f"  {count:,} files: made in {made:.1f} s, {len(told):,} told after {took:.1f} s, {used:.1f} s of CPU ({what})"
    )


def bursts(counts: list[int]) -> None:
    for count in counts:
        burst(count)


@contextmanager
def at_work(count: int) -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as root:
        house = House(Path(root))
        for number in range(count):
            (house.person / f"In{number}").mkdir()
            house.coworker(text(number), f"c{number}")
        with house.agent() as agent:
            for number in range(count):
                agent.approve(f"c{number}") if number == 0 else agent.coworkers.approve(f"c{number}")
        start = time.perf_counter()
        with house.agent() as agent, Service(agent, lambda _: None) as service:
            print(f"  ready with {count} coworkers after {time.perf_counter() - start:.2f} s")
            yield service


def start_up() -> None:
    """Until an agent with a hundred coworkers is ready."""
    with at_work(100):
        pass


def rest(seconds: float) -> None:
    """Context switches, CPU and memory of an agent with twenty coworkers that does nothing."""

    def switches() -> int:
        found = 0
        for task in Path("/proc/self/task").iterdir():
            if task.name != str(os.getpid()):  # this thread is the one that measures
                found += sum(
                    int(line.split()[1])
                    for line in (task / "status").read_text().splitlines()
                    if "ctxt_switches" in line
                )
        return found

    with at_work(20):
        time.sleep(5)
        before, cpu = switches(), time.process_time()
        time.sleep(seconds)
        woken, used = switches() - before, time.process_time() - cpu
        memory = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
        print(f"  in {seconds:.0f} s: {woken} context switches, {used * 1000:.0f} ms of CPU; {memory.split()[1]} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", default=["dispatch", "latency", "burst", "start", "rest"])
    parser.add_argument("--files", type=int, nargs="+", default=[10_000])
    parser.add_argument("--rest", type=float, default=60)
    options = parser.parse_args()
    jobs: dict[str, Callable[[], None]] = {
        "dispatch": dispatch,
        "latency": latency,
        "burst": lambda: bursts(options.files),
        "start": start_up,
        "rest": lambda: rest(options.rest),
    }
    for name in options.only:
        print(name)
        jobs[name]()


if __name__ == "__main__":
    main()
