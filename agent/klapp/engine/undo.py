"""Takes runs back: the opposite of each step, in reverse, held to exactly the paths that the run touched.

An undo is a run like any other: its intent is in the log before anything is done, a crash in it is recovered, and it
can itself be taken back. A run, or what a person names of it, is taken back as a whole or, where the world has moved on,
not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from klapp.audit.events import CopiesLetGo
from klapp.audit.log import Entry
from klapp.engine.executor import Engine, taken
from klapp.engine.hands import Guarded, Hands, HandsLost
from klapp.engine.planner import Remembering
from klapp.engine.record import INTENT, OUTCOME, UNDONE, Logged, NoRun, entry, outcome_body, step_to_json, undone_body
from klapp.engine.report import RunReport, report
from klapp.files.moments import wall_clock
from klapp.files.overlay import Overlay
from klapp.files.protocol import FileError
from klapp.files.shown import shown
from klapp.lane import Lane
from klapp.operations import MakeFolder, PutBack, RemoveFolder, Trash
from klapp.operations.selecting import concerning, leaves_nothing
from klapp.operations.steps import Became, Step, plan, take_back

_PAGE = 500


def undo(
    engine: Engine, runs: Iterable[int], clock: Callable[[], datetime] = datetime.now, only: Sequence[str] = ()
) -> list[RunReport]:
    """Take runs back, the newest first, and tell of each undo; with ``only``, of each run what concerns these absolute
    paths and what is below them. Raises NoRun for a number that there was not, and where nothing concerns them."""
    loaded = [Logged.of(engine.log.entries(number)) for number in sorted(set(runs))]
    waiting = [_Wish(logged, None) for logged in loaded] if not only else _selected(loaded, only)
    waiting.reverse()
    reports: list[RunReport] = []
    while waiting:
        refusal = _refusal(engine, waiting[0])
        if refusal:
            reports.append(_refused(waiting.pop(0).logged, refusal, clock()))
            continue
        batch = _UndoBatch(engine, waiting, clock())
        reports.extend(batch.carried_out())
        waiting = waiting[batch.taken :]
    return reports


def would_take_back(engine: Engine, logged: Logged) -> tuple[list[Step], str]:
    """What an undo of a run would do now, and why it would do nothing, or "". Only planned: nothing is changed."""
    wish = _Wish(logged, None)
    if refusal := _refusal(engine, wish):
        return [], refusal
    batch = _UndoBatch(engine, [wish], datetime.now())
    return (batch.planned[0].steps, "") if batch.planned else ([], batch.refused[0].reason)


class _Wish(NamedTuple):
    """A run that is to be taken back, whole or (``chosen``) only these of its steps."""

    logged: Logged
    chosen: frozenset[int] | None


def _selected(runs: Sequence[Logged], only: Sequence[str]) -> list[_Wish]:
    """Of each run that concerns the paths, which of its steps do: a file is followed from one run to the next."""
    done = [(logged, position, step) for logged in runs for position, step in enumerate(logged.done())]
    chosen: dict[int, set[int]] = {}
    for index in concerning([step for _, _, step in done], only):
        logged, position, _ = done[index]
        chosen.setdefault(logged.number, set()).add(position)
    if not chosen:
        which = f"Run {runs[0].number}" if len(runs) == 1 else "None of these runs"
        erased = " The values of some were erased from the log." if any(logged.erased for logged in runs) else ""
        raise NoRun(f"{which} did {'nothing' if len(runs) == 1 else 'anything'} to {_named(only)}.{erased}")
    return [_Wish(logged, frozenset(chosen[logged.number])) for logged in runs if logged.number in chosen]


def _named(paths: Sequence[str]) -> str:
    return " or ".join(map(shown, paths[:3])) + (f" or {len(paths) - 3} more" if len(paths) > 3 else "")


def _refusal(engine: Engine, wish: _Wish) -> str:
    """Why a run can not be taken back, or ""."""
    logged = wish.logged
    if logged.outcome is None:
        return "It is not finished yet."
    if logged.erased:
        return "Its values were erased from the log, so klapp no longer knows what there was before."
    if wish.chosen is not None and logged.body.get("undoes") is not None:
        return "It is itself an undo, which can only be taken back as a whole."
    taken = Taken.of(engine, logged)
    if taken.is_whole():
        return f"It was taken back already, by run {taken.last}."
    if wish.chosen is not None and wish.chosen <= taken.steps:
        return f"What you named of it was taken back already, by run {taken.last}."
    return ""


def since(engine: Engine, moment: datetime) -> list[int]:
    """The runs that began at ``moment`` or later, did something, are no undos, and are not taken back as a whole."""
    found: list[int] = []
    last: int | None = None
    while page := list(engine.log.runs(newest=_PAGE, last=last)):
        for logged in map(Logged.of, reversed(page)):
            last = logged.number - 1
            if datetime.fromisoformat(logged.body["now"].removesuffix("~")) < moment:
                return found
            if logged.body.get("undoes") is None and logged.done() and not is_undone(engine, logged):
                found.append(logged.number)
    return found


def is_undone(engine: Engine, logged: Logged) -> bool:
    """Whether a run is taken back as a whole, and that was not itself taken back."""
    return Taken.of(engine, logged).is_whole()


@dataclass(slots=True)
class Taken:
    """What undos have taken back of a run, and was not done again.

    Attributes:
        count: how many steps the run did.
        steps: the positions of those that are taken back.
        behind: what undos that did not come to their end did, by the position of what that took back.
        last: the newest undo that took something back, or None.
    """

    count: int
    steps: set[int] = field(default_factory=set)
    behind: dict[int, list[Step]] = field(default_factory=dict)
    last: int | None = None
    whole: bool = False

    def is_whole(self) -> bool:
        """Whether nothing of the run is left to be taken back."""
        return self.whole or (bool(self.count) and len(self.steps) == self.count)

    @classmethod
    def of(cls, engine: Engine, logged: Logged) -> Taken:
        taken = cls(len(logged.done()))
        for number in logged.undos:
            by = Logged.of(engine.log.entries(number))
            if by.outcome is None or is_undone(engine, by):
                continue
            if by.outcome["outcome"] == "done":
                part = by.body.get("part")
                taken.steps.update(range(taken.count) if part is None else part)
                taken.whole = taken.whole or part is None
                taken.last = number
                taken.behind = {at: steps for at, steps in taken.behind.items() if at not in taken.steps}
                continue
            of = (position for effect in by.body.get("effects", ()) for position in effect["of"])
            for step, position in zip(by.done(), of, strict=False):
                if position is not None:
                    taken.behind.setdefault(position, []).append(step)
        return taken


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


def _why_gone(engine: Engine, logged: Logged) -> str:
    """Why a copy that a run kept is no longer there, as the log tells: they are let go of the oldest first."""
    for event in engine.log.select(f"e.kind = '{CopiesLetGo.kind}' ORDER BY e.seq"):
        if event.body["until"] >= logged.body["now"].removesuffix("~"):
            when = wall_clock(event.at).strftime("%Y-%m-%d")
            reason = "they were older than" if event.body["why"] == "age" else "they took more than"
            return f"Copies of that time were let go on {when}, since {reason} {event.body['rule']} (klapp kept)."
    return "It was erased with what the log said of it, or removed by somebody else."


def _above(path: str) -> Iterator[str]:
    """The folders around a path, the innermost first."""
    while path := path.rpartition("/")[0]:
        yield path


class _Planned(NamedTuple):
    """An undo that is planned: its steps, the position of what each takes back (None for folders around it), the
    positions of all that is taken back (None for a whole run at once), and whether something of the run is left."""

    logged: Logged
    steps: list[Step]
    of: list[int | None]
    part: list[int] | None
    partly: bool


class _UndoBatch:
    """As many runs, from the newest on, as can be planned together. ``taken`` tells how many of them are dealt with."""

    def __init__(self, engine: Engine, waiting: Sequence[_Wish], now: datetime) -> None:
        self.engine = engine
        self.now = now
        self.taken = 0
        self.refused: list[RunReport] = []
        since = Since(engine, min(wish.logged.number for wish in waiting))
        self.files = self._files([wish.logged for wish in waiting], since.folders)
        self.planned: list[_Planned] = []
        world = Remembering(Overlay(self.files, self.files.lane, now))
        for wish in waiting:
            if _refusal(engine, wish):
                break
            try:
                self.planned.append(self._plan(wish, since, world))
            except FileError as error:
                # The overlay holds half an undo now. What was planned before is carried out; the rest begins afresh.
                if not self.planned:
                    why = f" {_why_gone(engine, wish.logged)}" if error.kind == "gone" else ""
                    self.refused.append(_refused(wish.logged, error.message + why, now))
                    self.taken = 1
                break

    def _plan(self, wish: _Wish, since: Since, world: Remembering) -> _Planned:
        """The steps that take a run back, or what is chosen of it. Raises FileError."""
        done, taken = wish.logged.done(), Taken.of(self.engine, wish.logged)
        left = {position for position in range(len(done)) if position not in taken.steps}
        chosen = left if wish.chosen is None else left & wish.chosen
        if all(leaves_nothing(done[position].operation) for position in left - chosen):
            chosen = left
        told = list(take_back(done, world, since.known, taken.behind, chosen))
        around = list(plan(since.around([step for _, step in told]), world))
        steps = [*(step for _, step in told), *around]
        of = [*(position for position, _ in told), *(None for _ in around)]
        part = None if chosen == left and not taken.steps else sorted(chosen)
        return _Planned(wish.logged, steps, of, part, partly=chosen != left)

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
        intents = [self._intent(first, one) for one in self.planned]
        self.engine.log.append([entry(first + index, INTENT, body) for index, body in enumerate(intents)])
        ended: list[Logged] = []
        try:
            with self.engine.hands_within(self.files, self.places, self.planned[0].logged.body["coworker"]) as hands:
                self._do(hands, first, intents, ended)
        except HandsLost:
            # Nothing that they told is sure: the disk is asked, as after a kill.
            from klapp.engine.recovery import recover_runs

            self.taken = len(self.planned)
            return recover_runs(self.engine, range(first, first + len(self.planned)))
        entries = [Entry(logged.number, OUTCOME, logged.outcome or {}) for logged in ended]
        undone = [
            Entry(one.logged.number, UNDONE, undone_body(now))
            for one, now in zip(self.planned, ended, strict=True)
            if now.outcome and (now.outcome["outcome"] == "done" or now.done())
        ]
        self.engine.log.append([*undone, *entries])
        self.taken = len(self.planned)
        return [report(one) for one in ended]

    def _do(self, hands: Hands, first: int, intents: Sequence[dict[str, Any]], ended: list[Logged]) -> None:
        failed = False
        performing = hands.perform([step for one in self.planned for step in one.steps], {})
        for index, (one, intent) in enumerate(zip(self.planned, intents, strict=True)):
            steps = one.steps
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

    def _intent(self, first: int, one: _Planned) -> dict[str, Any]:
        steps = [step_to_json(step) for step in one.steps]
        body: dict[str, Any] = {
            "batch": first,
            "coworker": one.logged.body["coworker"],
            "undoes": one.logged.number,
            "home": self.engine.home,
            "now": self.now.isoformat(),
            "file": None,
            "effects": [{"act": "undo", "line": 0, "steps": steps, "of": one.of}],
            "outcome": "done",
            "reason": "",
        }
        if one.part is not None:
            body["part"] = one.part
        if one.partly:
            body["partly"] = True
        return body
