"""Formats of holes: what a format means, and that a wrong one is told before anything runs."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klr.formats import date_problem, formatted, number_form, number_problem
from klr.functions import read_number
from klr.loader import load
from tests.dsl.words import VOCABULARY


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        ("1234.5", "0.00", "1234.50"),
        ("1234.5", "0,00", "1234,50"),
        ("1234.5", "0,0.00", "1,234.50"),
        ("1234.5", "0,000.00", "1,234.50"),
        ("1234.5", "0.000,00", "1.234,50"),
        ("1234.5", "0 000,00", "1 234,50"),
        ("1234.5", "0'000.0", "1'234.5"),
        ("1234567", "0,0", "1,234,567"),
        ("1234567", "0,000", "1,234,567"),
        ("7", "000", "007"),
        ("-7", "000.0", "-007.0"),
        ("0.125", "0.00", "0.12"),
        ("0.135", "0.00", "0.14"),
        ("0.195", "0%", "20%"),
        ("0.195", "0,0.0%", "19.5%"),
        ("5", "+0", "+5"),
        ("0", "+0", "0"),
        ("-0.001", "0.00", "0.00"),
    ],
)
def test_numbers(value: str, form: str, text: str) -> None:
    assert formatted(Decimal(value), form).lstrip("-") == text.lstrip("-")
    assert formatted(Decimal(value), form).startswith("-") == (text.startswith("-"))


@pytest.mark.parametrize(
    "form", ["", "x", "0.", ".00", "#,##0.00", "%.2f", "0,0,0", "0.00.00", "00,000.00", "0,0,00", "0" * 50]
)
def test_what_is_no_format_of_a_number(form: str) -> None:
    assert number_form(form) is None
    assert number_problem(form)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, max_value=10**12, min_value=-(10**12)))
def test_a_formatted_number_is_read_back(value: Decimal) -> None:
    for form in ("0.00", "0,00", "0,0.00", "0.000,00", "0 000,00"):
        assert read_number(formatted(value, form)) == value


@pytest.mark.parametrize(
    ("form", "part"),
    [("%Q", "no part"), ("YYYY-MM-DD", "`%Y`"), ("100%", "at the end"), ("", "no part"), ("%-Y", "no part")],
)
def test_what_is_no_format_of_a_date(form: str, part: str) -> None:
    assert part in date_problem(form)


def test_dates_and_others() -> None:
    moment = datetime(2026, 3, 9, 6, 5)
    assert formatted(moment, "%-d.%-m.%y %H:%M") == "9.3.26 06:05"
    assert (
        formatted(moment, "%A, %-d %B %Y, week %V, quarter %q, 100%%")
        == "Monday, 9 March 2026, week 11, quarter 1, 100%"
    )
    assert formatted(time(6, 5), "%H.%M") == "06.05"
    assert formatted(timedelta(hours=50), "days") == "2"
    assert formatted(-timedelta(hours=50), "hours") == "-50"
    assert formatted(True, "paid/open") == "paid"
    assert formatted(1500, "kB") == "1.5"


@pytest.mark.parametrize(
    ("hole", "code"),
    [
        ("{now.time:%Y}", "K305"),
        ("{1:%d}", "K305"),
        ("{yes:paid}", "K305"),
        ("{[1]:0}", "K305"),
        ("{now:%H:%M}", None),
        ("{yes:paid/open}", None),
        ("{0.5:0%}", None),
    ],
)
def test_the_check_tells(hole: str, code: str | None) -> None:
    found = load(f'coworker "x"\nmay notify\nwhen asked\n  notify "{hole}"\nend\n', VOCABULARY)
    assert [one.code for one in found.errors] == ([code] if code else [])


def test_a_slash_in_a_path_is_told() -> None:
    text = 'coworker "x"\nmay write "~/**"\nwhen asked\n  write "a" to "~/A/{now:%Y/%m}.txt"\nend\n'
    assert [one.code for one in load(text, VOCABULARY).errors] == ["K305"]
