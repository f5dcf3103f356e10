"""What was told and not yet shown, kept in the log, so that neither a kill nor a daemon that is away loses a notice.

Every notice is an entry of the log. Which of them were shown is a mark on the agent's shelf: the entry up to which all
were, beyond it the same for each group, and what went from the screen unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from klapp.audit.entry import Entry
from klapp.audit.events import NoticeGiven
from klapp.audit.log import Log
from klapp.notices.deck import Pile
from klapp.notices.notice import Kind, Notice
from klapp.vault.database import Connection
from klapp.vault.shelf import Shelf, rewrite

KIND = f"e.kind NOT IN ('intent', 'outcome', 'content') AND e.kind = '{NoticeGiven.kind}'"
"""The condition of entries that are notices, such that the log's index of rare kinds serves it."""
SHELF = "notices shown"
MOST = 1000
"""So many notices that were not shown are looked at after a start; older ones are in the log and on the page."""
DESKTOP, TERMINAL = "desktop", "terminal"


class Outbox:
    """The notices of one log."""

    def __init__(self, log: Log, shelf: Shelf) -> None:
        self._log = log
        self._shelf = shelf

    def keep(self, notice: Notice, by: str) -> None:
        """Put it into the log. What a run tells is durable with the run's own outcome; all else at once."""
        self._log.record(NoticeGiven(by=by, **notice.to_json()))
        if notice.kind is not Kind.MESSAGE:
            self._log.flush()

    def waiting(self) -> list[Pile]:
        """What was not shown yet, as far as the mark tells."""
        mark = self._mark()
        entries = self._log.select(f"{KIND} AND e.seq > ? ORDER BY e.seq DESC LIMIT ?", (mark["all"], MOST))
        piles = [_back(one) for one in mark["back"]]
        for entry in reversed(entries):
            notice = notice_of(entry)
            if notice is not None and entry.body["by"] == DESKTOP and entry.seq > mark["groups"].get(notice.group, 0):
                piles.append(Pile.of(notice))
        return piles

    def shown(self, groups: Iterable[str], *, nothing_left: bool) -> None:
        """All of these groups was shown; with ``nothing_left`` all that there is."""
        self._log.flush()
        newest = self._log.count()
        mark = self._mark()
        if nothing_left:
            mark = {"all": newest, "groups": {}, "back": []}
        else:
            done = set(groups)
            mark["groups"] |= dict.fromkeys(done, newest)
            mark["back"] = [one for one in mark["back"] if one["notice"]["group"] not in done]
        self._shelf.put(SHELF, mark)

    def unseen(self, piles: Sequence[Pile]) -> None:
        """These were shown, and went from the screen before a person saw them."""
        if piles:
            mark = self._mark()
            mark["back"] += [{"notice": pile.last.to_json(), "count": pile.count} for pile in piles]
            self._shelf.put(SHELF, mark)

    def _mark(self) -> dict[str, Any]:
        found = self._shelf.get(SHELF)
        return found if found is not None else {"all": 0, "groups": {}, "back": []}


def notice_of(entry: Entry) -> Notice | None:
    """The notice of an entry; None for one that was erased, or written before notices were kept so."""
    body = entry.body
    if entry.erased or "group" not in body:
        return None
    return Notice.of_json(body)


def forget_unseen(connection: Connection, meant: Callable[[str], bool]) -> None:
    """Within the caller's transaction: let go of what went from the screen unseen and says something that is meant."""

    def kept(mark: dict[str, Any]) -> dict[str, Any]:
        back = [one for one in mark["back"] if not any(meant(str(one["notice"][key])) for key in ("title", "text"))]
        return mark | {"back": back}

    rewrite(connection, SHELF, kept)


def _back(data: dict[str, Any]) -> Pile:
    notice = Notice.of_json(data["notice"])
    return Pile(notice, data["count"], notice.actions)
