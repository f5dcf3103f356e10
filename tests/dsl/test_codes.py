"""Every code has a page, every page is true: its wrong example gives exactly that code, its right one nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from klapp.vocabulary import VOCABULARY
from klr.codes import CODE, FAMILIES, UnknownCode, document, page, pages, read
from klr.loader import load
from klr.proof import inclusion

ROOT = Path(__file__).parents[2]
EMITTED = {
    code
    for folder in ("dsl/klr", "agent/klapp")
    for path in (ROOT / folder).rglob("*.py")
    if "codes" not in path.parts
    for code in re.findall(r'"(K\d{3})"', path.read_text(encoding="utf-8"))
}


def test_each_code_that_can_be_given_has_a_page_and_no_other_has_one() -> None:
    assert len(EMITTED) >= 40
    assert set(pages()) == EMITTED


@pytest.mark.parametrize("code", sorted(pages()))
def test_the_examples_of_a_page_are_true(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if code == "K404":
        monkeypatch.setattr(inclusion, "MOST_WORK", 50_000)  # to be sooner at the end of patience
    known = page(code)
    assert known.code == code
    assert not known.title.endswith(".")
    # A text of a million characters would make a long page: there the dots stand for them.
    wrong = known.wrong.replace("...", "." * 1_000_000) if code == "K100" else known.wrong
    assert [found.code for found in load(wrong, VOCABULARY).diagnostics] == [code]
    right = load(known.right, VOCABULARY)
    assert [found.render(right.source) for found in right.diagnostics] == []
    assert right.program is not None


def test_the_document_is_made_from_the_pages() -> None:
    assert (ROOT / "docs" / "codes.md").read_text(encoding="utf-8") == document()


def test_the_document_leads_to_each_page_and_each_family_has_pages() -> None:
    text = document()
    headings = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.M)
    }
    links = re.findall(r"\]\(#(.*?)\)", text)
    assert len(links) == len(set(links)) == len(pages())
    assert set(links) <= headings
    assert {code[1] for code in pages()} == set(FAMILIES)


def test_a_code_is_found_however_it_is_typed_and_an_unknown_one_named() -> None:
    assert page("k401") is page("K401")
    with pytest.raises(UnknownCode, match=r"^klapp gives no finding the code K499\. Did you mean K\d{3}\?$"):
        page("K499")
    assert CODE.fullmatch("K401")
    assert not CODE.fullmatch("401")


def test_a_page_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        read("# K401: Title\n\nand nothing else\n")


def test_the_terminal_is_shown_no_marks_of_markdown() -> None:
    for known in pages().values():
        assert not re.search(r"^(#|```)", known.plain(), re.MULTILINE)
