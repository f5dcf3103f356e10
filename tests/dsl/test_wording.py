"""Functions of texts, named groups, and one statement's own ``on error``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klr import wording
from klr.effects import EffectError
from klr.format import format_source
from klr.loader import load
from klr.parser import parse
from klr.source import Source
from tests.dsl.test_loader import HEAD, codes, drive, said
from tests.dsl.words import VOCABULARY
from tests.reference import wording as plainly
from tests.reference.numbers import Number
from tests.reference.operators import Failure

TEXTS = st.text(st.sampled_from("abAé _-./:\\\n\0?") | st.characters(codec="utf-8"), max_size=20)
FUNCTIONS = {(one.name, one.prepositions): one.call for one in wording.FUNCTIONS}
COUNTS = st.integers(-1, 30)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('length of "abc"', "3"),
        ('capitalised of "two words éa"', "Two Words Éa"),
        ('filename of "A/S: 2026?"', "A-S- 2026-"),
        ('filename of "con.txt"', "_con.txt"),
        ('filename of ".."', "_"),
        ('replacing of "_" in "a_b_c" using " "', "a b c"),
        ('parts of "a_b_c" using "_"', "a, b, c"),
        ('text of ["Acme", "Globex"] using "; "', "Acme; Globex"),
        ('text of (parts of "a_b" using "_") using "-"', "a-b"),
        ('beginning of 2 in "abc"', "ab"),
        ('ending of 2 in "abc"', "bc"),
        ('ending of 0 in "abc"', ""),
        ('text after "(" before ")" in "x (yy) z)" default "none"', "yy"),
        ('text after "(" before ")" in "x) (y" default "none"', "none"),
        ('padded of 5 before "ab" using "0"', "000ab"),
        ('padded of 5 after "ab" using "."', "ab..."),
        ('padded of 1 after "ab" using "."', "ab"),
        ('(match of "(?P<year>[0-9]{4})-(?P<what>[a-z]+)?" in "a 2026-").year default "none"', "2026"),
        ('(match of "(?P<year>[0-9]{4})-(?P<what>[a-z]+)?" in "a 2026-").what default "none"', "none"),
        ('(match of "(?P<year>[0-9]{4})" in "nothing").year default "none"', "none"),
        ('(matches of "(?P<n>[0-9])|x" in "1 x 2").n', "1, 2"),
    ],
)
def test_values(expression: str, value: str) -> None:
    assert said(expression) == value


@given(st.sampled_from(sorted(FUNCTIONS)), st.data())
def test_they_do_what_the_reference_does(key: tuple[str, tuple[str, ...]], data: st.DataObject) -> None:
    if key == ("text", ("of", "using")):
        given: list[Any] = [tuple(data.draw(st.lists(TEXTS, max_size=4))), data.draw(TEXTS)]
    elif key[0] in ("beginning", "ending", "padded"):
        given = [Decimal(data.draw(COUNTS)), *(data.draw(TEXTS) for _ in key[1][1:])]
    else:
        given = [data.draw(TEXTS) for _ in key[1]]
    theirs = [Number(int(one)) if isinstance(one, Decimal) else one for one in given]
    assert outcome(FUNCTIONS[key], given) == outcome(plainly.FUNCTIONS[key], theirs)


def outcome(function: Any, given: list[Any]) -> Any:
    """What a function gives, or how it fails."""
    try:
        found = function(*given)
    except (EffectError, Failure) as failure:
        return failure.kind, str(failure)
    return Number(int(found)) if isinstance(found, Decimal) else found


@given(st.text(max_size=300))
def test_a_safe_name_is_one_name_everywhere(text: str) -> None:
    name = wording.filename(text)
    assert name
    assert name not in (".", "..")
    assert not set(name) & set('/\\:*?"<>|\0\n')
    assert name == name.rstrip(". ")
    assert len(name.encode("utf-8", "surrogateescape")) <= 200
    assert wording.filename(name) == name


def test_nothing_grows_without_bounds() -> None:
    long = "a" * 9_000_000
    for attempt in (
        lambda: wording.replacing("a", long, "bb"),
        lambda: wording.joined((long, long), ""),
        lambda: wording.padded_before(Decimal(10) ** 20, "", "0"),
    ):
        with pytest.raises(EffectError, match="too long"):
            attempt()


def test_named_groups_are_fields() -> None:
    body = (
        'let found = match of "(?P<client>[A-Z]+)-(?P<number>[0-9]+)" in file.text\nnotify "{found.client default ""}"'
    )
    acts, _ = drive(body, "see ACME-17")
    assert acts[0].arguments == ("ACME",)
    each = 'for each one in matches of "(?P<n>[0-9]+)" in file.text\nnotify one.n default ""\nend'
    acts, _ = drive(each, "1 and 22")
    assert [act.arguments[0] for act in acts] == ["1", "22"]
    assert codes('let found = match of "(?P<n>a)" in file.text\nnotify found.m') == ["K204"]


def test_one_statement_has_its_own_on_error() -> None:
    body = 'trash file on error notify "kept: {error.message}"\nnotify "on it goes"'
    acts, ending = drive(body, refuse="trash")
    assert [act.verb for act in acts] == ["notify", "notify"]
    assert ending.outcome == "done"
    acts, _ = drive(body)
    assert [act.verb for act in acts] == ["trash", "notify"]
    assert drive('trash file on error skip "as it is"', refuse="trash")[1].outcome == "skipped"


def formatted(text: str) -> str:
    return format_source(Source(text), parse(Source(text)))


def test_it_stands_on_one_line_however_long_it_is() -> None:
    words = "which is said at some length " * 4
    text = (
        HEAD
        + f'when file arrives in "~/Downloads"\n  trash file on error notify "{words}"  # why\n  let x = "{words}"\n  notify x on error stop\nend\n'
    )
    assert not load(text, VOCABULARY).errors
    made = formatted(text)
    assert f'trash file on error notify "{words}"' in made
    assert "# why" in made
    assert formatted(made) == made
    moved = text.replace("trash file", 'move file to "~/Out/{file.modified:%Y}/" on conflict skip')
    assert f'to "~/Out/{{file.modified:%Y}}/" on conflict skip on error notify "{words}"' in formatted(moved)
