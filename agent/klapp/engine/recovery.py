"""After a crash: finishes what was begun, and closes what was not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

from klapp.audit.log import Entry
from klapp.engine.executor import Engine, carry_out
from klapp.engine.hands import Guarded, RealWorld
from klapp.engine.outside import Nowhere
from klapp.engine.record import OUTCOME, UNDONE, Logged, outcome_body, undone_body
from klapp.engine.report import RunReport, report
from klapp.files.protocol import FileError, Identity
from klapp.lane import Lane
from klapp.operations import Sending
from klapp.operations.steps import Step, recovered, settle
from klr.vocabulary import Permission


def recover(engine: Engine) -> list[RunReport]:
    """Settle every run that has an intent and no outcome, in the order of their numbers, and tell of each.

    A run of which a step was done is finished. One that was not begun is closed as "interrupted": its file is where it
    was. What a run could not finish is in its report; nothing is lost.
    """
    return recover_runs(engine, engine.log.unfinished())


def recover_runs(engine: Engine, numbers: Iterable[int]) -> list[RunReport]:
    """As ``recover``, for these runs alone."""
    unfinished = [Logged.of(engine.log.entries(number)) for number in numbers]
    reports: list[RunReport] = []
    for _, batch in groupby(unfinished, key=lambda logged: (logged.body["batch"], logged.body["coworker"])):
        reports.extend(_Recovery(engine, list(batch)).closed())
    return reports


def settle_lost(engine: Engine, numbers: Sequence[int]) -> list[RunReport]:
    """Settle runs of one batch whose hands were lost while they worked: close those that were begun, in order, and tell
    of each. Those from the first on that was not begun are left as they are."""
    runs = [Logged.of(engine.log.entries(number)) for number in numbers]
    return list(_Recovery(engine, runs).closed(begun_only=True))


class _Recovery:
    """The runs of one batch. How far they came is asked of all their steps together, for a later run may have changed
    what an earlier one made."""

    def __init__(self, engine: Engine, runs: Sequence[Logged]) -> None:
        self.engine = engine
        self.runs = runs
        self.planned = [logged.planned() for logged in runs]
        self.files: Guarded = engine.files_within(
            _lane([step for steps in self.planned for step in steps], engine.home)
        )
        self.world = RealWorld(
            self.files, engine.notifier, runs[0].body["coworker"], Nowhere(engine.log, engine.mailbox)
        )
        self.known: dict[Identity, Identity] = {}

    def closed(self, *, begun_only: bool = False) -> Iterator[RunReport]:
        """Close each run, in order; with ``begun_only``, up to the first of which no step was done."""
        everything = [step for steps in self.planned for step in steps]
        self._tidy(everything)
        try:
            count = settle(everything, self.world)
            settled = recovered(everything[:count], self.world)
        except FileError as error:
            for logged, steps in zip(self.runs, self.planned, strict=True):
                yield self._close(logged, outcome_body("failed", _CUT.format(error.message), steps, []))
            return
        self.known.update(
            {p: now.product for (_, p), now in zip(everything, settled, strict=False) if p and now.product}
        )
        for logged, steps in zip(self.runs, self.planned, strict=True):
            done, settled = settled[: len(steps)], settled[len(steps) :]
            if begun_only and steps and not done:
                return
            yield self._finished(logged, steps, done)

    def _tidy(self, steps: Sequence[Step]) -> None:
        """Remove the drafts that the kill left, one look for each folder; one that can not be looked into stays."""
        made = {path.rpartition("/")[0]: path for operation, _ in steps if (path := operation.makes())}
        for path in made.values():
            with suppress(FileError):
                self.files.tidy(path)

    def _finished(self, logged: Logged, steps: list[Step], done: list[Step]) -> RunReport:
        if steps and not done:
            return self._close(logged, outcome_body("interrupted", "It was cut short before it began.", steps, []))
        perhaps = _PERHAPS if done and isinstance(done[-1].operation, Sending) else ""
        more, refused = carry_out(steps[len(done) :], self.world, self.known)
        self.files.sync()
        done = [*done, *more]
        if refused is not None:
            outcome = outcome_body("failed", _CUT.format(refused.message) + perhaps, steps, done)
            return self._close(logged, outcome | ({"unsure": True} if perhaps else {}))
        reason = f"{logged.body['reason']}{perhaps}".strip()
        return self._close(logged, outcome_body(logged.body["outcome"], reason, steps, done))

    def _close(self, logged: Logged, outcome: dict[str, Any]) -> RunReport:
        outcome["recovered"] = True
        entries = [Entry(logged.number, OUTCOME, outcome)]
        undone = logged.body.get("undoes")
        if undone is not None and (outcome["outcome"] == "done" or outcome.get("steps")):
            entries.append(Entry(undone, UNDONE, undone_body(logged)))
        logged.outcome = outcome
        self.engine.log.append(entries, within=lambda: self.engine.ended([logged]))
        return report(logged)


_PERHAPS = " It was cut short while it sent something, which perhaps has arrived; it was not sent again."
_CUT = "It was cut short and could not be finished. {}"


def _lane(steps: Sequence[Step], home: str) -> Lane:
    """Exactly the places that the steps need, to be settled and to be done."""
    places: dict[Permission, list[str]] = {}
    for operation, _ in steps:
        for permission, paths in operation.places().items():
            places.setdefault(permission, []).extend(paths)
    return Lane.exactly(places, [home])
