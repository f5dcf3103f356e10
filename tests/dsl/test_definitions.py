"""Definitions, ``try``, months and properties of lists: what they mean, and what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klr.effects import Act, Ask, EffectError, Inputs
from klr.format import format_source
from klr.loader import load
from klr.parser import parse
from klr.source import Source
from klr.values import FileValue, Months
from tests.dsl.test_loader import NOW, codes, drive, said
from tests.dsl.words import VOCABULARY

HEAD = 'coworker "x"\nmay read "~/Downloads/*"\nmay remove "~/Downloads/*"\nmay write "~/Out/**"\nmay notify\n'


def run(head: str, body: str, refuse: str = "", text: str = "") -> list[str]:
    """What a rule says, with these definitions; one verb is refused, every file's text is ``text``."""
    loaded = load(f'{HEAD}{head}\nwhen file arrives in "~/Downloads"\n{body}\nend\n', VOCABULARY)
    assert loaded.program is not None, loaded.diagnostics
    file = FileValue("/home/me/Downloads/a.txt", 1, datetime(2026, 1, 31))
    motion = loaded.program.rules[0].start(Inputs(NOW, file, loaded.program.defaults(), "/home/me"))
    heard: list[str] = []
    answer: Any = None
    try:
        while True:
            effect = motion.send(answer)
            answer = None
            while isinstance(effect, Act) and effect.verb == refuse:
                effect = motion.throw(EffectError("There is no room left.", "full"))
            if isinstance(effect, Ask):
                answer = (file, file.moved_to("/home/me/Downloads/b.pdf")) if effect.name == "files" else text
            elif effect.verb == "notify":
                heard.append(effect.arguments[0])
            else:
                heard.append(effect.verb)
                answer = file
    except StopIteration:
        return heard


def test_definitions_are_functions() -> None:
    head = (
        "define gross of net: number = net * 1.19\n"
        'define label of f: file = "{f.stem} ({f.extension:upper})"\n'
        "define share of part: number in whole: number = part / whole\n"
        'define net of f: file = gross of (number after "Net" in f.text default 0)\n'
    )
    body = 'notify "{gross of 100:0.00} {label of file} {share of 1 in 4} {net of file:0.00}"\nfor each f in files in "~/Downloads/*" where net of it > 100\nnotify f.name\nend'
    assert run(head, body, text="Net 100") == ["119.00 a (TXT) 0.25 119.00", "a.txt", "b.pdf"]
    assert run(head, body, text="Net 1") == ["119.00 a (TXT) 0.25 1.19"]


@pytest.mark.parametrize(
    ("head", "expression", "code"),
    [
        ("define a of x: number = a of x", "a of 1", "K205"),
        ("define a of x: number = b of x\ndefine b of x: number = x", "a of 1", "K205"),
        ("define a of x: number = x + 1", 'a of "1"', "K301"),
        ("define a of x: number = x\ndefine a of y: number = y", "a of 1", "K202"),
        ("define count of x: number = x", "count of 1", "K202"),
        ("define a of x: number = y", "a of 1", "K201"),
        ("define a of x: colour = x", "a of 1", "K207"),
        ("define a of now: number = 1", "a of 1", "K202"),
        ("define a of x: number = file.name", "a of 1", "K201"),
        ("define a of x: number = 1\nsetting z: number = 1", "a of 1", "K603"),
        ("define a of x: number = x", "1", "K603"),
    ],
)
def test_a_wrong_definition_is_told(head: str, expression: str, code: str) -> None:
    text = (
        f'{HEAD}{head}\nwhen file arrives in "~/Downloads"\n notify "{{{expression.replace(chr(34), chr(34))}}}"\nend\n'
    )
    assert code in [found.code for found in load(text, VOCABULARY).diagnostics]


def test_definitions_can_not_be_made_to_take_for_ever() -> None:
    lines = ["define d0 of x: number = x + 1"]
    lines += [f"define d{n} of x: number = d{n - 1} of (d{n - 1} of x)" for n in range(1, 40)]
    text = f'{HEAD}{chr(10).join(lines)}\nwhen file arrives in "~/Downloads"\n notify "{{d39 of 1}}"\nend\n'
    assert {found.code for found in load(text, VOCABULARY).errors} == {"K210"}


def test_the_proof_follows_files_into_definitions() -> None:
    def found(goal: str) -> list[str]:
        head = f'define goal of f: file = "~/{goal}/{{f.stem}}"\ndefine said of f: file = f.text\n'
        body = "notify said of file\nmove file to goal of file\nnotify said of file"
        text = f'{HEAD}{head}when file arrives in "~/Downloads"\n{body}\nend\n'
        return [finding.code for finding in load(text, VOCABULARY).diagnostics]

    assert found("Out") == ["K401"]  # its text is read where it lies by then, and that is not allowed
    assert found("Else") == ["K401", "K401"]
    text = f'{HEAD}define goal of f: file = "~/Out/{{f.stem}}"\nwhen file arrives in "~/Downloads"\nmove file to goal of file\nnotify "done"\nend\n'
    assert load(text, VOCABULARY).diagnostics == ()


