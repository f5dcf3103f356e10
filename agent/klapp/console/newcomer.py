"""The pages of a new coworker: one question after the other, or one that ships."""

from __future__ import annotations

import os
import re
from pathlib import Path

from starlette.responses import Response

from klapp.console.asking import Asking
from klapp.console.editing import findings
from klapp.shipped import about, shipped
from klapp.starters import (
    Draft,
    Refused,
    checked_name,
    draft,
    file_name,
    from_template,
    next_question,
)
from klapp.texts import LARGEST_FILE, Unreadable, read_text
from klr.settings import name_in


def new(asking: Asking) -> Response:
    """The next question, with the answers so far in the form; in the end the coworker, to be looked at and written."""
    asking.demand()
    if not asking.posted:
        return _first(asking)
    try:
        name = checked_name(asking.field("name"))
        path = _free(asking, name)
    except Refused as refused:
        return _first(asking, str(refused))
    if template := asking.field("template"):
        known = shipped()
        if template not in known:
            raise ValueError("There is no such coworker to begin with.")
        return _made(asking, path, from_template(name, known[template]), {})
    answers, trouble = _answers(asking)
    question = next_question(answers)
    if question is not None:
        choices = question.choices(answers)
        return asking.page(
            "question.html", name=name, question=question, choices=choices, answers=answers, trouble=trouble
        )
    return _made(asking, path, draft(name, answers), answers)


def _first(asking: Asking, trouble: str = "") -> Response:
    ships = [(key, about(text)) for key, text in sorted(shipped().items())]
    return asking.page("new.html", ships=ships, trouble=trouble, name=asking.field("name"))


def _answers(asking: Asking) -> tuple[dict[str, str], str]:
    """The answers so far, each read once more, and why the last one was not taken."""
    home = asking.service.agent.person
    answers: dict[str, str] = {}
    keys = [key for key in asking.field("so_far").split(",") if key]
    if asking.field("what") == "back":
        keys = keys[:-1]
    elif asking.field("question"):
        keys.append(asking.field("question"))
    while (question := next_question(answers)) is not None and question.key in keys:
        try:
            answers[question.key] = question.accepted(asking.field(f"answer.{question.key}"), answers, home)
        except Refused as refused:
            return answers, str(refused)
    return answers, ""


def _free(asking: Asking, name: str) -> Path:
    """Where its file will be. Raises Refused where that, or a coworker of that name, is there already."""
    path = asking.service.agent.home.coworkers / file_name(name)
    named = re.compile(rf'^coworker[ \t]+"{re.escape(name)}"', re.MULTILINE)
    for other in path.parent.glob("*.klr"):
        try:
            if other == path or named.search(read_text(other)):
                raise Refused(f'There is a coworker "{name}" already. Choose another name.')
        except Unreadable:
            continue
    return path


def _made(asking: Asking, path: Path, made: Draft, answers: dict[str, str]) -> Response:
    if asking.field("what") != "write":
        return asking.page("made.html", made=made, answers=answers, like=asking.field("template"))
    _write(asking, path, made.text)
    return asking.go("/approve", "Written. Look at what it asks for, and let it work.", name=made.name)


def _write(asking: Asking, path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    asking.service.agent.coworkers.reload()


def bring(asking: Asking) -> Response:
    """A file from elsewhere, such as a mail's attachment: looked at, and put among the coworkers if the person likes.

    What is put there is the text that was shown, whatever the file holds by then.
    """
    asking.demand()
    file = asking.field("file")
    if not (file.endswith(".klr") and os.path.isabs(file)):
        raise ValueError("This is no coworker's file.")
    if not asking.posted:
        return _brought(asking, file, read_text(Path(file)).replace("\r\n", "\n"))
    text = asking.field("text").replace("\r\n", "\n")
    try:
        name = checked_name(name_in(text))
        if len(text.encode()) > LARGEST_FILE:
            raise Refused(f"A coworker's text has at most {LARGEST_FILE:,} bytes.")
        path = _free(asking, name)
    except Refused as refused:
        return _brought(asking, file, text, str(refused))
    _write(asking, path, text)
    return asking.go("/edit", "It is among your coworkers now. It does nothing until you allow it.", name=path.name)


def _brought(asking: Asking, file: str, text: str, trouble: str = "") -> Response:
    return asking.page("bring.html", file=file, text=text, findings=findings(text), trouble=trouble)
