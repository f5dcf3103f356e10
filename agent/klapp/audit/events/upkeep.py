"""When klapp was at work, what went wrong, and what was done with the log itself."""

from __future__ import annotations

from dataclasses import dataclass

from klapp.audit.events.event import BASE, ENTITY, EVENT_LOG, LIFECYCLE, OTHER, Event, Ocsf


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
class Trouble(Event):
    """Something did not work outside of a run, or a run was not started that should have been."""

    kind = "trouble"
    says = "Trouble: {what}"

    what: str


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
class CopiesLetGo(Event):
    """Kept copies of what runs replaced were let go, the oldest first: all that were kept up to ``until``, an ISO moment.
    ``why`` is "age" or "space"."""

    kind = "copies let go"
    says = "{copies} kept copies, of what was replaced until {until}, were let go ({why}: {rule})."
    public = ("copies", "bytes", "until", "why", "rule")
    ocsf = Ocsf(BASE, OTHER)

    copies: int
    bytes: int
    until: str
    why: str
    rule: str


@dataclass(frozen=True)
class CopiesRule(Event):
    """How long copies of what runs replace are kept, and how much they may take, was changed."""

    kind = "copies rule"
    says = "Copies of what is replaced are kept for {days} days, in at most {megabytes} MB, from now on."
    public = ("days", "megabytes")
    ocsf = Ocsf(BASE, OTHER)

    days: int
    megabytes: int


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
