"""The page of a coworker's text: checked as it is typed, simulated before it is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.responses import Response

from klapp.console import editing
from klapp.console.asking import Asking, sentence
from klapp.console.coworkers import simulated
from klapp.texts import Unwritable, read_text


def edit(asking: Asking) -> Response:
    """The text of a coworker, with what was asked about it. Without scripts every button is a form's."""
    asking.demand()
    asking.service.agent.coworkers.reload()
    coworker = asking.service.agent.coworkers.find(asking.field("name"))
    path = coworker.path
    if not asking.posted:
        text = read_text(path).replace("\r\n", "\n")
        return _page(asking, coworker.name, path, text, editing.version(text))
    text, opened = asking.field("text").replace("\r\n", "\n"), asking.field("opened")
    match asking.field("what"):
        case "save":
            return _saved(asking, coworker.name, path, text, opened)
        case "format":
            return _page(asking, coworker.name, path, editing.put_into_style(text), opened)
        case "simulate":
            return _page(asking, coworker.name, path, text, opened, **_simulated(asking, path, text))
        case _:
            return _page(asking, coworker.name, path, text, opened)


def _page(asking: Asking, name: str, path: Path, text: str, opened: str, **values: Any) -> Response:
    shown = {"reports": None, "tree": [], "more": 0, "effects": False, "why": "", "trouble": ""} | values
    found = editing.findings(text)
    return asking.page("edit.html", name=name, file=path.name, text=text, opened=opened, findings=found, **shown)


def _saved(asking: Asking, name: str, path: Path, text: str, opened: str) -> Response:
    try:
        editing.save(path, text, opened)
    except (editing.Moved, Unwritable, ValueError, OSError) as error:
        return _page(asking, name, path, text, opened, trouble=sentence(error))
    asking.service.agent.coworkers.reload()
    told = "Saved. The text before it is kept beside it."
    if any(one["severity"] == "error" for one in editing.findings(text)):
        told += " It has errors, so the last good version stays in force."
    return asking.go("/edit", told, name=path.stem)


def _simulated(asking: Asking, path: Path, text: str) -> dict[str, Any]:
    try:
        reports = asking.ask("simulate", name=str(path), text=text)
    except Exception as error:
        return {"reports": [], "why": sentence(error)}
    return simulated(reports)


def check(asking: Asking) -> Response:
    """For the page's script: the findings of a text, and with ``at`` what could be written there."""
    asking.demand()
    text = asking.field("text").replace("\r\n", "\n")
    at = asking.field("at")
    offered = editing.offered(text, int(at)) if at.isdecimal() and len(at) < 9 else []
    return asking.data({"findings": editing.findings(text), "offers": offered})
