"""An erasure looks into the kept copies of replaced files, of whatever kind they are, and says which it could not search."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.agent import Agent
from klapp.demo.papers import pdf
from klapp.properties.said import said_in
from klapp.sandbox import Reader
from tests.agent.house import House, reports

COWORKER = """coworker "Newest"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/**"

when file arrives in "~/In"
  move file to "~/Out/" on conflict replace
end
"""
NAME = "Zebediah Müller"


def workbook(name: str) -> bytes:
    """With the name on its second sheet."""
    book = openpyxl.Workbook()
    book.active.append(["nothing", 1])
    book.create_sheet("More").append([name, 2])
    goal = io.BytesIO()
    book.save(goal)
    return goal.getvalue()


def letter(name: str) -> bytes:
    """As a word processor writes it: one word in several runs of letters."""
    goal = io.BytesIO()
    with zipfile.ZipFile(goal, "w", zipfile.ZIP_DEFLATED) as container:
        container.writestr("[Content_Types].xml", "<Types/>")
        text = f"<w:t>Dear {name[:3]}</w:t></w:r><w:r><w:t>{name[3:]}</w:t>"
        container.writestr("word/document.xml", f"<w:document><w:p><w:r>{text}</w:r></w:p></w:document>")
    return goal.getvalue()


def locked(name: str) -> bytes:
    """A PDF with a password."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf([name])))
    writer.encrypt("secret", algorithm="AES-256")
    goal = io.BytesIO()
    writer.write(goal)
    return goal.getvalue()


def scan() -> bytes:
    """A PDF whose page is without a text."""
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    goal = io.BytesIO()
    writer.write(goal)
    return goal.getvalue()


READABLE = {
    "a.pdf": pdf([f"Dear {NAME}"]),
    "b.xlsx": workbook(NAME),
    "c.docx": letter(NAME),
    "d.txt": f"Dear {NAME}".encode("utf-16"),
    "e.csv": f"x;{NAME}".encode("cp1252"),
}
UNREADABLE = {"f.png": b"\x89PNG\r\n\x1a\n" + bytes(50), "g.pdf": locked(NAME), "h.pdf": scan(), "i.zip": b"PK\x05\x06" + bytes(18)}  # fmt: skip
OTHERS = {"j.txt": b"Dear somebody", "k.xlsx": workbook("Somebody"), "l.txt": b""}


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.coworker(COWORKER)
    for name, content in (READABLE | UNREADABLE | OTHERS).items():
        house.file(f"Out/{name}", content)
        house.file(f"In/{name}", b"the new one")
    with house.agent() as agent:
        agent.approve("newest")
        assert {one["outcome"] for one in reports(agent.run("newest"))} == {"done"}
        assert len(agent.keeper.tokens()) == 12
    return house


def erased(agent: Agent, **asked: Any) -> dict[str, Any]:
    (told,) = [item for item in agent.audit("erase", **asked) if "progress" not in item]
    return told


def brought_back(house: House, agent: Agent) -> set[str]:
    """The old files that an undo of everything brings back."""
    agent.undo([one["run"] for one in agent.log() if one["undoes"] is None])
    return {path.name for path in (house.person / "Out").iterdir() if path.read_bytes() != b"the new one"}


def test_copies_of_every_kind_are_searched_and_what_can_not_be_is_named(house: House) -> None:
    with house.agent() as agent:
        told = erased(agent, subject="zebediah müller")
        assert (told["entries"], told["copies"], told["erased"]) == (0, 5, False)
        assert {Path(one["path"]).name: one["why"] for one in told["unread"]}.keys() == UNREADABLE.keys()
        assert all(one["run"] and one["why"] for one in told["unread"])
        assert {"it is locked with a password, so its text can not be read"} < {one["why"] for one in told["unread"]}
        assert len(agent.keeper.tokens()) == 12
        assert erased(agent, subject="zebediah müller", do=True)["erased"]
        assert brought_back(house, agent) == {*UNREADABLE, *OTHERS}
        assert agent.log_store.verify() is None


def test_copies_that_can_not_be_searched_go_where_that_is_asked(house: House) -> None:
    with house.agent() as agent:
        told = erased(agent, subject=NAME, copies=True, do=True)
        assert (told["copies"], told["unread"]) == (9, [])
        assert brought_back(house, agent) == {*OTHERS}


def test_a_copy_that_was_changed_is_named(house: House) -> None:
    for path in house.home.kept.iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    with house.agent() as agent:
        assert len(erased(agent, subject=NAME)["unread"]) == 12


@pytest.fixture(scope="module")
def reader() -> Any:
    reader = Reader()
    yield reader
    reader.close()


@given(content=st.binary(max_size=300), start=st.sampled_from([b"", b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", letter(NAME)[:200]]))  # fmt: skip
def test_whatever_a_copy_holds_it_is_read_or_said_not_to_be(reader: Reader, content: bytes, start: bytes) -> None:
    text, why = said_in(start + content, reader)
    assert isinstance(text, str)
    assert start == b"" or why or text
