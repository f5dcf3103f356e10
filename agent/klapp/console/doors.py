"""Who may come in: links that are good once and soon over, and the visits that they begin."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LINK_SECONDS = 60.0
"""A link that nobody has followed by then opens nothing."""
IDLE_SECONDS, ABSOLUTE_SECONDS = 15 * 60.0, 12 * 3600.0
"""A visit ends when nothing was asked for so long, and at the latest after so long, as sessions of the account do."""
MOST_VISITS = 20
LIVE = "x-klapp-live"
"""The header of what the page's script asks for by itself; that does not count as a use of the visit, or of a session."""


@dataclass(slots=True)
class Visit:
    """One browser that came in. ``session`` is the token of the account's session, where somebody has logged in;
    ``told`` what the next page says once; ``csrf`` stands in every form."""

    began: float
    used: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    session: str = ""
    told: list[str] = field(default_factory=list)

    def is_csrf(self, token: str) -> bool:
        """Whether a form came from one of this visit's own pages."""
        return hmac.compare_digest(self.csrf.encode(), token.encode("utf-8", "surrogatepass"))


class Doors:
    """The links and visits of one page. Tokens are kept as hashes; what is looked up by a hash tells nothing by its time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._links: dict[bytes, tuple[float, str]] = {}
        """Until when a link is good, and to which address it leads."""
        self._visits: dict[bytes, Visit] = {}
        self._lock = threading.Lock()

    def link(self, path: str = "/") -> str:
        """The token of a new link, which leads to an address of the page."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            self._links = {key: link for key, link in self._links.items() if link[0] > now}
            self._links[_digest(token)] = now + LINK_SECONDS, path
        return token

    def enter(self, link: str) -> tuple[str, str] | None:
        """The token of the visit that a link begins, and where it leads; None for one that is used, over or made up."""
        with self._lock:
            now = self._clock()
            until, path = self._links.pop(_digest(link), (0.0, ""))
            if until <= now:
                return None
            token = secrets.token_urlsafe(32)
            while len(self._visits) >= MOST_VISITS:
                del self._visits[next(iter(self._visits))]
            self._visits[_digest(token)] = Visit(now, now)
            return token, path

    def visit(self, token: str, *, by_person: bool = True) -> Visit | None:
        """The visit of that token, which is used now, if it is ``by_person``; None where there is none any more."""
        with self._lock:
            self._forget()
            visit = self._visits.get(_digest(token)) if token else None
            if visit is not None and by_person:
                visit.used = self._clock()
            return visit

    def leave(self, token: str) -> None:
        """End a visit."""
        with self._lock:
            self._visits.pop(_digest(token), None)

    def wanted(self) -> bool:
        """Whether somebody is in, or may still follow a link."""
        with self._lock:
            self._forget()
            now = self._clock()
            return bool(self._visits) or any(until > now for until, _ in self._links.values())

    def _forget(self) -> None:
        now = self._clock()
        self._visits = {
            key: one
            for key, one in self._visits.items()
            if now - one.used <= IDLE_SECONDS and now - one.began <= ABSOLUTE_SECONDS
        }


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
