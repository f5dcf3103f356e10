"""The reference's examples: every verb, trigger and form of a schedule has one that is accepted and runs to its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from klapp import examples
from klapp.engine.tester import run_tests
from klapp.reference import SCHEDULES, reference
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from klr.rewriting import least_privilege

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"
WORLDS = {
    **{f"verb {verb.name}": examples.of_verb(verb) for verb in VOCABULARY.verbs.values()},
    **{f"when {trigger.phrase}": examples.of_trigger(trigger) for trigger in VOCABULARY.triggers.values()},
    **{line: examples.of_schedule(line) for line in SCHEDULES},
}


def test_the_reference_is_the_vocabulary() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "python -m klapp.reference > docs/reference.md"


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_each_example_is_accepted_with_the_tightest_permissions_and_runs(name: str) -> None:
    text = WORLDS[name]
    assert text in reference()
    loaded = load(text, VOCABULARY)
    assert [found.render(loaded.source) for found in loaded.diagnostics] == []
    assert least_privilege(loaded) == text
    assert loaded.program is not None
    [result] = run_tests(loaded.program, VOCABULARY)
    assert result.failures == ()


@pytest.mark.parametrize("name", sorted(set(WORLDS) - {"verb fail"}))
def test_no_example_ends_as_failed(name: str) -> None:
    """A test that expects nothing else would pass over a failure; one that expects it must be told otherwise."""
    program = load(WORLDS[name].rstrip().removesuffix("end") + "  expect failure\nend\n", VOCABULARY).program
    assert program is not None
    [result] = run_tests(program, VOCABULARY)
    assert any("ended otherwise" in sentence for _, sentence in result.failures), result.failures
