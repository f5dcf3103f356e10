"""The memory of the proof's answers: right answers always, asked for once where there is room, and never too heavy."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from klr.proof.memory import Remembered

MOST = 40


@given(st.lists(st.integers(min_value=1, max_value=15), max_size=60))
def test_an_answer_is_the_functions_and_what_is_held_stays_within_its_weight(keys: list[int]) -> None:
    memory: Remembered[int, int] = Remembered(lambda key: key * key, lambda key: key, MOST)
    for key in keys:
        assert memory(key) == key * key
        assert sum(known for known in memory._known) == memory._held <= MOST


@given(st.lists(st.integers(min_value=1, max_value=8), max_size=60))
def test_what_fits_is_asked_once(keys: list[int]) -> None:
    asked: list[int] = []
    memory: Remembered[int, None] = Remembered(asked.append, lambda key: key, MOST)
    for key in keys:
        memory(key)
    assert len(asked) == len(set(asked)), "eight keys of up to eight weigh 36 together, and None is an answer"


def test_what_is_large_is_answered_and_does_not_drive_out_the_rest() -> None:
    asked: list[int] = []
    memory: Remembered[int, None] = Remembered(asked.append, lambda key: key, MOST)
    for key in (3, 11, 3, 11):
        memory(key)
    assert asked == [3, 11, 11]


def test_the_longest_unused_goes_first() -> None:
    asked: list[int] = []
    memory: Remembered[int, None] = Remembered(asked.append, lambda key: key, MOST)
    for key in (8, 9, 10, 8, 7, 6):  # 40 together
        memory(key)
    memory(5)
    asked.clear()
    for key in (8, 7, 6, 5):
        memory(key)
    assert asked == []
    memory(9)
    assert asked == [9]


def test_forgotten_is_asked_again() -> None:
    asked: list[int] = []
    memory: Remembered[int, None] = Remembered(asked.append, lambda key: key, MOST)
    memory(1)
    memory.forget()
    memory(1)
    assert asked == [1, 1]
    assert memory._held == 1
