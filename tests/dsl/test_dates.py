"""Dates in words: starts and ends, differences by the calendar, dates read from texts."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klr.dates import (
    SPANS,
    date_after,
    date_here,
    date_like,
    day_there,
    days_between,
    end_of,
    first_date,
    months_between,
    start_of,
    time_there,
    workdays_between,
    workdays_later,
    years_between,
)
from klr.effects import EffectError
from klr.values import Months

DATES = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))
DAY = timedelta(days=1)


@given(st.sampled_from(SPANS), DATES)
def test_a_span_holds_the_date_and_meets_its_neighbours(span: str, date: datetime) -> None:
    start, end = start_of(span, date), end_of(span, date)
    assert start <= date < end + DAY
    assert start.time() == end.time() == time()
    assert start_of(span, end) == start
    assert end_of(span, start) == end
    assert start_of(span, end + DAY) == end + DAY


def test_the_ends_of_the_calendar() -> None:
    for span in SPANS:
        assert start_of(span, datetime.min) <= datetime.min
        assert end_of(span, datetime.max) <= datetime.max


@given(DATES, DATES)
def test_whole_months(start: datetime, end: datetime) -> None:
    count = int(months_between(start, end))
    assert count == -int(months_between(end, start))
    early, late = min(start, end), max(start, end)
    assert early + Months(abs(count)) <= late
    assert early + Months(abs(count) + 1) > late
    assert years_between(early, late) == abs(count) // 12


@given(DATES, DATES)
def test_workdays_are_those_from_monday_to_friday(start: datetime, end: datetime) -> None:
    early, late = min(start, end), min(max(start, end), min(start, end) + timedelta(days=300))
    days = range(int(days_between(early, late)))
    assert workdays_between(early, late) == sum((early + DAY * (n + 1)).weekday() < 5 for n in days)
    assert workdays_between(late, early) == -workdays_between(early, late)


@given(st.integers(0, 500), DATES)
def test_so_many_workdays_later(count: int, date: datetime) -> None:
    moved = workdays_later(Decimal(count), date)
    assert workdays_between(date, moved) == count
    assert count == 0 or moved.weekday() < 5


@given(
    st.datetimes(datetime(1000, 1, 1), datetime(9999, 1, 1)),
    st.sampled_from(("%Y-%m-%d", "%d.%m.%Y", "%-d %B %Y", "%B %-d, %Y", "%d %b %Y")),
)
def test_a_date_is_read_as_it_is_shown(date: datetime, form: str) -> None:
    from klr.formats import formatted

    assert first_date(f"Dated {formatted(date, form)}.") == datetime(date.year, date.month, date.day)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Rechnung vom 9. März 2026", datetime(2026, 3, 9)),
        ("Date: 2026-03-09T16:30:05Z", datetime(2026, 3, 9, 16, 30, 5)),
        ("25/12/2026", datetime(2026, 12, 25)),
        ("12/25/2026", datetime(2026, 12, 25)),
        ("03/04/2026", None),
        ("30.02.2026 then 01.03.26", datetime(2026, 3, 1)),
        ("le 1 août 2026", datetime(2026, 8, 1)),
        ("3 de mayo de 2026", datetime(2026, 5, 3)),
        ("version 1.2.3", None),
        ("no date", None),
    ],
)
def test_dates_in_texts(text: str, date: datetime | None) -> None:
    assert first_date(text) == date


@given(st.text("0123456789./- :TMarch", max_size=60))
def test_reading_never_fails(text: str) -> None:
    first_date(text)
    date_after("a", text)
    date_like("%d/%m/%Y", text)


def test_forms_and_zones() -> None:
    assert date_like("%m/%d/%Y", " 03/04/2026 ") == datetime(2026, 3, 4)
    assert date_like("%d.%m.%y", "04.03.2026") is None
    with pytest.raises(EffectError, match="no form of a date"):
        date_like("%d.%Q", "1")
    noon = datetime(2026, 7, 1, 12)
    assert time_there("Europe/Berlin", noon, "Asia/Tokyo") == time(19)
    assert day_there("Europe/Berlin", datetime(2026, 7, 1, 20), "Asia/Tokyo") == datetime(2026, 7, 2)
    assert date_here("Europe/Berlin", datetime(2026, 7, 1, 19), "Asia/Tokyo") == noon
    with pytest.raises(EffectError, match="no time zone"):
        time_there("", noon, "Mars/Olympus")
