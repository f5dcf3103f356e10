"""``klapp lsp`` as an editor meets it: a real process, real frames, and whatever an editor may send."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klapp.rpc import Server
from tests.agent.lsp.client import Editor, applied

URI = "file:///a.klr"
FILER = """coworker "Filer"

may read "~/In/*"
may remove "~/In/*"
may write "~/Out/*"

setting large: size = 2 MB

when file arrives in "~/In"
  let big = file.size > large
  if big
    move file to "~/Out/"
  end
end

test "a large one moves"
  given file "~/In/a.txt" with size 3 MB
  when file arrives "~/In/a.txt"
  expect file "~/Out/a.txt"
end

test "this one is wrong"
  given file "~/In/b.txt" with size 1 MB
  when file arrives "~/In/b.txt"
  expect file "~/Out/b.txt"
end
"""


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """One server for all of these tests: nothing that one of them sends may harm the next."""
    with Editor(tmp_path_factory.mktemp("editor")) as editor:
        yield editor


def place(text: str, marked: str) -> tuple[int, int]:
    """The position of the ``|`` in the one line of a text that holds ``marked`` without it."""
    bare = marked.replace("|", "")
    [(number, line)] = [(n, line) for n, line in enumerate(text.split("\n")) if bare in line]
    before = line[: line.index(bare) + marked.index("|")]
    return number, len(before.encode("utf-16-le")) // 2


def labels(answer: Any) -> list[str]:
    return [item["label"] for item in answer["items"]]


# -- findings ---------------------------------------------------------------------------------------------------------


def test_all_findings_of_a_file_come_in_one_pass_with_their_help(editor: Editor) -> None:
    text = FILER.replace("let big", "let bigger").replace("move file", "mvoe file")
    found = editor.open(text)
    assert [(one["code"], one["range"]["start"]) for one in found] == [
        ("K201", {"line": 10, "character": 5}),
        ("K203", {"line": 11, "character": 4}),
    ]
    unknown = next(one for one in found if one["code"] == "K203")
    assert unknown["message"].endswith("Did you mean `move`?")
    assert unknown["severity"] == 1
    assert unknown["source"] == "klapp"


def test_findings_follow_what_is_typed_and_end_with_the_document(editor: Editor) -> None:
    assert editor.open(FILER) == []
    line, character = place(FILER, "move| file")
    word = {"start": {"line": line, "character": character - 4}, "end": {"line": line, "character": character}}
    editor.change([{"range": word, "text": "mve"}])
    [found] = editor.findings()
    assert found["code"] == "K203"
    assert found["range"]["start"] == {"line": line, "character": character - 4}
    editor.tell("textDocument/didClose", textDocument={"uri": URI})
    editor.ask("textDocument/hover", textDocument={"uri": URI}, position={"line": 0, "character": 0})
    last = [m for m in editor.told if m["method"] == "textDocument/publishDiagnostics"][-1]
    assert last["params"]["diagnostics"] == []


@pytest.mark.parametrize("encodings", [None, ["utf-16"], ["utf-32", "utf-16"], ["utf-8"]])
def test_columns_are_counted_as_agreed(tmp_path: Path, encodings: list[str] | None) -> None:
    """Behind a character beyond the first plane, and umlauts, in code units."""
    before = '  notify "\N{PILE OF POO}üü{count of [1]} {'
    units = {"utf-8": len(before.encode()), "utf-16": len(before.encode("utf-16-le")) // 2, "utf-32": len(before)}
    with Editor(tmp_path, encodings) as editor:
        [found] = editor.open(f'coworker "x"\nmay notify\nwhen asked\n{before}wrong}}"\nend\n')
        assert found["code"] == "K201"
        agreed = (encodings or ["utf-16"])[0]
        assert editor.capabilities["positionEncoding"] == agreed
        assert found["range"]["start"] == {"line": 3, "character": units[agreed]}


# -- completion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "offered", "never"),
    [
        ("  m|", ["move", "make folder", "let", "if", "for each", "end"], ["to", "may"]),
        ("  make f|", ["folder"], ["move"]),
        ('  move file t|', ["to", "on conflict"], ["with"]),
        ('  move file to "~/Out/" on conflict r|', ["rename", "skip", "replace", "fail"], ["file"]),
        ('  move file to "~/Out/"\n    on conflict r|', ["rename", "skip"], ["file"]),
        ('  move file to "~/Out/" on  conf|', ["on conflict"], ["move"]),
        ("  if file.name ends w|", ["ends with"], []),
        ("  let x = file.n|", ["name", "size", "text"], ["move", "file"]),
        ("  let x = n|", ["file", "now", "today", "large", "number after ... in ...", "count of ...", "files in ..."], ["it"]),
        ("  let mine = 1\n  let x = m|", ["mine"], []),
        ("  if yes\n    let inner = 1\n  end\n  let x = i|", ["file"], ["inner"]),
        ("  let x = number a|", ["after"], ["of"]),
        ('  let x = files in "~/In/*" where i|', ["it"], []),
        ('  let x = files in "~/In/*" where it.n|', ["name"], []),
        ('  for each one in files in "~/In/*"\n    let x = one.s|', ["size"], []),
        ('  skip "{f|', ["file"], ["move"]),
        ("  let x = [\n    1,\n    f|", ["file"], ["move"]),
        ("  |", ["move", "on error"], []),
        ("  if yes\n    |", ["else", "else if", "end"], ["on error"]),
        ("end\n|", ["when", "every", "setting", "test"], ["move"]),
        ("end\nmay |", ["read", "write", "remove", "notify"], ["move"]),
        ("end\nwhen |", ["file arrives", "asked"], ["move"]),
        ("end\nwhen file |", ["arrives"], ["asked"]),
        ("end\nwhen file arrives |", ["in", "named"], ["from"]),
        ("end\nevery |", ["monday", "weekday", "month", "minute"], ["move"]),
        ("end\nsetting more: |", ["text", "number", "yes/no", "list of"], ["file"]),
        ("end\nsetting more: list of |", ["text", "size"], []),
        ('end\ntest "t"\n  |', ["given", "when", "expect", "end"], ["move"]),
        ('end\ntest "t"\n  given |', ["file", "now", "setting"], []),
        ('end\ntest "t"\n  given file "~/a" with |', ["text", "size", "modified"], ["name"]),
        ('end\ntest "t"\n  expect |', ["file", "notice", "skip", "failure", "no"], []),
        ("on error\n  let x = error.|", ["message"], ["name"]),
    ],
)  # fmt: skip
def test_what_is_offered_fits_the_place(editor: Editor, written: str, offered: list[str], never: list[str]) -> None:
    head = FILER[: FILER.index("  let big")]
    before, _, after = written.partition("|")
    text = head + before + after + "\nend\n"
    editor.open(text)
    line, character = (head + before).count("\n"), len((head + before).rpartition("\n")[2])
    found = labels(editor.at("completion", line, character))
    assert [label for label in offered if label not in found] == []
    assert [label for label in never if label in found] == []


@pytest.mark.parametrize("written", ['  skip "f|', "  # f|", "  let f|", "  for each f|", "  let x = = f|"])
def test_nothing_is_offered_where_words_are_the_persons_own(editor: Editor, written: str) -> None:
    head = FILER[: FILER.index("  let big")]
    text = head + written.replace("|", "") + "\nend\n"
    editor.open(text)
    assert labels(editor.at("completion", head.count("\n"), len(written) - 1)) == []


@pytest.mark.parametrize(
    ("written", "offered", "never"),
    [
        ('when file arrives in "~/In" |', ["named", "between", "at most", "once quiet for", "retry"], ["catch up"]),
        ('when file arrives in "~/In" between 09:00 and 18:00 r|', ["retry", "at most"], ["between"]),
        ("every friday at 16:30 |", ["catch up", "never catch up", "within"], ["once quiet for", "named"]),
        ('when asked\nlet m = match of "(?P<year>[0-9]+)-(?P<month>a)" in "b"\nnotify "{m.|', ["year", "month"], ["name"]),
        ('when asked\nlet m = (match of "(?P<year>[0-9]+)" in "b").|', ["year"], ["name"]),
        ('when asked\nfor each m in matches of "(?P<year>[0-9]+)" in "b"\nnotify m.|', ["year"], ["name"]),
        ('when asked\nfor each g in files in "~/In/*" grouped by it.folder\nnotify "{g.|', ["key", "files"], ["rows"]),
        ('when asked\nfor each r in table in "~/In/a.csv" grouped by it."A"\nnotify r.|', ["key", "rows"], ["files"]),
        ('when mail arrives in "work"\nnotify mail.|', ["subject", "attachments"], ["extension"]),
        ('when file arrives in "~/In"\nlet x = file.modified.|', ["weekday"], ["extension"]),
    ],
)  # fmt: skip
def test_options_groups_and_members_are_those_of_the_place(
    editor: Editor, written: str, offered: list[str], never: list[str]
) -> None:
    text = f'coworker "x"\nmay read "~/In/*"\n{written.replace("|", "")}'
    editor.open(f"{text}\nend\n")
    line = text.count("\n")
    found = labels(editor.at("completion", line, len(text.split("\n")[line])))
    assert [label for label in offered if label not in found] == []
    assert [label for label in never if label in found] == []


def test_a_chosen_word_takes_the_place_of_its_beginning_and_tells_what_it_is(editor: Editor) -> None:
    text = FILER.replace('move file to "~/Out/"', "mo")
    editor.open(text)
    line, _ = place(text, "    mo|")
    [item] = [item for item in editor.at("completion", line, 6)["items"] if item["label"] == "move"]
    assert "may remove" in item["documentation"]["value"]
    assert 'move file to "' in item["documentation"]["value"]
    assert applied(text, [item["textEdit"]]) == text.replace("    mo", "    move")


def test_a_blank_asks_for_no_words_of_the_grammar(editor: Editor) -> None:
    editor.open(FILER)
    line, character = place(FILER, "if big|")
    context = {"triggerKind": 2, "triggerCharacter": " "}
    text = {"start": {"line": line, "character": character}, "end": {"line": line, "character": character}}
    editor.change([{"range": text, "text": " "}])
    assert labels(editor.at("completion", line, character + 1, context=context)) == []
    assert "and" in labels(editor.at("completion", line, character + 1))


# -- hover, definition, references ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marked", "told"),
    [
        ("mo|ve file", "**move**"),
        ("move file t|o", "keeps the file's name"),
        ("file.si|ze", "**file.size: size**"),
        ("when file arr|ives in", "**when file arrives**"),
        ("may re|ad", "**may read**"),
        ("fi|le.size", "file: file"),
        ("> la|rge", "large: size"),
        ("let b|ig", "big: yes/no"),
        ("if b|ig", "big: yes/no"),
    ],
)
def test_a_word_says_what_it_means(editor: Editor, marked: str, told: str) -> None:
    editor.open(FILER)
    assert told in editor.at("hover", *place(FILER, marked))["contents"]["value"]


def test_of_functions_with_one_name_the_one_that_is_written_is_told(editor: Editor) -> None:
    text = FILER.replace("if big", 'if text after "x" in file.name is "y"')
    editor.open(text)
    told = editor.at("hover", *place(text, "if te|xt after"))["contents"]["value"]
    assert "text after ... in ..." in told
    assert "text before" not in told


def test_a_name_leads_to_where_it_is_made_and_to_its_uses(editor: Editor) -> None:
    editor.open(FILER)
    line, character = place(FILER, "> |large")
    location = editor.at("definition", line, character)
    assert location["uri"] == URI
    assert location["range"]["start"] == dict(zip(("line", "character"), place(FILER, "setting |large"), strict=True))
    uses = editor.at("references", line, character, context={"includeDeclaration": True})
    assert [use["range"]["start"]["line"] for use in uses] == [6, 9]
    assert editor.at("definition", *place(FILER, "mo|ve file")) is None


DEFINING = """coworker "Filer"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/*/*"

define month of paper: file = "{paper.modified:%Y-%m}"
define labelled of paper: file = "{month of paper} {paper.stem}"

when file arrives in "~/In"
  if count of ["{month of file}"] is 1
    move file to "~/Out/{month of file}/{labelled of file}"
  end
end
"""


def test_a_definition_is_found_renamed_and_explained_like_any_other_name(editor: Editor) -> None:
    assert editor.open(DEFINING) == []
    made = dict(zip(("line", "character"), place(DEFINING, "define |month"), strict=True))
    for marked in ("{mon|th of paper}", 'count of ["{mon|th', "~/Out/{mon|th"):
        assert editor.at("definition", *place(DEFINING, marked))["range"]["start"] == made
    assert len(editor.at("references", *place(DEFINING, "define mo|nth"), context={"includeDeclaration": True})) == 4
    edit = editor.at("rename", *place(DEFINING, "~/Out/{mon|th"), newName="period")
    assert applied(DEFINING, edit["changes"][URI]) == DEFINING.replace("month of", "period of")
    assert "month of ...: text" in editor.at("completion", *place(DEFINING, "if |count"))["items"].__str__()
    assert "month" not in labels(editor.at("completion", *place(DEFINING, 'file = |"{paper.mod')))
    assert tuple(one["name"] for one in editor.of("documentSymbol")[:2]) == ("month", "labelled")
    position = dict(zip(("line", "character"), place(DEFINING, "define mo|nth"), strict=True))
    for taken in ("labelled", "count"):
        sentence = editor.refused("textDocument/rename", textDocument={"uri": URI}, position=position, newName=taken)
        assert sentence.endswith(".")


def test_a_parameter_is_a_name_of_its_definition_alone(editor: Editor) -> None:
    editor.open(DEFINING)
    edit = editor.at("rename", *place(DEFINING, "{pap|er.modified"), newName="scan")
    first, second = DEFINING.split("define labelled")
    assert applied(DEFINING, edit["changes"][URI]) == f"{first.replace('paper', 'scan')}define labelled{second}"
    assert editor.at("definition", *place(DEFINING, "{month of pap|er}"))["range"]["start"]["line"] == 6
    assert "paper" in labels(editor.at("completion", *place(DEFINING, '"{|paper.modified')))
    assert {"text", "file"} <= set(labels(editor.at("completion", *place(DEFINING, "month of paper: |file"))))


# -- changing ---------------------------------------------------------------------------------------------------------


def test_a_renamed_setting_is_renamed_everywhere_that_it_stands(editor: Editor) -> None:
    text = FILER.replace("given file", "given setting large = 1 MB\n  given file", 1)
    text = text.replace('to "~/Out/"', 'to "~/Out/{large} {file.name}"')
    editor.open(text)
    edit = editor.at("rename", *place(text, "> la|rge"), newName="größe")
    changed = applied(text, edit["changes"][URI])
    assert changed == text.replace("setting large", "setting größe").replace("> large", "> größe").replace(
        "{large}", "{größe}"
    )
    range = editor.at("prepareRename", *place(text, "> la|rge"))
    assert range["end"]["character"] - range["start"]["character"] == 5


@pytest.mark.parametrize(
    ("marked", "name", "why"),
    [
        ("let b|ig", "large", "taken already"),
        ("let b|ig", "file", "taken already"),
        ("let b|ig", "today", "word of the language"),
        ("let b|ig", "end", "word of the language"),
        ("let b|ig", "2nd", "not a name"),
        ("let b|ig", "a b", "not a name"),
        ("let b|ig", "", "not a name"),
        ("mo|ve file", "carry", "can be renamed"),
        ("fi|le.size", "paper", "can be renamed"),
    ],
)
def test_a_bad_new_name_is_refused_with_a_sentence(editor: Editor, marked: str, name: str, why: str) -> None:
    editor.open(FILER)
    line, character = place(FILER, marked)
    position = {"line": line, "character": character}
    sentence = editor.refused("textDocument/rename", textDocument={"uri": URI}, position=position, newName=name)
    assert why in sentence
    assert sentence.endswith(".")


def test_nothing_is_renamed_where_lines_can_not_be_read(editor: Editor) -> None:
    editor.open(FILER.replace("if big", "if big big big"))
    position = dict(zip(("line", "character"), place(FILER, "let b|ig"), strict=True))
    sentence = editor.refused("textDocument/prepareRename", textDocument={"uri": URI}, position=position)
    assert "Mend" in sentence


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_formatting_gives_the_one_style_and_keeps_the_line_breaks(editor: Editor, ends: str) -> None:
    messy = FILER.replace("  if big", "if   big").replace("\n\nmay", "\n\n\n\nmay").replace("\n", ends)
    editor.open(messy)
    edits = editor.of("formatting", options={"tabSize": 4, "insertSpaces": False})
    assert applied(messy, edits) == FILER.replace("\n", ends)
    assert len(edits[0]["newText"]) < len(FILER)
    editor.open(FILER.replace("\n", ends))
    assert editor.of("formatting", options={"tabSize": 4, "insertSpaces": False}) == []


def test_what_can_not_be_read_is_not_formatted(editor: Editor) -> None:
    editor.open(FILER.replace("  if big", "if   big and"))
    assert editor.of("formatting", options={"tabSize": 4, "insertSpaces": True}) == []


def actions(editor: Editor, found: dict[str, Any], **context: Any) -> list[dict[str, Any]]:
    return list(editor.of("codeAction", range=found["range"], context={"diagnostics": [found], **context}))


def test_a_misspelt_word_is_put_right(editor: Editor) -> None:
    text = FILER.replace("move file", "mvoe file")
    found = next(one for one in editor.open(text) if one["code"] == "K203")
    [fix] = actions(editor, found)
    assert fix["title"] == "Write `move`"
    assert fix["isPreferred"]
    assert fix["diagnostics"] == [found]
    assert applied(text, fix["edit"]["changes"][URI]) == FILER
    assert actions(editor, found, only=["refactor"]) == []


def test_a_refused_permission_is_added_only_when_it_is_chosen(editor: Editor) -> None:
    text = FILER.replace('may write "~/Out/*"\n', "")
    found = next(one for one in editor.open(text) if one["code"] == "K401")
    [fix] = actions(editor, found)
    assert 'may write "~/Out/*"' in fix["title"]
    assert not fix["isPreferred"]
    changed = applied(text, fix["edit"]["changes"][URI])
    editor.change([{"text": changed}])
    assert editor.findings() == []


# -- outline and buttons ----------------------------------------------------------------------------------------------


def test_the_parts_of_a_coworker_and_their_folds(editor: Editor) -> None:
    editor.open(FILER)
    assert [(one["name"], one["range"]["start"]["line"]) for one in editor.of("documentSymbol")] == [
        ("large", 6),
        ('when file arrives in "~/In"', 8),
        ("a large one moves", 15),
        ("this one is wrong", 21),
    ]
    assert [(one["startLine"], one["endLine"]) for one in editor.of("foldingRange")] == [
        (10, 11),
        (8, 12),
        (15, 18),
        (21, 24),
    ]


def test_the_buttons_of_tests_and_permissions_answer(editor: Editor) -> None:
    editor.open(FILER)
    lenses = editor.of("codeLens")
    assert [(one["range"]["start"]["line"], one["command"]["command"]) for one in lenses] == [
        (0, "klapp.permissions"),
        (8, "klapp.simulate"),
        (15, "klapp.test"),
        (21, "klapp.test"),
    ]
    told = [editor.ask("workspace/executeCommand", **_command(one)) for one in (lenses[0], *lenses[2:])]
    assert told[0].splitlines()[0] == "Filer may"
    assert "- move away or trash ~/In/*" in told[0]
    assert told[1] == '"a large one moves" passed.'
    assert told[2].startswith('"this one is wrong" failed.\n- line 25: ~/Out/b.txt is not there.')
    assert editor.shown() == told[2]


def _command(lens: dict[str, Any]) -> dict[str, Any]:
    return {"command": lens["command"]["command"], "arguments": lens["command"]["arguments"]}


def test_a_simulation_is_asked_of_the_running_agent(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    path = tmp_path / "filer \N{PILE OF POO}.klr"
    path.write_text(FILER)
    asked: list[Any] = []

    def answer(method: str, arguments: dict[str, Any]) -> Any:
        asked.append((method, arguments))
        report = {"file": "/x/a.txt", "outcome": "done", "reason": "", "effects": [{"sentence": "move it."}]}
        return [report] if method == "simulate" else None

    with Editor(tmp_path) as editor:
        editor.open(FILER, path.as_uri())
        simulate = {"command": "klapp.simulate", "arguments": [path.as_uri(), 9]}
        assert "No agent is running" in editor.ask("workspace/executeCommand", **simulate)
        server = Server(state, answer)
        server.start()
        try:
            told = editor.ask("workspace/executeCommand", **simulate)
        finally:
            server.stop()
        assert told == "/x/a.txt: done\n- move it.\nNothing was changed."
        assert ("simulate", {"name": str(path), "on": None}) in asked
        editor.change([{"text": FILER + "\n"}], path.as_uri())
        assert "Save the file first" in editor.ask("workspace/executeCommand", **simulate)


# -- whatever an editor may send --------------------------------------------------------------------------------------


READING = ("completion", "hover", "definition", "prepareRename")


@pytest.mark.parametrize("uri", ["file:///closed.klr", "file:///%00", "untitled:1", "", "file://[", "http://x/y"])
def test_requests_about_closed_documents_have_clear_answers(editor: Editor, uri: str) -> None:
    for method in READING:
        assert editor.at(method, 1, 1, uri) is None
    for method in ("documentSymbol", "foldingRange", "codeLens"):
        assert editor.of(method, uri) == []
    assert editor.at("rename", 1, 1, uri, newName="x") is None
    editor.tell("textDocument/didChange", textDocument={"uri": uri, "version": 2}, contentChanges=[{"text": "x"}])
    editor.tell("textDocument/didClose", textDocument={"uri": uri})
    for command in ("klapp.permissions", "klapp.test", "klapp.simulate"):
        assert editor.refused("workspace/executeCommand", command=command, arguments=[uri]).endswith(".")


def test_files_that_are_gone_or_no_text_are_named(editor: Editor, tmp_path: Path) -> None:
    binary = tmp_path / "binary.klr"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, why in ((binary, "UTF-8"), (tmp_path / "gone.klr", "can not be read"), (tmp_path, "can not be read")):
        sentence = editor.refused("workspace/executeCommand", command="klapp.test", arguments=[path.as_uri()])
        assert str(path) in sentence
        assert why in sentence


@pytest.mark.parametrize(
    "text", ["", "\n", "\r", "\N{PILE OF POO}", "coworker", '"' * 999, "\u2028x\ud800\x00", "(" * 5000]
)
def test_any_text_and_any_position_is_answered(editor: Editor, text: str) -> None:
    editor.open(text)
    for line, character in ((0, 0), (0, 1), (0, 10**6), (10**6, 0), (2**31 - 1, 2**31 - 1)):
        for method in ("completion", "hover", "definition"):
            editor.at(method, line, character)
    for method in ("documentSymbol", "foldingRange", "codeLens"):
        editor.of(method)
    assert editor.of("formatting", options={"tabSize": 2, "insertSpaces": True}) == []
    end = {"start": {"line": 0, "character": 0}, "end": {"line": 10**6, "character": 0}}
    editor.of("codeAction", range=end, context={"diagnostics": []})


def test_a_document_typed_letter_by_letter_is_the_one_that_was_typed(editor: Editor) -> None:
    editor.open("")
    at = {"line": 0, "character": 0}
    for letter in FILER.replace("Filer", "F\N{PILE OF POO}ler"):
        editor.change([{"range": {"start": dict(at), "end": dict(at)}, "text": letter}])
        at = {"line": at["line"] + 1, "character": 0} if letter == "\n" else at | {
            "character": at["character"] + 1 + (letter > "\uffff")
        }  # fmt: skip
    assert editor.findings() == []
    assert editor.of("documentSymbol")[1]["name"] == 'when file arrives in "~/In"'


def test_what_is_not_of_the_protocol_is_told_so(editor: Editor) -> None:
    for body in (b"{", b"[]", b"null", b"1", b"\xff", b"{}", b'{"jsonrpc":"1.0","id":1,"method":"shutdown"}'):
        editor.raw(body)
    editor.tell("textDocument/didOpen", textDocument=7)
    editor.tell("no/such/notification", anything=1)
    assert "parameters" in editor.refused("textDocument/hover", textDocument=7)
    assert "parameters" in editor.refused(
        "textDocument/hover", textDocument={"uri": URI}, position={"line": -1, "character": 0}
    )
    assert "no/such" in editor.refused("no/such/request")
    assert "not defined" in editor.refused("workspace/executeCommand", command="rm")
    for arguments in ([], [1], [URI, "x"], [None], [URI, 1, 2, 3]):
        assert editor.refused("workspace/executeCommand", command="klapp.test", arguments=arguments)
    assert editor.open(FILER) == []


def test_requests_out_of_turn_are_refused(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    try:
        position = {"line": 0, "character": 0}
        asked = {"textDocument": {"uri": URI}, "position": position}
        assert "initialize" in editor.refused("textDocument/hover", **asked)
        editor.ask("initialize", processId=None, rootUri=None, capabilities={})
        assert editor.response("textDocument/hover", asked)["result"] is None
        editor.ask("shutdown")
        assert "shut down" in editor.refused("textDocument/hover", **asked)
        editor.tell("exit")
        assert editor.process.wait(30) == 0
    finally:
        editor.process.kill()
    assert editor.errors == b""


def test_an_editor_that_is_gone_ends_the_server(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    editor.ask("initialize", processId=None, rootUri=None, capabilities={})
    assert editor.process.stdin is not None
    editor.process.stdin.close()
    assert editor.process.wait(30) == 1
    assert editor.errors == b""


def test_random_requests_never_bring_it_down(editor: Editor) -> None:
    chance = random.Random(7)
    text = FILER
    editor.open(text)
    for _ in range(150):
        lines = text.split("\n")
        line = chance.randrange(len(lines) + 1)
        character = chance.randrange(40)
        piece = chance.choice(
            ["", '"', "\n", "{", "end", "let x = ", "\N{PILE OF POO}", "(", "where it.", "on error\n"]
        )
        where = {"line": line, "character": character}
        editor.change([{"range": {"start": where, "end": where}, "text": piece}])
        method = chance.choice(("completion", "hover", "definition"))
        editor.at(method, chance.randrange(30), chance.randrange(40))
        editor.of(chance.choice(("documentSymbol", "codeLens", "foldingRange")))
    assert threading.active_count() < 50
    assert json.dumps(editor.findings())
