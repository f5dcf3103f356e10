"""Carries runs out: plans a batch, commits what it intends, does it, and commits what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Protocol

from klapp.audit.inputs import hashed_up_to
from klapp.audit.log import Log
from klapp.engine.fingerprints import Fingerprints, OfMail
from klapp.engine.hands import Guarded, Hands, HandsLost, Notifier, OwnHands, RealWorld
from klapp.engine.outside import Nowhere, grants_of_files
from klapp.engine.outside import World as Outside
from klapp.engine.record import INTENT, OUTCOME, REPLAN, Bodies, Logged, entry, outcome_body
from klapp.engine.report import RunReport, report
from klapp.engine.runs import Planned, Refusal, Request, Story
from klapp.files.protocol import FileError, Identity
from klapp.lane import Lane
from klapp.operations import Mailbox, World
from klapp.operations.steps import Step, perform
from klr.effects import Ending
from klr.program import Program
from klr.vocabulary import Vocabulary

LARGEST_BATCH = 1000
MOST_REPLANS = 20
"""How often the world may surprise one run before it is given up."""
LOST = "The process that worked on it {}. Nothing was changed by it."
LOST_AT_WORK = "The process that worked for it {}. What it had begun was finished or closed; see: klapp log"
UNCONFIRMED = "What was told of {} is not what lies there now. The log says so."


class Workers(Protocol):
    """Where hands in processes of their own come from."""

    def for_program(self, program: Program, world: RealWorld, files: Guarded) -> AbstractContextManager[Hands]:
        """Hands that plan and do runs of a program, held to the folders of its ``may`` lines."""

    def for_steps(self, places: dict[str, set[str]], world: RealWorld, files: Guarded) -> AbstractContextManager[Hands]:
        """Hands that do steps, held to the folders of these paths, by permission."""


class Engine:
    """Performs runs. ``files_within`` gives the real disk, held to a lane; ``home`` is the person's folder.

    ``workers`` do the work in processes of their own; without them it is done in this one, behind the guard alone.
    """

    def __init__(
        self,
        log: Log,
        files_within: Callable[[Lane], Guarded],
        vocabulary: Vocabulary,
        notifier: Notifier,
        home: str,
        workers: Workers | None = None,
        reach: Callable[[Program, str], Outside] | None = None,
        of_mail: OfMail = lambda key: None,
        mailbox: Mailbox | None = None,
    ) -> None:
        self.log = log
        self.files_within = files_within
        self.vocabulary = vocabulary
        self.notifier = notifier
        self.home = home
        self.workers = workers
        self.reach = reach
        self.ended: Callable[[Sequence[Logged]], None] = lambda runs: None
        """Told of runs that end, with their outcomes, in the transaction in which these are logged."""
        self.of_mail = of_mail
        self._lane: tuple[Program, Lane] | None = None
        """The newest one made: it remembers what it answered, and a batch asks it again and again."""
        self.mailbox = mailbox

    def files_for(self, program: Program) -> Guarded:
        """The real disk, held to the lane of a program's ``may`` lines."""
        known = self._lane
        if known is None or known[0] is not program:
            known = self._lane = program, Lane.of(grants_of_files(program), self.home)
        return self.files_within(known[1])

    def hands_for(self, request: Request, *, simulated: bool = False) -> AbstractContextManager[Hands]:
        """What plans and does the runs of a program; those that are ``simulated`` reach no host and no app."""
        files = self.files_for(request.program)
        outside = self.reach(request.program, request.coworker) if self.reach and not simulated else None
        world = RealWorld(files, self.notifier, request.coworker, outside)
        if self.workers is not None:
            return self.workers.for_program(request.program, world, files)
        return nullcontext(OwnHands(self.vocabulary, files, world, self.home))

    def hands_within(self, files: Guarded, places: dict[str, set[str]], coworker: str) -> AbstractContextManager[Hands]:
        """What does steps that no program has to be driven for, at these places."""
        world = RealWorld(files, self.notifier, coworker, Nowhere(mailbox=self.mailbox))
        if self.workers is not None:
            return self.workers.for_steps(places, world, files)
        return nullcontext(OwnHands(self.vocabulary, files, world, self.home))

    def perform(self, requests: Iterable[Request], fuse: Fuse | None = None) -> list[RunReport]:
        """Carry out requests in order, and tell of each. What a run could not do is in its report, not raised.

        Where a ``fuse`` is given and blows, those behind that run are left as they were, and not told of.
        """
        reports: list[RunReport] = []
        for batch in batches(requests):
            if fuse is not None and fuse.blown:
                break
            first = self.log.reserve(len(batch))
            reports.extend(_Batch(self, first, batch, fuse or Fuse()).carried_out())
        return reports


