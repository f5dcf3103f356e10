"""Lots of cases, each made from its number alone, and what becomes of them."""

from __future__ import annotations

import gc
import resource
import signal
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from typing import Any

from klapp.engine.runs import Done
from klapp.vocabulary import VOCABULARY
from klr.format import format_source
from klr.loader import Loaded, load
from klr.source import Source
from tests.fuzz import coverage, disk, interference, readers, refusals
from tests.fuzz.agreement import Disagreement, Stage, Subject, case, read
from tests.fuzz.leaks import Leaks
from tests.fuzz.programs import Programs
from tests.fuzz.shrinking import shrunk
from tests.fuzz.worlds import Scene, scene

WORLDS = 32
"""Worlds for each accepted program: making and proving one costs as much as playing it in fifty."""
LONGEST = 60
"""Seconds that a lot may take; no program goes on for ever, and none is proved for ever."""
MOST_MEMORY = 4 << 30


@dataclass
class Lot:
    """What became of the cases of one number."""

    cases: Counter[str] = field(default_factory=Counter)
    coverage: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    programs: set[int] = field(default_factory=set)
    """A number for each text, so that those which came twice are seen."""


@dataclass(frozen=True)
class Failure:
    """A case that went wrong: how to have it again, what broke, and the program that broke it."""

    lot: str
    law: str
    message: str
    text: str = ""
    scene: Scene | None = None


class TooSlow(Exception):
    """A lot took longer than it may."""


def prepare() -> None:
    """For a process that works on lots alone: a bound on its memory, and a clock that is the same everywhere."""
    import os
    import time

    os.environ["TZ"] = "UTC"
    time.tzset()
    # What was imported stays; what a lot makes is gone with it, so the collector need not come so often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    # The soft limit only: workers take another one.
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


def work(kind: str, seed: int, number: int) -> Lot:
    """One lot: everything that follows from its kind, the seed and its number."""
    lot = Lot()
    before = signal.signal(signal.SIGPROF, _too_slow), signal.signal(signal.SIGALRM, _too_slow)
    # Its own seconds, for others may want the processor too; what waits for ever is ended all the same.
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    signal.alarm(LONGEST * 20)
    try:
        KINDS[kind](lot, Random(f"{seed} {kind} {number}"), f"{kind}:{seed}:{number}")
    except Exception as error:
        lot.failures.append(Failure(f"{kind}:{seed}:{number}", law_of(error), _told(error)))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        signal.signal(signal.SIGPROF, before[0])
        signal.signal(signal.SIGALRM, before[1])
    return lot


def _too_slow(*_: object) -> None:
    raise TooSlow(f"more than {LONGEST} seconds")


def law_of(error: Exception) -> str:
    """The law that an error breaks: that of a disagreement, or its own name."""
    return error.law if isinstance(error, Disagreement) else f"raises {type(error).__name__}"


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, Disagreement) else traceback.format_exc(limit=-6)


# -- programs -----------------------------------------------------------------------------------------------------------


def flows(lot: Lot, random: Random, name: str) -> None:
    """One program without any line, that tells hosts and people things: with the lines that its findings ask for, and not
    one more, it tells nothing else, and those who may not know something can not tell whether it is so."""
    programs(lot, random, name, Leaks(random) if random.random() < 0.6 else Programs(random, reaches=1, bare=True))


