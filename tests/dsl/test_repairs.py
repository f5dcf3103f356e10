"""What a finding's repair does to the text: it writes what the help says, and the finding is gone."""

from __future__ import annotations

import pytest

from klr.diagnostics import Edit
from klr.loader import load
from klr.source import Source, Span
from tests.dsl.words import VOCABULARY

FRAME = """coworker "Repairs"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/*"
setting larger: number = 3
when file arrives in "~/In"
  {statement}
end
"""


def repaired(text: str, code: str) -> str:
    """The text with the repair of its one finding of that code."""
    loaded = load(text, VOCABULARY)
    [found] = [d for d in loaded.diagnostics if d.code == code]
    [edit] = found.repair
    place = edit.place(loaded.source)
    assert place is not None
    return text[: place.start] + edit.new + text[place.end :]


@pytest.mark.parametrize(
    ("code", "wrong", "right"),
    [
        ("K201", "notify {Q}{lager}{Q}", "notify {Q}{larger}{Q}"),
        ("K203", "mvoe file to {Q}~/Out/{Q}", "move file to {Q}~/Out/{Q}"),
        ("K203", "make \t foldr {Q}~/Out/x{Q}", "make folder {Q}~/Out/x{Q}"),
        ("K203", "delete file", "trash file"),
        ("K204", "notify {Q}{file.nam}{Q}", "notify {Q}{file.name}{Q}"),
        ("K205", "notify {Q}{cuont of [1]}{Q}", "notify {Q}{count of [1]}{Q}"),
        ("K209", "move file to {Q}~/Out/{Q} on conflict replce", "move file to {Q}~/Out/{Q} on conflict replace"),
    ],
)
def test_the_word_that_was_meant_takes_the_place_of_the_wrong_one(code: str, wrong: str, right: str) -> None:
    text = FRAME.replace("{statement}", wrong).replace("{Q}", '"')
    assert repaired(text, code) == FRAME.replace("{statement}", right).replace("{Q}", '"')


@pytest.mark.parametrize(
    ("code", "wrong", "right"),
    [
        ("K208", 'may wrte "~/In/*"', 'may write "~/In/*"'),
        ("K207", "setting numbr: numbr = 3", "setting numbr: number = 3"),
        ("K501", 'when file  arives in "~/In"\nend', 'when file arrives in "~/In"\nend'),
        ("K503", "every monday, frday at 9:00\nend", "every monday, friday at 9:00\nend"),
        ("K101", "seting x: number = 3", "setting x: number = 3"),
        (
            "K506",
            'test "t"\n  given setting lager = 4\n  when asked\n  expect no notice\nend',
            'test "t"\n  given setting larger = 4\n  when asked\n  expect no notice\nend',
        ),
    ],
)
def test_lines_outside_of_rules_are_repaired_too(code: str, wrong: str, right: str) -> None:
    text = FRAME.replace("{statement}", "skip")
    assert repaired(f"{text}{wrong}\n", code) == f"{text}{right}\n"


def test_a_refused_permission_brings_the_line_that_allows_it() -> None:
    text = FRAME.replace("{statement}", 'move file to "~/Else/{file.name}"')
    mended = repaired(text, "K401")
    assert 'coworker "Repairs"\nmay write "~/Else/*"\nmay read "~/In/*"\n' in mended
    assert load(mended, VOCABULARY).errors == ()


def test_without_any_permission_the_line_goes_before_the_first_part() -> None:
    text = 'coworker "x"\n\nwhen asked\n  notify "hello"\nend\n'
    mended = repaired(text, "K401")
    assert mended == 'coworker "x"\n\nmay notify\n\nwhen asked\n  notify "hello"\nend\n'
    assert load(mended, VOCABULARY).diagnostics == ()


def test_a_path_with_braces_and_quotes_is_granted_as_it_is_written() -> None:
    text = FRAME.replace("{statement}", r'write "x" to "~/{{a}} \"b\"/c.txt"')
    mended = repaired(text, "K401")
    assert r'may write "~/{{a}} \"b\"/c.txt", "~/{{a}} \"b\"/c (*).txt"' in mended
    assert load(mended, VOCABULARY).errors == ()


def test_a_word_that_is_not_there_is_not_replaced() -> None:
    source = Source("moved remove_move move")
    assert Edit(Span(0, 17), "move", "copy").place(source) is None
    assert Edit(Span(0, 22), "move", "copy").place(source) == Span(18, 22)
