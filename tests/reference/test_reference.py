"""The reference leaves nothing out: all that is declared has a second meaning there, and its pieces mean what they say."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.vocabulary import VOCABULARY
from klr.loader import with_functions
from klr.types import (
    ACCOUNT,
    ADDRESS,
    ATTACHED,
    ATTACHMENT,
    FILE,
    MAIL,
    MAILBOX,
    PATH,
    RECIPIENT,
    ROW,
    SECRET,
    SENDABLE,
    TEXT,
    WORD,
    list_of,
)
from tests.reference import dates, showing
from tests.reference.evaluation import CHOSEN
from tests.reference.functions import functions, plain_digits
from tests.reference.globs import matches
from tests.reference.interpreter import CONTROLS
from tests.reference.mails import OF_ATTACHMENT, OF_MAIL
from tests.reference.numbers import Number, divide, number
from tests.reference.operators import add
from tests.reference.properties import ASKED, OF_PATH, TOLD
from tests.reference.triggers import GIVES
from tests.reference.world import VERBS

DECLARED = with_functions(VOCABULARY)
KNOWN_FUNCTIONS = functions(add) | dates.functions("")
MEMBERS = {
    "date": dates.OF_DATE,
    "time": dates.OF_TIME,
    "duration": dates.OF_DURATION,
    "path": OF_PATH,
    "folder": OF_PATH,
    "mail": OF_MAIL,
    "attachment": OF_ATTACHMENT,
    "table": {"columns": lambda table: table.columns},
}


@pytest.mark.parametrize("name", DECLARED.verbs)
def test_each_verb_has_a_meaning(name: str) -> None:
    verb = DECLARED.verbs[name]
    if verb.control:
        assert name in CONTROLS
        return
    known = VERBS[name]
    kinds = {
        FILE: "file", TEXT: "text", PATH: "path", ROW: "row", list_of(ROW): "list of row",
        SENDABLE: "sendable", ADDRESS: "address", SECRET: "secret",
        ATTACHMENT: "attachment", RECIPIENT: "recipient", ATTACHED: "attached",
        MAIL: "mail", ACCOUNT: "account", MAILBOX: "mailbox",
    }  # fmt: skip
    assert (
        tuple(
            (slot.word, f"word {slot.words[0]}" if slot.type == WORD else kinds[slot.type])
            for slot in verb.slots
            if slot.word != "on conflict"
        )
        == known.slots
    )
    assert known.policy == any(slot.word == "on conflict" for slot in verb.slots)
    assert (known.follows, known.consumes) == (verb.follows, verb.consumes)


@pytest.mark.parametrize("key", DECLARED.functions)
def test_each_function_has_a_meaning(key: tuple[str, tuple[str, ...]]) -> None:
    assert key in KNOWN_FUNCTIONS
    assert tuple(DECLARED.functions[key].words) == CHOSEN.get(key, ())


@pytest.mark.parametrize("name", DECLARED.properties)
def test_each_property_of_a_file_has_a_meaning(name: str) -> None:
    assert name in (ASKED if DECLARED.properties[name].ask else {*TOLD, "age"})


@pytest.mark.parametrize("key", DECLARED.members)
def test_each_property_of_other_values_has_a_meaning(key: tuple[str, str]) -> None:
    kind, name = key
    assert name in MEMBERS[kind]


@pytest.mark.parametrize("phrase", DECLARED.triggers)
def test_each_trigger_has_a_meaning(phrase: str) -> None:
    assert GIVES[phrase] == DECLARED.triggers[phrase].gives


@given(st.integers(-(10**12), 10**12), st.integers(0, 6), st.integers(-(10**12), 10**12), st.integers(0, 6))
def test_numbers_are_those_of_fractions(one: int, scale: int, other: int, other_scale: int) -> None:
    left, right = Number(one, scale), Number(other, other_scale)
    assert add(left, right).value == left.value + right.value
    assert (
        Fraction(Decimal(str(left)))
        == left.value
        == number(str(abs(left.value) and left).lstrip("-")).value * (-1 if one < 0 else 1)
    )
    if other:
        quotient = divide(left, right)
        assert abs(quotient.value - left.value / right.value) <= abs(left.value / right.value) / 10**26


@pytest.mark.parametrize(
    ("written", "plain"),
    [("1.234,50", "1234.50"), ("1,234.5", "1234.5"), ("1.234", "1234"), ("0.123", "0.123"), ("12.5", "12.5"), ("1.234.567", "1234567"), ("1234,567", "1234.567")],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(written: str, plain: str) -> None:
    assert plain_digits(written) == plain


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("~/a/*", "/h/a/b", True), ("~/a/*", "/h/a/b/c", False), ("~/a/**", "/h/a/b/c", True), ("~/a/**", "/h/a", False),
        ("~/**/x", "/h/x", True), ("/**", "/a", True), ("~/[!a]", "/h/a", False), ("~/[a-c]?", "/h/b\n", True), ("/a", "/b", False),
        ("~/*", "/h/..", False), ("~/*", "/h/", False), ("~/[[]", "/h/[", True),
    ],
)  # fmt: skip
def test_globs(pattern: str, path: str, fits: bool) -> None:
    assert matches(pattern, path, "/h") is fits


def test_texts_of_values() -> None:
    shown = [showing.show(v) for v in (-1_550_000, timedelta(days=2, hours=3, minutes=4), datetime(999, 1, 2), True)]
    assert shown == ["-1.5 MB", "2 days 3 hours", "0999-01-02", "yes"]
    assert showing.show_formatted(number("1234567.895"), "0.000,00") == "1.234.567,90"  # to the even digit
    assert showing.show_formatted(time(9, 5), "%-H:%M") == "9:05"
