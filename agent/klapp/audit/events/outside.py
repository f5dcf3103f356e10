"""What klapp had to do with other machines."""

from __future__ import annotations

from dataclasses import dataclass

from klapp.audit.events.event import LIFECYCLE, NETWORK, OTHER, Event, Ocsf


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
    """A request is about to be made; noted before its first byte, so that none is untold, and none is made twice.

    ``token`` is that of a request that sends something, "" where one only asks; ``secret`` is the name of the secret
    with which the host knows the person, or "".
    """

    kind = "request"
    says = '"{coworker}" begins a request to {host}.'
    public = ("coworker",)
    ocsf = Ocsf(NETWORK, 1)

    coworker: str
    host: str
    token: str
    secret: str = ""


@dataclass(frozen=True)
class UpdateChecked(Event):
    """klapp was told to ask a place whether there is a newer one, and this is what came of it.

    ``place`` is the host or folder that was asked, ``newest`` the version that it names, or "" where it named none;
    ``result`` is "current", "newer", "refused" (such as a signature that does not fit) or "failed" (it was not reached).
    """

    kind = "update check"
    says = "Asked {place} for a newer klapp: {result} ({newest})."
    public = ("result", "newest")
    ocsf = Ocsf(LIFECYCLE, OTHER)

    place: str
    result: str
    newest: str = ""
