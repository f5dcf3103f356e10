"""What klapp had to do with other machines."""

from __future__ import annotations

from dataclasses import dataclass

from klapp.audit.events.event import NETWORK, Event, Ocsf


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
class UpdateChecked(Event):
    """The person asked whether there is a newer klapp."""

    kind = "update check"
    says = "Asked for updates: {result}."
    public = ("result",)

    result: str
