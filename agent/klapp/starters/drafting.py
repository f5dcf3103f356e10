"""From answers to a coworker: its lines, the tightest permissions, and tests that pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from klapp.engine.tester import run_tests
from klapp.starters.answers import Answers, Refused
from klapp.vocabulary import VOCABULARY
from klr.format import format_source
from klr.loader import load
from klr.parser import parse
from klr.rewriting import least_privilege
from klr.source import Source

WHEN = datetime(2026, 3, 9, 10)
"""When the example file of a test was changed: a Monday."""
SUFFIXES = {
    "pdf": "pdf", "image": "jpg", "document": "docx", "spreadsheet": "xlsx", "presentation": "pptx", "text": "txt",
    "audio": "mp3", "video": "mp4", "archive": "zip",
}  # fmt: skip
NOT_MINE = "not one of its files"
_FOLDERS = {"no": "", "year": "{%s.modified:%%Y}/", "month": "{%s.modified:%%Y-%%m}/", "kind": "{%s.kind}/"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A coworker that check accepts without a word and whose tests pass; ``folder`` is where it waits, if it does."""

    name: str
    text: str
    folder: str = ""


STARTER: Answers = {
    "when": "arrives", "folder": "~/Downloads", "below": "no", "files": "ending", "ending": "pdf", "action": "move",
    "sort": "year", "naming": "same", "tell": "no",
}  # fmt: skip
"""What is written where nobody is there to ask; the goal is a folder with the coworker's name."""


def starter(name: str) -> Draft:
    """A coworker to begin with, for somebody who will edit it."""
    return draft(name, {**STARTER, "to": f"~/Documents/{name}"})


def draft(name: str, answers: Answers) -> Draft:
    """The coworker that these answers describe.

    Args:
        name: as ``checked_name`` gives it.
        answers: one for each question that is asked, as ``Question.accepted`` gives them.

    Raises:
        Refused: where the answers do not give a coworker that works, with what was found.
    """
    bare = load("\n".join(_Writer(name, answers).lines()) + "\n", VOCABULARY)
    if bare.needs is None:
        raise Refused(f"These answers do not fit together: {bare.errors[0].message}")
    return _proved(name, least_privilege(bare))


def from_template(name: str, text: str) -> Draft:
    """A shipped coworker under another name. Raises Refused where it does not pass its own tests."""
    named = re.sub(r'^coworker ".*"', lambda match: f'coworker "{name}"', text, count=1, flags=re.MULTILINE)
    return _proved(name, named)


def _proved(name: str, text: str) -> Draft:
    source = Source(text, name)
    text = format_source(source, parse(source))
    loaded = load(text, VOCABULARY, name)
    if loaded.program is None or loaded.diagnostics:
        raise Refused(f"These answers do not fit together: {loaded.diagnostics[0].message}")
    for result in run_tests(loaded.program, VOCABULARY):
        if not result.passed:
            raise Refused(f"These answers do not fit together: {result.failures[0][1]}")
    watched = [str(rule.trigger.arguments["in"]) for rule in loaded.program.rules if "in" in rule.trigger.arguments]
    return Draft(name, text, watched[0].removesuffix("/**") if watched else "")


def quoted(text: str) -> str:
    """A text as it is written in a coworker, so that every sign in it stands for itself."""
    signs = {"\\": "\\\\", '"': '\\"', "{": "{{", "}": "}}"}
    return '"' + "".join(signs.get(sign, sign) for sign in text) + '"'


def _inside(text: str) -> str:
    return quoted(text)[1:-1]


