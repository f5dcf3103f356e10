"""The pages of what was done: the timeline with its pictures, one run step by step, one file, and taking runs back."""

from __future__ import annotations

import os
from typing import Any

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
    places = [_place(effect) for effect in found["effects"]]
    return asking.page("run.html", run=found, places=places if len(set(places) - {""}) > 1 else [])


def file(asking: Asking) -> Response:
    """What happened to a file under all its names, and why nothing else did."""
    path = asking.field("path").strip()
    if path.startswith("~/"):
        path = asking.service.agent.person.rstrip("/") + path[1:]
    if path and not os.path.isabs(path):
        raise ValueError("Write the whole path of the file, such as ~/Downloads/letter.pdf.")
    found = asking.ask("history", path=os.path.normpath(path)) if path else None
    return asking.page("file.html", path=path, found=found)


def undo(asking: Asking) -> Response:
    """Take a run back, or what it did to the file of one of its steps, by its number from 1."""
    number = asking.number("run")
    if number is None:
        raise ValueError("There is no such run.")
    only: list[str] = []
    if step := asking.number("step"):
        effects = asking.ask("explain", run=number)["effects"]
        only = [_place(effect) for effect in effects[step - 1 : step]]
        if not any(only):
            raise ValueError("There is no such step.")
    reports = asking.ask("undo", runs=[number], only=only)
    told = [f"Run {report['undoes']}: {report['outcome']}{_why(report['reason'], bool(only))}" for report in reports]
    return asking.go("/run", " ".join(told) or "There was nothing to undo.", run=str(number))


def _place(effect: dict[str, Any]) -> str:
    """The file or folder that a step left behind or took away; "" for what is about none."""
    operation = effect["operation"]
    if operation["do"] in ("notify", "open", "keep", "send", "send file"):
        return ""
    return str(operation.get("goal") or operation.get("path") or "")


def _why(reason: str, part: bool) -> str:
    if reason:
        return f", because: {reason}"
    return ". That is as it was before it; the rest stays." if part else ". Everything is as it was before it."
