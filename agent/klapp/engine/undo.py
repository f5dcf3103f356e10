"""Takes runs back: the opposite of each step, in reverse, held to exactly the paths that the run touched.

An undo is a run like any other: its intent is in the log before anything is done, a crash in it is recovered, and it
can itself be taken back. A run is taken back as a whole or, where the world has moved on, not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from klapp.audit.log import Entry
from klapp.engine.executor import Engine, taken
from klapp.engine.hands import Guarded, Hands, HandsLost
from klapp.engine.planner import Remembering
from klapp.engine.record import INTENT, OUTCOME, UNDONE, Logged, entry, outcome_body, step_to_json
from klapp.engine.report import RunReport, report
from klapp.files.overlay import Overlay
from klapp.files.protocol import FileError
from klapp.lane import Lane
from klapp.operations import MakeFolder, PutBack, RemoveFolder, Trash
from klapp.operations.steps import Became, Step, plan, take_back


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
    for number in reversed(logged.undos):
        by = Logged.of(engine.log.entries(number))
        if by.outcome is not None and by.outcome["outcome"] == "done":
            return not is_undone(engine, by)
    return False


def cut_short(engine: Engine, logged: Logged) -> list[Step]:
    """What undos of a run did that did not come to their end, and were not taken back: it is not to be done again."""
    steps: list[Step] = []
    for number in logged.undos:
        by = Logged.of(engine.log.entries(number))
        if by.outcome is not None and by.outcome["outcome"] == "done":
            steps.clear()
        elif not is_undone(engine, by):
            steps.extend(by.done())
    return steps


class Since:
    """What undos after a run did that concerns older runs.

    Attributes:
        known: the versions that were put back from kept copies, and the identities that they have since: a file that
            was put back is a new one to the disk, but the same to the runs before.
        folders: those that were to be removed, and perhaps were not empty then.
    """

    def __init__(self, engine: Engine, run: int) -> None:
        self.known = Became()
        self.folders: set[str] = set()
        for number in engine.log.undos(run):
            undo = Logged.of(engine.log.entries(number))
            for operation, product in undo.done():
                if isinstance(operation, PutBack) and product is not None:
                    self.known[operation.was] = product
                elif isinstance(operation, RemoveFolder):
                    self.folders.add(operation.path)
                elif isinstance(operation, MakeFolder):
                    self.folders.discard(operation.path)

    def around(self, steps: Sequence[Step]) -> list[RemoveFolder]:
        """The folders, the innermost first, that lie around what steps take away: they may be empty now."""
        above = {folder for operation, _ in steps for path in operation.takes() for folder in _above(path)}
        return [RemoveFolder(path) for path in sorted(above & self.folders, key=len, reverse=True)]


def _refused(logged: Logged, reason: str, now: datetime) -> RunReport:
    told = f"Run {logged.number} was not taken back. {reason}"
    return RunReport(None, logged.body["coworker"], now.isoformat(), "failed", told, None, (), undoes=logged.number)


def _above(path: str) -> Iterator[str]:
    """The folders around a path, the innermost first."""
    while path := path.rpartition("/")[0]:
        yield path


class _UndoBatch:
    """As many runs, from the newest on, as can be planned together. ``taken`` tells how many of them are dealt with."""

    def __init__(self, engine: Engine, waiting: Sequence[Logged], now: datetime) -> None:
        self.engine = engine
        self.now = now
        self.taken = 0
        self.refused: list[RunReport] = []
        since = Since(engine, min(logged.number for logged in waiting))
        self.files = self._files(waiting, since.folders)
        self.planned: list[tuple[Logged, list[Step]]] = []
        world = Remembering(Overlay(self.files, self.files.lane, now))
        for logged in waiting:
            if _refusal(engine, logged):
                break
            try:
                steps = list(take_back(logged.done(), world, since.known, cut_short(engine, logged)))
                steps.extend(plan(since.around(steps), world))
            except FileError as error:
                # The overlay holds half an undo now. What was planned before is carried out; the rest begins afresh.
                if not self.planned:
                    self.refused.append(_refused(logged, error.message, now))
                    self.taken = 1
                break
            self.planned.append((logged, steps))

    def _files(self, waiting: Sequence[Logged], folders: set[str]) -> Guarded:
        """The disk, held to the paths that the runs touched, to those of the ``folders`` that lie around them, and to
        reading what they put in the trash."""
        operations = [operation for logged in waiting for operation, _ in logged.done()]
        paths = {path for operation in operations for places in operation.places().values() for path in places}
        self.places: dict[str, set[str]] = {"read": paths, "write": paths, "remove": paths}
        if folders:
            paths |= {above for path in paths for above in _above(path)} & folders
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
            if now.outcome and (now.outcome["outcome"] == "done" or now.done())
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
