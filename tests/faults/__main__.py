"""Every verb with every conflict policy, run and taken back, with every fault at every call: python -m tests.faults

    python -m tests.faults [--only VERB] [--fault EIO] [--kills N --seed S]

Says what it found, each with how to see it again, and how many trials there were. ``--kills`` kills the process before
calls that change something instead, N times, at random; ``--fault kill`` does so before every one.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.system import FAULTS, KILL
from tests.faults.trial import BODIES, trial

MOST_CALLS = 400
SAY_EVERY = 1000
Trial = tuple[str, bool, int, str]


def attempted(one: Trial) -> tuple[str, str]:
    """(the call that something befell, or ""; what was lost, or "")."""
    verb, undoing, fatal, fault = one
    root = Path(tempfile.mkdtemp(prefix="klapp-fault-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        return trial(root, BODIES[verb], fatal, fault, undoing=undoing).name, ""
    except Exception as error:
        return "?", f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(root, ignore_errors=True)


def every(verbs: list[str], faults: list[str]) -> Iterator[tuple[Trial, str, str]]:
    """Each fault at each call of each verb."""
    for verb in verbs:
        for undoing in (False, True):
            for fault in faults:
                for fatal in range(1, MOST_CALLS):
                    name, lost = attempted((verb, undoing, fatal, fault))
                    yield (verb, undoing, fatal, fault), name, lost
                    if not name:
                        break


def some(count: int, seed: int, faults: list[str]) -> Iterator[tuple[Trial, str, str]]:
    """So many trials at random; those behind the last call do not count, and what makes no calls is left out."""
    chance = random.Random(seed)
    lengths: dict[tuple[str, bool, str], int] = {}
    kinds = [(verb, undoing, fault) for verb in BODIES for undoing in (False, True) for fault in faults]
    done = 0
    while done < count and kinds:
        kind = chance.choice(kinds)
        verb, undoing, fault = kind
        fatal = chance.randint(1, lengths.get(kind, 60))
        name, lost = attempted((verb, undoing, fatal, fault))
        if not name:
            lengths[kind] = min(fatal - 1, lengths.get(kind, 60))
            if not lengths[kind]:
                kinds.remove(kind)
            continue
        done += 1
        yield (verb, undoing, fatal, fault), name, lost


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(BODIES))
    parser.add_argument("--fault", action="append", choices=(*FAULTS, KILL))
    parser.add_argument("--count", type=int, help="so many at random instead of all")
    parser.add_argument("--kills", type=int, help="so many kills at random instead")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    faults = options.fault or list(FAULTS)
    if options.kills:
        trials = some(options.kills, options.seed, [KILL])
    elif options.count:
        trials = some(options.count, options.seed, faults)
    else:
        trials = every(options.only or list(BODIES), faults)
    begun, count, losses = time.monotonic(), 0, 0
    for one, name, lost in trials:
        count += bool(name)
        if lost:
            losses += 1
            print(one, name, lost, flush=True)
        elif name and count % SAY_EVERY == 0:
            print(
                f"{count:,} trials in {time.monotonic() - begun:.0f} s, {losses} of them with a loss so far", flush=True
            )
    print(f"{count:,} trials in {time.monotonic() - begun:.0f} s, {losses} of them with a loss")
    return 1 if losses else 0


if __name__ == "__main__":
    sys.exit(main())
