"""Whole coworkers: what is accepted runs as it reads, and what is refused is refused for the right reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.vocabulary import VOCABULARY as WHOLE
from klr.effects import Act, Ask, EffectError, Ending, Inputs
from klr.loader import Loaded, load
from klr.values import FileValue
from tests.dsl.texts import coworkers
from tests.dsl.words import VOCABULARY

RULES = sorted((Path(__file__).parents[2] / "rules").glob("*.klr"))
FILE = FileValue("/home/me/Downloads/March 1.PDF", 1500, datetime(2026, 3, 9, 8, 30))
NOW = datetime(2026, 3, 10, 12)
HEAD = 'coworker "x"\nmay read "~/Downloads/*"\nmay remove "~/Downloads/*"\nmay write "~/Out/**"\nmay notify\n'


def loaded(body: str, head: str = HEAD, trigger: str = 'when file arrives in "~/Downloads"') -> Loaded:
    return load(f"{head}{trigger}\n{body}\nend\n", VOCABULARY)


def codes(body: str, head: str = HEAD) -> list[str]:
    return [d.code for d in loaded(body, head).errors]


def drive(body: str, text: str = "", file: FileValue = FILE, refuse: str = "") -> tuple[list[Any], Ending]:
    """The acts of a rule and its ending; every file's text is ``text``, the verb ``refuse`` is refused."""
    program = loaded(body).program
    assert program is not None, [d.message for d in loaded(body).errors]
    run = program.rules[0].start(Inputs(NOW, file, program.defaults(), "/home/me"))
    acts: list[Any] = []
    try:
        effect = next(run)
        while True:
            if isinstance(effect, Ask):
                effect = run.send((file,) if effect.name == "files" else text)
            elif effect.verb == refuse:
                effect = run.throw(EffectError("There is no room left.", "full"))
            else:
                acts.append(effect)
                effect = run.send(effect.arguments[0].moved_to(effect.arguments[1]) if effect.verb == "move" else None)
    except StopIteration as stop:
        return acts, stop.value


def said(expression: str, text: str = "") -> str:
    """An expression's value, as a hole shows it."""
    acts, _ = drive(f'notify "{{{expression}}}"', text)
    return str(acts[0].arguments[0])


@pytest.mark.parametrize("path", RULES, ids=lambda p: p.stem)
def test_what_ships_is_accepted_without_a_word(path: Path) -> None:
    assert load(path.read_text(encoding="utf-8"), WHOLE).diagnostics == ()


@given(coworkers())
def test_any_readable_text_is_judged_without_a_crash(text: str) -> None:
    result = load(text, VOCABULARY)
    assert (result.program is None) == bool(result.errors)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0.1 + 0.2", "0.3"),
        ("1 / 3", "0.3333333333333333333333333333"),
        ("2 * 3 - 10", "-4"),
        ("1234.5:0,000.00", "1,234.50"),
        ("0.125:0.00", "0.12"),
        ("7:000", "007"),
        ("20 MB", "20 MB"),
        ("1500 bytes + 500 bytes", "2 kB"),
        ("20 MB / 1 MB", "20"),
        ("file.size:kB", "1.5"),
        ("file.extension", "pdf"),
        ("file.stem", "March 1"),
        ("file.folder", "/home/me/Downloads"),
        ("file.modified:%Y/%m %B", "2026/03 March"),
        ("file.age", "1 day 3 hours"),
        ("today - 7 days", "2026-03-03"),
        ("now - today", "12 hours"),
        ("file.name:upper", "MARCH 1.PDF"),
        ("count of [1, 2]", "2"),
        ("first of [3, 4] default 0", "3"),
        ("sum of [1.5, 2] default 0", "3.5"),
        ("highest of [1 day, 3 hours] default 0 days", "1 day"),
        ("words of file.stem", "March, 1"),
        ("[3, 1, 2] sorted by it descending", "3, 2, 1"),
        ("[3, 1, 2] where it > 1", "3, 2"),
        ('file.stem contains "march"', "no"),
        ('file.stem contains "march" ignoring case', "yes"),
        ("file.size between 1 kB and 2 kB", "yes"),
        ('number after "Total" in file.text default 0', "1234.50"),
        ('text after "No." in file.text default "none"', "none"),
        ("count of files in \\\"~/Downloads/*\\\"", "1"),
    ],
)  # fmt: skip
def test_values(expression: str, value: str) -> None:
    assert said(expression.replace('\\"', '"'), "Invoice\nTotal: EUR 1.234,50 due") == value


def test_a_division_by_zero_is_an_error_that_the_rule_can_catch() -> None:
    acts, ending = drive('let x = 1 / (file.size / 1 kB - 1.5)\nnotify "{x}"\non error\nnotify error.message')
    assert [a.arguments for a in acts] == [("Nothing can be divided by zero.",)]
    assert ending == Ending("done")


def test_on_error_catches_refusals_and_failures() -> None:
    acts, _ = drive('trash file\non error\nnotify "{file.name}: {error.message}"', refuse="trash")
    assert acts == [Act("notify", ("March 1.PDF: There is no room left.",), 9)]
    acts, _ = drive('fail "no"\non error\nnotify error.message')
    assert acts[0].arguments == ("no",)


