"""Texts that nobody writes: whatever a file holds, reading it ends soon, says something, and takes twice as long for twice
as much. Work is counted in calls of functions, since time is nobody's to promise on a shared machine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klr.diagnostics import MOST_FINDINGS
from klr.loader import Loaded, load
from tests.dsl.words import VOCABULARY

HEAD = 'coworker "x"\nmay notify\nwhen asked\n'
SHAPES: dict[str, Callable[[int], str]] = {
    "blocks that are never closed": lambda n: HEAD + "  if 1 > 2\n" * n,
    "blocks, each deeper": lambda n: HEAD + "".join(f"{' ' * (i % 50)}if yes\n" for i in range(n)),
    "ends": lambda n: HEAD + "end\n" * n,
    "else ifs": lambda n: HEAD + "if yes\n" + "else if yes\n" * n + "end\nend\n",
    "lines that can not be read": lambda n: HEAD + "let x = = 3\n" * n + "end\n",
    "unknown verbs": lambda n: HEAD + "mvoe 3\n" * n + "end\n",
    "brackets that are never closed": lambda n: HEAD + "x (\n" * n + "end\n",
    "one long list": lambda n: HEAD + "let x = [\n" + "1,\n" * n + "]\nend\n",
    "one long line": lambda n: HEAD + "a " * n + "\nend\n",
    "one long text": lambda n: HEAD + 'notify "' + "a" * n + "\nend\n",
    "backslashes": lambda n: HEAD + 'notify "' + "\\" * n + "\nend\n",
    "quotes": lambda n: HEAD + 'notify "\n' * n + "end\n",
    "holes in holes": lambda n: HEAD + "notify " + '"{' * n + "\nend\n",
    "brackets in brackets": lambda n: HEAD + "let x = " + "[" * n + "]" * n + "\nend\n",
    "one long sum": lambda n: HEAD + "let x = " + "1 + " * n + "1\nend\n",
    "lines that go on": lambda n: HEAD + "let x = 1\n" + "+ 1\n" * n + "end\n",
    "blank lines": lambda n: "\n" * n,
    "other blank lines": lambda n: "\r\n" * n,
    "zeros": lambda n: "\0" * n,
    "rules": lambda n: 'coworker "x"\n' + "when asked\nend\n" * n,
    "tests": lambda n: 'coworker "x"\n' + 'test "x"\nend\n' * n,
    "definitions": lambda n: 'coworker "x"\n' + "define a of x: number = x\n" * n,
}


def work(text: str) -> tuple[int, Loaded]:
    """How many functions are called to judge a text, and the judgement."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        loaded = load(text, VOCABULARY)
    finally:
        sys.setprofile(before)
    return calls, loaded


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_text_is_no_more_than_twice_the_work(shape: str) -> None:
    make = SHAPES[shape]
    load(make(100), VOCABULARY)  # what is read and compiled once counts for nobody
    less, _ = work(make(750))
    more, loaded = work(make(1500))
    assert more < 2.5 * less + 1000
    assert 0 < len(loaded.diagnostics) <= MOST_FINDINGS


@pytest.mark.parametrize("shape", SHAPES)
def test_a_million_characters_more_are_refused_at_once(shape: str) -> None:
    text = SHAPES[shape](1_000_001)
    _, loaded = work(text)
    assert [found.code for found in loaded.diagnostics] == ["K100"]


SOUP = st.lists(
    st.sampled_from(
        ("when", "file arrives in", "if", "else", "end", "on error", "for each", "let", "test", "may", '"', "{", "}", "(",
         ")", "[", "]", "=", "\n", "\n  ", " ", "x", "3", "MB", ".", ",", ":", "#", "\\", "\t", "~/", "say", "expect")
    ),
    max_size=80,
).map(" ".join)  # fmt: skip


@pytest.mark.fuzz
@given(st.binary(max_size=400).map(lambda data: data.decode("utf-8", "surrogateescape")) | st.text(max_size=200) | SOUP)
def test_any_text_is_judged(text: str) -> None:
    loaded = load(text, VOCABULARY)
    assert loaded.diagnostics or loaded.program is not None
    for found in loaded.diagnostics:
        assert 0 <= found.span.start <= found.span.end <= len(text)
        assert found.render(loaded.source)
        for edit in found.repair:
            assert edit.place(loaded.source) is not None