def programs(lot: Lot, random: Random, name: str, made: Programs | Leaks | None = None) -> None:
    """One program, judged; and where it is accepted, as it is or repaired, run in many worlds."""
    made = made or Programs(random)
    text = made.program()
    try:
        subject = judged(lot, text, random)
    except (Disagreement, TooSlow, MemoryError, AssertionError) as error:
        lot.failures.append(Failure(name, law_of(error), _told(error), text))
        return
    if subject is None:
        return
    lot.coverage.update(coverage.said(subject))
    waiting = [rule.trigger for rule in subject.rules]
    known = set()
    for _ in range(WORLDS // 2 if made.bare else WORLDS):
        here = scene(random, waiting)
        if here.key in known:
            lot.cases["twice"] += 1
            continue
        known.add(here.key)
        try:
            stage = case(subject, here)
            if made.bare:
                lot.cases["pairs"] += interference.pair(subject, stage, random)
        except Exception as error:
            lot.failures.append(Failure(name, law_of(error), _told(error), subject.program.text, here))
            break
        # Where nothing started it was only seen that both say so.
        lot.cases["cases" if stage.runs else "idle"] += 1
        lot.cases["runs"] += len(stage.runs)
        lot.cases["acting"] += any(isinstance(one, Done) for run, _ in stage.runs for one in run.effects)
        lot.coverage.update(coverage.done(stage))


def judged(lot: Lot, text: str, random: Random) -> Subject | None:
    """An accepted program, after what can be said of it before it runs; None where it is wrong elsewhere."""
    loaded = load(text, VOCABULARY)
    lot.cases["programs"] += 1
    lot.programs.add(int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()))
    lot.coverage.update({f"code {d.code}" for d in loaded.diagnostics})
    if loaded.program is None:
        if any(d.code not in refusals.LINES for d in loaded.errors):
            return None
        lot.cases["witnesses"] += refusals.check_witnesses(loaded)
        loaded = refusals.repaired(loaded)
        lot.cases["repaired"] += 1
    if loaded.program is None:
        return None
    lot.cases["accepted"] += 1
    if random.random() < 0.15:
        loaded = formatted(loaded)
        lot.cases["formatted"] += 1
    assert loaded.program is not None
    return Subject.of(loaded.program)


def formatted(loaded: Loaded) -> Loaded:
    """The same program, formatted: its tree is the same, and formatting again changes nothing."""
    before = read(loaded.source.text)
    text = format_source(loaded.source, before)
    after = read(text)
    if after.tree != before.tree:
        raise Disagreement("format", f"another program:\n{text}")
    if format_source(Source(text), after) != text:
        raise Disagreement("format", f"changes once more:\n{text}")
    made = load(text, VOCABULARY)
    if made.program is None:
        raise Disagreement("format", f"is refused: {made.errors}")
    return made


def alarms(lot: Lot, random: Random, name: str) -> None:
    """Simple programs: what is refused could really have gone wrong, and the repair is accepted."""
    for _ in range(20):
        text = refusals.simple(random)
        loaded = load(text, VOCABULARY)
        lot.cases["simple programs"] += 1
        if loaded.program is not None:
            continue
        try:
            lot.cases["alarms"] += refusals.check_alarm(loaded)
            lot.cases["witnesses"] += refusals.check_witnesses(loaded)
            if all(d.code == "K401" for d in loaded.errors) and refusals.repaired(loaded).program is None:
                raise Disagreement("repair", "is not accepted")
        except Disagreement as error:
            lot.failures.append(Failure(name, error.law, str(error), text))


KINDS: dict[str, Callable[[Lot, Random, str], None]] = {
    "programs": programs,
    "flows": flows,
    "alarms": alarms,
    "disk": disk.lot,
    "readers": readers.lot,
}


# -- failures -----------------------------------------------------------------------------------------------------------


def smaller(failure: Failure) -> Failure:
    """The same failure with a smaller program in a smaller world, where it has one and that can be found."""
    if failure.scene is None or not failure.text:
        return failure

    def fails(text: str, here: Scene | None) -> bool:
        return here is not None and _law(text, here) == failure.law

    if not fails(failure.text, failure.scene):
        return failure
    text, here = shrunk(failure.text, failure.scene, fails)
    message = _outcome(text, here)[1] if here is not None else failure.message
    return Failure(failure.lot, failure.law, message, text, here)


def _law(text: str, here: Scene) -> str:
    return _outcome(text, here)[0]


def _outcome(text: str, here: Scene) -> tuple[str, str]:
    """The law that a program breaks in a world, and how; ("", "") where none."""
    try:
        program = load(text, VOCABULARY).program
        if program is None:
            return "", ""
        Stage(Subject.of(program), here)
        case(Subject.of(program), here)
    except Exception as error:
        return law_of(error), _told(error)
    return "", ""


def described(failure: Failure) -> str:
    """A failure as the text of a file: the program, with what is to be known of it in comments."""
    lines = [f"# python -m tests.fuzz --lot {failure.lot}", f"# {failure.law}"]
    lines.extend(f"# {line}" for line in failure.message.splitlines())
    if failure.scene is not None:
        for name, value in _parts(failure.scene):
            lines.append(f"# {name}: {value}")
    return "\n".join((*lines, "", failure.text))


def _parts(here: Scene) -> list[tuple[str, Any]]:
    files = [(path, placed) for path, placed in here.files.items()]
    return [
        ("home", here.home),
        ("now", here.now),
        ("zone", here.zone),
        ("events", here.events),
        *(("file", f) for f in files),
    ]
