"""The ``test`` blocks of a coworker: checked, and turned into data that an engine can try."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from klr import syntax as s
from klr.addresses import AddressError, address
from klr.diagnostics import Diagnostic, Edit, did_you_mean, instead, listing
from klr.moments import NoZone, zone_of
from klr.program import Expectation, GivenFile, GivenMail, Setting, TestCase, TriggerUse
from klr.recipients import address_problem
from klr.source import Source, Span
from klr.starts import Starts
from klr.syntax import MISSING
from klr.types import DATE, DURATION, MONTHS, NUMBER, SIZE, TEXT, TIME, YES_NO, Type
from klr.values import Months
from klr.vocabulary import Vocabulary

GIVEN = ("file", "mail", "now", "zone", "setting", "answer", "reply")
PYTHON_TYPES: Mapping[Type, type] = {
    TEXT: str, NUMBER: Decimal, YES_NO: bool, SIZE: int, DATE: datetime, TIME: time, DURATION: timedelta, MONTHS: Months,
}  # fmt: skip
"""The Python type of the answers of each type."""
EXPECTED = ("file", "notice", "request", "mail", "move", "mark", "skip", "failure")
OF_MAIL: Mapping[str, Type] = {"subject": TEXT, "sender": TEXT, "sender_name": TEXT, "text": TEXT, "date": DATE}
"""What a given mail can say of itself, besides its attachments."""
ABSENT = ("file", "notice", "request", "mail", "move", "mark")


@dataclass(slots=True)
class _Case:
    given: list[GivenFile] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    now: datetime | None = None
    zone: str = ""
    replies: dict[str, str] = field(default_factory=dict)
    mails: list[GivenMail] = field(default_factory=list)
    events: list[tuple[str, Any]] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)


def details(vocabulary: Vocabulary) -> dict[str, Type]:
    """What a given file can say of itself: every property that does not follow from its path."""
    return {
        name: known.type for name, known in vocabulary.properties.items() if known.ask or known.type in (SIZE, DATE)
    }


class Trials:
    """Checks tests; findings go to ``diagnostics``."""

    def __init__(
        self,
        source: Source,
        vocabulary: Vocabulary,
        starts: Starts,
        settings: Mapping[str, Setting],
        triggers: Sequence[TriggerUse | None],
        diagnostics: list[Diagnostic],
    ) -> None:
        self.source = source
        self.starts = starts
        self.settings = settings
        self.triggers = triggers
        self.diagnostics = diagnostics
        self.details = details(vocabulary)

    def error(self, message: str, span: Span, help: str = "", repair: tuple[Edit, ...] = ()) -> None:
        """Record a finding about a test."""
        self.diagnostics.append(Diagnostic("K506", message, span, help, repair))

    def of(self, test: s.TestBlock) -> TestCase:
        """One test as data; where it is wrong, without the lines that are."""
        case = _Case()
        for step in test.steps:
            line = self.source.place(step.span.start)[0]
            match step:
                case s.Given():
                    self._given(step, case, line)
                case s.Event():
                    self._event(step, case)
                case s.Expect():
                    self._expect(step, case, line)
        if not any(isinstance(step, s.Event) for step in test.steps):
            self.error(
                "Nothing happens in this test.",
                test.name.span,
                'Add what starts the coworker, such as `when file arrives "~/Downloads/a.pdf"`.',
            )
        asked = [one for use in self.triggers if use for one in use.answers if one.value is None]
        missing = [one.name for one in asked if one.name not in case.answers]
        if missing and any(phrase == "asked" for phrase, _ in case.events):
            self.error(f"Nobody answers `{missing[0]}`.", test.name.span, f"Add `given answer {missing[0]} = ...`.")
        if not any(isinstance(step, s.Expect) for step in test.steps):
            self.error("This test expects nothing, so it can not fail.", test.name.span, "Add an `expect` line.")
        return TestCase(
            test.name.constant or "", self.source.place(test.span.start)[0], tuple(case.given), case.settings,
            case.answers, case.now, tuple(case.events), tuple(case.expectations), case.zone, case.replies,
            tuple(case.mails),
        )  # fmt: skip

    def _given(self, step: s.Given, case: _Case, line: int) -> None:
        match step.what:
            case "file":
                path = self._path(step.value)
                properties = dict(self._details(step.details))
                if path:
                    case.given.append(GivenFile(path, properties, line))
            case "mail":
                self._mail(step, case, line)
            case "now":
                if isinstance(step.value, s.Literal) and step.value.type == DATE:
                    case.now = step.value.value
                else:
                    self.error(
                        "`given now` takes a date.", step.value.span, "For example: `given now 2026-03-13 16:30`."
                    )
            case "zone":
                self._zone(step.value, case)
            case "setting":
                self._value(step, self.settings, case.settings)
            case "answer":
                asked = {one.name: one for use in self.triggers if use for one in use.answers}
                self._value(step, asked, case.answers)
            case "reply":
                self._reply(step, case)
            case other:
                self.error(
                    f"A test can not be given `{other}`.", step.span, f"It can be given {listing(GIVEN, 'and')}."
                )

    def _mail(self, step: s.Given, case: _Case, line: int) -> None:
        """``given mail "work" with sender "a@example.com" with attachment "a.pdf"``."""
        came = [value for word, value in step.details if word == "attachment"]
        names = [value.constant if isinstance(value, s.Template) else None for value in came]
        for value, name in zip(came, names, strict=True):
            if not name or "/" in name or name in (".", ".."):
                self.error("An attachment has a name.", value.span, 'For example: `with attachment "march.pdf"`.')
        others = [(word, value) for word, value in step.details if word != "attachment"]
        known = {**OF_MAIL, "attachment": TEXT}
        properties = dict(self._details(others, "mail", known))
        if account := self._account(step.value, step.span):
            case.mails.append(GivenMail(account, properties, tuple(name for name in names if name), line))

    def _account(self, value: s.Expression | None, span: Span) -> str:
        name = value.constant if isinstance(value, s.Template) else None
        if not name:
            self.error("Here stands the name of a mail account.", span, 'For example: `given mail "work"`.')
        return name or ""

    def _reply(self, step: s.Given, case: _Case) -> None:
        """``given reply "https://..." with text "..."``."""
        told = dict(self._details(step.details))
        where = self._address(step.value)
        if set(told) != {"text"}:
            self.error(
                "A given reply has a text, and nothing else.",
                step.span,
                'For example: `given reply "https://api.example.com/rates" with text "1.19"`.',
            )
        elif where:
            case.replies[where] = told["text"]

    def _address(self, value: s.Expression) -> str:
        text = value.constant if isinstance(value, s.Template) else None
        try:
            if text is not None:
                address([text])
                return text
        except AddressError:
            pass
        self.error("Here stands a whole web address.", value.span, 'For example: "https://api.example.com/rates".')
        return ""

    def _zone(self, value: s.Expression, case: _Case) -> None:
        name = value.constant if isinstance(value, s.Template) else None
        try:
            if name:
                zone_of(name)
                case.zone = name
                return
        except NoZone:
            pass
        self.error("`given zone` takes a time zone.", value.span, 'For example: `given zone "Europe/Berlin"`.')

    def _value(self, step: s.Given, known: Mapping[str, Setting], given: dict[str, Any]) -> None:
        """The value of a setting or an answer."""
        name = step.details[0][1] if step.details else None
        if not isinstance(name, s.Name):
            self.error(
                f"A test is given the {step.what} by its name.", step.span, f"Write `given {step.what} name = ...`."
            )
            return
        if name.name not in known:
            help = did_you_mean(name.name, known)
            repair = instead(name.span, name.name, known)
            self.error(f"There is no {step.what} `{name.name}`.", name.span, help, repair)
            return
        try:
            value = s.constant(step.value)
        except ValueError:
            value = None
        of = known[name.name]
        if type(value) is not (type(of.value) if of.value is not None else PYTHON_TYPES.get(of.type)):
            self.error(f"This value does not fit the {step.what} `{name.name}`.", step.value.span)
        given[name.name] = value

    def _details(
        self, details: Iterable[tuple[str, s.Expression]], thing: str = "file", known: Mapping[str, Type] | None = None
    ) -> Iterable[tuple[str, Any]]:
        known = self.details if known is None else known
        for word, value in details:
            wanted = known.get(word)
            if wanted is None:
                help = did_you_mean(word, known) or f"It can have {listing(sorted(known))}."
                self.error(f"A given {thing} can not have `{word}`.", value.span, help)
            elif wanted == TEXT and isinstance(value, s.Template) and value.constant is not None:
                yield word, value.constant
            elif isinstance(value, s.Literal) and value.type == wanted:
                yield word, value.value
            else:
                self.error(f"`{word}` takes a {wanted} here.", value.span)

    def _path(self, value: s.Expression | None, span: Span | None = None) -> str:
        path = value.constant if isinstance(value, s.Template) else None
        components = path.split("/")[1:] if path else []
        if path and path.startswith(("~/", "/")) and all(c not in ("", ".", "..") for c in components):
            return path
        place = value.span if value is not None else span or Span(0, 0)
        self.error("Here stands the whole path of a file.", place, 'For example: "~/Downloads/march.pdf".')
        return ""

    def _event(self, step: s.Event, case: _Case) -> None:
        if isinstance(step.trigger, s.When):
            trigger = self.starts.known(step.trigger)
            if trigger and trigger.gives == "mail":
                if account := self._account(step.value, step.span):
                    case.events.append((trigger.phrase, account))
            elif trigger and trigger.gives:
                path = self._path(step.value, step.span)
                if path:
                    case.events.append((trigger.phrase, path))
            elif trigger:
                other = step.trigger.other.constant if step.trigger.other else None
                case.events.append((trigger.phrase, other))
            return
        use = self.starts.of_trigger(step.trigger).use
        if use is None:
            return
        if (use.phrase, use.arguments) not in [(one.phrase, one.arguments) for one in self.triggers if one]:
            self.error(
                "No rule of this coworker waits for this time.", step.span, "Write the same line as above the rule."
            )
        case.events.append((use.phrase, use.arguments["schedule"]))

    def _expect_mail(self, step: s.Expect, case: _Case, line: int) -> None:
        """``expect mail "ann@example.com" with subject "..." text "..." file "a.pdf"``, or ``expect no mail``."""
        to = step.value.constant if isinstance(step.value, s.Template) else None
        if step.value is not None and (problem := address_problem(to or "")):
            self.error(problem, step.value.span, 'For example: `expect mail "ann@example.com"`.')
        if step.absent and step.details:
            self.error("A mail that is not expected has no more than an address.", step.span)
        along = tuple(value for word, value in step.details if word == "file")
        names = tuple(value.constant for value in along if isinstance(value, s.Template) and value.constant)
        if len(names) != len(along):
            self.error("Here stands the name of a file.", step.span, 'For example: `with file "march.pdf"`.')
        others = [(word, value) for word, value in step.details if word != "file"]
        told = dict(self._details(others, "mail", {"subject": TEXT, "text": TEXT}))
        kind = f"{'no ' * step.absent}mail"
        case.expectations.append(Expectation(kind, to, line, told.get("text"), told.get("subject"), names))

    def _expect(self, step: s.Expect, case: _Case, line: int) -> None:
        if step.what == MISSING:
            return
        if step.what not in EXPECTED or (step.absent and step.what not in ABSENT):
            known = "`file`, `no file`, `notice`, `no notice`, `request`, `no request`, `mail`, `no mail`, `move`, `no move`, `mark`, `no mark`, `skip` or `failure`"
            self.error(
                f"A test can not expect `{'no ' * step.absent}{step.what}`.", step.span, f"It can expect {known}."
            )
            return
        if step.what == "mail":
            self._expect_mail(step, case, line)
            return
        content = dict(self._details(step.details))
        if set(content) - {"text"} or (content and (step.what not in ("file", "request") or step.absent)):
            self.error("Only an expected file or request can have more, and only `with text`.", step.span)
        value: str | None
        if step.what == "file":
            value = self._path(step.value, step.span)
        elif step.what == "request" and step.value is not None:
            value = self._address(step.value)
        else:
            value = step.value.constant if isinstance(step.value, s.Template) else None
        case.expectations.append(Expectation(f"{'no ' * step.absent}{step.what}", value, line, content.get("text")))
