"""Every kind of entry that the log can hold, each declared once: its fields, what of it is public, and its sentence.

What any part of klapp wants remembered it says with one of these: ``log.record(Approved(coworker, may))``. The fields
named in ``public`` are stored as they are, for filters, and outlive an erasure; all others are sealed under a key that
an erasure destroys. A name, a path, a text or an answer is therefore never public.

``ocsf`` is the class and activity of the Open Cybersecurity Schema Framework that fits (``klapp.audit.ocsf``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple


class Acting(NamedTuple):
    """Who does what is being logged, and from where: "tray", "command line", "trigger", "agent", a socket's peer."""

    origin: str = "agent"
    who: str = ""


_UNKNOWN = Acting()
_acting: ContextVar[Acting] = ContextVar("klapp_acting", default=_UNKNOWN)


def acting_now() -> Acting:
    """Who acts in this thread."""
    return _acting.get()


@contextmanager
def acting(origin: str, who: str | None = None) -> Iterator[None]:
    """Until the context ends, this thread acts from there, and for them where that is known."""
    before = _acting.get()
    token = _acting.set(Acting(origin, before.who if who is None else who))
    try:
        yield
    finally:
        _acting.reset(token)


class Ocsf(NamedTuple):
    """A class of OCSF, and the activity in it."""

    class_uid: int
    activity_id: int


JOB, EVENT_LOG, ACCOUNT, AUTHENTICATION, ENTITY, NETWORK, LIFECYCLE = 1006, 1008, 3001, 3002, 3004, 4001, 6002
BASE, OTHER = 0, 99


@dataclass(frozen=True)
class Event:
    """Something to be remembered. A subclass is one kind; an instance is one occurrence.

    Attributes:
        kind: its name in the log.
        says: the sentence for a person; ``{field}`` stands for a field's value, ``{whose}`` for the
            coworker in quotes or, for "", all of them.
        public: the fields that are not sealed.
        durable: False for what may wait for the next commit of the log.
    """

    kind: ClassVar[str]
    says: ClassVar[str]
    public: ClassVar[tuple[str, ...]] = ()
    ocsf: ClassVar[Ocsf] = Ocsf(BASE, OTHER)
    durable: ClassVar[bool] = True

    def body(self) -> dict[str, Any]:
        """The fields as data."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class _OfRuns(Event):
    """A kind that the engine writes by itself, with a body of its own making (``klapp.engine.record``)."""


class Intent(_OfRuns):
    """What a run is about to do: its input, every answer that it was given, every operation that it wishes."""

    kind = "intent"
    says = "Run {run} began ({trigger})."
    public = ("batch", "coworker", "rule", "trigger", "outcome", "undoes", "done", "now", "uses")
    ocsf = Ocsf(JOB, 6)


class Replan(_OfRuns):
    """As an intent, made anew after the world had moved on."""

    kind = "replan"
    says = "Run {run} was planned again: things had changed meanwhile."
    public = Intent.public
    ocsf = Ocsf(JOB, 2)


class Outcome(_OfRuns):
    """What came of a run."""

    kind = "outcome"
    says = "Run {run} ended: {outcome}."
    public = ("outcome", "recovered", "steps")
    ocsf = Ocsf(JOB, OTHER)


class Undone(_OfRuns):
    """A run was taken back by another."""

    kind = "undone"
    says = "Run {run} was taken back by run {by}."
    public = ("by",)
    ocsf = Ocsf(JOB, OTHER)


class Content(_OfRuns):
    """A text that runs refer to, such as a coworker's rules or what a file held."""

    kind = "content"
    says = "A text of {size} bytes was stored, to which runs refer."
    public = ("number", "size")


@dataclass(frozen=True)
class AgentStarted(Event):
    """The agent began to work, or a command did without one."""

    kind = "agent started"
    says = "klapp {version} started (process {process})."
    public = ("version", "process", "boot")
    ocsf = Ocsf(LIFECYCLE, 3)

    version: str
    process: int
    boot: str


