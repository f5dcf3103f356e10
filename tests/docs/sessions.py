"""Plays what the documents show at a terminal: every command is run, and must answer as it is written there.

A block of ```console holds commands behind ``$ ``, and below each what it says; a line ``...`` stands for any lines, and
``...`` at the end of a line for its rest. What a person types behind a question is typed. ``/home/you`` is the person's
home. Comments prepare what the text tells the reader to do:

    <!-- file: PATH [= TEXT] [modified DATE] -->   a file; without ``= TEXT``, a block that follows at once is its text
    <!-- move: PATH PATH -->
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

HOME = "/home/you"
ASKS = re.compile(r"^(.*?(?:> |decide later\) |\[y/N\] ))(.*)$")
_PART = re.compile(
    r"<!-- (?P<order>file|move): (?P<what>.*?) -->(?:\n\n```\w+\n(?P<text>.*?)```)?|```console\n(?P<console>.*?)```",
    re.DOTALL,
)
_FILE = re.compile(r"(\S+)(?: = (.*?))?(?: modified (\S+))?")


@dataclass
class Command:
    """One command with what it is to say: lines, and what is typed behind questions."""

    line: str
    told: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> list[str]:
        return shlex.split(self.line)[1:]

    @property
    def typed(self) -> list[tuple[str, str]]:
        """(question, answer) for each line that is one."""
        return [match.groups() for line in self.told if (match := ASKS.match(line))]  # type: ignore[misc]

    def pattern(self, home: Path) -> re.Pattern[str]:
        """What the whole answer must match."""
        pieces = []
        for line in self.told:
            if line == "...":
                pieces.append(r"(?:.*\n)*?")
            else:
                pieces.append(".*".join(map(re.escape, line.replace(HOME, str(home)).split("..."))) + r"\s*\n")
        return re.compile("".join(pieces))


def commands(console: str) -> Iterator[Command]:
    """The commands of one block."""
    command: Command | None = None
    for line in console.splitlines():
        if line.startswith("$ "):
            if command:
                yield command
            command = Command(line[2:])
        else:
            assert command, f"{line!r} stands before any command"
            command.told.append(line.rstrip())
    if command:
        yield command


def parts(page: str) -> Iterator[tuple[str, str, str]]:
    """(order, what, text) in the order of the page; for a console block the order is "console"."""
    for match in _PART.finditer(page):
        if match["console"] is not None:
            yield "console", match["console"], ""
        else:
            yield match["order"], match["what"], match["text"] or ""


def prepare(order: str, what: str, text: str, home: Path) -> None:
    """Do what a comment says."""
    if order == "move":
        source, goal = (real(path, home) for path in what.split())
        source.rename(goal)
        return
    match = _FILE.fullmatch(what)
    assert match, what
    path = real(match[1], home)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(match[2] or text or "%PDF-1.4", encoding="utf-8")
    if match[3]:
        moment = datetime.fromisoformat(match[3]).timestamp()
        os.utime(path, (moment, moment))


def real(path: str, home: Path) -> Path:
    """A path of the documents in the scratch home."""
    return home / path.removeprefix("~/")
