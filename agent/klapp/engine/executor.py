"""Carries runs out: plans a batch, commits what it intends, does it, and commits what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Protocol

from klapp.audit.log import Entry, Log
from klapp.engine.planner import Past, Planner
from klapp.engine.record import INTENT, OUTCOME, REPLAN, Bodies, Logged, outcome_body
from klapp.engine.report import RunReport, report
from klapp.engine.runs import Answered, Done, PlannedRun, Refusal, Request
from klapp.files.overlay import Overlay
from klapp.files.protocol import FileError, Files, Identity
from klapp.lane import Lane
from klapp.operations import World
from klapp.operations.steps import Step, perform
from klr.effects import Ending
from klr.program import Program
from klr.vocabulary import Vocabulary

LARGEST_BATCH = 1000
MOST_REPLANS = 20
"""How often the world may surprise one run before it is given up."""


class Guarded(Files, Protocol):
    """A file store that is held to a lane."""

    @property
    def lane(self) -> Lane: ...

    def paths(self, pattern: str) -> Iterator[str]:
        """As ``list``, and only the paths."""
        ...


class Notifier(Protocol):
    """Tells the person something."""

    def show(self, title: str, text: str) -> object: ...


class RealWorld:
    """Where operations really happen."""

    def __init__(self, files: Files, notifier: Notifier, coworker: str) -> None:
        self.files = files
        self.notifier = notifier
        self.coworker = coworker

    def notify(self, text: str) -> None:
        """Show a notice under the coworker's name."""
        self.notifier.show(self.coworker, text)


class Engine:
    """Performs runs. ``files_within`` gives the real disk, held to a lane; ``home`` is the person's folder."""

    def __init__(
        self, log: Log, files_within: Callable[[Lane], Guarded], vocabulary: Vocabulary, notifier: Notifier, home: str
    ) -> None:
        self.log = log
        self.files_within = files_within
        self.vocabulary = vocabulary
        self.notifier = notifier
        self.home = home

    def files_for(self, program: Program) -> Guarded:
        """The real disk, held to the lane of a program's ``may`` lines."""
        grants = [(grant.permission, pattern) for grant in program.grants for pattern in grant.patterns]
        return self.files_within(Lane.of(grants, self.home))

    def planner(self, files: Guarded, request: Request) -> Planner:
        """A planner over a fresh overlay above the real disk."""
        return Planner(self.vocabulary, Overlay(files, files.lane, request.now), self.home)

    def perform(self, requests: Iterable[Request]) -> list[RunReport]:
        """Carry out requests in order, and tell of each. What a run could not do is in its report, not raised."""
        reports: list[RunReport] = []
        for batch in batches(requests):
            first = self.log.reserve(len(batch))
            reports.extend(_Batch(self, first, batch).carried_out())
        return reports


def batches(requests: Iterable[Request]) -> Iterator[list[Request]]:
    """Neighbouring requests of the same program, at most ``LARGEST_BATCH`` at a time."""
    for _, group in groupby(requests, key=lambda request: id(request.program)):
        batch: list[Request] = []
        for request in group:
            batch.append(request)
            if len(batch) == LARGEST_BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


def carry_out(
    steps: Sequence[Step], world: World, known: dict[Identity, Identity]
) -> tuple[list[Step], FileError | None]:
    """Do planned steps: (those that were done, as they were done; what refused the next one, or None)."""
    done: list[Step] = []
    try:
        for step in perform(steps, world, known):
            done.append(step)
    except FileError as error:
        return done, error
    return done, None


class _Batch:
    """Runs of one program that are planned, committed and done together."""

    def __init__(self, engine: Engine, first: int, requests: Sequence[Request]) -> None:
        self.engine = engine
        self.first = first
        self.waiting = list(enumerate(requests, first))
        self.files = engine.files_for(requests[0].program)
        self.world = RealWorld(self.files, engine.notifier, requests[0].coworker)
        self.kind = INTENT

    def carried_out(self) -> Iterator[RunReport]:
        """Everything, replanning what is left whenever the world turns out different from the plan."""
        while self.waiting:
            planner = self.engine.planner(self.files, self.waiting[0][1])
            planned = [planner.plan(number, request) for number, request in self.waiting]
            bodies = Bodies(self.engine.home, self.first)
            intents = [bodies.of(run) for run in planned]
            self._commit([(run.number, self.kind, body) for run, body in zip(planned, intents, strict=True)], bodies)
            self.kind = REPLAN
            yield from self._do(planned, intents)

    def _do(self, planned: Sequence[PlannedRun], intents: list[dict[str, object]]) -> list[RunReport]:
        known: dict[Identity, Identity] = {}
        ended: list[tuple[Logged, list[Step]]] = []
        for run, intent in zip(planned, intents, strict=True):
            steps = run.steps()
            done, error = carry_out(steps, self.world, known)
            if error is not None:
                ended.append((self._surprised(run, done, error, known), done))
                break
            outcome = outcome_body(run.ending.outcome, run.ending.reason, steps, done)
            ended.append((Logged(run.number, intent, outcome), done))
        self.waiting = self.waiting[len(ended) :]
        self.files.sync()
        self._commit([(logged.number, OUTCOME, logged.outcome or {}) for logged, _ in ended])
        return [report(logged, done=done) for logged, done in ended]

    def _surprised(
        self, run: PlannedRun, done: list[Step], error: FileError, known: dict[Identity, Identity]
    ) -> Logged:
        """Go on with a run whose next step was refused: its program gets to know, and plans what is left anew."""
        for _ in range(MOST_REPLANS):
            self.files.sync()
            past = _past(run, done, error, known)
            run = self.engine.planner(self.files, run.request).plan(run.number, run.request, past)
            bodies = Bodies(self.engine.home, self.first)
            body = bodies.of(run, len(done))
            self._commit([(run.number, REPLAN, body)], bodies)
            steps = run.steps()
            more, refused = carry_out(steps[len(done) :], self.world, known)
            done.extend(more)
            if refused is None:
                return Logged(run.number, body, outcome_body(run.ending.outcome, run.ending.reason, steps, done))
            error = refused
        ending = Ending("failed", f"Things changed again and again while this was done. {error.message}")
        return Logged(run.number, body, outcome_body(ending.outcome, ending.reason, steps, done))

    def _commit(self, rows: Iterable[tuple[int, str, dict[str, object]]], bodies: Bodies | None = None) -> None:
        entries = [Entry(number, kind, body) for number, kind, body in rows]
        self.engine.log.append(entries, bodies.blobs.values() if bodies else ())


def _past(run: PlannedRun, done: Sequence[Step], error: FileError, known: dict[Identity, Identity]) -> Past:
    """What a run has behind it when the step after ``done`` was refused: its records with the steps as they were done,
    and the act to which the refused step belongs, refused."""
    records: list[Answered | Done] = []
    count = 0
    for effect in run.effects:
        if isinstance(effect, Answered):
            records.append(effect)
            continue
        steps = tuple(done[count : count + len(effect.steps)])
        count += len(steps)
        if len(steps) < len(effect.steps):
            return Past(records, Done(effect.act, steps, Refusal.of(error)), known)
        records.append(Done(effect.act, steps, effect.answer))
    raise AssertionError("a refused step belongs to an act")
