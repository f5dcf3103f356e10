"""The documents say what is true: their coworkers are accepted and pass their tests, their commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from klapp.engine.tester import run_tests
from klapp.shipped import about
from klapp.vocabulary import VOCABULARY
from klr.format import format_source
from klr.loader import load
from klr.parser import parse
from klr.rewriting import least_privilege
from klr.source import Source

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCKS = [
    (page.name, number, block)
    for page in PAGES
    for number, block in enumerate(re.findall(r"```klr\n(.*?)```", page.read_text(), re.DOTALL))
]
SHIPPED = sorted((ROOT / "rules").glob("*.klr"))


def test_there_are_blocks() -> None:
    assert len(BLOCKS) >= 3


@pytest.mark.parametrize(("page", "number", "text"), BLOCKS, ids=lambda v: str(v)[:20])
def test_each_coworker_in_the_documents_is_accepted_and_works(page: str, number: int, text: str) -> None:
    loaded = load(text, VOCABULARY, f"{page} {number}")
    assert [d.render(loaded.source) for d in loaded.diagnostics] == []
    assert loaded.program is not None
    assert [(r.name, r.failures) for r in run_tests(loaded.program, VOCABULARY) if not r.passed] == []


def test_the_cookbook_has_many_recipes_and_each_shows_that_it_works() -> None:
    page = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")
    recipes = [text for name, _, text in BLOCKS if name == "cookbook.md"]
    assert len(recipes) >= 30
    assert all('\ntest "' in text for text in recipes)
    anchors = re.findall(r"^### (.*)$", page, re.MULTILINE)
    listed = re.findall(r"\]\(#([\w-]+)\)", page)
    assert listed == [re.sub(r"[^\w -]", "", anchor).lower().replace(" ", "-") for anchor in anchors]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_what_ships_is_in_the_one_style_and_passes_its_tests(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    loaded = load(text, VOCABULARY, path.name)
    assert loaded.diagnostics == ()
    assert loaded.program is not None
    results = run_tests(loaded.program, VOCABULARY)
    assert len(results) >= 2, "at least one case that it is for, and one that it is not"
    assert [(r.name, r.failures) for r in results if not r.passed] == []
    source = Source(text)
    assert format_source(source, parse(source)) == text
    assert least_privilege(loaded) == text
    assert about(text).endswith(".")


def test_the_set_up_commands_are_there() -> None:
    scripts = re.findall(r"^sh (\S+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert scripts == ["installers/linux/first-minute", "installers/linux/all-tests"]
    assert all((ROOT / script).is_file() for script in scripts)
    assert "all-tests" in (ROOT / ".ci" / "run").read_text()


def test_no_link_leads_nowhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists() or link == "docs/benchmarks.md", (page.name, link)