@dataclass(frozen=True)
class AgentStopped(Event):
    """The agent ended in good order."""

    kind = "agent stopped"
    says = "klapp stopped (process {process})."
    public = ("process",)
    ocsf = Ocsf(LIFECYCLE, 4)

    process: int


@dataclass(frozen=True)
class RulesChanged(Event):
    """A coworker's text is another one; ``diff`` is a unified diff."""

    kind = "rules changed"
    says = 'The rules of "{coworker}" changed:\n{diff}'
    public = ("coworker",)
    ocsf = Ocsf(ENTITY, 3)

    coworker: str
    file: str
    diff: str


@dataclass(frozen=True)
class Approved(Event):
    """A person allowed a coworker what it asks for."""

    kind = "approved"
    says = '"{coworker}" was allowed to: {may}.'
    public = ("coworker",)
    ocsf = Ocsf(ENTITY, 8)

    coworker: str
    may: list[str]


@dataclass(frozen=True)
class Refused(Event):
    """A person said no to what a coworker asks for."""

    kind = "refused"
    says = '"{coworker}" was not allowed to: {may}.'
    public = ("coworker",)
    ocsf = Ocsf(ENTITY, OTHER)

    coworker: str
    may: list[str]


@dataclass(frozen=True)
class Revoked(Event):
    """A person took an approval back."""

    kind = "revoked"
    says = 'The approval of "{coworker}" was taken back.'
    public = ("coworker",)
    ocsf = Ocsf(ENTITY, 9)

    coworker: str


@dataclass(frozen=True)
class Paused(Event):
    """One coworker, or all for "", were paused."""

    kind = "paused"
    says = "Paused: {whose} until {until}."
    public = ("coworker", "until")
    ocsf = Ocsf(ENTITY, 12)

    coworker: str
    until: str


@dataclass(frozen=True)
class Resumed(Event):
    """One coworker, or all for "", went on."""

    kind = "resumed"
    says = "Resumed: {whose}."
    public = ("coworker",)
    ocsf = Ocsf(ENTITY, 13)

    coworker: str


@dataclass(frozen=True)
class SettingChanged(Event):
    """A setting of a coworker, or of klapp for "", has another value."""

    kind = "setting changed"
    says = 'The setting "{setting}" of "{coworker}" changed from {before} to {after}.'
    public = ("coworker", "setting")
    ocsf = Ocsf(ENTITY, 3)

    coworker: str
    setting: str
    before: Any
    after: Any


@dataclass(frozen=True)
class NoticeShown(Event):
    """The person was told something; ``shown`` says whether the desktop or terminal took it."""

    kind = "notice"
    says = "Notice: {title}: {text}"
    public = ("shown",)
    durable = False

    title: str
    text: str
    shown: bool


@dataclass(frozen=True)
class Trouble(Event):
    """Something did not work outside of a run, or a run was not started that should have been."""

    kind = "trouble"
    says = "Trouble: {what}"

    what: str


@dataclass(frozen=True)
class VaultOpened(Event):
    """The key of the state folder was used; ``by`` says how it was got, such as "keyring" or "password"."""

    kind = "vault opened"
    says = "The vault was opened by {by}, after {refused} refusals since the last time."
    public = ("by", "refused")
    ocsf = Ocsf(AUTHENTICATION, 1)

    by: str
    refused: int


@dataclass(frozen=True)
class LoggedIn(Event):
    """Somebody showed that an account is theirs, or tried to; ``how`` names the factors."""

    kind = "login"
    says = "Login to {account} by {how}: {result}."
    public = ("how", "result")
    ocsf = Ocsf(AUTHENTICATION, 1)

    account: str
    how: str
    result: str


@dataclass(frozen=True)
class LoggedOut(Event):
    """A session ended; ``why`` such as "asked", "idle", "revoked"."""

    kind = "logout"
    says = "The session of {account} ended: {why}."
    public = ("why",)
    ocsf = Ocsf(AUTHENTICATION, 2)

    account: str
    why: str


