"""Takes runs back: the opposite of each step, in reverse, held to exactly the paths that the run touched.

An undo is a run like any other: its intent is in the log before anything is done, a crash in it is recovered, and it
can itself be taken back. A run is taken back as a whole or, where the world has moved on, not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from klapp.audit.log import Entry
from klapp.engine.executor import Engine, taken
from klapp.engine.hands import Guarded, Hands, HandsLost
from klapp.engine.planner import Remembering
from klapp.engine.record import INTENT, OUTCOME, UNDONE, Logged, entry, outcome_body, step_to_json
from klapp.engine.report import RunReport, report
from klapp.files.overlay import Overlay
from klapp.files.protocol import FileError, Identity
from klapp.lane import Lane
from klapp.operations import PutBack, Trash
from klapp.operations.steps import Step, take_back


def undo(engine: Engine, runs: Iterable[int], clock: Callable[[], datetime] = datetime.now) -> list[RunReport]:
    """Take runs back, the newest first, and tell of each undo. Raises ValueError for a number that there was not."""
    waiting = [Logged.of(engine.log.entries(number)) for number in sorted(set(runs), reverse=True)]
    reports: list[RunReport] = []
    while waiting:
        refusal = _refusal(engine, waiting[0])
        if refusal:
            reports.append(_refused(waiting.pop(0), refusal, clock()))
            continue
        batch = _UndoBatch(engine, waiting, clock())
        reports.extend(batch.carried_out())
        waiting = waiting[batch.taken :]
    return reports


def _refusal(engine: Engine, logged: Logged) -> str:
    """Why a run can not be taken back, or ""."""
    if logged.outcome is None:
        return "It is not finished yet."
    if logged.erased:
        return "Its values were erased from the log, so klapp no longer knows what there was before."
    if is_undone(engine, logged):
        return f"It was taken back already, by run {logged.undone_by}."
    return ""


def is_undone(engine: Engine, logged: Logged) -> bool:
    """Whether a run is taken back, and that was not itself taken back."""
    if logged.undone_by is None:
        return False
    return not is_undone(engine, Logged.of(engine.log.entries(logged.undone_by)))


def put_back_since(engine: Engine, run: int) -> dict[Identity, Identity]:
    """The versions that undos after ``run`` put back from kept copies, and the identities that they have since: a
    file that was put back is a new one to the disk, but the same to the runs before."""
    known: dict[Identity, Identity] = {}
    for number in engine.log.undos(run):
        for operation, product in Logged.of(engine.log.entries(number)).done():
            if isinstance(operation, PutBack) and product is not None:
                known[operation.was] = product
    return known


def _refused(logged: Logged, reason: str, now: datetime) -> RunReport:
    told = f"Run {logged.number} was not taken back. {reason}"
    return RunReport(None, logged.body["coworker"], now.isoformat(), "failed", told, None, (), undoes=logged.number)


class _UndoBatch:
    """As many runs, from the newest on, as can be planned together. ``taken`` tells how many of them are dealt with."""

    def __init__(self, engine: Engine, waiting: Sequence[Logged], now: datetime) -> None:
        self.engine = engine
        self.now = now
        self.taken = 0
        self.refused: list[RunReport] = []
        self.files = self._files(waiting)
        self.planned: list[tuple[Logged, list[Step]]] = []
        world = Remembering(Overlay(self.files, self.files.lane, now))
        known = put_back_since(engine, min(logged.number for logged in waiting))
        for logged in waiting:
            if _refusal(engine, logged):
                break
            try:
                steps = list(take_back(logged.done(), world, known))
            except FileError as error:
                # The overlay holds half an undo now. What was planned before is carried out; the rest begins afresh.
                if not self.planned:
                    self.refused.append(_refused(logged, error.message, now))
                    self.taken = 1
                break
            self.planned.append((logged, steps))

    def _files(self, waiting: Sequence[Logged]) -> Guarded:
        """The disk, held to the paths that the runs touched, and to reading what they put in the trash."""
        operations = [operation for logged in waiting for operation, _ in logged.done()]
        paths = {path for operation in operations for places in operation.places().values() for path in places}
        self.places: dict[str, set[str]] = {"read": paths, "write": paths, "remove": paths}
        trash = self.engine.files_within(Lane.exactly({}))
        found = (trash.in_trash(operation.token) for operation in operations if isinstance(operation, Trash))
        trashed = {file.path for file in found if file is not None}
        return self.engine.files_within(
            Lane.exactly({"read": paths | trashed, "write": paths, "remove": paths}, [self.engine.home])
        )

    def carried_out(self) -> list[RunReport]:
        """Commit what is intended, do it, commit what came of it."""
        if not self.planned:
            return self.refused
        first = self.engine.log.reserve(len(self.planned))
        intents = [self._intent(first, logged, steps) for logged, steps in self.planned]
        self.engine.log.append([entry(first + index, INTENT, body) for index, body in enumerate(intents)])
        ended: list[Logged] = []
        try:
            with self.engine.hands_within(self.files, self.places, self.planned[0][0].body["coworker"]) as hands:
                self._do(hands, first, intents, ended)
        except HandsLost:
            # Nothing that they told is sure: the disk is asked, as after a kill.
            from klapp.engine.recovery import recover_runs

            self.taken = len(self.planned)
            return recover_runs(self.engine, range(first, first + len(self.planned)))
        entries = [Entry(logged.number, OUTCOME, logged.outcome or {}) for logged in ended]
        undone = [
            Entry(was.number, UNDONE, {"by": now.number})
            for (was, _), now in zip(self.planned, ended, strict=True)
            if now.outcome and now.outcome["outcome"] == "done"
        ]
        self.engine.log.append([*undone, *entries])
        self.taken = len(self.planned)
        return [report(one) for one in ended]

    def _do(self, hands: Hands, first: int, intents: Sequence[dict[str, Any]], ended: list[Logged]) -> None:
        failed = False
        performing = hands.perform([step for _, steps in self.planned for step in steps], {})
        for index, ((_, steps), intent) in enumerate(zip(self.planned, intents, strict=True)):
            done, error = ([], None) if failed else taken(performing, len(steps), last=index == len(self.planned) - 1)
            if failed:
                outcome = outcome_body("interrupted", "An undo before it did not succeed.", steps, [])
            elif error is None:
                outcome = outcome_body("done", "", steps, done)
            else:
                failed = True
                outcome = outcome_body("failed", error.message, steps, done)
            ended.append(Logged(first + index, intent, outcome))
        hands.sync()

    def _intent(self, first: int, logged: Logged, steps: Sequence[Step]) -> dict[str, Any]:
        return {
            "batch": first,
            "coworker": logged.body["coworker"],
            "undoes": logged.number,
            "home": self.engine.home,
            "now": self.now.isoformat(),
            "file": None,
            "effects": [{"act": "undo", "line": 0, "steps": [step_to_json(step) for step in steps]}],
            "outcome": "done",
            "reason": "",
        }
