"""The pages of coworkers: all of them, one of them, and what one asks to be allowed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from klapp.console.asking import Asking, sentence
from klapp.engine.changes import changed_tree

SHOWN_RUNS = 20
STATES = {
    "ready": "at work",
    "paused": "paused",
    "waiting": "needs your approval",
    "broken": "has errors",
    "refused": "refused",
}
SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "": None}


def everyone(asking: Asking) -> Response:
    """All coworkers; those that need something first."""
    found = asking.ask("overview")
    order = ("waiting", "broken", "paused", "ready")
    found.sort(key=lambda one: (order.index(one["state"]) if one["state"] in order else 0, one["name"].casefold()))
    return asking.page("coworkers.html", coworkers=found, states=STATES)


def named(asking: Asking) -> dict[str, Any]:
    """The coworker that the request names. Raises NoCoworker."""
    name = asking.service.agent.coworkers.find(asking.field("name")).name
    found: dict[str, Any] = next(one for one in asking.ask("overview") if one["name"] == name)
    return found


def one(asking: Asking) -> Response:
    """One coworker."""
    asking.service.agent.coworkers.reload()
    coworker = named(asking)
    asks = asking.ask("asks", name=coworker["name"]) if coworker["state"] in ("ready", "paused") else []
    account = asking.account
    hidden = coworker["state"] == "broken" or (account["exists"] and not account["open"])
    settings = [] if hidden else asking.ask("settings", name=coworker["name"])
    return asking.page("coworker.html", coworker=coworker, states=STATES, asks=asks, settings=settings)


def do(asking: Asking) -> Response:
    """Pause, resume, run or revoke: one coworker, or for pausing and resuming all."""
    what, name = asking.field("what"), asking.field("name")
    if what == "pause":
        span = SPANS.get(asking.field("span"))
        until = (asking.service.agent.clock() + span).isoformat() if span else None
        asking.ask("pause", name=name or None, until=until)
        return _back(asking, name, "Paused. Nothing runs until it is resumed." if not until else "Paused for a while.")
    if what == "resume":
        asking.ask("resume", name=name or None)
        return _back(asking, name, "It goes on.")
    if what == "run":
        coworker = named(asking)
        if coworker["state"] not in ("ready", "paused"):
            raise ValueError(f'"{coworker["name"]}" can not run: {coworker["why"]}')
        answers = {
            key.removeprefix("answer."): value for key, value in asking.form.items() if key.startswith("answer.")
        }
        asking.service.run(coworker["name"], answers or None, origin="page")
        return _back(asking, name, "It runs now. What it does is under Activity.")
    if what == "setting":
        value = asking.field("value")
        values = None if asking.field("reset") else [value]
        asking.ask("change_setting", name=name, setting=asking.field("setting"), values=values)
        return _back(asking, name, "The setting is kept.")
    if what == "revoke":
        asking.ask("revoke", name=name)
        return _back(asking, name, "Not allowed any more. It does nothing until you approve it.")
    raise ValueError("This page does not know how to do that.")


def _back(asking: Asking, name: str, told: str) -> Response:
    return asking.go("/coworker", told, name=name) if name else asking.go("/", told)


def approve(asking: Asking) -> Response:
    """What a coworker asks for, with what it would do now; allowed is exactly what was shown."""
    if asking.posted:
        return _answered(asking)
    review = asking.ask("review", name=asking.field("name"))
    reports, why = _example(asking, review["coworker"])
    return asking.page("approve.html", review=review, states=STATES, **simulated(reports), why=why)


def _answered(asking: Asking) -> Response:
    name = asking.field("name")
    if asking.field("what") == "refuse":
        asking.ask("refuse", name=name)
        return asking.go(
            "/coworker", "Refused. It does nothing, and you are not asked again until it changes.", name=name
        )
    asking.ask("approve", name=name, seen=asking.field("seen"), narrower=asking.field("what") == "narrower")
    return asking.go("/coworker", f'"{name}" may work now.', name=name)


def _example(asking: Asking, name: str) -> tuple[list[dict[str, Any]], str]:
    """The reports of a simulation on what is there now, and why there are none where it can not be."""
    try:
        return asking.ask("simulate", name=name), ""
    except Exception as error:
        return [], sentence(error)


def simulated(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """What a page shows of a simulation."""
    return {
        "reports": reports[:SHOWN_RUNS],
        "more": max(0, len(reports) - SHOWN_RUNS),
        "tree": changed_tree(reports),
        "effects": any(report["effects"] for report in reports),
    }


def simulate(asking: Asking) -> Response:
    """What a coworker would do now."""
    asking.service.agent.coworkers.reload()
    coworker = named(asking)
    reports, why = _example(asking, coworker["name"])
    return asking.page("simulate.html", coworker=coworker, **simulated(reports), why=why)
