"""``klapp new`` on a real terminal and without one: what is asked, what is written, and what is never overwritten."""

from __future__ import annotations

import codecs
import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.agent.test_cli import Terminal

PATIENCE = 60.0
"""Seconds until a command that says nothing counts as stuck."""


@pytest.fixture
def klapp(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


class Person:
    """Somebody at a terminal, who waits for each question before answering it."""

    def __init__(self, klapp: Terminal, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "klapp.cli.main", *arguments],
            stdin=slave, stdout=slave, stderr=slave, env=klapp.env, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.seen = ""
        self.decoded = codecs.getincrementaldecoder("utf-8")().decode

    def until(self, text: str) -> str:
        """What was shown up to a text, since the last one."""
        end = time.monotonic() + PATIENCE
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"no {text!r} in {self.seen!r}"
            try:
                piece = os.read(self.master, 65536)
            except OSError:  # Linux says so when nobody is at the other end any more
                piece = b""
            assert piece, f"no {text!r} in {self.seen!r}"
            self.seen += self.decoded(piece)
        shown, _, self.seen = self.seen.partition(text)
        return shown

    def type(self, answer: str) -> None:
        os.write(self.master, f"{answer}\n".encode())

    def answers(self, *answers: str) -> None:
        for answer in answers:
            self.until("> ")
            self.type(answer)

    def rest(self) -> str:
        """What is shown until the command ends."""
        while select.select([self.master], [], [], PATIENCE)[0]:
            try:
                piece = os.read(self.master, 65536)
            except OSError:
                break
            if not piece:
                break
            self.seen += self.decoded(piece)
        return self.seen

    def ends(self, code: int) -> None:
        try:
            assert self.process.wait(PATIENCE) == code, self.seen
        finally:
            self.process.kill()
            os.close(self.master)


def test_a_person_is_asked_and_gets_a_coworker_that_works(klapp: Terminal) -> None:
    person = Person(klapp, "new")
    person.answers("Letters", "", "~/In", "", "2", "doc, pdf", "<", "pdf", "", "../up", "~/Letters", "2", "", "y")
    shown = person.until("Write it?")
    assert "leads out of the folder" in shown or "Letters/{file.modified:%Y}/" in shown
    person.answers("")
    told = person.until("klapp approve")
    assert "klapp simulate Letters --on ~/In" in told
    person.ends(0)
    path = klapp.state / "coworkers" / "letters.klr"
    text = path.read_text(encoding="utf-8")
    assert 'may write "~/Letters/*/*.[Pp][Dd][Ff]"' in text
    assert "fine" in klapp("check", str(path))
    assert "0 failed" in klapp("test", str(path))
    klapp("fmt", "--check", str(path))
    klapp("approve", "letters", "--yes")
    (klapp.person / "In" / "a.PDF").write_text("x")
    assert "Letters" in klapp("run", "letters", "--on", str(klapp.person / "In" / "a.PDF"))
    assert [found.name for found in (klapp.person / "Letters").rglob("*.PDF")] == ["a.PDF"]


@pytest.mark.parametrize("last", ["n\n", "\x04"])
def test_who_thinks_again_leaves_nothing_behind(klapp: Terminal, last: str) -> None:
    person = Person(klapp, "new", "x")
    person.answers("", "", "", "", "trash", "")
    person.until("Write it?")
    os.write(person.master, last.encode())
    person.until("Nothing was written.")
    person.ends(1)
    assert list((klapp.state / "coworkers").iterdir()) == []


def test_answers_come_from_a_file_or_from_standard_input(klapp: Terminal) -> None:
    answers = klapp.root / "answers.json"
    answers.write_text(json.dumps({"when": "time", "age": 90, "action": "trash", "files": "kind", "kind": "archive"}))
    told = json.loads(klapp("new", "Old archives", "--answers", str(answers), "--format", "json"))
    path = klapp.state / "coworkers" / "old-archives.klr"
    assert told == {"file": str(path), "coworker": "Old archives", "text": path.read_text(encoding="utf-8")}
    assert "it.age > 90 days" in told["text"]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ("{", "JSON object"),
        ("[]", "JSON object"),
        ("[" * 60000, "JSON object"),
        ("{}", "to: A folder can not be empty."),
        ('{"to": "~/../x"}', "leads out"),
        ('{"to": "x", "folder": "a\\nmay erase"}', "line breaks"),
        ('{"too": "x", "to": "x"}', "not asked"),
        (" " * 200_000, "too much"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_bad_answers_are_refused_in_words(klapp: Terminal, answers: str, why: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "klapp.cli.main", "new", "x", "--answers", "-"],
        input=answers, capture_output=True, text=True, env=klapp.env, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 1
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert list((klapp.state / "coworkers").iterdir()) == []


def test_no_coworker_is_written_over_or_made_twice(klapp: Terminal) -> None:
    folder = klapp.state / "coworkers"
    klapp("new", "My papers")
    (folder / "other.klr").write_text('coworker "Elsewhere"\n')
    before = (folder / "my-papers.klr").read_bytes()
    assert "there already" in klapp("new", "my papers", code=1)
    assert "other.klr already" in klapp("new", "Elsewhere", code=1)
    (folder / "dangling.klr").symlink_to(klapp.root / "nowhere")
    assert "there already" in klapp("new", "Dangling", code=1)
    assert not (klapp.root / "nowhere").exists()
    assert (folder / "my-papers.klr").read_bytes() == before


def test_what_ships_is_listed_with_what_it_does(klapp: Terminal) -> None:
    listed = json.loads(klapp("new", "--list", "--format", "json"))
    assert {"template": "invoice-filer"}.items() <= next(x for x in listed if "invoice" in x["template"]).items()
    assert all(one["about"].endswith(".") for one in listed)
    assert "invoice-filer" in klapp("new", "--list")
    assert "klapp simulate 'My clean-up'\n" in klapp("new", "My clean-up", "--from", "downloads-clean-up")
    assert "klapp new NAME" in klapp("new", code=2)
