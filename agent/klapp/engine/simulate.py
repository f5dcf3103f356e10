"""Says what runs would do: the same plan that a run would carry out, and nothing carried out."""

from __future__ import annotations

from collections.abc import Iterable

from klapp.engine.executor import Engine, batches
from klapp.engine.record import Bodies, Logged
from klapp.engine.report import RunReport, report
from klapp.engine.runs import Request


def simulate(engine: Engine, requests: Iterable[Request]) -> list[RunReport]:
    """The reports of runs that never were: each sees what those before it would have done. Nothing is logged."""
    reports: list[RunReport] = []
    for batch in batches(requests):
        bodies = Bodies(engine.home, 0)
        with engine.hands_for(batch[0], simulated=True) as hands:
            for run in hands.plan([(0, request) for request in batch], whole=True):
                reports.append(report(Logged(0, bodies.of(run, {})), simulated=True))
                bodies.blobs.clear()
    return reports
