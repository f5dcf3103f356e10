"""Positions there and back, and texts that are changed in small steps, held against a model in code units."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from klapp.lsp.documents import Change, Document
from klapp.lsp.positions import ENCODINGS, Lines, Position, Range
from klr.source import Span

TEXTS = st.text(alphabet=st.characters() | st.sampled_from("\r\n\u2028\x0c\x85ü\N{PILE OF POO}ab"), max_size=60)
NUMBERS = st.integers(-3, 40) | st.just(2**31 - 1)
POSITIONS = st.builds(Position, NUMBERS, NUMBERS)
ANY_ENCODING = pytest.mark.parametrize("encoding", sorted(ENCODINGS))


def size(text: str, encoding: str) -> int:
    """How many code units a text has."""
    codec = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}[encoding]
    return len(text.encode(codec, "surrogatepass")) // {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]


@ANY_ENCODING
@given(TEXTS)
@example("a\r\n\N{PILE OF POO}b\rü")
def test_there_and_back(encoding: str, text: str) -> None:
    lines = Lines(text, encoding)
    for offset in range(len(text) + 1):
        position = lines.position(offset)
        before = re.split(r"\r\n|\n|\r", text[:offset])
        if text[max(offset - 1, 0) : offset + 1] == "\r\n":
            assert lines.offset(position) == offset - 1
            continue
        assert position == (len(before) - 1, size(before[-1], encoding))
        assert lines.offset(position) == offset


@ANY_ENCODING
@given(TEXTS, POSITIONS, POSITIONS)
def test_every_position_is_somewhere_in_the_text(encoding: str, text: str, one: Position, other: Position) -> None:
    lines = Lines(text, encoding)
    assert 0 <= lines.offset(one) <= len(text)
    if one <= other and min(*one, *other) >= 0:
        assert lines.offset(one) <= lines.offset(other)
    span = lines.span((other, one))
    assert span == lines.span((one, other))
    assert lines.span(lines.range(span)).start <= span.start


def test_a_position_in_the_middle_of_a_character_is_before_it() -> None:
    assert Lines("a\N{PILE OF POO}b").offset((0, 2)) == 1
    assert Lines("a\N{PILE OF POO}b").offset((0, 3)) == 2


def test_lines_end_where_the_protocol_ends_them() -> None:
    assert len(Lines("a\u2028b\x0bc\x85d\x1ce")) == 1
    assert len(Lines("a\nb\r\nc\rd\n")) == 5
    assert Lines("ab\r\ncd").range(Span(1, 5)) == ((0, 1), (1, 1))


class Model:
    """A text as an editor keeps it: UTF-16 code units."""

    def __init__(self, text: str) -> None:
        self.units = _units(text)

    def text(self) -> str:
        return b"".join(self.units).decode("utf-16-le", "surrogatepass")

    def ends(self) -> list[tuple[int, int]]:
        """(start, end) of each line."""
        joined = "".join(unit.decode("utf-16-le", "surrogatepass") for unit in self.units)
        breaks = [m.span() for m in re.finditer(r"\r\n|\n|\r", joined)]
        return list(zip([0, *(end for _, end in breaks)], [*(start for start, _ in breaks), len(joined)], strict=True))

    def place(self, position: Position) -> int:
        lines = self.ends()
        if position.line >= len(lines):
            return len(self.units)
        start, end = lines[position.line]
        place = min(start + position.character, end)
        split = start < place < len(self.units) and _is_high(self.units[place - 1]) and _is_low(self.units[place])
        return place - split

    def change(self, range: Range, text: str) -> None:
        start, end = sorted(map(self.place, range))
        self.units[start:end] = _units(text)


def _units(text: str) -> list[bytes]:
    data = text.encode("utf-16-le")
    return [data[i : i + 2] for i in range(0, len(data), 2)]


def _is_high(unit: bytes) -> bool:
    return 0xD8 <= unit[1] <= 0xDB


def _is_low(unit: bytes) -> bool:
    return 0xDC <= unit[1] <= 0xDF


WHOLE = st.text(
    alphabet=st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n\u2028ü\N{PILE OF POO}a"), max_size=20
)
SENSIBLE = st.builds(Position, st.integers(0, 6), st.integers(0, 12))
EDITS = st.lists(st.tuples(st.builds(Range, SENSIBLE, SENSIBLE) | st.none(), WHOLE), max_size=8)


@pytest.mark.fuzz
@given(WHOLE, st.lists(EDITS, max_size=4))
@example("a\r\nb", [[(Range(Position(0, 1), Position(1, 0)), "\r"), (Range(Position(1, 0), Position(1, 0)), "\n")]])
def test_the_text_of_the_server_is_that_of_the_editor(text: str, steps: list[list[tuple[Range | None, str]]]) -> None:
    model, document = Model(text), Document(text, 0)
    for version, edits in enumerate(steps):
        for range, new in edits:
            if range is None:
                model = Model(new)
            else:
                model.change(range, new)
        document = document.changed([Change(new, range) for range, new in edits], version)
        assert document.text == model.text()
        assert document.version == version
