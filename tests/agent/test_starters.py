"""The interview: every way through it gives a coworker that is accepted, tight and tested; no answer breaks out of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from klapp.engine.tester import run_tests
from klapp.shipped import shipped
from klapp.starters import (
    QUESTIONS,
    Draft,
    Refused,
    checked_name,
    draft,
    file_name,
    from_template,
    next_question,
    read_answers,
    starter,
)
from klapp.vocabulary import VOCABULARY
from klr.format import format_source
from klr.loader import load
from klr.parser import parse
from klr.rewriting import least_privilege
from klr.source import Source

HOME = "/home/person"
HOSTILE = [
    "", " ", "..", "../..", "~/../x", "/", "~", "~root/x", "a\nb", 'a"b', "a{b}", "{file.name}", "{{", "}", "\\", "\\n",
    'x"\nmay erase "/**"', "a\x00b", "a\u202eb", "*", "**", "[ab]", "?", "C:\\x", "a/b", "end", "# no comment", "it's",
    "Müller & Söhne", "请求", "a" * 300, "~/Documents/{x}", '~/Documents/"x"', "/srv/share/", "~/a/./b//c/", "pdf", "jpg, png",
    "1", "2", "no", "yes", "12:30", "25:00", "0", "99999", "\ud800", "a, b, a", ",", "~/x.csv", "İ", "ß", "K", "ǅ", "ﬁ",
    "a (2)", "-rf", "~/Downloads", "~/Downloads/x", "~/Downloads/list.csv", "/home/person/Downloads",
]  # fmt: skip


@st.composite
def interviews(draw: st.DrawFn) -> tuple[dict[str, str], list[str]]:
    """The answers of somebody who chooses freely and types anything, until it is taken; and what they were told."""
    answers: dict[str, str] = {}
    told: list[str] = []
    while question := next_question(answers):
        choices = question.choices(answers)
        anything = st.sampled_from(HOSTILE) | st.text(max_size=20)
        raw = draw(st.sampled_from(choices)).key if choices else draw(anything)
        try:
            answers[question.key] = question.accepted(raw, answers, HOME)
        except Refused as refusal:
            told.append(str(refusal))
            safe = {"name": "letter", "text": "Invoice", "to": "~/Filed"}.get(question.key, "")
            answers[question.key] = question.accepted(safe, answers, HOME)
    return answers, told


def assert_works(made: Draft) -> None:
    source = Source(made.text, "draft")
    loaded = load(made.text, VOCABULARY)
    assert loaded.diagnostics == ()
    assert loaded.program is not None
    results = run_tests(loaded.program, VOCABULARY)
    assert results
    assert [result.failures for result in results if not result.passed] == []
    assert format_source(source, parse(source)) == made.text
    assert least_privilege(loaded) == made.text


@given(interviews())
def test_every_way_through_the_interview_gives_a_coworker_that_works(found: tuple[dict[str, str], list[str]]) -> None:
    answers, told = found
    made = draft("My coworker", answers)
    assert_works(made)
    loaded = load(made.text, VOCABULARY)
    assert loaded.program is not None
    assert loaded.program.name == "My coworker"
    assert {grant.permission for grant in loaded.program.grants} <= {"read", "write", "remove", "notify"}
    assert all(sentence.endswith((".", ")")) or ":" in sentence or "/" in sentence for sentence in told)
    assert read_answers(answers, HOME) == answers


FREE = {"ending": ("pdf", "jpg, png"), "name": ("letter",), "text": ("Invoice", "a, b"), "to": ("~/Filed",)}


def ways(answers: dict[str, str]) -> Iterator[dict[str, str]]:
    """Every set of answers there is, with few for the questions that have endlessly many."""
    question = next_question(answers)
    if question is None:
        yield answers
        return
    choices = tuple(choice.key for choice in question.choices(answers))
    raws = choices or FREE.get(question.key) or (("yes", "no") if question.key == "tell" else (question.default,))
    for raw in raws[:2] if question.key in ("kind", "day") else raws:
        yield from ways({**answers, question.key: question.accepted(raw, answers, HOME)})


def test_choices_in_every_combination_are_proved_and_pass_their_tests() -> None:
    given = list(ways({}))
    assert len(given) > 500
    for answers in given[::7]:  # every two answers still meet: no question has 7 of them
        assert draft("X", answers).text  # raises Refused where check or a test finds anything


@given(st.text(max_size=40) | st.sampled_from(HOSTILE))
@example('x"\nmay erase "/**"')
@example("{today}")
def test_a_folder_that_is_taken_is_just_that_folder(raw: str) -> None:
    try:
        answers = read_answers({"to": raw, "tell": "no"}, HOME)
    except Refused:
        return
    program = load(draft("X", answers).text, VOCABULARY).program
    assert program is not None
    [written] = [grant.patterns for grant in program.grants if grant.permission == "write"]
    assert written == (f"{answers['to']}/*",)
    assert not {"", ".", ".."} & set(answers["to"].split("/")[1:])


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"to": "~/Downloads"}, "looks after"),
        ({"to": "~/Downloads/x", "below": "yes"}, "within"),
        ({"action": "list", "list": "~/Downloads/list.csv"}, "looks after"),
        ({"action": "list", "list": "~/list"}, ".csv"),
        ({"to": "../x"}, ".."),
        ({"to": "~other/x"}, "own home"),
        ({"to": "~/a*"}, "many places"),
        ({"to": "C:\\x"}, "`/`"),
        ({"to": "a\nb"}, "line breaks"),
        ({"to": "~"}, "too much"),
        ({"to": ""}, "empty"),
        ({"to": "x", "when": "never"}, "Choose a number"),
        ({"to": "x", "tell": "perhaps"}, "yes or no"),
        ({"to": "x", "below": True}, "a text"),
        ({"to": "x", "colour": "red"}, "not asked"),
        ({"to": "x", "age": "3"}, "not asked"),
        ({"when": "time", "action": "list"}, "Choose a number"),
        ({"when": "time", "action": "trash", "age": "0"}, "1 to 36500"),
        ({"when": "time", "action": "trash", "time": "25:00"}, "time of day"),
        ({"files": "ending", "ending": "p/f", "to": "x"}, "letters and digits"),
        ({"files": "name", "name": "a/b", "to": "x"}, "can not hold a `/`"),
    ],
)
def test_an_answer_that_can_not_be_taken_is_refused_in_words(given: dict[str, object], why: str) -> None:
    with pytest.raises(Refused, match=r".") as refused:
        read_answers(given, HOME)
    assert why in str(refused.value)
    assert str(refused.value).split(":")[0] in {question.key for question in QUESTIONS} | {"colour"}


def test_a_folder_in_the_home_is_written_as_such() -> None:
    assert read_answers({"to": f"{HOME}/A//B/./"}, HOME)["to"] == "~/A/B"
    assert read_answers({"to": "A b"}, HOME)["to"] == "~/A b"
    assert read_answers({"to": "/srv/x/"}, HOME)["to"] == "/srv/x"


@pytest.mark.parametrize("name", sorted(shipped()))
def test_each_shipped_coworker_is_a_template(name: str) -> None:
    made = from_template("Über 2", shipped()[name])
    assert made.text.startswith('coworker "Über 2"\n')
    assert_works(made)


def test_the_starter_works() -> None:
    assert_works(starter("Müller & Co".replace("&", "und")))


@given(st.text(max_size=90))
def test_any_name_is_refused_or_names_one_file(name: str) -> None:
    try:
        checked = checked_name(name)
    except Refused:
        return
    assert "/" not in file_name(checked)
    assert not file_name(checked).startswith(".")
    assert_works(starter(checked))