@dataclass(slots=True)
class Fuse:
    """Blows when ``most`` runs have failed in a row, ``row`` of them before; never where ``most`` is None. A run that is
    tried again when it fails does not count."""

    most: int | None = None
    row: int = 0

    @property
    def blown(self) -> bool:
        """Whether nothing more is to be run."""
        return self.most is not None and self.row >= self.most

    def saw(self, request: Request, outcome: str, *, unsure: bool = False) -> bool:
        """Count a run; gives whether nothing is to be run behind it."""
        if outcome != "failed":
            self.row = 0
        elif unsure or not request.again:
            self.row += 1
        return self.blown


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
    return taken(perform(steps, world, known), len(steps), last=True)


def taken(performing: Iterator[Step], count: int, *, last: bool = False) -> tuple[list[Step], FileError | None]:
    """The next ``count`` steps of those that are being done: (those that were done, what refused the next, or None).

    With the ``last`` of them, whoever does them is heard to the end.
    """
    done: list[Step] = []
    try:
        while len(done) < count:
            done.append(next(performing))
        if last:
            next(performing, None)
    except FileError as error:
        return done, error
    return done, None


class _Batch:
    """Runs of one program that are planned, committed and done together."""

    def __init__(self, engine: Engine, first: int, requests: Sequence[Request], fuse: Fuse) -> None:
        self.engine = engine
        self.fuse = fuse
        self.first = first
        self.waiting = list(enumerate(requests, first))
        self.coworker = requests[0].coworker
        self.intended: set[int] = set()
        files = engine.files_for(requests[0].program)
        self.fingerprints = Fingerprints(files, hashed_up_to(engine.log), engine.of_mail)
        self.alone = False

    def carried_out(self) -> Iterator[RunReport]:
        """Everything, replanning what is left whenever the world turns out different from the plan."""
        while self.waiting and not self.fuse.blown:
            with self.engine.hands_for(self.waiting[0][1]) as hands:
                requests = dict(self.waiting)
                planned = self._planned(hands)
                for report in self._carried_out(hands, planned) if planned else ():
                    self.fuse.saw(requests[report.run or 0], report.outcome, unsure=report.unsure)
                    yield report

    # -- planning -----------------------------------------------------------------------------------------------------

    def _planned(self, hands: Hands) -> list[Planned]:
        """Plans for the runs that wait, or the first few of them. Hands that are lost get one run at a time from then
        on, so that the one which costs them is found; that one is planned to do nothing, and to fail."""
        try:
            planned = self._up_to_fuse(hands.plan(self.waiting[:1] if self.alone else self.waiting))
        except HandsLost as error:
            if len(self.waiting) > 1 and not self.alone:
                self.alone = True
                return []
            return [self._given_up(str(error))]
        return planned

    def _up_to_fuse(self, plans: Iterable[Planned]) -> list[Planned]:
        """The plans up to the one that will blow the fuse; all are heard, for the hands tell them to the end."""
        fuse, kept = replace(self.fuse), list[Planned]()
        for run in plans:
            if not fuse.blown:
                kept.append(run)
                fuse.saw(run.request, run.ending.outcome)
        return kept

    def _given_up(self, why: str) -> Planned:
        self.alone = False
        number, request = self.waiting[0]
        return Planned(number, request, [], [], Ending("failed", LOST.format(why)), lost=why)

    def _commit_intents(self, planned: Sequence[Planned], done: int = 0) -> list[dict[str, Any]]:
        bodies = Bodies(self.engine.home, self.first)
        intents = [bodies.of(run, self.fingerprints.of(run.request), done) for run in planned]
        kinds = [REPLAN if run.number in self.intended else INTENT for run in planned]
        rows = zip(planned, kinds, intents, strict=True)
        self.engine.log.append([entry(run.number, kind, body) for run, kind, body in rows], bodies.blobs.values())
        self.intended.update(run.number for run in planned)
        return intents

    # -- acting -------------------------------------------------------------------------------------------------------

    def _carried_out(self, hands: Hands, planned: Sequence[Planned]) -> list[RunReport]:
        intents = self._commit_intents(planned)
        ended: list[tuple[Logged, list[Step]]] = []
        try:
            self._do(hands, planned, intents, ended)
        except HandsLost as error:
            return self._settled(ended, planned, str(error))
        return self._ended(ended)

    def _do(
        self,
        hands: Hands,
        planned: Sequence[Planned],
        intents: Sequence[dict[str, Any]],
        ended: list[tuple[Logged, list[Step]]],
    ) -> None:
        known: dict[Identity, Identity] = {}
        steps = [step for run in planned for step in run.steps]
        performing = hands.perform(steps, known, 0)
        for run, intent in zip(planned, intents, strict=True):
            done, error = taken(performing, len(run.steps), last=run is planned[-1])
            if error is not None:
                ended.append((self._surprised(hands, run, done, error, known), done))
                break
            outcome = outcome_body(run.ending.outcome, run.ending.reason, run.steps, done)
            ended.append((Logged(run.number, intent, outcome), done))
        if steps:
            hands.sync()
        self._doubt(hands, ended)

    def _surprised(
        self, hands: Hands, run: Planned, done: list[Step], error: FileError, known: dict[Identity, Identity]
    ) -> Logged:
        """Go on with a run whose next step was refused: its program gets to know, and plans what is left anew."""
        for _ in range(MOST_REPLANS):
            hands.sync()
            story = Story(run.effects, run.blobs, done, Refusal.of(error), known)
            (run,) = hands.plan([(run.number, run.request)], story)
            (body,) = self._commit_intents([run], len(done))
            known = {}  # what the new plan alone knows has nothing to do with what the old one knew
            left = run.steps[len(done) :]
            more, refused = taken(hands.perform(left, known, len(done)), len(left), last=True)
            done.extend(more)
            if refused is None:
                return Logged(run.number, body, outcome_body(run.ending.outcome, run.ending.reason, run.steps, done))
            error = refused
        ending = Ending("failed", f"Things changed again and again while this was done. {error.message}")
        return Logged(run.number, body, outcome_body(ending.outcome, ending.reason, run.steps, done))

    def _doubt(self, hands: Hands, ended: Sequence[tuple[Logged, list[Step]]]) -> None:
        """Have the log say which files are not as they were told to be; the person is told of the first."""
        doubtful = set(hands.unconfirmed([step for _, done in ended for step in done]))
        if not doubtful:
            return
        for logged, done in ended:
            mine = sorted(doubtful.intersection(operation.makes() or "" for operation, _ in done))
            if mine and logged.outcome is not None:
                logged.outcome["unconfirmed"] = mine
        self.engine.notifier.show(self.coworker, UNCONFIRMED.format(min(doubtful)))

    def _settled(
        self, ended: Sequence[tuple[Logged, list[Step]]], planned: Sequence[Planned], why: str
    ) -> list[RunReport]:
        """What became of a batch whose hands were lost: whatever was begun is settled as after a kill of the agent, for
        nothing that they told is sure. What was not begun waits for the next hands."""
        from klapp.engine.recovery import settle_lost

        self.engine.notifier.show(self.coworker, LOST_AT_WORK.format(why))
        reports = settle_lost(self.engine, [run.number for run in planned])
        self.waiting = self.waiting[len(reports) :]
        if not reports and self.alone:
            return self._carried_out_to_nothing(why)
        self.alone = bool(self.waiting)
        return reports

    def _carried_out_to_nothing(self, why: str) -> list[RunReport]:
        run = self._given_up(why)
        (body,) = self._commit_intents([run])
        return self._ended([(Logged(run.number, body, outcome_body("failed", run.ending.reason, [], [])), [])])

    def _ended(self, ended: Sequence[tuple[Logged, list[Step]]]) -> list[RunReport]:
        self.waiting = self.waiting[len(ended) :]
        runs = [logged for logged, _ in ended]
        entries = [entry(logged.number, OUTCOME, logged.outcome or {}) for logged in runs]
        self.engine.log.append(entries, within=lambda: self.engine.ended(runs))
        return [report(logged, done=done) for logged, done in ended]
