"""What editors colour as words of the language are the words of its grammar: no word is missing, and none is extra."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from lark import Lark
from lark.lexer import PatternStr

EDITORS = Path(__file__).parents[3] / "dsl" / "editors"
GROUP = re.compile(r"\((?:\?:)?((?:[a-z]|\[ \\t\]\+|\|)+)\)")
SEVERAL = re.compile(r"([a-z]+(?:\[ \t\]\+[a-z]+)+)\(\?!\\w\)")
ADVICE = "The grammar's words have changed: dsl/editors/{vscode/syntaxes/klr.tmLanguage.json,vim/syntax/klr.vim}"


def grammar() -> Lark:
    text = files("klr").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr")


def words_of_the_language() -> set[str]:
    found = set()
    for terminal in grammar().terminals:
        value = terminal.pattern.value
        if isinstance(terminal.pattern, PatternStr):
            if value.isalpha():
                found.add(value)
        elif match := SEVERAL.fullmatch(value):
            found.add(match[1].replace("[ \t]+", " "))
    return found


def in_textmate() -> Iterator[str]:
    repository = json.loads((EDITORS / "vscode/syntaxes/klr.tmLanguage.json").read_text())["repository"]
    for group in ("leading", "joining"):
        for pattern in repository[group]["patterns"]:
            (alternatives,) = GROUP.findall(pattern["match"])
            yield from alternatives.replace("[ \\t]+", " ").split("|")
    (alternatives,) = GROUP.findall(repository["pattern"]["begin"])
    yield from alternatives.replace("[ \\t]+", " ").split("|")


def in_vim() -> Iterator[str]:
    text = (EDITORS / "vim/syntax/klr.vim").read_text()
    for group, pattern in re.findall(r"^syntax match klr(\w+) '(.*?)'", text, re.MULTILINE):
        if group in ("Declaration", "Control", "Operator", "Slot", "Constant", "Match"):
            found = re.search(r"\\%\((.*)\\\)\\>|\\<\\%\((.*)\\\)", pattern)
            assert found, pattern
            yield from (found[1] or found[2]).replace("\\s\\+", " ").split("\\|")
        elif group == "Type":
            assert "list\\s\\+of" in pattern
            yield "list of"


def test_the_grammar_tells_its_words() -> None:
    words = words_of_the_language()
    assert {"coworker", "end", "is not", "for each", "match of", "yes"} <= words
    assert not words & {"move", "file", "read", "text"}


def test_visual_studio_code_knows_exactly_the_words_of_the_language() -> None:
    assert set(in_textmate()) == words_of_the_language(), ADVICE


def test_vim_knows_exactly_the_words_of_the_language() -> None:
    assert set(in_vim()) == words_of_the_language(), ADVICE


def test_lines_go_on_in_editors_where_they_do_in_the_language() -> None:
    [continuation] = [t.pattern.value for t in grammar().terminals if t.name == "CONTINUATION"]
    joining = set(re.search(r"\(\?:((?:\w|\||\[ \t\]\+)+)\)\(\?!", continuation)[1].replace("[ \t]+", " ").split("|"))  # type: ignore[index]
    vim = (EDITORS / "vim/indent/klr.vim").read_text()
    found = re.search(r"s:joining = '\^\\s\*\\%\(\\%\((.*?)\\\)\\>", vim)
    assert found
    assert set(found[1].replace("\\s\\+", " ").split("\\|")) == joining
    textmate = json.loads((EDITORS / "vscode/syntaxes/klr.tmLanguage.json").read_text())["repository"]["verb"]["match"]
    refused = set(re.search(r"\(\?!\(\?:(.*?)\)\\b\)", textmate)[1].split("|"))  # type: ignore[index]
    assert {word.split()[0] for word in joining} == refused
