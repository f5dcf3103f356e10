"""What beginners write: each mistake by itself, many at once, and what mending them does.

``golden/mistakes`` holds one file for each mistake, which is ``_base.klr`` with one place changed, or, where its name
begins with ``whole-``, a text of its own; beside it stands what klapp says. ``UPDATE_GOLDEN=1 python -m pytest
tests/dsl/test_mistakes.py`` writes that anew; read the difference before you keep it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klr.codes import pages
from klr.diagnostics import Diagnostic
from klr.loader import Loaded, load
from klr.proof import inclusion
from tests.dsl.words import VOCABULARY

GOLDEN = Path(__file__).parent / "golden"
FOLDER = GOLDEN / "mistakes"
FILES = sorted(path for path in FOLDER.glob("*.klr") if not path.name.startswith("_"))
BASE = (FOLDER / "_base.klr").read_text(encoding="utf-8").split("\n")


@dataclass(frozen=True)
class Mistake:
    """Lines in place of some of the base: ``lines`` for those from index ``start`` to ``end``."""

    name: str
    start: int
    end: int
    lines: tuple[str, ...]


def mistake(path: Path) -> Mistake:
    """How a file differs from the base."""
    lines = path.read_text(encoding="utf-8").split("\n")
    start = _same(BASE, lines)
    behind = _same(BASE[start:][::-1], lines[start:][::-1])
    return Mistake(path.stem, start, len(BASE) - behind, tuple(lines[start : len(lines) - behind]))


def _same(ours: Sequence[str], theirs: Sequence[str]) -> int:
    return next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))


def planted(mistakes: Sequence[Mistake]) -> tuple[str, list[range]]:
    """The base with mistakes in it, which must not overlap, and the lines that each takes (its first one, from 1)."""
    lines: list[str] = []
    places = []
    at = 0
    for one in sorted(mistakes, key=lambda one: one.start):
        lines.extend(BASE[at : one.start])
        places.append(range(len(lines) + 1, len(lines) + 1 + len(one.lines)))
        lines.extend(one.lines)
        at = one.end
    return "\n".join([*lines, *BASE[at:]]), places


def told(loaded: Loaded) -> list[tuple[int, str, str]]:
    """Each finding as (line, code, message)."""
    return [(loaded.source.place(d.span.start)[0], d.code, d.message) for d in loaded.diagnostics]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inclusion, "MOST_WORK", 50_000)  # to be sooner at the end of patience


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_mistake_is_told_as_it_should_be(path: Path) -> None:
    loaded = load(path.read_text(encoding="utf-8"), VOCABULARY, path.name)
    text = "\n\n".join(_shown(loaded, found) for found in loaded.diagnostics) + "\n"
    expected = path.with_suffix(".txt")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert loaded.diagnostics
    assert text == expected.read_text(encoding="utf-8")


def _shown(loaded: Loaded, found: Diagnostic) -> str:
    repairs = [f"repair: {edit.old!r} -> {edit.new!r}" for edit in found.repair]
    return "\n".join([found.render(loaded.source), *repairs])


def test_nothing_is_wrong_with_the_base() -> None:
    assert load("\n".join(BASE), VOCABULARY).diagnostics == ()


def test_there_are_many_mistakes_and_each_code_is_among_them() -> None:
    told = {path: path.with_suffix(".txt").read_text(encoding="utf-8") for path in FILES}
    others = "".join(path.read_text(encoding="utf-8") for path in GOLDEN.glob("*.txt"))
    assert len(FILES) >= 400
    assert sum("\nrepair: " in text for text in told.values()) >= 390
    everything = "".join(told.values()) + others
    assert [code for code in pages() if f"{code} " not in everything] == []


# -- mending ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_repair_takes_its_finding_away_and_adds_no_error(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    before = load(text, VOCABULARY)
    for found in before.diagnostics:
        for edit in found.repair:
            place = edit.place(before.source)
            assert place is not None
            after = load(text[: place.start] + edit.new + text[place.end :], VOCABULARY)
            left = [(d.code, d.message) for d in after.diagnostics]
            was = [(d.code, d.message) for d in before.diagnostics]
            key = (found.code, found.message)
            assert left.count(key) < was.count(key)
            # What the proof has to say comes when all else is right: that is not the repair's doing.
            added = [d.message for d in after.errors if (d.code, d.message) not in was and d.code[1] != "4"]
            assert added == []


# -- many at once -----------------------------------------------------------------------------------------------------


def _plantable() -> list[Mistake]:
    """The mistakes that are errors by themselves, and told on their own lines: those of the proof wait for the others."""
    chosen = []
    for path in FILES:
        if path.name.startswith("whole-"):
            continue
        one = mistake(path)
        text, (place,) = planted([one])
        found = told(load(text, VOCABULARY))
        if all(code[1] in "1235" and line in place for line, code, _ in found):
            chosen.append(one)
    return chosen


PLANTABLE = _plantable()


def test_nearly_all_mistakes_can_be_planted_anywhere() -> None:
    assert len(PLANTABLE) > 0.9 * len(FILES)


@st.composite
def several(draw: st.DrawFn) -> list[Mistake]:
    """Mistakes in places of their own, at least a line apart."""
    chosen: list[Mistake] = []
    for one in draw(st.lists(st.sampled_from(PLANTABLE), min_size=2, max_size=12, unique_by=lambda one: one.name)):
        if all(one.end < other.start or other.end < one.start for other in chosen):
            chosen.append(one)
    return sorted(chosen, key=lambda one: one.start)


@pytest.mark.fuzz
@given(several())
def test_each_of_many_mistakes_is_told_as_if_it_were_alone(mistakes: list[Mistake]) -> None:
    text, places = planted(mistakes)
    found = told(load(text, VOCABULARY))
    for one, place in zip(mistakes, places, strict=True):
        alone, (own,) = planted([one])
        expected = [(line - own.start, code) for line, code, _ in told(load(alone, VOCABULARY))]
        assert [(line - place.start, code) for line, code, _ in found if line in place] == expected
    assert [one for one in found if not any(one[0] in place for place in places)] == []
