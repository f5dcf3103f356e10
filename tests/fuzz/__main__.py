"""python -m tests.fuzz: looks for disagreements for as long as it is told.

    python -m tests.fuzz --seconds 60 --jobs 2      for a minute, on two cores
    python -m tests.fuzz --cases 100000             until so many cases were played
    python -m tests.fuzz --lot programs:0:17        one lot once more
    python -m tests.fuzz --kinds disk               only what runs on a real disk

A case is one program, in one world, with a sequence of events that starts it at least once. It ends with 1 where anything was found; each finding
is made small and saved as a .klr file.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from tests.fuzz import coverage
from tests.fuzz.campaign import KINDS, Failure, Lot, described, prepare, smaller, work

KINDS_IN_TURN = (("programs",) * 13 + ("flows", "readers")) * 2 + ("alarms", "disk")
"""One lot in thirty-two is on the disk."""
MOST_FAILURES = 20
ENOUGH = 50_000
"""Cases after which every word of the language should have been said and carried out."""


def main() -> int:
    """The command."""
    options = _options()
    prepare()
    if options.lot:
        kind, seed, number = options.lot.split(":")
        return _told([work(kind, int(seed), int(number))], options.save)
    kinds = [kind for kind in KINDS_IN_TURN if kind in options.kinds]
    end = time.monotonic() + options.seconds if options.seconds else None
    total, began, heard = Lot(), time.monotonic(), 0.0
    with multiprocessing.get_context("fork").Pool(options.jobs, prepare) as pool:
        lots = ((kinds[number % len(kinds)], options.seed, number) for number in count(options.first))
        for lot in _worked(pool, lots, options.jobs):
            _add(total, lot)
            for failure in lot.failures:
                print(f"found: {failure.law}, in {failure.lot}", flush=True)
            now = time.monotonic()
            if now - heard > 20:
                heard = now
                print(_rate(total, now - began), flush=True)
            over = end is not None and now > end
            if (
                over
                or len(total.failures) >= MOST_FAILURES
                or (options.cases and total.cases["cases"] >= options.cases)
            ):
                break
        pool.terminate()
    print(_rate(total, time.monotonic() - began))
    print(_mixture(total))
    print(_covered(total, all(kind in options.kinds for kind in ("programs",))))
    return _told([total], options.save) or int(_is_silent(total))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, help="how long (a minute, where nothing else is said)")
    parser.add_argument("--cases", type=int, help="how many cases")
    parser.add_argument("--seed", type=int, default=0, help="other lots than those of 0")
    parser.add_argument("--first", type=int, default=0, help="the number of the first lot")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--lot", help="KIND:SEED:NUMBER, as a finding names it")
    parser.add_argument("--save", type=Path, help="the folder for findings")
    options = parser.parse_args()
    if not options.seconds and not options.cases:
        options.seconds = 60.0
    return options


def _worked(pool: multiprocessing.pool.Pool, lots: Iterator[tuple[str, int, int]], jobs: int) -> Iterator[Lot]:
    """Lots as they are done, a few always under way."""
    waiting = [pool.apply_async(work, next(lots)) for _ in range(jobs * 3)]
    while True:
        for index, job in enumerate(waiting):
            if job.ready():
                waiting[index] = pool.apply_async(work, next(lots))
                yield job.get()
        time.sleep(0.005)


def _add(total: Lot, lot: Lot) -> None:
    total.cases.update(lot.cases)
    total.coverage.update(lot.coverage)
    total.programs |= lot.programs
    known = Counter(failure.law for failure in total.failures)
    total.failures.extend(failure for failure in lot.failures if known[failure.law] < 4)


def _rate(total: Lot, seconds: float) -> str:
    counts = ", ".join(f"{number:,} {what}" for what, number in sorted(total.cases.items(), key=lambda pair: -pair[1]))
    return f"{seconds:.0f} s: {counts or 'nothing'}; {total.cases['cases'] / max(seconds, 0.001):.0f} cases/s; {len(total.failures)} found"


def _mixture(total: Lot) -> str:
    """What the programs and the cases were like: nothing is counted that comes twice or does nothing."""
    count = total.cases
    programs, cases = max(count["programs"], 1), max(count["cases"], 1)
    as_written = count["accepted"] - count["repaired"]
    done = sorted(((n, key) for key, n in total.coverage.items() if key.startswith("done ")), reverse=True)
    return "\n".join(
        (
            f"of {count['programs']:,} programs {len(total.programs) / programs:.1%} were unlike all others; "
            f"{as_written / programs:.0%} were accepted as written, {count['repaired'] / programs:.0%} once repaired",
            f"of {count['cases']:,} cases {count['acting'] / cases:.0%} did something; "
            f"{count['idle']:,} more started nothing and {count['twice']:,} came twice, which are not counted",
            f"done: {', '.join(f'{key[5:]} {n:,}' for n, key in done)}",
        )
    )


def _covered(total: Lot, is_whole: bool) -> str:
    wanted = coverage.wanted()
    met = [word for word in wanted if total.coverage[word]]
    silent = [word for word in wanted if not total.coverage[word]]
    rare = sorted((total.coverage[word], word) for word in met)[:5]
    lines = [f"of {len(wanted)} words and outcomes of the language {len(met)} were met"]
    if is_whole and silent:
        lines.append(f"never: {', '.join(silent)}")
    lines.append(f"seldom: {', '.join(f'{word} ({number})' for number, word in rare)}")
    return "\n".join(lines)


def _is_silent(total: Lot) -> bool:
    return total.cases["cases"] > ENOUGH and not all(total.coverage[word] for word in coverage.wanted())


def _told(lots: list[Lot], folder: Path | None) -> int:
    """Show and save what was found; the exit code."""
    failures = [failure for lot in lots for failure in lot.failures]
    shown: Counter[str] = Counter()
    for failure in failures:
        shown[failure.law] += 1
        if shown[failure.law] == 1:
            _save(smaller(failure), folder or Path(tempfile.gettempdir()))
        else:
            print(f"\nonce more: {failure.law} in {failure.lot}")
    return 1 if failures else 0


def _save(failure: Failure, folder: Path) -> None:
    text = described(failure)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"fuzz-{failure.law.replace(' ', '-').replace('/', '-')[:40]}-{failure.lot.replace(':', '-')}.klr"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    print(f"\n{text.encode('utf-8', 'backslashreplace').decode()}\nsaved as {path}")


if __name__ == "__main__":
    sys.exit(main())
