"""The log: entries a second, alone and in batches, beside plain SQLite; verifying, showing and erasing in a long one.

    python tests/bench/bench_audit.py [--alone 1000] [--entries 1000000] [--rounds 3] [--folder PATH]

Each entry is the intent or outcome of a run, of some 700 bytes. The peer is a table of the standard library's SQLite with
the same bytes in one column, in write-ahead mode with ``synchronous=FULL``: as durable, and neither encrypted, sealed, hashed nor
signed. Contenders take turns within each round, on the same disk; medians are printed. ``--folder`` names the disk.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from klapp.audit.choosing import Choice, choosing
from klapp.audit.erasing import erase
from klapp.audit.log import Entry, Log, digest
from klapp.audit.pages import Filter, page
from klapp.audit.search import indexing

KEY = bytes(range(32))
RULES = b'coworker "Sorter" ...' * 20
BATCH = 1000


def intent(number: int, batch: int) -> Entry:
    path = f"/home/anna/Downloads/invoice {number:07}.pdf"
    move = {"do": "move", "source": path, "goal": path.replace("Downloads", "Documents/Invoices/2026/11"), "identity": [2049, number, 1795000000000000000, 48213]}  # fmt: skip
    body = {
        "batch": batch, "coworker": f"Sorter {number % 7}", "program": digest(RULES), "rule": 0, "trigger": "file arrives",
        "home": "/home/anna", "now": "2026-11-20T09:30:00", "outcome": "done", "reason": "", "uses": [digest(RULES)],
        "file": {"f": [path, 48213, "2026-11-20T09:29:58", 1795000000000000000, 2049, number]},
        "effects": [{"ask": "modified", "of": path, "line": 7, "answer": {"d": "2026-11-20T09:29:58"}}, {"act": "move", "with": [path, "~/Documents/Invoices/2026/11/"], "line": 7, "steps": [move], "answer": None}],
    }  # fmt: skip
    return Entry(number, "intent", body, owner=str(body["coworker"]), subject=path)


def outcome(number: int) -> Entry:
    ended = "failed" if number % 997 == 0 else "done"
    return Entry(number, "outcome", {"outcome": ended, "reason": "The disk is full." if ended == "failed" else ""})


class Klapp:
    name = "klapp's log"

    def __init__(self, folder: Path) -> None:
        self.log = Log.open(folder / "log.db", KEY)

    def add(self, count: int) -> None:
        """So many runs, each an intent and an outcome."""
        first = self.log.reserve(count)
        self.log.append([intent(n, first) for n in range(first, first + count)], [RULES])
        self.log.append([outcome(n) for n in range(first, first + count)])

    def close(self) -> None:
        self.log.close()


class Plain:
    name = "plain SQLite"

    def __init__(self, folder: Path) -> None:
        self.connection = sqlite3.connect(folder / "plain.db", isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute("CREATE TABLE entries (seq INTEGER PRIMARY KEY, body TEXT)")
        self.last = 0

    def add(self, count: int) -> None:
        first, self.last = self.last + 1, self.last + count
        for make in (lambda n: intent(n, first), outcome):
            rows = [(json.dumps(make(n).body),) for n in range(first, first + count)]
            self.connection.execute("BEGIN")
            self.connection.executemany("INSERT INTO entries (body) VALUES (?)", rows)
            self.connection.execute("COMMIT")

    def close(self) -> None:
        self.connection.close()


def timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def appending(folder: Path, runs: int, size: int, rounds: int) -> None:
    figures: dict[str, list[float]] = {Klapp.name: [], Plain.name: []}
    for _ in range(rounds):
        for contender in (Klapp, Plain):
            place = Path(tempfile.mkdtemp(dir=folder))
            one = contender(place)
            figures[one.name].append(timed(lambda one=one: [one.add(size) for _ in range(runs // size)]))  # type: ignore[misc]
            one.close()
            shutil.rmtree(place)
    base = statistics.median(figures[Plain.name])
    print(f"\n{runs * 2:,} entries, {size:,} to a transaction, median of {rounds}")
    for name, seconds in figures.items():
        middle = statistics.median(seconds)
        print(f"  {name:14} {runs * 2 / middle:12,.0f} entries/s   {base / middle:5.2f} of plain SQLite")


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def long_log(folder: Path, entries: int) -> None:
    klapp = Klapp(folder)
    log = klapp.log
    building = timed(lambda: [klapp.add(BATCH) for _ in range(entries // (2 * BATCH))])
    size = (folder / "log.db").stat().st_size
    print(
        f"\na log of {log.count():,} entries, {size / 1e6:,.0f} MB, written in {building:.0f} s; memory {memory():.0f} MB"
    )
    problems = []
    print(
        f"  verify                          {timed(lambda: problems.append(log.verify())):8.2f} s      memory {memory():.0f} MB"
    )
    assert problems == [None]
    pages = {
        "newest 100": Filter(),
        "newest 100 of a coworker": Filter(coworker="Sorter 3"),
        "newest 100 that failed": Filter(outcome="failed"),
        "newest 100 before a moment": Filter(until=log.select("e.seq = ?", (log.count() // 2,))[0].at),
        "one file": Filter(file="/home/anna/Downloads/invoice 0000500.pdf"),
    }
    for name, wanted in pages.items():
        times = [timed(lambda wanted=wanted: page(log, wanted)) for _ in range(5)]  # type: ignore[misc]
        print(f"  {name:30}  {statistics.median(times) * 1000:8.1f} ms")
    print(
        f"  bring the search up to date     {timed(lambda: list(indexing(log))):8.2f} s      memory {memory():.0f} MB"
    )
    times = [timed(lambda: page(log, Filter(text="0000501"))) for _ in range(5)]
    print(f"  {'search for a word':30}  {statistics.median(times) * 1000:8.1f} ms")
    found = []
    print(
        f"  look for a subject everywhere   {timed(lambda: found.extend(choosing(log, Choice(subject='0000501')))):8.2f} s"
    )
    print(
        f"  erase it                        {timed(lambda: erase(log, Choice(subject='0000501'), found[-1])):8.2f} s      memory {memory():.0f} MB"
    )
    assert log.verify() is None
    klapp.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--alone", type=int, default=1000, help="runs for the test of single transactions")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="klapp-bench-", dir=options.folder))
    try:
        appending(folder, options.alone, 1, options.rounds)
        appending(folder, 50 * BATCH, BATCH, options.rounds)
        long_log(folder, options.entries)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
