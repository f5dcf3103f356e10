"""The pages of what was done: the timeline with its pictures, one run step by step, and taking runs back."""

from __future__ import annotations

from starlette.responses import Response

from klapp.console.asking import Asking
from klapp.console.plots import by_day, by_hour

SHOWN, PICTURED = 50, 2000
"""So many runs are listed, and so many go into the pictures."""


def activity(asking: Asking) -> Response:
    """The newest runs, newest first."""
    name = asking.field("name") or None
    reports = list(asking.ask("log", name=name, newest=PICTURED))
    newest = reports[::-1]
    if before := asking.number("before"):
        newest = [report for report in newest if report["run"] < before]
    return asking.page(
        "activity.html",
        reports=newest[:SHOWN],
        more=newest[SHOWN - 1]["run"] if len(newest) > SHOWN else None,
        cut=len(reports) == PICTURED,
        pictured=PICTURED,
        name=name or "",
        plots=[by_day(reports, asking.service.agent.clock().date()), by_hour(reports)] if reports else [],
    )


def run(asking: Asking) -> Response:
    """Why a run did what it did."""
    number = asking.number("run")
    if number is None:
        raise ValueError("There is no such run.")
    found = asking.ask("explain", run=number)
    return asking.page("run.html", run=found)


def undo(asking: Asking) -> Response:
    """Take a run back."""
    number = asking.number("run")
    if number is None:
        raise ValueError("There is no such run.")
    reports = asking.ask("undo", runs=[number])
    told = [f"Run {report['undoes']}: {report['outcome']}{_why(report['reason'])}" for report in reports]
    return asking.go("/run", " ".join(told) or "There was nothing to undo.", run=str(number))


def _why(reason: str) -> str:
    return f", because: {reason}" if reason else ". Everything is as it was before it."
