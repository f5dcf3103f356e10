"""Decides what is shown when: groups what comes close together, keeps to a rate, and forgets nothing that was not shown.

Pure: it knows no screen and no clock. Whoever drives it puts notices in, asks for the next showing, and says what became
of it. Moments are seconds of a clock that only goes forward.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from klapp.counts import counted
from klapp.notices.notice import ALL, Action, Kind, Notice

MOST, WITHIN = 6, 60.0
"""So many showings at most within so many seconds."""
GAP = 4.0
"""Seconds between two showings of one group."""
LATELY = 600.0
"""Seconds for which what was shown of a group is replaced by what comes after it, rather than joined by it."""
MOST_OPEN = 50
"""So many are taken to be on the screen still; some daemons never say that one is not."""
MOST_GROUPS = 3
"""With more groups than this waiting, they become one showing."""
NOUNS: Mapping[Kind, tuple[str, str]] = {
    Kind.SUMMARY: ("run", "runs"),
    Kind.MESSAGE: ("notice", "notices"),
    Kind.APPROVAL: ("question", "questions"),
    Kind.FAILURE: ("failure", "failures"),
    Kind.ANOMALY: ("unusual thing", "unusual things"),
    Kind.UPDATE: ("update", "updates"),
}


@dataclass(frozen=True, slots=True)
class Pile:
    """Notices of one group that stand for each other: the last one, for how many things they stand, and the buttons that
    all of them have."""

    last: Notice
    count: int
    actions: tuple[Action, ...]

    @classmethod
    def of(cls, notice: Notice) -> Pile:
        """A pile of one."""
        return cls(notice, notice.count, notice.actions)

    def over(self, older: Pile) -> Pile:
        """This one on top of an older one of its group."""
        kept = tuple(one for one in self.actions if one in older.actions)
        if kept != self.actions and ALL not in kept and self.last.kind is not Kind.APPROVAL:
            kept = (ALL, *kept)
        return Pile(self.last, self.count + older.count, self.actions if self.last.kind is Kind.APPROVAL else kept)

    def words(self, visible: bool) -> str:
        """What is said of it; ``visible`` says whether names may be read."""
        text = self.last.full if visible else self.last.text
        if self.count == self.last.count or self.last.kind is Kind.APPROVAL:
            return text
        return f"{_how_much(self)}. The last: {text}" if visible else f"{_how_much(self)}."


@dataclass(frozen=True, slots=True)
class Showing:
    """What is to be shown now. ``replaces`` is the number of what it takes the place of, or 0; ``covers`` what it stands
    for, by group; ``fresh`` how much of that was not shown before."""

    kind: Kind
    title: str
    text: str
    actions: tuple[Action, ...]
    covers: Mapping[str, Pile]
    fresh: Mapping[str, int]
    replaces: int = 0


@dataclass(frozen=True, slots=True)
class _Shown:
    number: int
    moment: float
    pile: Pile


class Deck:
    """What waits to be shown, and what was shown lately."""

    def __init__(self) -> None:
        self._piles: dict[str, Pile] = {}
        self._times: deque[float] = deque()
        self._lately: dict[str, _Shown] = {}
        self.open: dict[int, Showing] = {}
        """What is on the screen, as far as is known, by number."""

    def put(self, pile: Pile) -> None:
        """One more to be shown."""
        older = self._piles.get(pile.last.group)
        self._piles[pile.last.group] = pile.over(older) if older else pile

    @property
    def waiting(self) -> dict[str, Pile]:
        """What waits, by group."""
        return dict(self._piles)

    def next(self, now: float, *, visible: bool, at_once: bool = False) -> Showing | None:
        """What may be shown now; None where nothing waits, or it has to wait longer. ``at_once`` all that waits becomes one
        showing, whatever the rate says: for the end."""
        if not self._piles or (not at_once and self._until(now) > now):
            return None
        if len(self._piles) > (1 if at_once else MOST_GROUPS):
            return self._combined(visible)
        ready = [(pile, group) for group, pile in self._piles.items() if at_once or self._rested(group) <= now]
        # Of the same weight, the one that came first.
        pile, group = max(ready, key=lambda one: one[0].last.kind.weight)
        before = self._lately.get(group)
        whole = pile.over(before.pile) if before and now - before.moment <= LATELY else pile
        number = before.number if before and whole is not pile else 0
        text = whole.words(visible)
        return Showing(
            whole.last.kind, whole.last.title, text, whole.actions, {group: whole}, {group: pile.count}, number
        )

    def _combined(self, visible: bool) -> Showing:
        piles = sorted(self._piles.values(), key=lambda pile: -pile.last.kind.weight)
        told = [f"{_how_much(pile)} of {pile.last.title}" for pile in piles[: MOST_GROUPS + 1]]
        if len(piles) > len(told):
            told.append(f"and {len(piles) - len(told)} more")
        fresh = {group: pile.count for group, pile in self._piles.items()}
        return Showing(piles[0].last.kind, "klapp", ", ".join(told) + ".", (ALL,), dict(self._piles), fresh)

    def _rested(self, group: str) -> float:
        before = self._lately.get(group)
        return before.moment + GAP if before else 0.0

    def _until(self, now: float) -> float:
        """When something may be shown at the earliest; something waits."""
        while self._times and self._times[0] + WITHIN <= now:
            self._times.popleft()
        rested = 0.0 if len(self._piles) > MOST_GROUPS else min(map(self._rested, self._piles))
        return rested if len(self._times) < MOST else max(rested, self._times[0] + WITHIN)

    def wait(self, now: float) -> float | None:
        """In how many seconds something may be shown; None where nothing waits."""
        return max(0.0, self._until(now) - now) if self._piles else None

    # -- what became of it --------------------------------------------------------------------------------------------

    def shown(self, showing: Showing, number: int, now: float) -> None:
        """It is on the screen under that number."""
        self._times.append(now)
        for group, fresh in showing.fresh.items():
            pile = self._piles.pop(group)
            if pile.count > fresh:  # more came while it was being shown
                self._piles[group] = replace(pile, count=pile.count - fresh)
            self._lately[group] = _Shown(0 if len(showing.fresh) > 1 else number, now, showing.covers[group])
        self.open.pop(showing.replaces, None)
        self.open.pop(number, None)
        self.open[number] = showing
        if len(self.open) > MOST_OPEN:
            del self.open[next(iter(self.open))]
        for group in [group for group, one in self._lately.items() if now - one.moment > LATELY]:
            del self._lately[group]

    def closed(self, number: int, *, by_person: bool) -> None:
        """It is no longer on the screen; what a person has put away is not counted again."""
        self.open.pop(number, None)
        if by_person:
            for group in [group for group, one in self._lately.items() if one.number == number]:
                del self._lately[group]

    def gone(self) -> list[Pile]:
        """Whoever showed it is gone, and with them what was on the screen: that waits again. Gives what it is."""
        back = [pile for showing in self.open.values() for pile in showing.covers.values()]
        newer, self._piles = self._piles, {}
        for pile in (*back, *newer.values()):
            self.put(pile)
        self.open.clear()
        self._lately.clear()
        return back


def alone(notice: Notice, *, visible: bool) -> Showing:
    """One notice as it is, for what shows each by itself."""
    pile = Pile.of(notice)
    return Showing(notice.kind, notice.title, pile.words(visible), notice.actions, {notice.group: pile}, {})


def _how_much(pile: Pile) -> str:
    """How much a pile stands for: "3 runs"."""
    return counted(pile.count, *NOUNS[pile.last.kind])
