"""Carries out starts: in turn, as the options of each rule say, again where a run failed, and on to whoever waits.

One thread does the work. What files, clocks and other coworkers start is offered by any thread, and waits in one queue
in the order in which it came; what must wait longer than for its turn is in the agenda.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from klapp import telling
from klapp.agenda import NOT_READY, QUIET, RETRY, WINDOW
from klapp.agent import CHUNK, Agent
from klapp.audit.events import Paused, acting, acting_now
from klapp.coworkers.store import Coworker
from klapp.dispatch import CLOCK, Dispatcher, Index, Start
from klapp.engine.executor import Fuse
from klapp.engine.report import RunReport
from klapp.engine.runs import Request
from klapp.files.shown import shown
from klapp.lineage import Origin
from klapp.marks import FAILS, FINISHES, mark
from klapp.triggers.clock import local_zone
from klapp.triggers.schedule import opens
from klapp.vault.database import failures
from klr.program import Options, Rule

LOOKING_ON = ("command line", "socket", "page")
"""From where a person asks who is told there what was done, and needs no notice of it."""
LONGEST_RETRY = timedelta(days=1)
ORIGINS = {
    "file arrives": "trigger: a file", "file changes": "trigger: a file", "file leaves": "trigger: a file",
    "folder arrives": "trigger: a folder", "every": "trigger: the clock", "cron": "trigger: the clock",
    "klapp starts": "trigger: klapp's start", "mail arrives": "trigger: a mail", "asked": "trigger: another try",
}  # fmt: skip
"""From where the log says that a run came."""
LONGEST_WAIT = 60.0
"""Seconds after which the agenda is looked at again while something in it is due at a time: clocks can be set."""
NO_LOG = 5.0
"""Seconds until the log is tried again where it can not be written."""
MOST_TROUBLES = 10
"""How often a start is tried again that klapp itself could not carry out."""
Job = Callable[[], None]


class Turns:
    """The queue and its thread. ``trouble`` is told what is to be remembered, too; ``quiet`` is how long files have been quiet when they are told of; ``tell`` is told, in
    sentences, what a person should know; ``served`` when what the clock started is done; ``rested`` is called when something was done and nothing waits."""

    def __init__(
        self,
        agent: Agent,
        tell: Callable[[str], None],
        *,
        trouble: Callable[[str], None] | None = None,
        quiet: timedelta = timedelta(seconds=1),
        changed: Callable[[], None] = lambda: None,
        served: Callable[[tuple[str, int], datetime], None] = lambda key, moment: None,
        rested: Job = lambda: None,
    ) -> None:
        self.agent = agent
        self.agenda = agent.agenda
        self.marks = agent.marks
        self.index = Index({}, agent.person)
        self._tell = tell
        self._trouble = trouble or tell
        self._quiet = quiet
        self._changed = changed
        self._served = served
        self._rested = rested
        self._queue: deque[Start | Job] = deque()
        self._under_way: Counter[tuple[str, int]] = Counter()
        self._waiting: Counter[str] = Counter()
        self._bouts: dict[str, telling.Work] = {}  # what coworkers did since they last had nothing to do
        self._running: dict[int, Start] = {}
        self._rounds: set[tuple[str, int]] = set()
        self._left_out: set[tuple[str, int]] = set()
        # Moments that are to be put down when nothing before them is under way.
        self._reached: dict[tuple[str, int], datetime] = {}
        self._reaching = threading.Lock()  # whoever has it takes no other
        self._wake = threading.Condition()
        self._stopped = False
        self.busy = False
        self._thread = threading.Thread(target=self._loop, name="klapp-worker", daemon=True)
        agent.performed = self._performed
        agent.fuse = self._fuse
        agent.introduced = self._introduced

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End when what is being done is done."""
        with self._wake:
            self._stopped = True
            self._wake.notify()
        self._thread.join()

    def then(self, job: Job) -> None:
        """Do something else behind what is in the queue now."""
        with self._wake:
            self._queue.append(job)
            self._wake.notify()

    def release(self, coworker: str | None) -> None:
        """A coworker (None: each) may work again: what waited for that is offered again."""
        self.then(lambda: self.offer(self.agenda.take_of(coworker)))

    # -- what may start -----------------------------------------------------------------------------------------------

    def offer(self, starts: Iterable[Start]) -> None:
        """Starts, in their order: each is queued, held for later, or left out, as its rule says."""
        known: dict[str, Coworker | None] = {}
        for start in starts:
            try:
                if start.coworker not in known:
                    known[start.coworker] = self.agent.coworkers.known(start.coworker)
                self._admit(start, known[start.coworker])
            except failures():
                self.then(partial(self._persist, partial(self._offer_one, start), failures()))

    def _offer_one(self, start: Start) -> None:
        self._admit(start, self.agent.coworkers.known(start.coworker))

    def _admit(self, start: Start, coworker: Coworker | None) -> None:
        rule = _rule_of(start, coworker)
        if self.marks.has(start):
            return  # it ran, or waits, and klapp was cut off before who offers it got to know
        if coworker is None or rule is None:
            self.agenda.forget([start])
            return
        options = rule.trigger.options
        if coworker.state != "ready":
            self._hold_until_ready(start, coworker, options)
        elif (due := self._too_early(start, options)) is not None:
            self.marks.hold(start, WINDOW, due)
        elif options.quiet is not None and not start.settled:
            wait = options.quiet - (self._quiet if start.path is not None else timedelta())
            due = datetime.now(UTC).timestamp() + max(0.0, wait.total_seconds())
            self.marks.hold(replace(start, settled=True), QUIET, due, instead=True)
        elif self._has_place(start, options, rule.line):
            with self._wake:
                self._queue.append(start)
                self._under_way[start.key] += 1
                self._waiting[start.coworker] += 1
                self._wake.notify()
            return
        with self._wake:
            self._wake.notify()  # the worker sleeps until the first of what is held is due

    def _hold_until_ready(self, start: Start, coworker: Coworker, options: Options) -> None:
        due = coworker.paused.timestamp() if isinstance(coworker.paused, datetime) else None
        if start.phrase in CLOCK and options.catch_up == "never":
            self._serve([start])
            return
        with self.agenda.transaction():
            self.marks.hold(start, NOT_READY, due, instead=start.phrase in CLOCK and options.catch_up == "once")
            self._serve([start])

    def _too_early(self, start: Start, options: Options) -> float | None:
        """When the window of a rule opens, in seconds since 1970; None where it is open, or the clock has seen to it."""
        if options.window is None or start.phrase in CLOCK:
            return None
        zone = ZoneInfo(options.zone) if options.zone else local_zone()
        now = datetime.now(UTC)
        opened = opens(now, zone, options.window)
        return None if opened == now else opened.timestamp()

    def _has_place(self, start: Start, options: Options, line: int) -> bool:
        """Whether there is room for one more run of a rule; where there is none, what the rule says then is done."""
        if options.excess == "queue" or start.attempt:
            return True
        with self._wake:
            if self._under_way[start.key] + self.agenda.count(*start.key, RETRY) < options.most:
                return True
            if options.excess == "restart":
                self._give_up_waiting(start.key)
                return True
        if start.key not in self._left_out:
            self._left_out.add(start.key)
            self._tell(f'"{start.coworker}" (line {line}) is at work still, so a start was left out, as it says.')
        self.agenda.forget([start])
        self._serve([start])
        return False

    def _give_up_waiting(self, key: tuple[str, int]) -> None:
        """Take the starts of a rule out of the queue; one that runs already goes on to its end."""
        kept = [item for item in self._queue if not isinstance(item, Start) or item.key != key]
        gone = [item for item in self._queue if isinstance(item, Start) and item.key == key]
        self._queue = deque(kept)
        self._under_way[key] -= len(gone)
        self._waiting[key[0]] -= len(gone)
        self.agenda.give_up(key, RETRY)
        self.agenda.forget(gone)
        self._serve(gone)

    # -- the thread ---------------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._stopped and (wait := self.agenda.next_due()) != 0.0:
                    self._wake.wait(None if wait is None else min(wait, LONGEST_WAIT))
                if self._stopped:
                    return
                batch = self._next_batch()
            if not batch:
                self._guarded(lambda: self.offer(self.agenda.take_due()))
                continue
            self.busy = True
            self._changed()
            work = batch[0] if not isinstance(batch[0], Start) else lambda: self._perform(batch)  # noqa: B023
            self._guarded(work)
            self.busy = bool(self._queue)
            if not self.busy:
                self._changed()
                self._guarded(self._rested)

    def _guarded(self, work: Job) -> None:
        try:
            work()
        except Exception as error:
            # Whatever one piece of work does wrong, the next one must be done.
            self._trouble(f"Something did not work: {error}")

    def _next_batch(self) -> list[Any]:
        """What is next: one job, or starts of one coworker that stand together."""
        batch: list[Any] = []
        while self._queue and len(batch) < CHUNK:
            item = self._queue[0]
            if batch and not (isinstance(item, Start) and isinstance(batch[0], Start)):
                break
            if batch and item.coworker != batch[0].coworker:  # type: ignore[union-attr]  # both are starts
                break
            batch.append(self._queue.popleft())
            if not isinstance(item, Start):
                break
        return batch

    # -- runs ---------------------------------------------------------------------------------------------------------

    def _perform(self, batch: Sequence[Start]) -> None:
        name = batch[0].coworker
        coworker = self.agent.coworkers.known(name)
        served = list(batch)
        try:
            if coworker is not None and coworker.program is not None and coworker.state == "ready":
                requests = self._requests(batch, coworker)
                running = set(map(id, self._running.values()))
                self.agenda.forget(start for start in batch if id(start) not in running)
                with acting(ORIGINS.get(batch[0].phrase, "trigger: another coworker")):
                    for item in self.agent.perform(requests, len(requests)):
                        report: RunReport | None = item.get("report")
                        if report is not None and report.outcome == "failed":
                            self.tell_failed(report.coworker, report.run, report.reason)
                self._put_off(unperformed := list(self._running.values()))  # it failed too often, and is paused
                put_off = set(map(id, unperformed))
                served = [start for start in batch if id(start) not in put_off]
            elif coworker is not None:
                served = []
                self._put_off(batch)
            else:
                self.agenda.forget(batch)
        except Exception as error:
            # Such as with a full disk. What had begun is settled; the rest is tried again, with the file as it is then.
            served = []
            self.then(lambda: self._hand_on(name) if not self._waiting[name] else None)
            self._settle(batch, isinstance(error, failures()))
            raise
        finally:
            self._running.clear()
            with self._wake:
                self._under_way.subtract(start.key for start in batch)
                self._waiting[name] -= len(batch)
                idle = self._waiting[name] <= 0
            self._serve(served)
        if idle:
            self._hand_on(name)

    def _put_off(self, starts: Sequence[Start]) -> None:
        """These, of one coworker, wait until it may work."""
        coworker = self.agent.coworkers.known(starts[0].coworker) if starts else None
        if coworker is None:
            self.agenda.forget(starts)
            return
        with self.agenda.transaction():
            for start in starts:
                if rule := _rule_of(start, coworker):
                    self._hold_until_ready(start, coworker, rule.trigger.options)

    def _fuse(self, request: Request) -> Fuse:
        """One run is tried even by a coworker that failed too often before, as when a person runs it by hand."""
        most, row = request.program.limits.failures, self.agent.coworkers.failures(request.coworker)
        return Fuse(most, row if most is None else min(row, most - 1))

    def _settle(self, batch: Sequence[Start], no_log: bool) -> None:
        """Finish what was begun of a batch, and have the rest tried again. Until the log lets that be, everything is held
        up: to go on would be to forget, or to run something twice."""

        def settled() -> None:
            self.agent.settle()
            self._tried_later([start for start in batch if not self.marks.dealt_with(start)], no_log)

        self._persist(settled, Exception)

    def _persist(self, work: Job, trouble: type[Exception]) -> None:
        """Do something again and again until it works, or klapp ends."""
        told = False
        while not self._stopped:
            try:
                work()
                return
            except trouble as error:
                if not told:
                    self._tell(f"klapp can not write its log ({error}). All work waits until it can.")
                told = True
                with self._wake:
                    self._wake.wait_for(lambda: self._stopped, NO_LOG)

    def _tried_later(self, batch: Sequence[Start], no_log: bool) -> None:
        """Of what klapp could not do, only a log without room is sure to be better one day; the rest is given up."""
        due = datetime.now(UTC).timestamp() + LONGEST_WAIT
        with self.agenda.transaction():
            for start in batch:
                if start.attempt < MOST_TROUBLES or no_log:
                    attempt = max(start.attempt, 1) if no_log else start.attempt + 1
                    self.marks.hold(replace(start, attempt=attempt, settled=True), RETRY, due)

    def _requests(self, batch: Sequence[Start], coworker: Coworker) -> list[Request]:
        assert coworker.program is not None
        files = self.agent.engine.files_for(coworker.program)
        dispatcher: Dispatcher = self.agent.dispatcher
        found = []
        for start in batch:
            if _rule_of(start, coworker) is None:
                continue
            request = dispatcher.of_start(start, coworker.program, files, self.agent.clock())
            if request is not None and not self._stopped_round(request, start):
                request = self._with_mark(request, start, start)
                found.append(request)
                self._running[id(request)] = start
        return found

    def _serve(self, starts: Iterable[Start]) -> None:
        """What the clock started is dealt with: put down as soon as no earlier moment of that rule is under way, for
        that would be taken to be dealt with too."""
        with self._reaching:
            for start in starts:
                if start.moment is not None:
                    self._reached[start.key] = max(start.moment, self._reached.get(start.key, start.moment))
            free = {key: self._reached.pop(key) for key in list(self._reached) if self._under_way[key] <= 0}
        for key, moment in free.items():
            self._served(key, moment)

    def _stopped_round(self, request: Request, start: Start) -> bool:
        """Whether a rule must not start, since what starts it is its own doing; the person is told once for each rule."""
        if start.key not in start.through and not self.agent.lineage.goes_round(request):
            return False
        if start.key not in self._rounds:
            self._rounds.add(start.key)
            if start.key in start.through:
                sentence = "would go on for ever by what it starts itself. It was not started again."
            else:
                where = shown(request.file.path) if request.file else ""
                sentence = (
                    f"would go on for ever with what it makes itself, such as {where}. It was not started again. "
                    "Let it put files where it does not wait for them."
                )
            self._trouble(f'"{request.coworker}" (line {request.rule.line}) {sentence}')
        return True

    def tell_failed(self, coworker: str, run: int | None, reason: str) -> None:
        """Tell of a run that failed."""
        self._tell(f'"{coworker}" failed (run {run}): {reason}')

    # -- what comes of runs -------------------------------------------------------------------------------------------

    def _performed(self, request: Request, report: RunReport) -> frozenset[Origin]:
        """A run ended, whoever started it; gives the rules that led to it by finishing."""
        start = self._running.pop(id(request), None)
        if report.outcome != "failed" or not request.again or report.unsure:
            work = self._bouts.setdefault(request.coworker, telling.Work([]))
            if start is not None or not acting_now().origin.startswith(LOOKING_ON):
                work.add(report)
            self._counted(request, report)
        if start is None and not self._waiting[request.coworker]:
            self.then(lambda: self._hand_on(request.coworker))  # which looks at the agenda anew, too
        return start.through if start else frozenset()

    def _introduced(self, request: Request) -> Request:
        """A request, with what is to be put down when it ends; one without a start is a person's."""
        if request.start:
            return request
        answers = {one.name: request.settings[one.name] for one in request.rule.trigger.answers}
        start = Start(request.coworker, request.rule.index, request.rule.trigger.phrase, answers=answers)
        again = start
        if request.file is not None:
            again = replace(start, path=request.file.path, version=request.file.identity)
        return self._with_mark(request, start, again)

    def _with_mark(self, request: Request, start: Start, again: Start) -> Request:
        options = request.rule.trigger.options
        tried = start.attempt < options.retries
        wait = min(options.retry_after * 2**start.attempt, LONGEST_RETRY).total_seconds() if tried else 0.0
        name, through = request.coworker, None
        if any(self.index.others(how, name) for how in (FINISHES, FAILS)):
            through = start.through | {(name, request.rule.index)} | self.agent.lineage.of(request)
        later = replace(again, attempt=start.attempt + 1, held=None, settled=True) if tried else None
        return replace(request, start=mark(start, again=later, wait=wait, through=through))

    def _counted(self, request: Request, report: RunReport) -> None:
        """Count failures in a row; one too many, and the coworker is paused, and the person told."""
        coworkers = self.agent.coworkers
        if report.outcome != "failed":
            coworkers.worked(request.coworker)
            return
        failures, most = coworkers.failed(request.coworker), request.program.limits.failures
        if failures < most:
            self.agent.notifier.tell(telling.failed(report))
            return
        times = "once" if failures == 1 else f"{failures} times in a row"
        why = f"it failed {times}, the last time because: {report.reason}"
        paused = Paused(request.coworker, "resumed")
        if coworkers.pause_failing(request.coworker, why, lambda: self.agent.log_store.record(paused)):
            self.agent.notifier.tell(telling.paused(request.coworker, times, report.reason))
            self._tell(f'"{request.coworker}" is paused: {why} Resume it with: klapp resume "{request.coworker}"')

    def hand_on(self) -> None:
        """Before a kill, coworkers had come to an end, and nobody was told of it any more."""
        for name in self.marks.untold():
            self.then(lambda name=name: self._hand_on(name))  # type: ignore[misc]

    def _hand_on(self, name: str) -> None:
        """A coworker has nothing to do any more: whoever waits for that starts."""
        work = self._bouts.pop(name, None)
        if work is not None:
            if summary := telling.worked(name, work):
                self.agent.notifier.tell(summary)
            self.agent.watch.look(name)
        self.offer(
            self.marks.hand_on(
                name, lambda how, through: (replace(start, through=through) for start in self.index.others(how, name))
            )
        )


def _rule_of(start: Start, coworker: Coworker | None) -> Rule | None:
    """The rule of a start, if it is there as it was."""
    if coworker is None or coworker.program is None or start.rule >= len(coworker.program.rules):
        return None
    rule = coworker.program.rules[start.rule]
    return rule if rule.trigger.phrase == start.phrase else None