def test_skip_in_a_loop_goes_on_with_the_next() -> None:
    acts, ending = drive('for each n in [1, 2, 3]\nif n is 2\nskip\nend\nnotify "{n}"\nend\nstop "enough"')
    assert [a.arguments[0] for a in acts] == ["1", "3"]
    assert ending == Ending("stopped", "enough")


def test_a_moved_file_is_where_it_was_moved() -> None:
    acts, _ = drive('move file to "~/Out/{file.stem}/"\nnotify "{file.path}"')
    assert acts[0].arguments == (FILE, "/home/me/Out/March 1/March 1.PDF", "rename")
    assert acts[1].arguments == ("/home/me/Out/March 1/March 1.PDF",)


def test_a_hole_in_a_path_can_not_hold_a_separator() -> None:
    acts, _ = drive('move file to "~/Out/{file.text}"\non error\nnotify error.message', "a/../../b")
    assert "holds a `/`" in acts[0].arguments[0]


@given(st.text(max_size=8), st.text(max_size=8))
def test_tracing_changes_nothing(name: str, text: str) -> None:
    body = 'if file.text contains "a" and not (file.size > 1 kB)\nskip "{file.name}"\nend\nlet n = number after "T" in file.text default 1\nnotify "{n + 1} {[1, 2] where it is n}"'
    file = FILE._replace(path="/home/me/Downloads/" + name.replace("/", ""))
    program = loaded(body).program
    assert program is not None
    inputs = Inputs(NOW, file, {}, "/home/me")
    seen: list[tuple[int, str, Any]] = []

    def all_of(run: Any) -> tuple[list[Any], Any]:
        effects = []
        try:
            effect = next(run)
            while True:
                effects.append(effect)
                effect = run.send(text if isinstance(effect, Ask) else None)
        except StopIteration as stop:
            return effects, stop.value
        except EffectError as error:
            return effects, error.message

    rule = program.rules[0]
    assert all_of(rule.traced(inputs, lambda *step: seen.append(step))) == all_of(rule.start(inputs))
    assert seen


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('move file to "~/Other/{file.name}"', "K401"),
        ('copy file to "~/Out/../x"', "K306"),
        ('write "x" to "/etc/passwd"', "K401"),
        ('let f = first of (files in "~/Secret/*") default file\nnotify f.name', "K401"),
        ("trash file\ntrash file", "K403"),
        ('rename file to "a/b"', "K306"),
        ('move file to "~/Out/{file.name}"\nrename file to "b"\nmove file to "~/Out/c"', "K401"),
        ('for each f in files in "~/Downloads/*"\nmove file to "~/Out/x"\nend', "K401"),
        ('move fil to "~/Out/x"', "K201"),
        ("let file = 3", "K202"),
        ("let end = 3", "K202"),
        ('mov file to "~/Out/x"', "K203"),
        ("notify file.nme", "K204"),
        ('notify "{cuont of [1]}"', "K205"),
        ('move file into "~/x"', "K206"),
        ("move file", "K206"),
        ('move file to "~/Out/x" on conflict win', "K209"),
        ("notify 3", "K301"),
        ('notify "{1 + file.name}"', "K302"),
        ("notify first of lines of file.text", "K303"),
        ('notify "{file}"', "K304"),
        ('notify "{file.size:0.0}"', "K305"),
        ('move file to "Out/x"', "K306"),
        ("for each x in 3\nend", "K308"),
        ('let x = files in "~/{file.name}"', "K309"),
    ],
)
def test_what_is_wrong_is_refused_for_what_it_is(body: str, code: str) -> None:
    assert code in codes(body)


def test_a_branch_leaves_the_file_in_either_place() -> None:
    head = HEAD.replace('may remove "~/Downloads/*"', 'may remove "~/Downloads/*", "~/Out/a/*"')
    body = 'if file.size > 1 kB\nmove file to "~/Out/a/{file.name}"\nend\ntrash file'
    assert codes(body, head) == []
    assert codes(body) == ["K401"]


def test_on_error_knows_that_the_file_may_have_moved() -> None:
    body = 'move file to "~/Out/a/{file.name}"\nnotify "x"\non error\ntrash file'
    assert codes(body) == ["K401"]


def test_advice_names_what_is_not_needed() -> None:
    head = HEAD + 'may erase "~/Downloads/*"\n'
    found = [d for d in loaded("trash file", head).diagnostics if d.code == "K601"]
    assert [d.message.split("`")[1] for d in found] == [
        'may write "~/Out/**"',
        "may notify",
        'may erase "~/Downloads/*"',
    ]
    assert loaded("trash file", head).program is not None


