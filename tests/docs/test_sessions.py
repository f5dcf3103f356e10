"""Each command that the documents show is run, in a scratch home, and answers as it is shown."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser
from pathlib import Path

import pytest

from klapp.cli.arguments import parser
from tests.agent.test_cli import Terminal
from tests.agent.test_cli_new import Person
from tests.docs.sessions import Command, commands, parts, prepare

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLAYED = [page for page in PAGES if "```console" in page.read_text(encoding="utf-8")]
SHELL = {
    "sh installers/linux/first-minute",
    "sh installers/linux/all-tests",
    "python3 dsl/editors/vscode/package.py",  # tests/dsl/editors/test_vscode.py runs it
    "code --install-extension dsl/editors/vscode/build/klapp-*.vsix",
    "mkdir -p ~/.vim/pack/klapp/start",
    "cp -r dsl/editors/vim ~/.vim/pack/klapp/start/klr",
}
"""Commands of other programs, which these tests do not run."""


@pytest.fixture
def klapp(tmp_path: Path) -> Terminal:
    terminal = Terminal(tmp_path)
    state = terminal.person / ".local" / "share" / "klapp"
    terminal.env["KLAPP_HOME"] = str(state)
    return terminal


@pytest.mark.parametrize("page", PLAYED, ids=lambda page: page.stem)
def test_each_session_goes_as_it_is_shown(klapp: Terminal, page: Path) -> None:
    for order, what, text in parts(page.read_text(encoding="utf-8")):
        if order == "console":
            for command in commands(what):
                played(klapp, command)
        else:
            prepare(order, what, text, klapp.person)


def played(klapp: Terminal, command: Command) -> None:
    home = klapp.person
    arguments = [str(home / one.removeprefix("~/")) if one.startswith("~/") else one for one in command.arguments]
    wrong = any(" error: " in line for line in command.told)
    if command.typed:
        person = Person(klapp, *arguments)
        said = ""
        for question, answer in command.typed:
            said += person.until(question) + question
            person.type(answer)
        said += person.rest()
        person.ends(int(wrong))
        said = said.replace("\r\n", "\n")
    else:
        said = klapp(*arguments, code=int(wrong))
    assert command.pattern(home).fullmatch(said), (
        f"{command.line}\n--- shown\n" + "\n".join(command.told) + f"\n--- said\n{said}"
    )


def shown_commands(page: str) -> list[str]:
    blocks = re.findall(r"```(?:sh|shell|bash)\n(.*?)```", page, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_other_commands_are_known_ones(page: Path) -> None:
    for line in shown_commands(page.read_text(encoding="utf-8")):
        assert line in SHELL or line.startswith(".venv-tests/bin/"), f"{line}: show klapp's commands in a console block"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_in_the_text_exist_with_their_options(page: Path) -> None:
    known = dict(parser()._subparsers._group_actions[0].choices or {})  # type: ignore[union-attr, arg-type]
    for shown in re.findall(r"`(klapp [^`]*)`", page.read_text(encoding="utf-8")):
        words = shlex.split(shown)
        if words[1].startswith("-"):
            continue
        for name in words[1].split("|"):
            assert name in known, shown
            options = [word for word in words[2:] if word.startswith("--")]
            assert set(options) <= known_options(known[name], words[2:]), shown


def known_options(command: ArgumentParser, words: list[str]) -> set[str]:
    """The options of a command, or of the one below it that is named."""
    below = command._subparsers._group_actions[0].choices if command._subparsers else None  # type: ignore[union-attr]
    if not words or not below:
        return set(command._option_string_actions)
    assert words[0] in below, words
    return set(below[words[0]]._option_string_actions)  # type: ignore[index, call-overload]
