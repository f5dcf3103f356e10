"""Runs the test blocks of a coworker: on files that are only told, with no disk and no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from klapp.engine.arriving import waits_for
from klapp.engine.outside import grants_of_files
from klapp.engine.planner import Planner, Unknown, expanded
from klapp.engine.runs import PlannedRun, Request
from klapp.files.empty import Empty
from klapp.files.overlay import Overlay
from klapp.files.protocol import FileError, Identity
from klapp.lane import Lane
from klapp.operations import MarkMail, MoveMail, Notify, SendData, SendFile, SendMail
from klr.effects import MAIL_GIVEN, Ask, Ending
from klr.loader import load
from klr.program import Expectation, GivenFile, GivenMail, Program, Rule, TestCase
from klr.settings import with_values, written
from klr.shapes import arrival_pattern
from klr.values import AttachmentValue, FileValue, MailValue, split_name
from klr.vocabulary import Vocabulary

HOME = "/home/person"
NOW = datetime(2026, 1, 1, 12)
"""The moment of a test that is given none."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """How a test went; ``failures`` are (line, sentence)."""

    __test__ = False

    name: str
    line: int
    failures: tuple[tuple[int, str], ...]

    @property
    def passed(self) -> bool:
        """Whether every expectation held."""
        return not self.failures


def run_tests(program: Program, vocabulary: Vocabulary) -> list[TestResult]:
    """Run every test of a program. A test changes nothing but memory."""
    return [
        TestResult(test.name, test.line, tuple(_Trial(program, vocabulary, test).failures())) for test in program.tests
    ]


class _Post(Unknown):
    """The outside of a test: what came with its mails. What stands in an attachment is its name."""

    def __init__(self, test: TestCase) -> None:
        self.test = test

    def attachment(self, mail: str, index: int) -> bytes:
        """The bytes of an attachment."""
        return self.test.mails[int(mail.rpartition("/")[2]) - 1].attachments[index].encode()


def _mail(given: GivenMail, number: int, now: datetime) -> MailValue:
    """A given mail, the ``number``-th of its test."""
    key, told = f"{given.account}/0/{number}", given.properties
    came = tuple(
        AttachmentValue(key, index, name, len(name.encode()), split_name(name)[1][1:].lower() or "unknown")
        for index, name in enumerate(given.attachments)
    )
    sender = told.get("sender", "someone@example.com").lower()
    return MailValue(
        given.account, key, told.get("subject", ""), sender, told.get("sender_name", ""), (),
        told.get("date", now), told.get("text", ""), came,
    )  # fmt: skip


class _Trial:
    """One test: a world in memory, the runs of its events, and what is found afterwards."""

    def __init__(self, program: Program, vocabulary: Vocabulary, test: TestCase) -> None:
        self.program = _with_settings(program, vocabulary, test)
        self.test = test
        self.now = test.now or NOW
        self.told: dict[Identity, Mapping[str, Any]] = {}
        grants = grants_of_files(self.program)
        self.overlay = Overlay(Empty(), Lane.of(grants, HOME), self.now)
        self.planner = Planner(vocabulary, self.overlay, HOME, self._told, _Post(test))

    def failures(self) -> Iterator[tuple[int, str]]:
        """What did not come out as expected, by line."""
        for given in self.test.given:
            self._put(given)
        runs: list[PlannedRun] = []
        for phrase, value in self.test.events:
            started = list(self._started(phrase, value))
            if not started:
                yield self.test.line, f"No rule of this coworker waits for {_event(phrase, value)}."
            runs.extend(self.planner.plan(0, request) for request in started)
        self.overlay.lane = None  # what is expected may be looked for anywhere
        for expectation in self.test.expectations:
            problem = self._problem(expectation, runs)
            if problem:
                yield expectation.line, problem

    # -- the world ----------------------------------------------------------------------------------------------------

    def _put(self, given: GivenFile) -> None:
        path = expanded(given.path, HOME)
        properties = given.properties
        content = str(properties.get("text", "")).encode("utf-8", "surrogateescape")
        modified = properties.get("modified", self.now)
        value = self.overlay.given(path, content, modified, properties.get("created"), properties.get("size"))
        self.told[value.identity] = properties

    def _told(self, overlay: Overlay, ask: Ask) -> Any:
        """What a `given` line tells of a file; its identity follows the file wherever it is moved."""
        if isinstance(ask.of, AttachmentValue):
            return ask.of.name  # as for its bytes; what its content would tell of it, its name tells here
        if isinstance(ask.of, tuple) and not isinstance(ask.of, FileValue):
            return self.test.replies.get(ask.of[0])
        return self.told.get(ask.of.identity, {}).get(ask.name)

    def _started(self, phrase: str, value: Any) -> Iterator[Request]:
        settings = {**self.program.defaults(), **self.test.settings}
        for rule in self.program.rules:
            if rule.trigger.phrase == phrase and self._hears(rule, value):
                if rule.trigger.gives == "mail":
                    yield from self._mails(rule, value, settings)
                    continue
                file = self._subject(rule, value)
                if file is not None or not rule.trigger.gives:
                    answers = {one.name: self.test.answers.get(one.name, one.value) for one in rule.trigger.answers}
                    given = {**settings, **answers}
                    yield Request(self.program.name, self.program, rule, file, self.now, given, self.test.zone)

    def _mails(self, rule: Rule, account: str, settings: Mapping[str, Any]) -> Iterator[Request]:
        """A request for each given mail of an account that a rule waits for."""
        for number, given in enumerate(self.test.mails, 1):
            mail = _mail(given, number, self.now)
            if given.account == account and waits_for(rule.trigger.arguments, mail):
                values = {**settings, MAIL_GIVEN: mail}
                yield Request(self.program.name, self.program, rule, None, self.now, values, self.test.zone)

    def _subject(self, rule: Rule, value: Any) -> FileValue | None:
        """The file or folder that starts a rule; one that is gone, or a folder, need not be given."""
        if not rule.trigger.gives:
            return None
        path = expanded(value, HOME)
        there = self._at(path)
        if rule.trigger.gives == "gone file" and there is not None:
            self.overlay.gone(path)
        return there or (None if rule.trigger.gives == "file" else FileValue(path, 0, self.now))

    @staticmethod
    def _hears(rule: Rule, value: Any) -> bool:
        arguments = rule.trigger.arguments
        if rule.trigger.gives == "mail":
            return bool(value == arguments["in"])
        if "in" in arguments:
            pattern = arrival_pattern(arguments["in"], arguments.get("named"))
            return Lane.of([("read", pattern)], HOME).allows("read", expanded(value, HOME))
        return value is None or value in (arguments.get("schedule"), arguments.get("coworker"))

    def _at(self, path: str) -> FileValue | None:
        lane, self.overlay.lane = self.overlay.lane, None
        try:
            return self.overlay.look(path)
        except FileError:
            return None
        finally:
            self.overlay.lane = lane

    # -- expectations -------------------------------------------------------------------------------------------------

    def _problem(self, expected: Expectation, runs: list[PlannedRun]) -> str:
        """Why an expectation does not hold, or ""."""
        match expected.kind:
            case "file":
                return self._file_problem(expected)
            case "no file":
                return f"{expected.value} is there." if self._at(expanded(expected.value, HOME)) else ""
            case "notice" | "no notice":
                return self._notice_problem(expected, runs)
            case "mail" | "no mail":
                return _mail_problem(expected, runs)
            case "move" | "no move" | "mark" | "no mark":
                return _mailbox_problem(expected, runs)
            case "request" | "no request":
                return self._request_problem(expected, runs)
        outcome = {"skip": "skipped", "failure": "failed"}[expected.kind]
        endings = [run.ending for run in runs]
        if any(e.outcome == outcome and expected.value in (None, e.reason) for e in endings):
            return ""
        return f"The run ended otherwise: {', '.join(map(_ending, endings)) or 'there was none'}."

    def _file_problem(self, expected: Expectation) -> str:
        path = expanded(expected.value, HOME)
        found = self._at(path)
        if found is None:
            there = ", ".join(
                f"~{value.path.removeprefix(HOME)}" if value.path.startswith(HOME + "/") else value.path
                for value in self.overlay.list("/**")
            )
            return f"{expected.value} is not there. There is: {there or 'nothing'}."
        if expected.text is None:
            return ""
        told = self.told.get(found.identity, {}).get("text")
        text = told if told is not None else self.overlay.read(path, found.size).decode("utf-8-sig", "replace")
        return "" if text == expected.text else f'{expected.value} holds "{text}".'

    def _request_problem(self, expected: Expectation, runs: list[PlannedRun]) -> str:
        requests = [step.operation for run in runs for step in run.steps()]
        sent = [one for one in requests if isinstance(one, (SendData, SendFile))]
        matching = [one for one in sent if expected.value in (None, one.address)]
        if expected.kind == "no request":
            return f"There was a request to {matching[0].address}." if matching else ""
        if not matching:
            return f"There was no such request. There was: {', '.join(one.address for one in sent) or 'none'}."
        if expected.text is None:
            return ""
        texts = [self._body(one) for one in matching]
        return "" if expected.text in texts else f'What was sent is "{texts[0]}".'

    def _body(self, sent: SendData | SendFile) -> str:
        if isinstance(sent, SendData):
            return sent.data.decode("utf-8", "replace")
        lane, self.overlay.lane = self.overlay.lane, None
        try:
            return self.overlay.read(sent.path, sent.identity[3]).decode("utf-8", "replace")
        except FileError:
            return ""
        finally:
            self.overlay.lane = lane

    @staticmethod
    def _notice_problem(expected: Expectation, runs: list[PlannedRun]) -> str:
        notices = [step.operation.text for run in runs for step in run.steps() if isinstance(step.operation, Notify)]
        matching = [text for text in notices if expected.value in (None, text)]
        if expected.kind == "notice":
            shown = ", ".join(f'"{text}"' for text in notices) or "none"
            return "" if matching else f"There was no such notice. There was: {shown}."
        return f'There was a notice: "{matching[0]}".' if matching else ""


def _mail_problem(expected: Expectation, runs: list[PlannedRun]) -> str:
    steps = [step.operation for run in runs for step in run.steps()]
    sent = [one for one in steps if isinstance(one, SendMail)]
    to = [one for one in sent if expected.value in (None, one.address)]
    if expected.kind == "no mail":
        return f"There was a mail to {to[0].address}." if to else ""
    if not to:
        return f"There was no such mail. There was: {', '.join(f'one to {one.address}' for one in sent) or 'none'}."
    if any(_is_expected(one, expected) for one in to):
        return ""
    along = ", ".join(_along(to[0])) or "no file"
    return f'The mail is about "{to[0].subject}", says "{to[0].text}" and brings {along}.'


def _mailbox_problem(expected: Expectation, runs: list[PlannedRun]) -> str:
    """Of ``expect move "Archive"`` and ``expect mark "read"``."""
    steps = [step.operation for run in runs for step in run.steps()]
    if expected.kind.endswith("move"):
        done = [step.folder for step in steps if isinstance(step, MoveMail)]
    else:
        done = [step.mark for step in steps if isinstance(step, MarkMail)]
    matching = [one for one in done if expected.value in (None, one)]
    what = expected.kind.removeprefix("no ")
    if expected.kind == what:
        return "" if matching else f"There was no such {what}. There was: {', '.join(done) or 'none'}."
    return f"There was a {what}: {matching[0]}." if matching else ""


def _is_expected(mail: SendMail, expected: Expectation) -> bool:
    fits = expected.subject in (None, mail.subject) and expected.text in (None, mail.text)
    return fits and set(_along(mail)).issuperset(expected.files)


def _along(mail: SendMail) -> tuple[str, ...]:
    """The names of what goes along with a mail."""
    return (*(path.rpartition("/")[2] for path in mail.paths), *mail.names)


def _with_settings(program: Program, vocabulary: Vocabulary, test: TestCase) -> Program:
    """The program with the settings that a test is given, also in its patterns."""
    if not test.settings:
        return program
    values = {name: written(value) for name, value in test.settings.items()}
    return load(with_values(program.text, values), vocabulary).program or program


def _ending(ending: Ending) -> str:
    return f"{ending.outcome} ({ending.reason})" if ending.reason else ending.outcome


def _event(phrase: str, value: Any) -> str:
    return f"{phrase} {value}" if isinstance(value, str) else phrase