@dataclass(frozen=True)
class LockedOut(Event):
    """Too many failed logins; none is let in until then."""

    kind = "lockout"
    says = "The account {account} is locked until {until}, after {failures} failures."
    public = ("until", "failures")
    ocsf = Ocsf(ACCOUNT, 9)

    account: str
    until: str
    failures: int


@dataclass(frozen=True)
class KeyUsed(Event):
    """A key was made, changed, wrapped anew or shown; ``key`` names its purpose, never the key."""

    kind = "key used"
    says = "The key for {key}: {what}."
    public = ("key", "what")

    key: str
    what: str


@dataclass(frozen=True)
class NetworkContact(Event):
    """Something was sent to, or received from, another machine."""

    kind = "network"
    says = '"{coworker}" was in contact with {host}: {result}, {sent} bytes sent, {received} received.'
    public = ("coworker", "result", "sent", "received")
    ocsf = Ocsf(NETWORK, 6)

    coworker: str
    host: str
    result: str
    sent: int
    received: int


@dataclass(frozen=True)
class RequestBegun(Event):
    """A request that sends something is about to be made; noted before its first byte, so that it is never made twice."""

    kind = "request"
    says = '"{coworker}" begins to send something to {host}.'
    public = ("coworker",)
    ocsf = Ocsf(NETWORK, 1)

    coworker: str
    host: str
    token: str


@dataclass(frozen=True)
class SecretSet(Event):
    """The person gave a secret a value, or took it away; never the value."""

    kind = "secret"
    says = "The secret {name} for {host} was {what}."
    public = ("what",)
    ocsf = Ocsf(ACCOUNT, OTHER)

    name: str
    host: str
    what: str


@dataclass(frozen=True)
class UpdateChecked(Event):
    """The person asked whether there is a newer klapp."""

    kind = "update check"
    says = "Asked for updates: {result}."
    public = ("result",)

    result: str


@dataclass(frozen=True)
class Erased(Event):
    """Values in the log were erased; ``keys`` are the ranges of the keys that were destroyed."""

    kind = "erased"
    says = "The values of {entries} entries were erased, chosen by {by}."
    public = ("by", "entries", "keys", "coworker", "before")
    ocsf = Ocsf(EVENT_LOG, 2)

    by: str
    coworker: str
    before: str
    entries: int
    keys: list[list[int]]


@dataclass(frozen=True)
class Retired(Event):
    """The oldest entries were let go, as the person's rule for retention says."""

    kind = "retired"
    says = "The {entries} oldest entries were let go ({why})."
    public = ("entries", "why")
    ocsf = Ocsf(EVENT_LOG, 1)

    entries: int
    why: str


@dataclass(frozen=True)
class Exported(Event):
    """The log was read out of klapp."""

    kind = "exported"
    says = "{entries} entries were exported as {form}."
    public = ("form", "entries")
    ocsf = Ocsf(EVENT_LOG, 3)

    form: str
    entries: int


@dataclass(frozen=True)
class WitnessChosen(Event):
    """Where the person wants the newest checkpoint kept as well."""

    kind = "witness"
    says = "The newest checkpoint is also kept in {place} from now on."
    ocsf = Ocsf(ENTITY, 3)

    place: str


@dataclass(frozen=True)
class TakenOver(Event):
    """A log of an earlier form became the beginning of this one; ``problem`` is what was wrong with it, or ""."""

    kind = "taken over"
    says = "A log of klapp's earlier form, of {entries} entries, was taken over. {problem}"
    public = ("entries", "head", "problem")
    ocsf = Ocsf(LIFECYCLE, 8)

    entries: int
    head: str
    problem: str


def _kinds(base: type[Event]) -> Iterator[type[Event]]:
    for kind in base.__subclasses__():
        if hasattr(kind, "kind"):
            yield kind
        yield from _kinds(kind)


KINDS: Mapping[str, type[Event]] = {kind.kind: kind for kind in _kinds(Event)}
"""Every kind, by its name."""
PUBLIC: Mapping[str, frozenset[str]] = {name: frozenset(kind.public) for name, kind in KINDS.items()}
