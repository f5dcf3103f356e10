"""Every accepted program ends soon: loops that multiply, texts that double, lists that nest."""

from __future__ import annotations

from datetime import datetime

import pytest

from klr import bounds
from klr.effects import Act, Inputs, OutOfBudget
from klr.loader import load
from tests.dsl.test_loader import codes
from tests.dsl.words import VOCABULARY

HEAD = 'coworker "x"\nmay notify\nwhen asked\n'


def acts(body: str) -> list[object]:
    """What a rule wishes for, until it ends."""
    loaded = load(f"{HEAD}{body}\nend\n", VOCABULARY)
    assert loaded.program is not None, loaded.errors
    heard: list[object] = []
    for effect in loaded.program.rules[0].start(Inputs(datetime(2026, 1, 1))):
        assert isinstance(effect, Act)
        heard.append(effect.arguments[0])
    return heard


NUMBERS = f"let items = [{', '.join(map(str, range(100)))}]\n"


def test_loops_within_loops_are_counted() -> None:
    loops = "".join(f"for each v{n} in items\n" for n in range(9))
    with pytest.raises(OutOfBudget, match="10,000,000 steps"):
        acts(f"{NUMBERS}{loops}let unused = 1\n" + "end\n" * 9 + 'notify "never"')


def test_lists_that_are_made_within_loops_are_counted() -> None:
    loops = "".join(f"for each v{n} in items\n" for n in range(3))
    with pytest.raises(OutOfBudget):
        acts(f"{NUMBERS}{loops}let few = (items where it > 200)\nend\nend\nend")


def test_no_on_error_catches_the_end_of_the_steps() -> None:
    loops = "".join(f"for each v{n} in items\n" for n in range(5))
    with pytest.raises(OutOfBudget):
        acts(f"{NUMBERS}try\n{loops}let x = 1\n" + "end\n" * 5 + 'on error\nnotify "caught"\nend')


def test_a_text_that_doubles_is_an_error_in_time() -> None:
    doubling = 'let v0 = "0123456789"\n' + "".join(f'let v{n} = "{{v{n - 1}}}{{v{n - 1}}}"\n' for n in range(1, 60))
    assert acts(f"{doubling}notify v59\non error\nnotify error.message") == [bounds.too_long().message]


def test_a_list_is_not_shown_at_any_length() -> None:
    grown = 'let v0 = "{[1, 2, 3, 4, 5, 6, 7, 8, 9]}"\n' + "".join(
        f'let v{n} = "{{[v{n - 1}, v{n - 1}, v{n - 1}, v{n - 1}]}}"\n' for n in range(1, 20)
    )
    assert acts(f"{grown}notify v19\non error\nnotify error.message") == [bounds.too_long().message]


def test_lists_nest_three_deep() -> None:
    assert codes('let x = [[[1]]]\nlet count = (count of x)\nnotify "{count}"') == []
    assert "K302" in codes('let x = [[[[1]]]]\nlet count = (count of x)\nnotify "{count}"')


def test_long_texts_count_as_steps() -> None:
    text = 'let long = "' + "x" * 5000 + '"\n'
    loops = "".join(f"for each v{n} in items\n" for n in range(3))
    body = f'{NUMBERS}{text}{loops}let y = "{{v0}}{{long}}{{long}}"\nend\nend\nend'
    with pytest.raises(OutOfBudget):
        acts(body)
