"""What can be seen of klapp at a glance, as plain data: the state of it all, and what of each coworker a person may want.

The tray shows this, and is not locked: no name and no content of a person's file is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from klapp.agenda import NOT_READY, QUIET, RETRY, WINDOW, Agenda
from klapp.agent import Agent
from klapp.counts import counted

RECENT = 5
"""Runs that are shown."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OUTCOMES = {
    "done": "did what it should",
    "failed": "failed",
    "skipped": "had nothing to do",
    "stopped": "stopped, as its rule says",
    "interrupted": "was cut short",
    "unfinished": "is not over yet",
}


def overview(
    agent: Agent, agenda: Agenda, *, busy: bool, soonest: datetime | None, troubles: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """``{"state", "status", "account", "troubles", "unusual", "update", "recent", "coworkers"}``.

    ``state`` is "trouble", "working", "needs you", "paused" or "running"; ``troubles`` are ``{"sentence", "page"}``, where
    the page says more; ``update`` is the newer klapp that is known of, or None; ``soonest`` is the next moment of any clock.
    """
    coworkers = [_coworker(one, agenda) for one in agent.overview()]
    asked = [one for one in coworkers if one["state"] != "refused"]
    unusual = agent.watch.open()
    update = _update(agent.updating.found())
    if troubles:
        state = "trouble"
    elif busy:
        state = "working"
    elif unusual or (update and update["security"]) or any(one["needs"] for one in asked):
        state = "needs you"
    elif asked and all(one["state"] == "paused" for one in asked):
        state = "paused"
    else:
        state = "running"
    return {
        "state": state,
        "status": _status(coworkers, state, soonest),
        "account": agent.account.exists,
        "troubles": [dict(one) for one in troubles],
        "unusual": unusual,
        "update": update,
        "recent": [_recent(run) for run in reversed(list(agent.log(newest=RECENT)))],
        "coworkers": coworkers,
    }


def _update(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The newer klapp that is to be shown: {"version", "security", "notes"}."""
    if found is None or found["skipped"]:
        return None
    return {name: found[name] for name in ("version", "security", "notes")}


def _status(coworkers: Sequence[Mapping[str, Any]], state: str, soonest: datetime | None) -> str:
    if state == "trouble":
        return "Something is wrong"
    if not coworkers:
        return "No coworkers yet"
    if state == "working":
        return "Working"
    ready = sum(one["state"] == "running" for one in coworkers)
    text = f"{ready} of {len(coworkers)} coworkers at work"
    return f"{text}, next {when(soonest)}" if soonest else text


def _coworker(one: Mapping[str, Any], agenda: Agenda) -> dict[str, Any]:
    state = "refused" if one["refused"] else "running" if one["state"] == "ready" else one["state"]
    return {
        "name": one["name"],
        "state": state,
        "needs": _needs(one, state),
        # The reason of a failure can name a file; the page tells it.
        "why": "It failed, so klapp paused it" if one["failing"] else one["why"],
        "waits": "" if state in ("broken", "refused") else waits(agenda.waiting(one["name"])),
        "last": _last(one["last"]),
        "next": f"Next {when(datetime.fromisoformat(one['next']))}" if one["next"] and state == "running" else "",
        "new": one["new"],
        "seen": one["seen"],
        "narrower": one["narrower"],
    }


def _needs(one: Mapping[str, Any], state: str) -> str:
    """What a coworker needs of the person: "approval", "mending", "resuming" where klapp itself paused it, or ""."""
    if state == "waiting":
        return "approval"
    if state == "broken" or one["stale"]:
        return "mending"
    return "resuming" if state == "paused" and one["failing"] else ""


def waits(held: Mapping[str, tuple[int, float | None]]) -> str:
    """Why a coworker waits, from what the agenda holds for it: (how many, due in seconds since 1970) by reason."""
    told: Sequence[tuple[str, Callable[[str], str]]] = (
        (RETRY, lambda due: f"tries again {due}"),
        (WINDOW, lambda due: f"until its hours begin, {due}"),
        (QUIET, lambda due: f"until it has been quiet, {due} at the earliest"),
        (NOT_READY, lambda due: "until it may work again"),
    )
    parts = []
    for why, say in told:
        if why in held:
            count, due = held[why]
            moment = when(datetime.fromtimestamp(due).astimezone()) if due is not None else "later"
            parts.append(f"{counted(count, 'start waits', 'starts wait')}: {say(moment)}")
    return "; ".join(parts)


def _last(run: Mapping[str, Any] | None) -> str:
    """The last run in words."""
    if run is None:
        return "Has not run yet"
    count = len(run["effects"])
    did = OUTCOMES.get(run["outcome"], run["outcome"])
    if run["undone_by"] is not None:
        did = "was taken back in part" if run["undone_partly"] else "was taken back"
    elif run["outcome"] == "done":
        did = f"{counted(count, 'step')} done" if count else OUTCOMES["skipped"]
    return f"Last run {when(datetime.fromisoformat(run['started']))}: {did}"


def _recent(run: Mapping[str, Any]) -> dict[str, Any]:
    words = f"{run['coworker']}: {run['outcome']}, {when(datetime.fromisoformat(run['started']))}"
    undo = (run["undone_by"] is None or run["undone_partly"]) and run["outcome"] != "skipped" and bool(run["effects"])
    return {"run": run["run"], "words": words, "undo": undo}


def when(moment: datetime) -> str:
    """A moment for a person of here and now: "today at 14:05", "tomorrow at 08:00", "on Friday at 16:30", "on 2026-03-01 at 09:00"."""
    local = moment.astimezone() if moment.tzinfo else moment
    days = (local.date() - datetime.now().date()).days
    other = f"on {DAYS[local.weekday()]}" if 1 < days < 7 else f"on {local:%Y-%m-%d}"
    day = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get(days, other)
    return f"{day} at {local:%H:%M}"
