"""Who was let in, what keys were used, and what people were told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from klapp.audit.events.event import ACCOUNT, AUTHENTICATION, OTHER, Event, Ocsf


@dataclass(frozen=True)
class VaultOpened(Event):
    """The key of the state folder was used; ``by`` says how it was got, such as "keyring" or "password"."""

    kind = "vault opened"
    says = "The vault was opened by {by}. Refused before that: {refused}."
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
class UnusualSeen(Event):
    """A person has seen what was not as usual of ``whose``, a coworker or "klapp", and wants no more of it."""

    kind = "unusual seen"
    says = 'What was unusual of "{whose}" was seen: {text}'

    whose: str
    text: str


@dataclass(frozen=True)
class NoticeGiven(Event):
    """The person is told something; ``about`` is its kind, ``by`` "desktop" or "terminal", ``text`` the whole of it.

    ``plain`` is what a locked screen shows in its place, "" where that is all of it; notices of one ``group`` may become
    one on the screen; ``actions`` are its buttons, ``count`` for how many things it stands.
    """

    kind = "notice"
    says = "Notice: {title}: {text}"
    public = ("about", "by")
    durable = False

    about: str
    by: str
    title: str
    text: str
    plain: str
    group: str
    actions: list[Any]
    count: int
