"""Settings: bounds, values in force, and their place in the proof."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.engine.tester import run_tests
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from klr.program import Setting
from klr.settings import name_in, read, with_values, written
from klr.types import BY_NAME, FOLDER, NUMBER, TEXT, list_of
from klr.values import Months

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from('\n\t"{}\\'), max_size=10),
    "number": st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
    "yes/no": st.booleans(),
    "size": st.integers(0, 10**15),
    "date": st.datetimes(datetime(1000, 1, 1)).map(lambda d: d.replace(microsecond=0)),
    "time": st.times().map(lambda t: t.replace(microsecond=0)),
    "duration": st.timedeltas(timedelta(), timedelta(days=10_000)),
    "months": st.integers(0, 1000).map(Months),
    "folder": st.just("~/Archive"),
    "path": st.just("~/Archive/a.txt"),
}


def coworker(kind: str, default: str, more: str = "") -> str:
    return f'coworker "x"\nmay notify\nsetting a: {kind} = {default} {more}\nwhen asked\n  notify "{{a}}"\nend\n'


@given(st.data(), st.sampled_from(sorted(VALUES)))
def test_a_value_is_read_as_it_is_written(data: st.DataObject, kind: str) -> None:
    value = data.draw(VALUES[kind])
    assert set(VALUES) == set(BY_NAME)
    assert f"{written((value,))}" == f"[{written(value)}]"
    for name, given_value in ((kind, value), (f"list of {kind}", (value, value))):
        text = with_values(coworker(name, written(given_value)), {"a": written(given_value)})
        loaded = load(text, VOCABULARY)
        assert loaded.program is not None, loaded.diagnostics
        assert loaded.program.settings["a"].value == given_value


def test_lines_keep_their_numbers() -> None:
    text = coworker("list of text", '[\n "a",\n "b"\n]')
    changed = with_values(text, {"a": '["c"]', "unknown": "1"})
    assert changed.count("\n") == text.count("\n")
    program = load(changed, VOCABULARY).program
    assert program is not None
    assert program.settings["a"].value == ("c",)
    assert with_values("no coworker at all", {"a": "1"}) == "no coworker at all"


@pytest.mark.parametrize(
    ("kind", "default", "more", "code"),
    [
        ("number", "5", "from 0 to 10", None),
        ("number", "-1", "from -5 to 10", None),
        ("number", "50", "from 0 to 10", "K212"),
        ("text", '"weekly"', 'one of ["weekly", "monthly"]', None),
        ("text", '"daily"', 'one of ["weekly", "monthly"]', "K212"),
        ("list of text", '["a", "c"]', 'one of ["a", "b"]', "K212"),
        ("number", "5", 'one of ["a"]', "K301"),
        ("number", "5", "from 1 to now", "K201"),
        ("yes/no", "yes", "from yes to no", "K302"),
        ("time", "09:00", "from 08:00 to 18:00", None),
    ],
)
def test_bounds(kind: str, default: str, more: str, code: str | None) -> None:
    found = [one.code for one in load(coworker(kind, default, more), VOCABULARY).errors]
    assert (code in found) if code else found == []


def test_what_a_person_types() -> None:
    assert read(Setting("a", None, "", NUMBER), ["-2.5"]) == Decimal("-2.5")
    assert read(Setting("a", None, "", TEXT), ['say "hi"']) == 'say "hi"'
    assert read(Setting("a", None, "", list_of(TEXT)), ["b", "c"]) == ("b", "c")
    assert read(Setting("a", None, "", BY_NAME["time"]), ["9:05"]) == time(9, 5)
    for kind, typed in ((NUMBER, ["many"]), (NUMBER, []), (NUMBER, ["1", "2"]), (FOLDER, ["Archive"])):
        with pytest.raises(ValueError, match=r".+"):
            read(Setting("a", None, "", kind), typed)


def test_the_name_of_a_text() -> None:
    assert name_in('# x\ncoworker   "The \\"best\\""\n') == 'The "best"'
    assert name_in('coworker "A b"') == "A b"
    assert name_in("nothing") == ""


IN_PATTERNS = """coworker "Archivist"
may read "{inbox}/*", "{archive}/{team}/*"
may remove "{inbox}/*"
may write "{archive}/{team}/**"

setting inbox: folder = "~/In"
setting archive: folder = "~/Archive"
setting team: text = "A[1]*"

when file arrives in inbox named "*.pdf"
  let there = count of files in "{archive}/{team}/*"
  move file to "{archive}/{team}/{there} {file.name}"
end

test "as written"
  given file "~/In/a.pdf"
  when file arrives "~/In/a.pdf"
  expect file "~/Archive/A[1]*/0 a.pdf"
end

test "elsewhere"
  given setting inbox = "~/Scans"
  given setting archive = "/srv/archive"
  given setting team = "B"
  given file "~/Scans/a.pdf"
  given file "/srv/archive/B/old.pdf"
  when file arrives "~/Scans/a.pdf"
  expect file "/srv/archive/B/1 a.pdf"
end
"""


def test_settings_in_patterns_are_proved_with_their_values() -> None:
    loaded = load(IN_PATTERNS, VOCABULARY)
    assert [found.message for found in loaded.diagnostics] == []
    assert loaded.program is not None
    assert [result.failures for result in run_tests(loaded.program, VOCABULARY)] == [(), ()]
    assert {p for grant in loaded.program.grants for p in grant.patterns} == {
        "~/In/*", "~/Archive/A[[]1][*]/*", "~/Archive/A[[]1][*]/**",
    }  # fmt: skip


@pytest.mark.parametrize("team", ["a/b", "", "..", "a\\nb"])
def test_a_setting_that_is_no_name_stays_out_of_patterns(team: str) -> None:
    codes = [found.code for found in load(with_values(IN_PATTERNS, {"team": f'"{team}"'}), VOCABULARY).errors]
    assert "K402" in codes
