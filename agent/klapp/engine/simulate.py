"""Says what runs would do: the same plan that a run would carry out, and nothing carried out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from klapp.engine.executor import Engine, batches
from klapp.engine.record import Bodies, Logged
from klapp.engine.replay import traced
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


def decided(engine: Engine, request: Request) -> dict[str, Any]:
    """The account of one run that never was, with the ``steps`` of its decisions, as ``explain`` gives it. Nothing is
    logged."""
    bodies = Bodies(engine.home, 0)
    with engine.hands_for(request, simulated=True) as hands:
        (run,) = hands.plan([(0, request)], whole=True)
    logged = Logged(0, bodies.of(run, {}))
    steps = traced(request.rule, logged, bodies.blobs.__getitem__)
    return report(logged, simulated=True).to_json() | {"steps": steps}
