"""Every kind of entry that the log can hold, each declared once.

What any part of klapp wants remembered it says with one of these: ``log.record(Approved(coworker, may))``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from klapp.audit.events.acting import Acting, acting, acting_now
from klapp.audit.events.coworkers import (
    Approved,
    Paused,
    Refused,
    Resumed,
    Revoked,
    RulesChanged,
    RulesGone,
    SettingChanged,
)
from klapp.audit.events.event import Event
from klapp.audit.events.outside import NetworkContact, RequestBegun, UpdateChecked
from klapp.audit.events.people import (
    KeyUsed,
    LockedOut,
    LoggedIn,
    LoggedOut,
    NoticeGiven,
    SecretSet,
    UnusualSeen,
    VaultOpened,
)
from klapp.audit.events.runs import Content, Intent, Outcome, Replan, Undone
from klapp.audit.events.upkeep import (
    AgentStarted,
    AgentStopped,
    CopiesLetGo,
    CopiesRule,
    Erased,
    Exported,
    Retired,
    TakenOver,
    Trouble,
    WitnessChosen,
)

__all__ = [
    "KINDS",
    "PUBLIC",
    "Acting",
    "AgentStarted",
    "AgentStopped",
    "Approved",
    "Content",
    "CopiesLetGo",
    "CopiesRule",
    "Erased",
    "Event",
    "Exported",
    "Intent",
    "KeyUsed",
    "LockedOut",
    "LoggedIn",
    "LoggedOut",
    "NetworkContact",
    "NoticeGiven",
    "Outcome",
    "Paused",
    "Refused",
    "Replan",
    "RequestBegun",
    "Resumed",
    "Retired",
    "Revoked",
    "RulesChanged",
    "RulesGone",
    "SecretSet",
    "SettingChanged",
    "TakenOver",
    "Trouble",
    "Undone",
    "UnusualSeen",
    "UpdateChecked",
    "VaultOpened",
    "WitnessChosen",
    "acting",
    "acting_now",
]


def _kinds(base: type[Event]) -> Iterator[type[Event]]:
    for kind in base.__subclasses__():
        if hasattr(kind, "kind"):
            yield kind
        yield from _kinds(kind)


KINDS: Mapping[str, type[Event]] = {kind.kind: kind for kind in _kinds(Event)}
"""Every kind, by its name."""
PUBLIC: Mapping[str, frozenset[str]] = {name: frozenset(kind.public) for name, kind in KINDS.items()}
"""The fields of each kind that are not sealed."""
