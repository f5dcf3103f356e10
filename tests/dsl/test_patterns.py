"""Text patterns: what they find, what is refused, and that no text can hold them up."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klr.loader import load
from klr.patterns import PatternError, compiled, every, first, found
from tests.dsl.test_loader import codes, said
from tests.dsl.words import VOCABULARY

SIMPLE = st.text(st.sampled_from("ab.*+?()|[]^"), max_size=8)  # Python's `$` stands before a last line break, too
TEXTS = st.text(st.sampled_from("abé\N{PILE OF POO}\n"), max_size=10)


@given(SIMPLE, TEXTS)
def test_patterns_find_what_python_finds(pattern: str, text: str) -> None:
    """Where both can read a pattern, both find at the same place, or neither does."""
    try:
        ours, theirs = compiled(pattern), re.compile(pattern, re.ASCII)
    except (PatternError, re.error):
        return
    match, other = ours.search(text), theirs.search(text)
    assert (match and match.span()) == (other and other.span())


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('match of "INV-([0-9]{4})" in "x INV-2026 INV-2027" default "none"', "2026"),
        ('match of "\\d+" in "x 12 y 345" default "none"', "12"),
        ('match of "z" in "x" default "none"', "none"),
        ('match of "(a)|b" in "b" default "none"', "none"),
        ('match of "INV" ignoring case in "an inv" default "none"', "inv"),
        ('matches of "\\d+" in "x 12 y 345"', "12, 345"),
        ('count of (matches of "(\\w)\\w" in "ab cd")', "2"),
        ('count of (matches of "$" in "ab")', "1"),
        ('count of (matches of "\\b" in "ab cd")', "4"),
    ],
)
def test_values(expression: str, value: str) -> None:
    assert said(expression) == value


def test_conditions() -> None:
    assert codes('if file.name matches "^[A-Z].*[.]PDF$"\nskip\nend\ntrash file') == []
    assert codes('if file.name matches "(a"\nskip\nend\ntrash file') == ["K106"]
    assert codes('if file.name matches "(?P<x>a)(?P=x)"\nskip\nend\ntrash file') == ["K106"]
    assert codes('if file.size matches "a"\nskip\nend\ntrash file') == ["K301"]
    assert codes("if file.name matches name\nskip\nend\ntrash file") == ["K101"]
    assert codes('notify match of "a" in file.name') == ["K301"] or codes('notify match of "a" in file.name') == [
        "K303"
    ]


def test_names_that_are_no_text_can_be_looked_at() -> None:
    assert found(compiled("a"), "\udcffa")
    assert first(compiled("."), "\udcff") == "?"
    assert every(compiled("a"), "\udcffa") == ("a",)


def test_no_text_holds_a_pattern_up() -> None:
    """The classic traps of backtracking: any of these would take longer than the universe is old."""
    text = "a" * 200_000
    for pattern in ("(a*)*b", "(a|aa)+$b", "(a+)+b", "(.*)(.*)(.*)(.*)b"):
        assert not found(compiled(pattern), text)
    with pytest.raises(PatternError):
        compiled("((a{1,1000}){1,1000}){1,1000}")
    with pytest.raises(PatternError):
        compiled("a" * 2000)


def test_a_pattern_is_kept_as_it_is_written() -> None:
    text = 'coworker "x"\nmay notify\nwhen asked\n  if "a" matches "^\\d{2}[{]#"  # why\n    notify "x"\n  end\nend\n'
    loaded = load(text, VOCABULARY)
    assert loaded.diagnostics == ()


def test_a_pattern_that_is_no_unicode_can_not_be_read() -> None:
    with pytest.raises(PatternError, match="half of a character"):
        compiled("a\udcff")
