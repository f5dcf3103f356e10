"""Says what runs would do: the same plan that a run would carry out, and nothing carried out."""

from __future__ import annotations

from collections.abc import Iterable

from klapp.engine.executor import Engine, batches
from klapp.engine.record import Bodies, Logged
from klapp.engine.report import RunReport, report
from klapp.engine.runs import Request


def simulate(engine: Engine, requests: Iterable[Request]) -> list[RunReport]:
    """The reports of runs that never were: each sees what those before it would have done. Nothing is logged."""
    reports = []
    for batch in batches(requests):
        planner = engine.planner(engine.files_for(batch[0].program), batch[0])
        bodies = Bodies(engine.home, 0)
        for request in batch:
            run = planner.plan(0, request)
            reports.append(report(Logged(0, bodies.of(run)), simulated=True))
    return reports
