"""A checked and compiled coworker: what the compiler hands over, and all that an engine needs to know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Literal

from klr.effects import Inputs, Run
from klr.proof import Language
from klr.types import TEXT, Type
from klr.vocabulary import Permission

Tracer = Callable[[int, str, Any], None]
"""Told each decision of a traced run: the line, the source text of the expression or statement, and its value."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One ``may`` line.

    ``patterns`` are path globs as written (``~/`` stands for the home), or hosts in their one form; empty for
    ``notify``; or patterns for mail addresses. ``to`` are the hosts, and the patterns for mail addresses, that a line about
    what may leave the machine names.
    """

    permission: Permission
    patterns: tuple[str, ...]
    line: int
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How a rule starts.

    Attributes:
        window: from when to when on a day it may; the end is before the start where a night lies between. Both count.
        zone: the time zone of its times, by its IANA name; None for the system's own.
        most: how many of its runs may be under way at a time.
        excess: what becomes of a start beyond that: it waits, is left out, or takes the place of what waits.
        quiet: how long nothing more may happen before it starts; None for as long as klapp finds good.
        retries, retry_after: how often a failed run is tried again, first after how long; then twice as long each time.
        jitter: it starts at some moment within this time after its plan strikes.
        catch_up: what becomes of the times that were missed.
    """

    window: tuple[time, time] | None = None
    zone: str | None = None
    most: int = 1
    excess: Literal["queue", "skip", "restart"] = "queue"
    quiet: timedelta | None = None
    retries: int = 0
    retry_after: timedelta = timedelta()
    jitter: timedelta = timedelta()
    catch_up: Literal["once", "all", "never"] = "once"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that a person may change, or is asked for: its name, default, the label it is shown under, and its type.

    The value of what a person must answer is None.
    """

    name: str
    value: Any
    label: str
    type: Type = TEXT
    low: Any = None
    high: Any = None
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class TriggerUse:
    """What starts a rule: a declared trigger's phrase and the values of its slots, by slot word.

    ``TriggerUse("file arrives", {"in": "~/Downloads", "named": "*.pdf"})``; a rule of the clock has the phrase
    "every" or "cron" and its plan of times under "schedule"; one that waits for another coworker has that one's name
    under "coworker". ``gives`` is as in the trigger's declaration.
    """

    phrase: str
    arguments: Mapping[str, Any]
    gives: str = ""
    answers: tuple[Setting, ...] = ()
    options: Options = field(default_factory=lambda: Options(), compare=False)


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a rule can do: ``permission`` for every path of ``language`` (None for one that takes no path).

    ``patterns`` say the same to people, and not always as exactly; of a permission for hosts or apps, they are these.
    ``to`` is the host to which it goes, of what leaves the machine, or a pattern for whom it is mailed to, who are exactly
    those of ``recipients``.
    """

    permission: Permission
    language: Language | None = None
    patterns: tuple[str, ...] = ()
    to: str = ""
    recipients: Language | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``when`` or ``every`` block. ``start`` and ``traced`` give a fresh run; see ``klr.effects``.

    ``waits`` is where the files arrive that start it, ``needs`` is everything that it can do.
    """

    index: int
    line: int
    trigger: TriggerUse
    start: Callable[[Inputs], Run]
    traced: Callable[[Inputs, Tracer], Run]
    waits: Language | None = None
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that klapp keeps sealed and that goes to one host only, in one header of a request.

    ``host`` in its one form, ``header`` and ``prefix`` as in "Authorization" and "Bearer ".
    """

    name: str
    host: str
    header: str
    prefix: str
    label: str


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file that a test starts from; ``properties`` by name, such as ``{"text": "...", "modified": datetime}``."""

    path: str
    properties: Mapping[str, Any]
    line: int


@dataclass(frozen=True, slots=True)
class GivenMail:
    """A mail that a test starts from; ``properties`` by name, and the names of its ``attachments``."""

    account: str
    properties: Mapping[str, Any]
    attachments: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a test demands at its end.

    ``kind`` is "file", "no file" (value: a path), "notice" (a text, or None for any), "no notice", "request" or "no
    request" (an address, or None for any), "mail" or "no mail" (to whom, or None for anybody), "move" or "no move" (the folder of the mail, or None for any), "mark" or
    "no mark" (how the mail is marked, or None for any), "skip" or "failure" (the
    reason, or None for any). ``text`` is the content that an expected file, request or mail must have, or None for any;
    ``subject`` and ``files``, by their names, are those of a mail.
    """

    kind: str
    value: Any
    line: int
    text: str | None = None
    subject: str | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestCase:
    """One ``test`` block.

    ``events`` are (phrase, value): ("file arrives", path), ("asked", None), ("finishes", "Other"), ("every", schedule).
    """

    __test__ = False  # its name makes pytest curious

    name: str
    line: int
    given: tuple[GivenFile, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    now: datetime | None = None
    events: tuple[tuple[str, Any], ...] = ()
    expectations: tuple[Expectation, ...] = ()
    zone: str = ""
    replies: Mapping[str, str] = field(default_factory=dict)
    """What hosts answer, by address."""
    mails: tuple[GivenMail, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may spend at most: files changed, notices shown, requests to hosts, mails sent, bytes read and written, time.

    ``failures`` is how many runs may fail one after the other before the coworker is paused.
    """

    files: int = 10_000
    notices: int = 20
    requests: int = 100
    messages: int = 20
    size: int = 50 * 10**9
    time: timedelta = timedelta(minutes=30)
    failures: int = 5


@dataclass(frozen=True, slots=True)
class Program:
    """A coworker that passed every check."""

    name: str
    about: str
    text: str
    grants: tuple[Grant, ...]
    rules: tuple[Rule, ...]
    settings: Mapping[str, Setting]
    tests: tuple[TestCase, ...]
    limits: Limits = field(default_factory=Limits)
    secrets: Mapping[str, Secret] = field(default_factory=dict)

    def defaults(self) -> dict[str, Any]:
        """The settings' default values, by name: what ``Inputs.settings`` starts from."""
        return {name: setting.value for name, setting in self.settings.items()}
