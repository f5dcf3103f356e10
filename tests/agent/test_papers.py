"""The demonstration's papers are what they claim to be: other programs' readers agree."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pypdf
from PIL import Image

from klapp.demo.papers import make_papers, pdf, spreadsheet
from klapp.properties.kinds import kind_of
from klapp.properties.texts import text_of


def test_each_paper_is_of_its_kind(tmp_path: Path) -> None:
    kinds = {path.suffix: set() for path in make_papers(tmp_path)}  # type: dict[str, set[str]]
    for path in tmp_path.iterdir():
        kinds[path.suffix].add(kind_of(path.read_bytes()))
    assert kinds == {
        ".pdf": {"pdf"},
        ".txt": {"text"},
        ".csv": {"text"},
        ".xlsx": {"spreadsheet"},
        ".png": {"image"},
        ".bin": {"unknown"},
    }


def test_the_pdf_reads_as_it_was_written() -> None:
    lines = ["Müller & Söhne (OHG)", "a \\ b", "Total 1.234,50 €"]
    assert pypdf.PdfReader(io.BytesIO(pdf(lines)), strict=True).pages[0].extract_text().strip().split("\n") == lines
    assert text_of("pdf", pdf(lines), "x").strip().split("\n") == lines


def test_the_spreadsheet_opens(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(spreadsheet([("rent", 900), ("paper", 35)])))
    assert [[cell.value for cell in row] for row in book.active.rows] == [["rent", 900], ["paper", 35]]


def test_the_picture_opens_and_names_are_awkward(tmp_path: Path) -> None:
    papers = make_papers(tmp_path)
    picture = next(path for path in papers if path.suffix == ".png")
    with Image.open(picture) as image:
        image.verify()
    names = [os.fsencode(path.name) for path in papers]
    assert any(b"\n" in name for name in names)
    assert any(name.startswith(b"-") for name in names)
    assert any(b"\xe9" in name for name in names)
