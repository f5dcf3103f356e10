"""``klapp new``: a coworker from the answers of a person, from a file of answers, or from one that ships."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from klapp.cli.connection import home_of
from klapp.cli.output import FINE, PROBLEMS, Complaint, WrongUsage, say, say_json
from klapp.starters import Draft, Refused, checked_name, draft, file_name, from_template, read_answers, starter
from klapp.texts import Unreadable, read_text

LARGEST_ANSWERS = 100_000


def new(options: argparse.Namespace) -> int:
    """``klapp new [NAME] [--from TEMPLATE | --answers FILE | --list]``."""
    if options.list:
        return _list(options)
    asking = sys.stdin.isatty() and sys.stdout.isatty() and options.answers is None and options.template is None
    try:
        name = checked_name(options.name or _ask_name(asking))
        path = home_of(options).coworkers / file_name(name)
        _free(path, name)
        made = _made(options, name, asking)
    except Refused as refused:
        raise Complaint(str(refused)) from refused
    if asking and not _agreed(made):
        say("Nothing was written.")
        return PROBLEMS
    _write(path, made.text)
    _told(options, path, made)
    return FINE


def _ask_name(asking: bool) -> str:
    from klapp.cli.interview import asked

    if not asking:
        raise WrongUsage("Say what the coworker is called: klapp new NAME")
    return asked("What is the coworker called? > ")


def _made(options: argparse.Namespace, name: str, asking: bool) -> Draft:
    home = os.path.expanduser("~")
    if options.template is not None:
        return from_template(name, _template(options.template))
    if options.answers is not None:
        return draft(name, read_answers(_given(options.answers), home))
    if not asking:
        return starter(name)
    from klapp.cli.interview import interview

    return draft(name, interview(home))


def _template(template: str) -> str:
    from klapp.shipped import shipped

    known = shipped()
    if template not in known:
        raise Complaint(f'No coworker called "{template}" ships with klapp. There are: {", ".join(sorted(known))}.')
    return known[template]


def _given(where: str) -> dict[str, Any]:
    """The answers in a file, or for ``-`` on standard input."""
    try:
        text = sys.stdin.read(LARGEST_ANSWERS + 1) if where == "-" else read_text(Path(where))
        if len(text) > LARGEST_ANSWERS:
            raise Complaint("That is too much for a file of answers.")
        found = json.loads(text)
    except Unreadable as error:
        raise Complaint(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise Complaint(
            f'The answers are not a JSON object such as {{"to": "~/Documents/Invoices"}}: {error}'
        ) from error
    if not isinstance(found, dict):
        raise Complaint('The answers are not a JSON object such as {"to": "~/Documents/Invoices"}.')
    return found


def _free(path: Path, name: str) -> None:
    """Raise Complaint where the file, or a coworker of that name in another one, is there already."""
    if os.path.lexists(path):
        raise Complaint(f"{path} is there already. Choose another name, or edit that file.")
    named = re.compile(rf'^coworker[ \t]+"{re.escape(name)}"', re.MULTILINE)
    for other in sorted(path.parent.glob("*.klr")):
        try:
            if named.search(read_text(other)):
                raise Complaint(f'The coworker "{name}" is in {other} already. Choose another name, or edit that file.')
        except Unreadable:
            continue


def _agreed(made: Draft) -> bool:
    from klapp.cli.interview import asked

    say(f"\nThis is your coworker. It is checked, and its tests pass:\n\n{made.text}")
    return asked("Write it? [Y/n] > ").strip().lower() in ("", "y", "yes")


def _write(path: Path, text: str) -> None:
    """Write a file that was not there; whole, or not at all."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                path.unlink()
                raise
    except FileExistsError as error:
        raise Complaint(f"{path} is there already. Choose another name, or edit that file.") from error


def _told(options: argparse.Namespace, path: Path, made: Draft) -> None:
    if options.format == "json":
        say_json({"file": str(path), "coworker": made.name, "text": made.text})
        return
    say(f"Written: {path}")
    name = shlex.quote(made.name)
    on = f" --on {_typed(made.folder)}" if made.folder else ""
    say(f"Next, see what it would do:  klapp simulate {name}{on}")
    say(f"Then let it work:            klapp approve {name}")


def _typed(path: str) -> str:
    """A path as a person types it, with a ``~`` that the shell understands."""
    return f"~/{shlex.quote(path[2:])}" if path.startswith("~/") else shlex.quote(path)


def _list(options: argparse.Namespace) -> int:
    from klapp.shipped import about, shipped

    found = [{"template": name, "about": about(text)} for name, text in sorted(shipped().items())]
    if options.format == "json":
        say_json(found)
        return FINE
    width = max(len(one["template"]) for one in found)
    for one in found:
        say(f"{one['template']:{width}}  {one['about']}")
    return FINE
