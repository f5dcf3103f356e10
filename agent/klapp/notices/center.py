"""Where everything that a person is told goes through: kept in the log, then shown as settings and desktop allow.

Used by an agent at work, ``start`` begins a thread that shows what waits when it may. A command that works without an
agent has none: it shows what it can at once, and the rest as one notice when it ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from klapp.audit.log import Log
from klapp.files.shown import at_home
from klapp.notices.deck import Deck, Pile, Showing, alone
from klapp.notices.displays import Away, Display, Heard
from klapp.notices.notice import Action, Kind, Notice, message
from klapp.notices.outbox import DESKTOP, TERMINAL, Outbox
from klapp.notices.settings import Settings
from klapp.vault.shelf import Shelf

SHELF = "notice settings"
LOOK_AGAIN = 60.0
"""Seconds between two looks whether what is held back may be shown now; only while something is."""


class Notices:
    """The notices of one agent. ``locked`` tells whether the screen is locked, ``act`` does what a button says."""

    def __init__(
        self,
        display: Display,
        log: Log,
        shelf: Shelf,
        *,
        clock: Callable[[], datetime] = datetime.now,
        home: str = "",
    ) -> None:
        """``home`` is the person's, whose paths are shown with "~/"; the log has them whole."""
        self._display = display
        self._shelf = shelf
        self._clock = clock
        self._home = home
        self._outbox = Outbox(log, shelf)
        self._deck = Deck()
        self._loaded = False
        self._changing = threading.Condition(threading.RLock())
        self._presenting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self.locked: Callable[[], bool] = lambda: False
        self.act: Callable[[Action], None] = lambda action: None

    # -- what others call ---------------------------------------------------------------------------------------------

    def tell(self, notice: Notice) -> None:
        """Tell the person. Never raises: a notice that can not be shown must not fail a run."""
        with suppress(Exception):
            self._told(notice)

    def _told(self, notice: Notice) -> None:
        if notice.kind is Kind.SUMMARY and not self.settings.summaries:
            return
        with suppress(Exception):  # such as a full disk, which may be what is to be told
            self._outbox.keep(notice, TERMINAL if self._display.at_once else DESKTOP)
        if self._display.at_once:
            self._display.present(self._alone(notice))
            return
        if not self._display.reachable():
            with suppress(Exception):  # it is shown all the same when it can be
                self._display.missed(self._alone(notice))
        with self._changing:
            self._load()
            self._deck.put(Pile.of(notice))
            self._changing.notify()
        if self._thread is None:
            self._show_what_may_be()

    def _alone(self, notice: Notice) -> Showing:
        return self._plainly(alone(notice, visible=self._visible()))

    def _plainly(self, showing: Showing) -> Showing:
        return replace(showing, text=at_home(showing.text, self._home))

    def _visible(self) -> bool:
        return self.settings.names or not self.locked()

    def show(self, title: str, text: str) -> None:
        """Tell what a coworker, or klapp under its own name, says in words of its own."""
        self.tell(message(title, text))

    @property
    def settings(self) -> Settings:
        """How the person wants to be told."""
        return Settings.of_json(self._shelf.get(SHELF))

    def change(self, settings: Settings, say: Callable[[], None] = lambda: None) -> None:
        """Tell so from now on; ``say`` tells the log, together with it."""
        with self._shelf.together():
            say()
            self._shelf.put(SHELF, settings.to_json())
        with self._changing:
            self._changing.notify()

    def held(self) -> str:
        """Why what waits is not shown now, in a sentence; "" where nothing waits."""
        with self._changing:
            waits = bool(self._deck.waiting)
        if not waits:
            return ""
        if self.settings.is_quiet(self._clock()):
            return "It is within your quiet hours; they are shown when these end."
        if not self._display.disturbs():
            return "The desktop says that you are not to be disturbed; they are shown when you may be."
        return "They are shown as soon as the desktop takes them."

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Show what was not shown yet, and from now on what is told."""
        self._display.start(Heard(self._pressed, self._closed, self._gone, self._changed))
        if self._display.at_once:
            return
        with self._changing:
            self._load()
        self._thread = threading.Thread(target=self._loop, name="klapp-notices", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what waits is shown after the next start."""
        with self._changing:
            self._stopped = True
            self._changing.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._display.stop()

    def close(self) -> None:
        """Show what a command has left, as one; for an agent that was never started."""
        if not self._stopped:
            self._stopped = True
            with suppress(Exception):  # what was not shown stays in the log, and is shown by the next agent
                self._show_what_may_be(at_once=True)
            self._display.stop()

    # -- showing ------------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        if not self._loaded:
            self._loaded = True
            for pile in self._outbox.waiting():
                self._deck.put(pile)

    def _loop(self) -> None:
        while True:
            free = False
            with suppress(Exception):  # such as a disk that can not be read just now: it is tried again
                free = self._show_what_may_be()
            with self._changing:
                if self._stopped:
                    return
                wait = self._deck.wait(time.monotonic())
                if wait is None or not free:
                    self._changing.wait(None if wait is None else LOOK_AGAIN)
                elif wait:
                    self._changing.wait(wait)

    def _show_what_may_be(self, *, at_once: bool = False) -> bool:
        """Show what may be shown now; whether what is left waits only for its turn."""
        with self._presenting:
            while True:
                if not self._free():
                    return False
                with self._changing:
                    showing = self._deck.next(time.monotonic(), visible=self._visible(), at_once=at_once)
                if showing is None:
                    return True
                if not self._present(showing):
                    return False

    def _free(self) -> bool:
        """Whether the person may be told now."""
        with self._changing:
            if not self._deck.waiting:
                return True
        return not self.settings.is_quiet(self._clock()) and self._display.disturbs()

    def _present(self, showing: Showing) -> bool:
        try:
            number = self._display.present(self._plainly(showing))
        except Away:
            return False
        with self._changing:
            self._deck.shown(showing, number, time.monotonic())
            left = self._deck.waiting
            done = [group for group in showing.covers if group not in left]
            with suppress(Exception):  # a full disk: it may be shown a second time, which is better than never
                self._outbox.shown(done, nothing_left=not left)
        return True

    # -- what is heard from the display -------------------------------------------------------------------------------

    def _pressed(self, number: int, index: int) -> None:
        with self._changing:
            showing = self._deck.open.get(number)
        if showing is not None and 0 <= index < len(showing.actions):
            # Another thread, for what it does may take long, and may be to show a notice.
            work: dict[str, Any] = {"target": self.act, "args": (showing.actions[index],)}
            threading.Thread(name="klapp-notices-act", daemon=True, **work).start()

    def _closed(self, number: int, by_person: bool) -> None:
        with self._changing:
            self._deck.closed(number, by_person=by_person)

    def _gone(self) -> None:
        with self._changing:
            back = self._deck.gone()
            with suppress(Exception):
                self._outbox.unseen(back)
            self._changing.notify()

    def _changed(self) -> None:
        with self._changing:
            self._changing.notify()