class _Writer:
    """The lines of one coworker."""

    def __init__(self, name: str, answers: Answers) -> None:
        self.name = name
        self.answers = answers
        self.arrives = answers["when"] == "arrives"
        self.folder = answers["folder"]
        self.action = answers["action"]
        self.tells = answers.get("tell") == "yes"
        self.it = "file" if self.arrives else "old"

    def lines(self) -> Iterator[str]:
        yield f"coworker {quoted(self.name)}"
        yield f"about {quoted(self.about())}"
        yield ""
        yield from self.arrival() if self.arrives else self.rounds()
        yield from self.tests()

    def about(self) -> str:
        """What it does, in a sentence."""
        which = {
            "all": "each file",
            "ending": f"each file that ends with {self.answers.get('ending', '').replace(', ', ' or ')}",
            "kind": f"each file of the kind {self.answers.get('kind')}",
            "name": f"each file with “{self.answers.get('name')}” in its name",
            "text": f"each file in which “{self.answers.get('text', '').replace(', ', '” or “')}” stands",
        }[self.answers["files"]]
        place = f"{self.folder} and the folders below it" if self.answers["below"] == "yes" else self.folder
        when = f"that arrives in {place}" if self.arrives else f"in {place} that is older than {self.days()}"
        does = {
            "move": f"Moves {which} {when} to {self.answers.get('to')}",
            "copy": f"Copies {which} {when} to {self.answers.get('to')}",
            "trash": f"Puts {which} {when} in the trash",
            "list": f"Notes {which} {when} in {self.answers.get('list')}",
            "tell": f"Tells me of {which} {when}",
        }[self.action]
        return f"{does}, and tells me." if self.tells else f"{does}."

    def days(self) -> str:
        """The age that is asked for, as written."""
        return "1 day" if self.answers["age"] == "1" else f"{self.answers['age']} days"

    # -- the rule -----------------------------------------------------------------------------------------------------

    def arrival(self) -> Iterator[str]:
        """The rule for a file that arrives."""
        below = "/**" if self.answers["below"] == "yes" else ""
        yield f"when file arrives in {quoted(self.folder + below)}"
        if condition := self.condition("file"):
            yield from (
                f"if not ({condition})" if " or " in condition else f"if not {condition}",
                f'skip "{NOT_MINE}"',
                "end",
            )
        if self.action == "trash" and self.tells:
            yield "let name = file.name"  # `file` is gone when the notice is shown
        if self.action == "tell":
            yield f"notify {self.notice()}"
        else:
            yield self.statement()
            if self.tells:
                yield f"notify {self.notice()}"
                yield "on error"
                yield 'notify "{file.name} stays as it is: {error.message}"'
        yield from ("end", "")

    def rounds(self) -> Iterator[str]:
        """The rule for files that have lain for a while."""
        yield self.schedule()
        condition = self.condition("it")
        wanted = f"it.age > {self.days()}" + (f" and {condition}" if condition else "")
        pattern = f"{self.folder}/**" if self.answers["below"] == "yes" else f"{self.folder}/*"
        yield f"let found = files in {quoted(pattern)} where {wanted}"
        if self.action != "tell":
            yield "for each old in found"
            yield self.statement()
            if self.tells:
                yield "on error"
                yield 'notify "{old.name} stays as it is: {error.message}"'
            yield "end"
        if self.tells or self.action == "tell":
            yield from ("if count of found > 0", f"notify {self.notice()}", "end")
        yield from ("end", "")

    def schedule(self) -> str:
        """The line that says when."""
        return f"every {self.answers['day']} at {self.answers['time']}"

    def condition(self, it: str) -> str:
        """What must hold of a file; "" where every one is meant."""
        match self.answers["files"]:
            case "ending":
                return f"{it}.extension {_any(self.answers['ending'], 'is')}"
            case "kind":
                return f"{it}.kind is {quoted(self.answers['kind'])}"
            case "name":
                return f"{it}.name contains {quoted(self.answers['name'])} ignoring case"
            case "text":
                return f"{it}.text {_any(self.answers['text'], 'contains')} ignoring case"
        return ""

    def statement(self) -> str:
        """What is done with a file."""
        match self.action:
            case "trash":
                return f"trash {self.it}"
            case "list":
                row = '["Date": today, "Size": file.size, "Name": file.name]'
                return f"append row {row} to {quoted(self.answers['list'])}"
        conflict = " on conflict skip" if self.action == "copy" and not self.arrives else ""
        return f'{self.action} {self.it} to "{_inside(self.answers["to"])}/{self.inner()}"{conflict}'

    def inner(self) -> str:
        """What stands behind the goal's folder."""
        folder = _FOLDERS[self.answers["sort"]]
        folder = folder % self.it if folder else ""
        named = f"{{{self.it}.modified:%Y-%m-%d}} {{{self.it}.name}}" if self.answers["naming"] == "date" else ""
        return folder + named

    def notice(self) -> str:
        """What the person is told."""
        if not self.arrives:
            return f'"{_inside(self.folder)}: {{count of found}} older than {self.days()}"'
        does = {
            "move": f"is now in {_inside(self.answers.get('to', ''))}",
            "copy": f"is copied to {_inside(self.answers.get('to', ''))}",
            "trash": "is in the trash",
            "list": f"is noted in {_inside(self.answers.get('list', ''))}",
            "tell": f"is in {_inside(self.folder)}",
        }[self.action]
        return f'"{{{"name" if self.action == "trash" else "file.name"}}} {does}"'

    # -- its tests ----------------------------------------------------------------------------------------------------

    def tests(self) -> Iterator[str]:
        """One test for a file that is meant, and one for a file that is not, where there is such a file."""
        name, given = self.example()
        path = quoted(f"{self.folder}/{name}")
        yield f"test {quoted(self.test_name())}"
        if not self.arrives:
            now = WHEN + timedelta(days=int(self.answers["age"]) + 1)
            yield f"given now {now:%Y-%m-%d %H:%M}"
        yield f"given file {path}{given} modified {WHEN:%Y-%m-%d %H:%M}"
        yield f"when file arrives {path}" if self.arrives else self.schedule()
        yield from self.expected(name, path)
        yield "end"
        if self.arrives and self.answers["files"] != "all":
            yield from self.other()
        if not self.arrives:
            yield from self.young(path, given)

    def test_name(self) -> str:
        """What the first test shows."""
        return {
            "move": "it is moved",
            "copy": "it is copied",
            "trash": "it goes to the trash",
            "list": "it is noted",
            "tell": "I am told",
        }[self.action]

    def example(self) -> tuple[str, str]:
        """The name of a file that is meant, and what else a test says of it."""
        kind = ' kind "pdf"' if self.answers.get("sort") == "kind" else ""
        match self.answers["files"]:
            case "ending":
                return f"example.{self.answers['ending'].split(', ')[0]}", kind and f" with{kind}"
            case "kind":
                kind = self.answers["kind"]
                return f"example.{SUFFIXES[kind]}", f' with kind "{kind}"'
            case "name":
                return f"my {self.answers['name']} 1.txt", kind and f" with{kind}"
            case "text":
                return "example.txt", f" with text {quoted(self.answers['text'].split(', ')[-1])}{kind}"
        return "example.pdf", kind and f" with{kind}"

    def goal(self, name: str) -> str:
        """Where the example is to be afterwards."""
        kind = self.answers.get("kind", "pdf") if self.answers["files"] == "kind" else "pdf"
        folder = {"no": "", "year": f"{WHEN:%Y}/", "month": f"{WHEN:%Y-%m}/", "kind": f"{kind}/"}[self.answers["sort"]]
        dated = f"{WHEN:%Y-%m-%d} {name}" if self.answers["naming"] == "date" else name
        return f"{self.answers['to']}/{folder}{dated}"

    def expected(self, name: str, path: str) -> Iterator[str]:
        """What is to be seen afterwards."""
        if self.action in ("move", "copy"):
            yield f"expect file {quoted(self.goal(name))}"
        if self.action in ("move", "trash"):
            yield f"expect no file {path}"
        else:
            yield f"expect file {path}"
        if self.action == "list":
            yield f"expect file {quoted(self.answers['list'])}"
        yield "expect notice" if self.tells or self.action == "tell" else "expect no notice"

    def other(self) -> Iterator[str]:
        """The test for a file that is not meant."""
        path = quoted(f"{self.folder}/other.{'png' if 'png' not in self.answers.get('ending', '') else 'doc'}")
        unlike = {"kind": ' with kind "unknown"', "text": ' with text ""'}.get(self.answers["files"], "")
        yield from ("", 'test "another file stays as it is"')
        yield f"given file {path}{unlike} modified {WHEN:%Y-%m-%d}"
        yield from (f"when file arrives {path}", f'expect skip "{NOT_MINE}"', f"expect file {path}", "end")

    def young(self, path: str, given: str) -> Iterator[str]:
        """The test for a file that has not lain long enough."""
        yield from ("", 'test "a younger file stays as it is"', f"given now {WHEN:%Y-%m-%d %H:%M}")
        yield f"given file {path}{given} modified {WHEN:%Y-%m-%d %H:%M}"
        yield from (self.schedule(), f"expect file {path}", "expect no notice", "end")


def _any(listed: str, verb: str) -> str:
    """``is "a"`` for one, ``is any of ["a", "b"]`` for several."""
    values = [quoted(one) for one in listed.split(", ")]
    return f"{verb} {values[0]}" if len(values) == 1 else f"{verb} any of [{', '.join(values)}]"
