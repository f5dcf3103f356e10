"""Sessions: who has logged in, from where, and until when. A session ends with the machine's run at the latest."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from klapp.account.moments import Clock, Moment
from klapp.account.policy import Policy
from klapp.vault.shelf import Shelf

_NAME = "account:sessions"
FRESH = 5 * 60.0
"""Seconds after a login in which the gravest acts are allowed."""
WRITTEN = 60.0
"""Seconds: how exactly a session's last use is kept. Not every look at the log is worth a write."""
MOST = 20


class Sessions:
    """The sessions of one account. What is kept of a token is its hash; the token itself is the client's."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock

    def begin(self, origin: str) -> str:
        """The token of a new session."""
        token = secrets.token_urlsafe(32)
        now = self._clock().to_json()
        kept = self._kept()
        while len(kept) >= MOST:
            del kept[next(iter(kept))]
        self._shelf.put(_NAME, {**kept, _digest(token): {"origin": origin, "began": now, "used": now}})
        return token

    def use(self, token: str, policy: Policy, *, fresh: bool = False, by_person: bool = True) -> str | None:
        """None where a session holds, and it was used now; else why it does not: "none", "idle", "over", "not fresh".
        One that is idle or over stays that until it is ended.

        What is not done ``by_person`` does not count as a use."""
        kept = self._kept()
        session = kept.get(_digest(token)) if token else None
        if session is None:
            return "none"
        now = self._clock()
        began, used = Moment.from_json(session["began"]), Moment.from_json(session["used"])
        if now.boot != began.boot or now.since(began) > policy.absolute_minutes * 60:
            return "over"
        if now.since(used) > policy.idle_minutes * 60:
            return "idle"
        if fresh and now.since(began) > FRESH:
            return "not fresh"
        if by_person and now.since(used) > min(WRITTEN, policy.idle_minutes * 30):
            self._shelf.put(_NAME, {**kept, _digest(token): {**session, "used": now.to_json()}})
        return None

    def end(self, token: str | None = None) -> int:
        """End one session, or all; gives how many there were."""
        kept = self._kept()
        left = {} if token is None else {name: one for name, one in kept.items() if name != _digest(token)}
        self._shelf.put(_NAME, left)
        return len(kept) - len(left)

    def all(self) -> list[dict[str, Any]]:
        """What a person may know of the sessions: {"origin", "age"} with the age in seconds."""
        now = self._clock()
        return [
            {"origin": session["origin"], "age": round(now.since(Moment.from_json(session["began"])))}
            for session in self._kept().values()
        ]

    def _kept(self) -> dict[str, Any]:
        return dict(self._shelf.get(_NAME) or {})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
