"""Every verb with every conflict policy, run and taken back, with every fault at every call: python -m tests.faults

    python -m tests.faults [--only VERB] [--fault EIO] [--kills N --seed S] [--journal FILE]

Says what it found, each with how to see it again, and how many trials there were. ``--kills`` kills the process instead,
N times, at random: before a call that changes something, at a boundary of the log, or at any moment; ``--fault kill`` and
``--fault "kill at the log"`` do so at every one. With a journal, what is broken off goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.system import FAULTS, KILL_AT_MOMENT, KILLS
from tests.faults.trial import BODIES, trial

MOST_CALLS = 400
SAY_EVERY = 30.0
"""Seconds from one word on how far it is to the next."""
Trial = tuple[str, bool, int, str]
Attempt = Callable[[Trial], tuple[str, str]]
"""(the call that something befell, or ""; what was lost, or "")."""


def attempted(one: Trial) -> tuple[str, str]:
    """Try one in a fresh folder: in memory, for what the disk itself could lose is nothing that these faults try."""
    verb, undoing, fatal, fault = one
    root = Path(tempfile.mkdtemp(prefix="klapp-fault-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        return trial(root, BODIES[verb], fatal, fault, undoing=undoing).name, ""
    except Exception as error:
        return "?", f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(root, ignore_errors=True)


class Journal:
    """Remembers in a file how each trial went, so that the same command goes on behind the last of them."""

    def __init__(self, path: Path) -> None:
        past = path.read_text().splitlines() if path.exists() else []
        self._past = iter([json.loads(line) for line in past])
        self._file = path.open("a")

    def attempted(self, one: Trial) -> tuple[str, str]:
        """As ``attempted``. Raises ValueError where the file is of another command."""
        known = next(self._past, None)
        if known is not None:
            if known[0] != list(one):
                raise ValueError("The journal is of other trials. Name another file, or remove this one.")
            return known[1], known[2]
        name, lost = attempted(one)
        print(json.dumps([one, name, lost]), file=self._file, flush=True)
        return name, lost


def every(verbs: list[str], faults: list[str], attempt: Attempt = attempted) -> Iterator[tuple[Trial, str, str]]:
    """Each fault at each call of each verb."""
    for verb in verbs:
        for undoing in (False, True):
            for fault in faults:
                for fatal in range(1, MOST_CALLS):
                    name, lost = attempt((verb, undoing, fatal, fault))
                    yield (verb, undoing, fatal, fault), name, lost
                    if not name:
                        break


def some(count: int, seed: int, faults: list[str], attempt: Attempt = attempted) -> Iterator[tuple[Trial, str, str]]:
    """So many trials at random; those behind the last call do not count, and what makes no calls is left out."""
    chance = random.Random(seed)
    lengths: dict[tuple[str, bool, str], int] = {}
    kinds = [(verb, undoing, fault) for verb in BODIES for undoing in (False, True) for fault in faults]
    done = 0
    while done < count and kinds:
        kind = chance.choice(kinds)
        verb, undoing, fault = kind
        most = MOST_CALLS if fault == KILL_AT_MOMENT else lengths.get(kind, 60)
        fatal = chance.randint(1, most)
        name, lost = attempt((verb, undoing, fatal, fault))
        if not name:
            if fault != KILL_AT_MOMENT:  # how far a process comes by then is another each time
                lengths[kind] = min(fatal - 1, most)
                if not lengths[kind]:
                    kinds.remove(kind)
            continue
        done += 1
        yield (verb, undoing, fatal, fault), name, lost


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(BODIES))
    parser.add_argument("--fault", action="append", choices=(*FAULTS, *KILLS))
    parser.add_argument("--count", type=int, help="so many at random instead of all")
    parser.add_argument("--kills", type=int, help="so many kills at random instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--journal", type=Path, help="a file that remembers what was tried, to go on from there")
    options = parser.parse_args()
    attempt = Journal(options.journal).attempted if options.journal else attempted
    faults = options.fault or list(FAULTS)
    if options.kills:
        trials = some(options.kills, options.seed, options.fault or list(KILLS), attempt)
    elif options.count:
        trials = some(options.count, options.seed, faults, attempt)
    else:
        trials = every(options.only or list(BODIES), faults, attempt)
    begun, said, losses = time.monotonic(), 0.0, 0
    befell: Counter[str] = Counter()
    for one, name, lost in trials:
        if name:
            befell[one[3]] += 1
        if lost:
            losses += 1
            print(one, name, lost, flush=True)
        if time.monotonic() - said > SAY_EVERY:
            said = time.monotonic()
            print(f"{befell.total():,} trials in {said - begun:.0f} s, {losses} of them with a loss so far", flush=True)
    kinds = ", ".join(f"{fault} {count:,}" for fault, count in sorted(befell.items()))
    print(f"{befell.total():,} trials in {time.monotonic() - begun:.0f} s, {losses} of them with a loss ({kinds})")
    return 1 if losses else 0


if __name__ == "__main__":
    sys.exit(main())
