"""Pictures of activity, as data for inline SVG: runs for each day and hour, by how they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

DAYS = 14
WIDTH, HEIGHT, FOOT = 640.0, 130.0, 18.0
OUTCOMES = ("done", "skipped", "failed", "other")
"""From the bottom to the top of a bar; each has a pattern of its own in the style, for not everybody tells colours."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a bar, in the picture's own units."""

    x: float
    y: float
    width: float
    height: float
    outcome: str
    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture and the same as a table: ``rows`` of (label, counts by outcome), ``ticks`` of (x, label)."""

    title: str
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    rows: tuple[tuple[str, dict[str, int]], ...]
    most: int


def by_day(reports: Iterable[dict[str, Any]], today: date) -> Plot:
    """The runs of the last ``DAYS`` days."""
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    counted = _counted((report["started"][:10], report) for report in reports)
    return _plot(
        f"Runs on each of the last {DAYS} days", [(f"{day:%d %b}", counted.get(f"{day}", Counter())) for day in days], 2
    )


def by_hour(reports: Iterable[dict[str, Any]]) -> Plot:
    """At which hour of the day runs began."""
    counted = _counted((report["started"][11:13], report) for report in reports)
    return _plot(
        "Runs by hour of the day", [(f"{hour:02}:00", counted.get(f"{hour:02}", Counter())) for hour in range(24)], 6
    )


def _counted(found: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Counter[str]]:
    counted: dict[str, Counter[str]] = {}
    for key, report in found:
        outcome = report["outcome"] if report["outcome"] in OUTCOMES else "other"
        counted.setdefault(key, Counter())[outcome] += 1
    return counted


def _plot(title: str, columns: list[tuple[str, Counter[str]]], every: int) -> Plot:
    most = max((counts.total() for _, counts in columns), default=0)
    step = WIDTH / len(columns)
    bars, ticks = [], []
    for number, (label, counts) in enumerate(columns):
        y = HEIGHT - FOOT
        for outcome in OUTCOMES:
            if count := counts[outcome]:
                height = (HEIGHT - FOOT - 4) * count / most
                y -= height
                text = f"{label}: {count} {outcome}"
                bars.append(
                    Bar(round(number * step + 2, 2), round(y, 2), round(step - 4, 2), round(height, 2), outcome, text)
                )
        if number % every == 0:
            ticks.append((round((number + 0.5) * step, 2), label))
    rows = tuple((label, dict(counts)) for label, counts in columns if counts)
    return Plot(title, tuple(bars), tuple(ticks), rows, most)
