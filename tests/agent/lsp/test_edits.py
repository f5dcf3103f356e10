"""Formatting and the reading of contexts, held against the language itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.lsp.completion import offers
from klapp.lsp.context import context_at
from klapp.lsp.edits import applied, fixes, formatted
from klapp.lsp.hover import meaning
from klapp.lsp.study import Study
from klr.format import format_source
from klr.parser import keywords, parse
from klr.source import Source, Span
from tests.dsl.texts import coworkers

RULES = sorted((Path(__file__).parents[3] / "rules").glob("*.klr"))
BROKEN = sorted((Path(__file__).parents[2] / "dsl" / "golden").glob("*.klr"))
_NO_WORDS = re.compile(r'"(?:[^"\\\r\n]|\\.)*"|#[^\r\n]*')


@given(coworkers(), st.sampled_from(("\n", "\r\n")))
def test_formatting_gives_what_the_formatter_gives(text: str, ends: str) -> None:
    text = text.replace("\n", ends)
    wanted = format_source(Source(text.replace("\r\n", "\n")), parse(Source(text.replace("\r\n", "\n"))))
    edited = applied(text, formatted(Study(text)))
    assert edited == wanted.replace("\n", "\r\n" if "\r\n" in text else "\n")
    assert formatted(Study(edited)) == []


@pytest.mark.parametrize("path", RULES, ids=lambda p: p.stem)
def test_each_word_of_a_coworker_is_understood_where_it_stands(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    study = Study(text)
    bare = _NO_WORDS.sub(lambda m: " " * len(m.group()), text)
    for phrase in sorted(keywords().values(), key=len, reverse=True):
        bare = bare.replace(phrase, phrase.partition(" ")[0].ljust(len(phrase)))
    for word in re.finditer(r"\b[^\W\d]\w*", bare):
        assert context_at(study, word.start()).next, (word.group(), study.source.place(word.start()))


@given(coworkers())
def test_each_statement_is_found_by_its_first_word(text: str) -> None:
    study = Study(text)
    assert study.analysis.parsed.tree is not None
    for found in re.finditer(r"(?m)^[ \t]*(let|notify|skip|trash|move|make|write|if|for|else|end)\b", text):
        context = context_at(study, found.start(1))
        assert context.next, text[: found.end()]
        assert context.tokens == ()


@pytest.mark.parametrize(
    "before",
    [
        'notify "{"x {"["}"}"',
        'notify "{count of (matches of "[{]" in "a")}" # [',
        'notify "{{" + "["',
        'let y = match of "[(]" in "[" default "\\"["',
    ],
)
def test_brackets_in_texts_and_patterns_open_nothing(before: str) -> None:
    text = f'coworker "x"\nwhen asked\n  {before}\n  skip\nend\n'
    context = context_at(Study(text), text.index("skip"))
    assert context.next
    assert context.tokens == ()


@given(st.text(max_size=80) | coworkers(), st.data())
def test_every_place_of_every_text_has_answers(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    study = Study(text[:start] + text[data.draw(st.integers(start, len(text))) :])
    offset = data.draw(st.integers(-1, len(text) + 1))
    for offer in offers(study, offset):
        assert 0 <= offer.span.start <= offer.span.end <= len(study.source.text)
    meaning(study, offset)
    list(fixes(study, Span(0, len(text))))
    list(study.outline.folds())


@pytest.mark.parametrize("path", BROKEN, ids=lambda p: p.stem)
def test_every_quick_fix_does_away_with_its_finding(path: Path) -> None:
    study = Study(path.read_text(encoding="utf-8"))
    for fix in fixes(study, Span(0, len(study.source.text))):
        after = Study(applied(study.source.text, fix.edits)).analysis.diagnostics
        same = [one for one in after if (one.code, one.message) == (fix.finding.code, fix.finding.message)]
        before = [
            one
            for one in study.analysis.diagnostics
            if (one.code, one.message) == (fix.finding.code, fix.finding.message)
        ]
        assert len(same) < len(before), fix


def test_the_broken_ones_have_quick_fixes() -> None:
    found = [fix for path in BROKEN for fix in fixes(Study(path.read_text(encoding="utf-8")), Span(0, 10**6))]
    assert len(found) >= 10
