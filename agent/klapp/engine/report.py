"""What a person is told of a run: the same account of a simulation, of a run just done, and of one in the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from klapp.audit.log import Entry
from klapp.engine.record import Logged
from klapp.operations.steps import Step


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run. ``run`` is None for a simulation; ``started`` an ISO moment; ``file`` the path that started it, or None.

    ``steps`` are what it did, or would do. ``undone_by`` is the run that took it back last, if any, and
    ``undone_partly`` whether that left something of it. ``unsure`` where it sent something of which nobody
    knows whether it arrived.
    """

    run: int | None
    coworker: str
    started: str
    outcome: str
    reason: str
    file: str | None
    steps: tuple[Step, ...]
    undoes: int | None = None
    undone_by: int | None = None
    undone_partly: bool = False
    unsure: bool = False

    def effects(self) -> list[dict[str, Any]]:
        """Each step as a ``sentence`` in plain words, and as data under ``operation``."""
        return [{"sentence": step.operation.sentence(), "operation": step.operation.to_json()} for step in self.steps]

    def to_json(self) -> dict[str, Any]:
        """The form of the command-line contract."""
        return {
            "run": self.run,
            "coworker": self.coworker,
            "started": self.started,
            "outcome": self.outcome,
            "reason": self.reason,
            "file": self.file,
            "effects": self.effects(),
            "undoes": self.undoes,
            "undone_by": self.undone_by,
            "undone_partly": self.undone_partly,
        }


def report(logged: Logged, *, simulated: bool = False, done: Sequence[Step] | None = None) -> RunReport:
    """The account of a run. Of one without an outcome, what was intended is told, and the outcome "unfinished".

    ``done`` are the steps that were carried out, where the caller has them at hand already.
    """
    body = logged.body
    file = body.get("file")
    if simulated:
        outcome, reason, steps = body["outcome"], body["reason"], logged.planned()
    elif logged.outcome is None:
        outcome, reason, steps = "unfinished", "", logged.planned()
    else:
        outcome, reason, steps = (
            logged.outcome["outcome"],
            "Its values were erased from the log." if logged.erased else logged.outcome["reason"],
            list(done) if done is not None else logged.done(),
        )
    return RunReport(
        None if simulated else logged.number,
        body["coworker"],
        body["now"].removesuffix("~"),
        outcome,
        reason,
        file["f"][0] if file else None,
        tuple(steps),
        body.get("undoes"),
        logged.undone_by,
        logged.partly,
        logged.unsure,
    )


def report_of(entries: Sequence[Entry]) -> dict[str, Any]:
    """The account of a run from its entries in the log, as data."""
    return report(Logged.of(entries)).to_json()
