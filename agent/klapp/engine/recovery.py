"""After a crash: finishes what was begun, and closes what was not."""

from __future__ import annotations

from typing import Any

from klapp.audit.log import Entry
from klapp.engine.executor import Engine, RealWorld, carry_out
from klapp.engine.record import OUTCOME, UNDONE, Logged, outcome_body
from klapp.engine.report import RunReport, report
from klapp.files.protocol import FileError, Identity
from klapp.lane import Lane
from klapp.operations.steps import Step, recovered, settle
from klr.vocabulary import Permission


def recover(engine: Engine) -> list[RunReport]:
    """Settle every run that has an intent and no outcome, in the order of their numbers, and tell of each.

    A run of which a step was done is finished. One that was not begun is closed as "interrupted": its file is where it
    was. What a run could not finish is in its report; nothing is lost.
    """
    known: dict[Identity, Identity] = {}
    return [_settled(engine, Logged.of(engine.log.entries(number)), known) for number in engine.log.unfinished()]


def _settled(engine: Engine, logged: Logged, known: dict[Identity, Identity]) -> RunReport:
    steps = logged.planned()
    files = engine.files_within(_lane(steps, engine.home))
    world = RealWorld(files, engine.notifier, logged.body["coworker"])
    try:
        count = settle(steps, world)
        done = recovered(steps[:count], world)
    except FileError as error:
        return _close(
            engine,
            logged,
            outcome_body("failed", f"It was cut short and could not be finished. {error.message}", steps, []),
        )
    count = max(count, min(logged.body.get("done", 0), len(steps)))
    if count == 0 and steps:
        return _close(engine, logged, outcome_body("interrupted", "It was cut short before it began.", steps, []))
    known.update(
        {was.product: now.product for was, now in zip(steps, done, strict=False) if was.product and now.product}
    )
    more, refused = carry_out(steps[count:], world, known)
    files.sync()
    done = [*done, *more]
    if refused is not None:
        return _close(
            engine,
            logged,
            outcome_body("failed", f"It was cut short and could not be finished. {refused.message}", steps, done),
        )
    return _close(engine, logged, outcome_body(logged.body["outcome"], logged.body["reason"], steps, done))


def _close(engine: Engine, logged: Logged, outcome: dict[str, Any]) -> RunReport:
    outcome["recovered"] = True
    entries = [Entry(logged.number, OUTCOME, outcome)]
    undone = logged.body.get("undoes")
    if undone is not None and outcome["outcome"] == "done":
        entries.append(Entry(undone, UNDONE, {"by": logged.number}))
    engine.log.append(entries)
    logged.outcome = outcome
    return report(logged)


def _lane(steps: list[Step], home: str) -> Lane:
    """Exactly the places that the steps need, to be settled and to be done."""
    places: dict[Permission, list[str]] = {}
    for operation, _ in steps:
        for permission, paths in operation.places().items():
            places.setdefault(permission, []).extend(paths)
    return Lane.exactly(places, [home])
