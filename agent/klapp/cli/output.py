"""How the command line speaks: plain lines, JSON, exit codes, and complaints that a person can act on."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from klr.diagnostics import visible

FINE, PROBLEMS, USAGE = 0, 1, 2


class Complaint(Exception):
    """Something that can not be done; the message says what, to which thing, and what to do. Exit code 1."""

    code = PROBLEMS


class WrongUsage(Complaint):
    """The command was used wrongly. Exit code 2."""

    code = USAGE


def say(text: str) -> None:
    """Print lines for a person; control characters, which could steer the terminal, are made visible."""
    _write("\n".join(visible(line) for line in text.split("\n")) + "\n")


COLOURS = {"red": 31, "green": 32, "yellow": 33}


def tint(text: str, colour: str) -> None:
    """Print a line for a person, in a colour where a terminal shows it and nobody forbade it (https://no-color.org)."""
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    line = visible(text)
    _write(f"\x1b[{COLOURS[colour]}m{line}\x1b[0m\n" if coloured and colour else f"{line}\n")


def say_json(data: Any, *, lines: bool = False) -> None:
    """Print data for a program: one JSON text, or, with ``lines``, one a line for each element."""
    for item in data if lines else [data]:
        _write(json.dumps(item, ensure_ascii=True, indent=None if lines else 2) + "\n")


def progress(text: str) -> None:
    """Tell a waiting person how far things are, where there is one at a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}" if text else "\r\x1b[K")
        sys.stderr.flush()


def _write(text: str) -> None:
    sys.stdout.write(text.encode(sys.stdout.encoding or "utf-8", "replace").decode(sys.stdout.encoding or "utf-8"))
