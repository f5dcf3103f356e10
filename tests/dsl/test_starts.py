"""What starts a rule, as data: every trigger and option, answers, and what a rule is given."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klr.answers import read, settled
from klr.loader import Loaded, load
from klr.loops import drawn, loops
from klr.program import Options, Program, Rule, Setting
from klr.schedules import Every, Monthly, Nth, Weekly, Yearly
from klr.types import BY_NAME, DATE, NUMBER, TEXT
from klr.values import Months
from tests.dsl.words import VOCABULARY


def loaded(start: str, body: str = 'notify "x"', may: str = "may notify", name: str = "x") -> Loaded:
    return load(f'coworker "{name}"\n{may}\n\n{start}\n  {body}\nend\n', VOCABULARY)


def rule(start: str, body: str = 'notify "x"', may: str = "may notify") -> Rule:
    found = loaded(start, body, may)
    assert found.program is not None, [one.render(found.source) for one in found.diagnostics]
    return found.program.rules[0]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("between 9:00 and 18:00", {"window": (time(9), time(18))}),
        ("between 22:00 and 06:00", {"window": (time(22), time(6))}),
        ("at most 3 at a time", {"most": 3}),
        ("at most 1 at a time else skip", {"excess": "skip"}),
        ("retry 3 times after 1 minute", {"retries": 3, "retry_after": timedelta(minutes=1)}),
        ("within 5 minutes", {"jitter": timedelta(minutes=5)}),
        ("catch up all", {"catch_up": "all"}),
        ("never catch up", {"catch_up": "never"}),
        ('in time zone "America/New_York"', {"zone": "America/New_York"}),
    ],
)
@pytest.mark.parametrize("joint", [" ", "\n    "])
def test_each_option_of_the_clock(option: str, expected: dict[str, Any], joint: str) -> None:
    assert rule(f"every 15 minutes{joint}{option}").trigger.options == Options(**expected)


def test_options_go_together_and_in_any_order() -> None:
    texts = ["once quiet for 10 seconds", "at most 2 at a time else restart", "between 09:00 and 18:00"]
    expected = Options(quiet=timedelta(seconds=10), most=2, excess="restart", window=(time(9), time(18)))
    for order in (texts, texts[::-1]):
        start = 'when file arrives in "~/In"' + "".join(f"\n    {text}" for text in order)
        assert rule(start, may='may read "~/In/*"\nmay notify').trigger.options == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("every hour on weekday, sunday", Every(timedelta(hours=1), (0, 1, 2, 3, 4, 6))),
        ("every weekend at 17:00, 09:00", Weekly((5, 6), (time(9), time(17)))),
        ("every month on 15, last day at 09:00", Monthly((15, "last"), (time(9),))),
        ("every month on first monday, last friday at 9:00", Monthly((Nth(1, 0), Nth(-1, 4)), (time(9),))),
        ("every year on 24 december, 29 february at 09:00", Yearly(((12, 24), (2, 29)), (time(9),))),
    ],
)
def test_plans_of_times(start: str, expected: Any) -> None:
    schedule = rule(start).trigger.arguments["schedule"]
    assert schedule == expected
    # What it says of itself is what was written, but for order and case.
    assert set(schedule.describe().lower().replace("the ", "").replace("day 15", "15").split()) >= set(
        expected.describe().lower().replace("the ", "").replace("day 15", "15").split()
    )


def test_a_chain_waits_for_a_coworker() -> None:
    trigger = rule('when "Invoice filer" finishes').trigger
    assert (trigger.phrase, trigger.arguments) == ("finishes", {"coworker": "Invoice filer"})


def test_what_is_asked_is_known_with_its_type() -> None:
    asked = rule(
        'when asked for month: date shown as "Which?", n: number = 2', 'notify "{month:%Y} {n}"'
    ).trigger.answers
    assert asked == (Setting("month", None, "Which?", DATE), Setting("n", Decimal(2), "n", NUMBER))
    wrong = loaded("when asked for month: date", 'notify "{month + 1}"')
    assert [one.code for one in wrong.diagnostics] == ["K302"]


def test_files_below_a_folder_are_read_with_permission_only() -> None:
    body = "for each one in files in folder\n    notify one.name\n  end"
    start = 'when folder arrives in "~/In" named "scan*"'
    fine = 'may read "~/In/scan*", "~/In/scan*/**"\nmay notify'
    assert loaded(start, body, fine).diagnostics == ()
    tight = loaded(start, body, 'may read "~/In/scan*"\nmay notify')
    assert [one.code for one in tight.errors] == ["K401"]
    assert "~/In/scan*/**" in tight.errors[0].help


def test_a_file_that_is_gone_can_not_be_moved() -> None:
    may = 'may read "~/Out/*"\nmay remove "~/Out/*"\nmay notify'
    assert [d.code for d in loaded('when file leaves in "~/Out"', "trash file", may).errors] == ["K301"]
    assert loaded('when file leaves in "~/Out"', 'notify "{file.name}"', 'may read "~/Out/*"\nmay notify').errors == ()


# -- loops ------------------------------------------------------------------------------------------------------------


def program(start: str, body: str, may: str, name: str) -> Program:
    made = loaded(start, body, may, name).program
    assert made is not None
    return made


def test_loops_through_chains_are_found() -> None:
    notify = ('notify "x"', "may notify")
    here, there = program('when "B" finishes', *notify, "A"), program('when "A" fails', *notify, "B")
    [loop] = loops([here, there])
    assert drawn(loop) == '"A" (line 4) -> fails -> "B" (line 4) -> finishes -> "A" again'
    assert loops([here]) == []
    mover = program('when file arrives in "~/In"', "notify file.name", 'may read "~/In/*"\nmay notify', "A")
    writer = program('when "A" finishes', 'write "x" to "~/In/x"', 'may write "~/In/*"', "B")
    assert len(loops([mover, writer])) == 1
    self = loaded('when "x" finishes')
    assert [one.code for one in self.diagnostics] == ["K605"]
    assert "its own coworker" in self.diagnostics[0].message


def test_loops_through_what_leaves_and_through_folders_are_found() -> None:
    may = 'may read "~/In/*"\nmay remove "~/In/*"\nmay write "~/Out/*/*"'
    mover = program('when file arrives in "~/In"', 'move file to "~/Out/{file.stem}/"', may, "A")
    left = program(
        'when file leaves in "~/In"', 'write "x" to "~/In/log"', 'may read "~/In/*"\nmay write "~/In/*"', "B"
    )
    assert len(loops([mover, left])) >= 1
    folder = program(
        'when folder arrives in "~/Out"', 'write "x" to "~/In/x"', 'may read "~/Out/*"\nmay write "~/In/*"', "C"
    )
    assert len(loops([mover, folder])) >= 1


# -- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        ("text", 'a "b" {c}\n', 'a "b" {c}\n'),
        ("number", " -1.50 ", Decimal("-1.50")),
        ("yes/no", "yes", True),
        ("size", "20 MB", 20_000_000),
        ("date", "2026-03-09 16:30", datetime(2026, 3, 9, 16, 30)),
        ("time", "9:05", time(9, 5)),
        ("duration", "3 days", timedelta(days=3)),
        ("months", "1 year", Months(12)),
    ],
)
def test_answers_are_read_as_values_are_written(kind: str, typed: str, value: object) -> None:
    assert read(BY_NAME[kind], typed) == value


@given(
    st.sampled_from(("number", "yes/no", "size", "date", "time", "duration", "months")),
    st.text(max_size=12)
    | st.sampled_from(
        ('1\nmay erase "~/**"', '1 shown as "x"', "1 # x", '"x"', "[1]", "now", "-yes", "--1", "2026-02-30")
    ),
)
def test_what_is_no_answer_is_refused_in_a_sentence(kind: str, typed: str) -> None:
    try:
        value = read(BY_NAME[kind], typed)
    except ValueError as error:
        told = str(error)
    else:
        assert read(BY_NAME[kind], f" {typed} ") == value
        assert "\n" not in typed.strip()
        return
    assert told.startswith(f"This is no {kind}. Write")


def test_answers_that_are_missing_or_unknown_are_named() -> None:
    asked = (Setting("month", None, "Which month?", DATE), Setting("note", "none", "note", TEXT))
    assert settled(asked, {"month": "2026-03-01"}) == {"month": datetime(2026, 3, 1), "note": "none"}
    for given_, words in (({}, "Which month"), ({"mnth": "x"}, "Did you mean `month`"), ({"month": "x"}, "no date")):
        with pytest.raises(ValueError, match=words):
            settled(asked, given_)
    with pytest.raises(ValueError, match="Nothing is asked"):
        settled((), {"x": "1"})
