"""The parser reads everything, whatever it is, and says what is wrong with each line of its own."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klr import syntax as s
from klr.parser import goes_on, keywords, parse, prospect
from klr.source import Source
from klr.syntax import MISSING
from tests.dsl.texts import coworkers

RULE = 'coworker "x"\nwhen asked\n{}\nend\n'


def expression(text: str) -> s.Expression:
    parsed = parse(Source(RULE.format(f"let v = {text}")))
    assert parsed.diagnostics == ()
    assert parsed.tree is not None
    rule = parsed.tree.parts[0]
    assert isinstance(rule, s.RuleBlock)
    let = rule.body.statements[0]
    assert isinstance(let, s.Let)
    return let.value


def codes(text: str) -> list[tuple[str, int]]:
    source = Source(text)
    return [(d.code, source.place(d.span.start)[0]) for d in parse(source).diagnostics]


@given(st.text())
def test_any_text_is_read_without_a_crash(text: str) -> None:
    parse(Source(text))


@given(coworkers(), st.data())
def test_a_spoiled_text_is_read_without_a_crash(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    put = data.draw(st.sampled_from(("", "end", '"', "{", "(", "when", "\n", "=", "'")))
    spoiled = text[:start] + put + text[end:]
    for diagnostic in parse(Source(spoiled)).diagnostics:
        assert 0 <= diagnostic.span.start <= len(spoiled)
        assert diagnostic.render(Source(spoiled))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.10", Decimal("0.10")),
        ("20 MB", 20_000_000),
        ("1.5 KiB", 1536),
        ("3 days", timedelta(days=3)),
        ("1.5 hours", timedelta(minutes=90)),
        ("2026-03-09", datetime(2026, 3, 9)),
        ("2026-03-09 16:30", datetime(2026, 3, 9, 16, 30)),
        ("9:05", time(9, 5)),
        ("yes", True),
    ],
)
def test_literals_are_read_exactly(text: str, value: object) -> None:
    literal = expression(text)
    assert isinstance(literal, s.Literal)
    assert literal.value == value


def test_operators_bind_as_one_reads_them() -> None:
    assert expression("not a contains b or c > 1 + 2 * 3") == expression("(not (a contains b)) or (c > (1 + (2 * 3)))")
    assert expression('number after "T" in f.text default 0 > 3') == expression(
        '((number after "T" in (f.text)) default 0) > 3'
    )
    assert expression("a - b - c") == expression("(a - b) - c")
    assert expression("x where it is 1 and it is 2 sorted by it") == expression(
        "(x where ((it is 1) and (it is 2))) sorted by it"
    )
    assert expression("a between 1 and 2 and b") == expression("(a between 1 and 2) and b")


def test_texts_have_holes_and_escapes() -> None:
    assert expression(r'"a\n\"{{{x:0.00}}}"') == s.Template(('a\n"{', s.Hole(s.Name("x"), "0.00"), "}"))


def test_one_token_tells_a_verb_from_its_object() -> None:
    parsed = parse(Source(RULE.format('make folder "a"\ntrash file\nskip\nmove it to x.y on conflict fail')))
    assert parsed.tree is not None
    rule = parsed.tree.parts[0]
    assert isinstance(rule, s.RuleBlock)
    assert rule.body.statements == (
        s.Action(("make", "folder"), s.Template(("a",)), ()),
        s.Action(("trash",), s.Name("file"), ()),
        s.Action(("skip",), None, ()),
        s.Action(("move",), s.Name("it"), (("to", s.Member(s.Name("x"), "y")), ("on conflict", s.Name("fail")))),
    )


def test_each_bad_line_is_reported_and_no_other() -> None:
    text = RULE.format("let a = \nlet b = 1\nif b ==\n  skip 'x'\nend\nlet c = 2026-13-01\nnotify \"a\\q\"")
    assert codes(text) == [("K101", 3), ("K101", 5), ("K103", 6), ("K105", 8), ("K104", 9)]


def test_what_was_unreadable_is_marked_and_its_block_stays() -> None:
    parsed = parse(Source(RULE.format("if is (is\n  skip\nend")))
    assert parsed.tree is not None
    rule = parsed.tree.parts[0]
    assert isinstance(rule, s.RuleBlock)
    assert rule.body.statements == (s.If(((s.Name(MISSING), s.Block((s.Action(("skip",), None, ()),))),), None),)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('coworker "x"\nwhen asked\n  if yes\n    skip\nend\n', 3),
        ('coworker "x"\nwhen asked\n  skip\n\nwhen asked\n  skip\nend\n', 2),
        ('coworker "x"\nwhen asked\n  for each a in b\n    skip\n\nmay notify\n', 3),
    ],
)
def test_a_missing_end_is_told_at_what_it_should_close(text: str, line: int) -> None:
    assert ("K102", line) in codes(text)


@pytest.mark.parametrize(
    ("text", "follow", "never"),
    [
        ("", {"COWORKER", "MAY", "WHEN"}, {"LET", "NAME"}),
        ("when asked\n", {"LET", "IF", "FOR_EACH", "END", "NAME"}, {"MAY", "ELSE"}),
        ("when asked\nif yes\n", {"ELSE", "ELSE_IF", "END"}, {"ON_ERROR"}),
        ("when asked\nmove file ", {"TO", "ON_CONFLICT"}, {"LET"}),
        ('when asked\nnotify "a {', {"NAME", "NUMBER"}, {"TEXT"}),
        ('when asked\nnotify "a ', {"TEXT", "QUOTE"}, {"NAME"}),
        ("setting x: ", {"NAME", "LIST_OF"}, {"QUOTE"}),
    ],
)
def test_what_can_come_next_is_what_the_grammar_says(text: str, follow: set[str], never: set[str]) -> None:
    kinds = prospect(text).next
    assert follow <= kinds
    assert not never & kinds


def test_nothing_follows_in_a_comment_or_behind_what_is_wrong() -> None:
    assert prospect("when asked\n# the ").next == frozenset()
    assert prospect("let let = = ").next == frozenset()
    assert prospect("when asked\n# the \n").next


def test_the_words_of_the_language_are_those_of_the_grammar() -> None:
    words = keywords()
    assert words["ON_CONFLICT"] == "on conflict"
    assert words["FOR_EACH"] == "for each"
    assert words["LET"] == "let"
    assert "NAME" not in words


def test_a_line_that_begins_with_a_joint_goes_on_with_the_one_before() -> None:
    assert goes_on("    on  conflict rename")
    assert goes_on("  + 3")
    assert not goes_on("  orders")
    assert not goes_on("let x = 1")


@given(coworkers(), st.data())
def test_the_token_that_does_come_next_is_among_those_that_can(text: str, data: st.DataObject) -> None:
    tokens = prospect(text).tokens
    assert tokens
    lines = text.split("\n")
    cut = data.draw(st.integers(0, len(lines)))
    before = "".join(line + "\n" for line in lines[:cut])
    seen = prospect(before)
    # A line that goes on has no end where it is cut.
    if seen.tokens == tokens[: len(seen.tokens)] != tokens and tokens[len(seen.tokens)][0] != "NEWLINE":
        assert tokens[len(seen.tokens)][0] in seen.next
