"""What people do with coworkers, and what becomes of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from klapp.audit.events.event import ENTITY, OTHER, Event, Ocsf


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
class RulesGone(Event):
    """The file of a coworker was removed; ``diff`` shows all of its last rules, as a unified diff."""

    kind = "rules gone"
    says = 'The file of "{coworker}" is not there any more:\n{diff}'
    public = ("coworker",)
    ocsf = Ocsf(ENTITY, 4)

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
    says = 'The setting "{setting}" of {holder} changed from {before} to {after}.'
    public = ("coworker", "setting")
    ocsf = Ocsf(ENTITY, 3)

    coworker: str
    setting: str
    before: Any
    after: Any
