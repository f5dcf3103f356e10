"""A slice of days: nothing grows, and what is made to grow is seen. All seven days: ``python -m tests.days``."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from tests.days.measures import Measured, growing, slope

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what is measured is read from /proc"),
    pytest.mark.xdist_group("days"),
]
MEMORY = 4_000_000
"""Bytes a day: in so few days most of what there is to load is loaded."""
WELL = Measured(100, 70_000_000, 140_000_000, 5, 25, 18, 250, 250_000, 50_000, 500_000, {"shelf": 16})


def lived(leak: str = "") -> list[Measured]:
    from tests.days.__main__ import lived

    return lived(3, 6, 2, leak, lambda line: None, hours=3)[0]


def test_in_a_slice_of_days_nothing_grows() -> None:
    found = lived()
    assert growing(found, memory=MEMORY, kept_days=3) == []
    assert len(found) == 3


def test_a_planted_leak_is_seen() -> None:
    assert any("handles" in one for one in growing(lived("handles"), memory=MEMORY, kept_days=3))


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("memory", 500_000),
        ("workers", 500_000),
        ("handles", 1),
        ("threads", 1),
        ("processes", 1),
        ("log", 100_000),
        ("kept", 50_000),
    ],
)
def test_whatever_grows_is_named(name: str, by: int) -> None:
    week = [replace(WELL, runs=100 * day) for day in range(1, 8)]
    assert growing(week, memory=400_000, kept_days=3) == []
    grown = [replace(one, **{name: getattr(one, name) + by * day}) for day, one in enumerate(week)]
    assert any(name in sentence for sentence in growing(grown, memory=400_000, kept_days=3))


def test_rows_that_nobody_forgets_are_named() -> None:
    week = [replace(WELL, rows={"shelf": 16 + 20 * day, "seen": 500}) for day in range(7)]
    assert growing(week, memory=400_000, kept_days=3) != []
    assert "rows of shelf" in growing(week, memory=400_000, kept_days=3)[0]


def test_a_slope_is_that_of_most_days() -> None:
    assert slope([1, 2, 3, 4]) == 1
    assert slope([5, 5, 50, 5, 5, 5]) == 0
    assert slope([7]) == 0
