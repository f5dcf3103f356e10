"""What klapp tells of by itself, as notices: questions, failures, what was done, and what was taken back.

The text of each can be read on a locked screen; names and contents are in its private one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from klapp.counts import counted
from klapp.coworkers.approval import in_words
from klapp.coworkers.store import Coworker
from klapp.engine.report import RunReport
from klapp.notices import Action, Kind, Notice, opens
from klapp.operations import Notify

MOST_UNDONE = 200
"""With more runs than this, what they did is not taken back by one button, but looked at first."""


def asks(coworker: Coworker) -> Notice:
    """A coworker asks to be allowed something."""
    asked = in_words(coworker.missing)
    text = "It asks to be allowed something." if coworker.first else "It asks for more than you allowed it."
    private = f"{text} It wants to: {', '.join(asked)}." if asked else ""
    review = opens("Review", "/approve", name=coworker.name)
    actions = (review, Action("Do not allow", "refuse", (coworker.name,)))
    return Notice(Kind.APPROVAL, coworker.name, text, private, f"approval {coworker.name}", actions)


def failed(report: RunReport) -> Notice:
    """A run failed, and is not tried again."""
    text = f"Run {report.run} failed."
    actions = (opens("Look", "/run", run=str(report.run)), Action("Pause", "pause", (report.coworker, "")))
    return Notice(
        Kind.FAILURE,
        report.coworker,
        text,
        f"Run {report.run} failed: {report.reason}",
        f"failure {report.coworker}",
        actions,
    )


def paused(name: str, times: str, reason: str) -> Notice:
    """A coworker failed so often that klapp paused it."""
    text = f"It failed {times} and is paused."
    actions = (opens("Look", "/coworker", name=name), Action("Resume", "resume", (name,)))
    private = f"{text} The last time because: {reason}"
    return Notice(Kind.FAILURE, name, text, private, f"failure {name}", actions)


@dataclass(slots=True)
class Work:
    """What a coworker did since it last had nothing to do, for a summary."""

    runs: list[int]
    changes: int = 0
    last: str = ""

    def add(self, report: RunReport) -> None:
        """One more run."""
        steps = [step for step in report.steps if not isinstance(step.operation, Notify)]
        if report.run is not None and steps:
            self.runs.append(report.run)
            self.changes += len(steps)
            self.last = steps[-1].operation.sentence()


def worked(name: str, work: Work) -> Notice | None:
    """What a coworker did; None where that is nothing that stays."""
    count = len(work.runs)
    if not count:
        return None
    text = f"It made {counted(work.changes, 'change')} in {counted(count, 'run')}."
    told = f"It {work.last}." if work.changes == 1 else f"{text} The last: {work.last}."
    look = opens("Look", "/run", run=str(work.runs[0])) if count == 1 else opens("Look", "/activity", name=name)
    undo = (Action("Undo", "undo", tuple(work.runs)),) if count <= MOST_UNDONE else ()
    return Notice(Kind.SUMMARY, name, text, told, f"summary {name}", (look, *undo), count)


def undone(reports: Sequence[dict[str, Any]]) -> Notice | None:
    """What came of taking runs back; None where there was nothing to take back."""
    if not reports:
        return None
    name = reports[0]["coworker"]
    refused = [report for report in reports if report["outcome"] != "done"]
    look = opens("Look", "/run", run=str(reports[0]["undoes"]))
    if not refused:
        text = f"{counted(len(reports), 'run')} taken back. Everything is as it was before."
        return Notice(Kind.MESSAGE, name, text, "", f"undone {name}", (look,))
    text = f"{counted(len(refused), 'run')} could not be taken back."
    return Notice(Kind.FAILURE, name, text, f"{text} {refused[0]['reason']}", f"undone {name}", (look,))