def test_settings_have_types_and_defaults() -> None:
    text = 'coworker "x"\nsetting n: number = 3\nsetting s: list of text = ["a"] shown as "S"\nmay notify\nwhen asked\nnotify "{n} {count of s}"\nend\n'
    program = load(text, VOCABULARY).program
    assert program is not None
    assert program.defaults() == {"n": Decimal(3), "s": ("a",)}
    assert program.settings["s"].label == "S"
    assert [d.code for d in load(text.replace("= 3", '= "3"'), VOCABULARY).errors] == ["K301"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("every 10 seconds", "K503"),
        ("every someday at 9:00", "K503"),
        ("every monday", "K503"),
        ("every month at 9:00", "K503"),
        ('cron "61 * * * *"', "K504"),
        ('when file vanishes in "~/x"', "K501"),
        ("when file arrives", "K502"),
        ('when file arrives in "Downloads"', "K402"),
    ],
)
def test_triggers_are_checked(line: str, code: str) -> None:
    assert code in [d.code for d in load(f'coworker "x"\nmay notify\n{line}\nnotify "x"\nend\n', VOCABULARY).errors]


def test_schedules_become_data() -> None:
    text = (
        'coworker "x"\nmay notify\nevery 90 minutes\nnotify "x"\nend\nevery weekday at 14:00, 9:00\nnotify "x"\nend\n'
    )
    program = load(text, VOCABULARY).program
    assert program is not None
    plans = [rule.trigger.arguments["schedule"] for rule in program.rules]
    assert plans[0].interval == timedelta(minutes=90)
    assert [plan.describe() for plan in plans] == ["every 1 hour 30 minutes", "every weekday at 09:00, 14:00"]


@pytest.mark.parametrize("deep", ["not " * 20_000 + "yes", "1+" * 20_000 + "1"])
def test_what_is_nested_too_deeply_is_a_finding_and_no_crash(deep: str) -> None:
    loaded = load(f'coworker "x"\nwhen asked\n  let x = {deep}\n  skip "{{x}}"\nend\n', VOCABULARY)
    assert [(found.code, found.span) for found in loaded.errors] == [("K100", (0, 1))]
    assert loaded.program is None


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0001-02-03", "0001-02-03"),
        ("0999-02-03 04:05", "0999-02-03 04:05"),
        ('text after "" in file.text default "?"', "one"),
        ('text before "" in file.text default "?"', ""),
        ("1 MB - 2.5 MB", "-1.5 MB"),
        ("0 * -1", "0"),
        ("-1234567890123456789012345678901234567890", "-1234567890123456789012345678901234567890"),
        ("sum of [1234567890123456789012345678901234567890, 0.5] default 0", "1234567890123456789012345678901234567890.5"),
        ("5 between count of [1 between 0 and 2] and 4", "no"),
    ],
)  # fmt: skip
def test_values_at_the_edges(expression: str, value: str) -> None:
    assert said(expression, "one\ntwo") == value


def test_a_sum_that_is_too_large_is_an_error_of_the_rule() -> None:
    acts, _ = drive('notify "{sum of [999999999 days, 999999999 days] default 1 day}"\non error\nnotify error.message')
    assert "too large" in acts[0].arguments[0]


def test_an_error_stays_what_it_was_while_another_is_caught() -> None:
    acts, _ = drive(
        'fail "outer"\non error\ntry\nfail "inner"\non error\nnotify error.message\nend\nnotify error.message'
    )
    assert [act.arguments[0] for act in acts] == ["inner", "outer"]


def test_a_path_with_an_apostrophe_is_a_path() -> None:
    acts, _ = drive('let goal = "~/Out/Eva\'s/{file.name}"\nmove file to goal')
    assert acts[0].arguments[1] == "/home/me/Out/Eva's/March 1.PDF"


def test_a_value_between_two_others_is_asked_for_first() -> None:
    acts, _ = drive('notify "{0 between 1 and 1 / 0}"\non error\nnotify "no"')
    assert acts[0].arguments[0] == "no"
    assert said("0 between 1 and 1 / 0") == "no"


def test_what_is_too_intricate_to_be_proved_is_refused() -> None:
    moves = 'move file to "~/Downloads/{file.name}a"\nmove file to "~/Downloads/{file.stem}{file.name}"\n'
    deep = moves
    for n in range(7):
        deep = f'for each f{n} in files in "~/Downloads/*"\n{deep}on error\n{moves}end\n'
    assert "K404" in codes(deep.rstrip())


@pytest.mark.parametrize("pattern", ["", "In/*", "~/In/", "~/a**", "~/../x"])
def test_files_are_listed_by_a_pattern_that_is_one(pattern: str) -> None:
    text = f'coworker "c"\nmay read "~/**"\nmay notify\nevery day at 9:00\nlet all = files in "{pattern}"\nnotify "x"\nend\n'
    (found,) = load(text, VOCABULARY).errors
    assert (found.code, text[found.span.start : found.span.end]) == ("K402", f'"{pattern}"')


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_the_left_side_of_a_comparison_of_dates_is_found_out_first(operator: str) -> None:
    program = loaded(f"let late = (workday of (1 / 0) after now) {operator} (date in file.text default now)").program
    assert program is not None
    with pytest.raises(EffectError, match="zero"):
        next(program.rules[0].start(Inputs(NOW, FILE, program.defaults(), "/home/me")))