def test_try_catches_what_fails_in_it_and_nothing_else() -> None:
    body = 'try\nmove file to "~/Out/"\nnotify "moved"\non error\nnotify error.message\nend\nnotify "behind"'
    assert run("", body) == ["move", "moved", "behind"]
    assert run("", body, refuse="move") == ["There is no room left.", "behind"]
    nested = f'try\n{body}\nfail "again"\non error\nnotify "outer: {{error.message}}"\nend'
    assert run("", nested, refuse="move") == ["There is no room left.", "behind", "outer: again"]


def test_an_error_in_a_loop_can_be_met_for_each_element() -> None:
    body = 'for each f in files in "~/Downloads/*"\ncopy f to "~/Out/"\non error\nnotify "{f.name}: {error.message}"\nskip\nnotify "never"\nend\nnotify "end"'
    head = 'may read "~/Out/*"\n'
    loaded = load(f'{HEAD}when file arrives in "~/Downloads"\n{body}\nend\n', VOCABULARY)
    assert [found.code for found in loaded.diagnostics] == ["K601", "K602"]
    assert run(head, body, refuse="copy") == ["a.txt: There is no room left.", "b.pdf: There is no room left.", "end"]


def test_behind_a_try_a_file_is_in_either_place() -> None:
    body = 'try\nmove file to "~/Out/x"\non error\nnotify "stays"\nend\nmove file to "~/Out/y"'
    assert codes(body) == ["K401"]
    assert codes(body, HEAD.replace('"~/Downloads/*"\nmay write', '"~/Downloads/*", "~/Out/x*"\nmay write')) == []


@given(st.datetimes(datetime(1, 1, 1), datetime(9000, 1, 1)), st.integers(-10, 10_000), st.integers(-10, 10_000))
def test_months_keep_the_day_or_take_the_last_one(date: datetime, count: int, more: int) -> None:
    if date.year * 12 + date.month + count < 13:
        with pytest.raises(OverflowError):
            date + Months(count)
        return
    after = date + Months(count)
    assert after.year * 12 + after.month == date.year * 12 + date.month + count
    assert after.day == date.day or (after.day < date.day and (after + timedelta(days=1)).day == 1)
    assert after.time() == date.time()
    assert Months(count) + Months(more) - Months(more) == Months(count)
    if date.day <= 28:
        assert after - Months(count) == date


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("file.modified + 1 month", "2026-04-09 08:30"),
        ("2026-01-31 + 1 month", "2026-02-28"),
        ("2028-03-31 - 1 month", "2028-02-29"),
        ("2028-02-29 + 1 year", "2029-02-28"),
        ("today - 2 years", "2024-03-10"),
        ("1 year + 3 months", "1 year 3 months"),
        ("18 months", "1 year 6 months"),
        ("0 months", "0 months"),
    ],
)
def test_dates_and_months(expression: str, value: str) -> None:
    assert said(expression) == value


def test_months_have_no_length() -> None:
    assert codes("if file.age > 3 months\nskip\nend\ntrash file") == ["K302"]
    assert codes('notify "{today - 3 months - 1 day}"') == []
    assert codes('notify "{1 month + 1 day}"') == ["K302"]
    with pytest.raises(EffectError, match="exact"):
        drive('notify "{2026-01-01 + 9000 years}"')


def test_a_property_of_a_list_is_that_of_each() -> None:
    body = 'let found = files in "~/Downloads/*"\nnotify "{found.name} {sum of found.size default 0 MB}"\nnotify "{count of (unique of found.text)}"'
    assert run("", body, text="x") == ["a.txt, b.pdf 2 bytes", "1"]
    assert codes('let found = files in "~/Downloads/*"\nnotify "{found.nmae}"') == ["K204"]


def test_definitions_and_tries_are_formatted() -> None:
    text = 'coworker "x"\n  define  gross   of net :number = net*1.19 # VAT\nwhen asked\ntry # first\nnotify "a"\non   error\n# why\nnotify "b"\nend\nfor each z in [1]\nnotify "{z}"\non error\nskip\nend\nend\n'
    source = Source(text)
    formatted = format_source(source, parse(source))
    assert formatted == (
        'coworker "x"\n\ndefine gross of net: number = net * 1.19  # VAT\n\nwhen asked\n  try  # first\n    notify "a"\n  on error\n'
        '    # why\n    notify "b"\n  end\n  for each z in [1]\n    notify "{z}"\n  on error\n    skip\n  end\nend\n'
    )
