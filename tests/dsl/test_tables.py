"""The stored tables are those of the grammar, and what is read by them is what Lark itself reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from lark import Lark, Token

from klr import tables as module
from klr.layout import LINE_WORDS
from klr.machine import Tree
from klr.parser import _read
from klr.source import Source
from klr.tables import GRAMMAR, STORED, made, tables
from tests.dsl.texts import coworkers


class Lines:
    """For Lark: drops the line breaks that mean nothing, and takes words of the language at the start of a line for such."""

    always_accept = ("NEWLINE",)

    def process(self, tokens: Iterator[Token]) -> Iterator[Token]:
        depth, fresh = 0, True
        for token in tokens:
            if token.type == "NEWLINE":
                if depth or fresh:
                    continue
            elif fresh and token.type == "NAME":
                token.type = LINE_WORDS.get(str(token), "NAME")
            fresh = token.type == "NEWLINE"
            depth += (token.type in ("LSQB", "LPAR")) - (token.type in ("RSQB", "RPAR"))
            yield token


@cache
def lark() -> Lark:
    return Lark(GRAMMAR.read_text(encoding="utf-8"), parser="lalr", postlex=Lines(), maybe_placeholders=False)


def shape(node: Any) -> Any:
    """A tree of either kind, as plain data; a line break is one, whatever blanks belong to it."""
    if hasattr(node, "children"):
        return str(node.data), [shape(child) for child in node.children]
    return node.type, "" if node.type == "NEWLINE" else str(node)


@given(coworkers())
def test_what_is_read_is_what_lark_reads(text: str) -> None:
    tree, _, diagnostics = _read(Source(text))
    assert isinstance(tree, Tree)
    assert not diagnostics
    assert shape(tree) == shape(lark().parse(text + "\n"))


def test_the_stored_tables_are_those_of_the_grammar() -> None:
    grammar = GRAMMAR.read_text(encoding="utf-8")
    assert STORED.exists(), "an installation stores them; for a working copy, the tests do"
    assert module._stored(grammar) == made(grammar)


@pytest.mark.parametrize("damage", ["", "{}", "[]", "{", '{"of": "1 other"}', "\x00"])
def test_tables_of_another_grammar_are_not_used(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "grammar.json").write_text(damage, encoding="utf-8")
    monkeypatch.setattr(module, "STORED", tmp_path / "grammar.json")
    assert tables.__wrapped__() == tables()
