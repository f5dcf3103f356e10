"""What shows notices: a desktop, a terminal, or, in tests, what remembers them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from klapp.notices.deck import Showing
from klapp.notices.notice import Kind, cleaned

APPLICATION = "klapp"
SAID = (Kind.MESSAGE, Kind.ANOMALY, Kind.UPDATE)


class Away(Exception):
    """There is nobody who could show it now."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a display tells, on a thread of its own: ``pressed`` (number, index of the action), ``closed`` (number, whether
    a person did it), ``gone`` when all that was on the screen vanished, ``changed`` when it may show again, or not."""

    pressed: Callable[[int, int], None]
    closed: Callable[[int, bool], None]
    gone: Callable[[], None]
    changed: Callable[[], None]


class Display(Protocol):
    """Shows notices."""

    at_once: bool
    """Whether each notice is shown as it comes, neither grouped nor held back nor kept, as lines of a terminal are."""

    def start(self, heard: Heard) -> None:
        """Begin to listen; what is heard before is lost."""
        ...

    def reachable(self) -> bool:
        """Whether somebody is there who shows it, as far as is known; never takes long."""
        ...

    def missed(self, showing: Showing) -> None:
        """Somebody was to be told while nobody was there who shows it."""
        ...

    def present(self, showing: Showing) -> int:
        """Show it, in place of ``replaces`` where that is a number. Gives its number. Raises Away."""
        ...

    def disturbs(self) -> bool:
        """Whether the person may be disturbed now, as far as the desktop says."""
        ...

    def stop(self) -> None:
        """End."""
        ...


class TerminalDisplay:
    """Notices as lines of a terminal, or of a log that a service manager keeps.

    Of questions, failures and what was done, the agent has lines of its own there.
    """

    at_once = True

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def start(self, heard: Heard) -> None:
        """Nothing is ever heard from there."""

    def reachable(self) -> bool:
        """Always."""
        return True

    def missed(self, showing: Showing) -> None:
        """Never."""

    def present(self, showing: Showing) -> int:
        """Say it in one line."""
        if showing.kind not in SAID:
            return 0
        self.say(f"{cleaned(showing.title)}: {cleaned(showing.text)}")
        return 0

    def disturbs(self) -> bool:
        """A line disturbs nobody."""
        return True

    def stop(self) -> None:
        """Nothing is to be ended."""


class PlyerDisplay:
    """Notices through plyer, on Windows and macOS: without buttons, each by itself."""

    at_once = False
    LONGEST_TITLE, LONGEST_TEXT = 63, 255
    """Characters that Windows takes."""

    def __init__(self, notify: Callable[..., Any] | None = None) -> None:
        """``notify`` is plyer's, or what stands in for it in tests."""
        self._notify = notify
        self._count = 0

    def start(self, heard: Heard) -> None:
        """Nothing is ever heard from there."""

    def reachable(self) -> bool:
        """Always."""
        return True

    def missed(self, showing: Showing) -> None:
        """Never."""

    def present(self, showing: Showing) -> int:
        """Show it."""
        try:
            if self._notify is None:
                from plyer import notification

                self._notify = notification.notify
            title, text = cleaned(showing.title)[: self.LONGEST_TITLE], cleaned(showing.text)[: self.LONGEST_TEXT]
            self._notify(title=title, message=text, app_name=APPLICATION)
        except Exception as error:
            # A backend of plyer raises what it likes.
            raise Away(str(error)) from error
        self._count += 1
        return self._count

    def disturbs(self) -> bool:
        """These systems hold notices back by themselves, and do not say so."""
        return True

    def stop(self) -> None:
        """Nothing is to be ended."""


def best(say: Callable[[str], None]) -> Display:
    """Notices on the desktop, or as lines where there is none."""
    if not sys.platform.startswith("linux"):
        return PlyerDisplay()
    from klapp.notices.bus import BusDisplay, has_bus

    lines = TerminalDisplay(say)
    return BusDisplay(lines) if has_bus() else lines
