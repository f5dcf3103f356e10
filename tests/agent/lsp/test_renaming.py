"""Renaming: the coworker does afterwards what it did before, and the way back leads to the same text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.engine.tester import run_tests
from klapp.lsp.edits import applied
from klapp.lsp.renaming import Refused, renamed
from klapp.lsp.study import Study
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from tests.dsl.texts import coworkers

RULES = sorted((Path(__file__).parents[3] / "rules").glob("*.klr"))
NAMED = [
    (path.stem, index) for path in RULES for index in range(len(Study(path.read_text(encoding="utf-8")).names.bindings))
]
NEW = st.sampled_from(
    ("fresh", "größe", "名前", "s", "y", "z", "total", "file", "it", "count", "files", "move", "name")
)


@pytest.mark.parametrize(("rule", "index"), NAMED)
def test_a_renamed_coworker_passes_its_tests_as_before(rule: str, index: int) -> None:
    text = (RULES[0].parent / f"{rule}.klr").read_text(encoding="utf-8")
    study = Study(text)
    changed = applied(text, renamed(study, study.names.bindings[index].made.start, "somethingNew_2"))
    assert changed != text
    loaded = load(changed, VOCABULARY)
    assert loaded.diagnostics == ()
    assert loaded.program is not None
    assert all(result.passed for result in run_tests(loaded.program, VOCABULARY))


def test_there_is_something_to_rename() -> None:
    assert len(NAMED) >= 4


@pytest.mark.fuzz
@given(coworkers(), NEW, st.data())
def test_a_rename_brings_no_new_finding_and_can_be_taken_back(text: str, new: str, data: st.DataObject) -> None:
    study = Study(text)
    if not study.names.bindings:
        return
    index = data.draw(st.integers(0, len(study.names.bindings) - 1))
    binding = study.names.bindings[index]
    try:
        edits = renamed(study, data.draw(st.sampled_from(binding.places)).start, new)
    except Refused:
        return
    changed = applied(text, edits)
    before, after = (Counter(d.code for d in load(one, VOCABULARY).diagnostics) for one in (text, changed))
    assert after <= before
    again = Study(changed)
    back = again.names.bindings[index]
    assert back.name == new
    if "K202" not in before:
        assert applied(changed, renamed(again, back.made.start, binding.name)) == text


@pytest.mark.parametrize(
    ("body", "new"),
    [
        ('let a = 1\n  let b = 2\n  skip "{a} {b}"', "b"),
        ('if yes\n    let b = 2\n    skip "{b}"\n  end\n  let a = 1\n  skip "{a}"', "s"),
        ('let a = 1\n  for each b in [1]\n    skip "{a} {b}"\n  end', "b"),
        ('let a = s\n  skip "{a}"', "s"),
        ('let a = 1\n  skip "{a} {first of ([1] where it is 1) default 2}"', "it"),
    ],
)
def test_a_name_never_takes_the_place_of_another(body: str, new: str) -> None:
    text = f'coworker "x"\nsetting s: number = 3\nwhen asked\n  {body}\nend\n'
    study = Study(text)
    binding = next(one for one in study.names.bindings if one.name == "a")
    with pytest.raises(Refused):
        renamed(study, binding.made.start, new)


def test_a_name_in_another_block_is_free() -> None:
    text = 'coworker "x"\nwhen asked\n  if yes\n    let b = 2\n    skip "{b}"\n  end\n  let a = 1\n  skip "{a}"\nend\n'
    study = Study(text)
    edits = renamed(study, text.index("a = 1"), "b")
    assert applied(text, edits) == text.replace("let a", "let b").replace("{a}", "{b}")


def test_words_of_a_slot_and_functions_are_no_names() -> None:
    text = """coworker "x"
may read "~/In/*"
may remove "~/In/*"
may write "~/In/*"
when file arrives in "~/In"
  let rename = file.stem
  let count = "x"
  move file to "~/In/{rename}{count} {count of [1]}" on conflict rename
end
"""
    study = Study(text)
    places = {one.name: len(one.places) for one in study.names.bindings}
    assert places == {"rename": 2, "count": 2}
