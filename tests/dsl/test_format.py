"""The formatter's laws: it changes no meaning, loses no comment, and has nothing left to do the second time."""

from __future__ import annotations

from hypothesis import given

from klr.format import WIDTH, format_source
from klr.parser import parse
from klr.source import Source
from tests.dsl.texts import coworkers


def formatted(text: str) -> str:
    source = Source(text)
    return format_source(source, parse(source))


@given(coworkers())
def test_formatting_keeps_the_meaning_and_the_comments(text: str) -> None:
    before = parse(Source(text))
    assert before.diagnostics == ()
    after = parse(Source(formatted(text)))
    assert after.diagnostics == ()
    assert after.tree == before.tree
    assert sorted(" ".join(c.text for c in after.comments).split()) == sorted(
        " ".join(c.text for c in before.comments).split()
    )


@given(coworkers())
def test_formatting_twice_changes_nothing_more(text: str) -> None:
    once = formatted(text)
    assert formatted(once) == once


def test_a_long_line_goes_on_deeper() -> None:
    text = (
        'coworker "x"\nwhen asked\nif '
        + " and ".join(f'now is "{"a" * 20}{i}"' for i in range(6))
        + "\nskip\nend\nend\n"
    )
    lines = formatted(text).splitlines()
    assert all(len(line) <= WIDTH for line in lines)
    assert lines[4].startswith("      and now")


def test_one_blank_line_stays_where_there_were_many() -> None:
    text = 'coworker "x"\n\n\n\nabout "y"\nwhen asked\n\n\n  skip\n\n\n\n  # why\n  stop\nend\n'
    assert formatted(text) == 'coworker "x"\n\nabout "y"\n\nwhen asked\n  skip\n\n  # why\n  stop\nend\n'


def test_a_number_before_a_format_is_no_time() -> None:
    text = 'coworker "x"\n\nwhen asked\n  notify "{(1):00} {(sum of [1] default 0):0.00}"\nend\n'
    source = Source(text)
    assert format_source(source, parse(source)) == text
