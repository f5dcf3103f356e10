"""Dates of a time zone: days by the calendar, hours as they pass, also when the clocks change."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klr.moments import NoZone, between, elsewhere, instant, is_before, later, on_the_wall, zone_of

BERLIN = "Europe/Berlin"
ZONES = st.sampled_from((BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", ""))
DATES = st.datetimes(datetime(1950, 1, 1), datetime(2060, 1, 1), allow_imaginary=False)
DURATIONS = st.timedeltas(timedelta(days=-4000), timedelta(days=4000))


@given(DATES, ZONES)
def test_a_moment_is_found_again(date: datetime, zone: str) -> None:
    moment = instant(date, zone)
    assert instant(on_the_wall(moment, zone), zone) == moment


@given(DATES, DATES, ZONES)
def test_the_difference_leads_from_one_date_to_the_other(start: datetime, end: datetime, zone: str) -> None:
    difference = between(end, start, zone)
    assert between(start, end, zone) == -difference
    early, late = sorted((start, end), key=lambda date: instant(date, zone))
    reached = later(early, abs(difference), zone)
    assert abs(instant(reached, zone) - instant(late, zone)) <= timedelta(hours=1)
    if abs(difference) < timedelta(hours=23):
        assert instant(reached, zone) == instant(late, zone)


@given(DATES, st.integers(-4000, 4000), ZONES)
def test_whole_days_keep_the_time_of_day(date: datetime, days: int, zone: str) -> None:
    moved = later(date, timedelta(days=days), zone)
    assert moved == date + timedelta(days=days)


@given(DATES, DURATIONS, ZONES)
def test_without_changes_of_the_clock_it_is_plain_arithmetic(date: datetime, duration: timedelta, zone: str) -> None:
    for fixed in ("", "UTC"):
        assert later(date, duration, fixed) == date + duration
        assert between(date + duration, date, fixed) == duration


@given(DATES, DATES, ZONES)
def test_earlier_is_what_comes_first(left: datetime, right: datetime, zone: str) -> None:
    assert is_before(left, right, zone) == (instant(left, zone) < instant(right, zone))


def test_hours_pass_when_the_clocks_change() -> None:
    spring = datetime(2026, 3, 29, 1, 30)
    assert later(spring, timedelta(hours=1), BERLIN) == datetime(2026, 3, 29, 3, 30)
    assert between(datetime(2026, 3, 29, 3, 30), spring, BERLIN) == timedelta(hours=1)
    autumn = datetime(2026, 10, 25, 2, 30)
    again = later(autumn, timedelta(hours=1), BERLIN)
    assert (again, again.fold) == (autumn, 1)
    assert is_before(autumn, again, BERLIN)
    assert not is_before(again, autumn, BERLIN)
    assert between(again, autumn, BERLIN) == timedelta(hours=1)
    assert is_before(autumn, datetime(2026, 10, 25, 2, 10, fold=1), BERLIN)


def test_days_are_of_the_calendar() -> None:
    midnight = datetime(2026, 3, 28)
    assert later(midnight, timedelta(days=30), BERLIN) == datetime(2026, 4, 27)
    assert between(datetime(2026, 4, 27), midnight, BERLIN) == timedelta(days=30)


def test_other_zones() -> None:
    assert elsewhere(datetime(2026, 3, 9, 16, 30), "Asia/Tokyo", BERLIN) == datetime(2026, 3, 10, 0, 30)
    for name in ("Europe/Atlantis", "../../etc/passwd", "/etc/localtime", "a\0b"):
        with pytest.raises(NoZone):
            zone_of(name)
