"""What the Tab key offers, tried in the shells themselves."""

from __future__ import annotations

import argparse
import os
import pty
import select
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from klapp.cli.arguments import parser
from klapp.cli.completion import SHELLS, Node, _all, tree
from klapp.cli.main import main

NODES = list(_all(tree(parser())))
PATIENCE = 30.0


@pytest.fixture(params=sorted(SHELLS))
def script(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, Path]:
    assert main(["completion", request.param]) == 0
    path = tmp_path / f"klapp.{request.param}"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    if not shutil.which(request.param):
        pytest.skip(f"needs {request.param}")
    return request.param, path


def test_each_shell_reads_its_script(script: tuple[str, Path]) -> None:
    shell, path = script
    assert subprocess.run([shell, "-n", path], capture_output=True).stderr == b""


def in_bash(path: Path, line: str) -> list[str]:
    words = line.split(" ")
    code = f'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD={len(words) - 1}; _klapp; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "--norc", "-c", code, "x", path, *words], capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.split()


def in_fish(path: Path, line: str) -> list[str]:
    environment = {**os.environ, "HOME": str(path.parent), "XDG_CONFIG_HOME": str(path.parent)}
    code = 'source $argv[1]; complete -C "$argv[2]"'
    done = subprocess.run(
        ["fish", "--no-config", "-c", code, path, line], capture_output=True, text=True, env=environment
    )
    return [found.split("\t")[0] for found in done.stdout.splitlines()]


OFFERED = [
    ("klapp che", {"check"}, {"fmt"}),
    ("klapp ", {"check", "undo", "vault"}, set()),
    ("klapp check --f", {"--format"}, {"--fix"}),
    ("klapp check --format ", {"json", "sarif"}, {"check"}),
    ("klapp pause --", {"--all", "--for"}, {"--fix"}),
    ("klapp audit ", {"verify", "prove"}, {"check"}),
    ("klapp audit verify --", {"--witness"}, set()),
    ("klapp completion ", {"bash", "zsh", "fish"}, set()),
]


@pytest.mark.parametrize(("line", "some", "none"), OFFERED, ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize("offers", [in_bash, in_fish])
def test_what_fits_is_offered_and_nothing_else(
    line: str,
    some: set[str],
    none: set[str],
    offers: Callable[[Path, str], list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shell = offers.__name__.removeprefix("in_")
    if not shutil.which(shell):
        pytest.skip(f"needs {shell}")
    main(["completion", shell])
    path = tmp_path / "script"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    found = set(offers(path, line))
    assert some <= found
    assert not none & found


@pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh")
def test_zsh_completes_what_is_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["completion", "zsh"])
    path = tmp_path / "script"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    master, slave = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "dumb", "PS1": "", "LC_ALL": "C.UTF-8"}
    shell = subprocess.Popen(["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    try:
        os.write(master, f"autoload -U compinit; compinit -u -D; source {path}; echo re''ady\n".encode())
        read_until(master, "ready")
        for typed, completed in (("klapp che\t", "ck "), ("--fo\t", "rmat "), ("sar\t", "if ")):
            os.write(master, typed.encode())
            read_until(master, completed)
    finally:
        shell.kill()
        shell.wait()
        os.close(master)


def read_until(master: int, text: str) -> None:
    seen = ""
    while text not in seen:
        assert select.select([master], [], [], PATIENCE)[0], f"no {text!r} in {seen!r}"
        seen += os.read(master, 65536).decode()


def commands(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield from commands(sub, (*path, name))


def test_every_command_is_known_with_what_it_does() -> None:
    assert {node.path for node in NODES} == set(commands(parser()))
    silent = [node.path for node in NODES if node.path and not node.help]
    assert silent == []


def test_every_option_says_what_it_does() -> None:
    def mute(node: Node) -> list[str]:
        return [option.names[-1] for option in node.options if not option.help]

    assert {node.path: found for node in NODES if (found := mute(node))} == {}
