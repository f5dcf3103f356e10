"""Notices: one small interface, on the desktop through plyer, in a terminal as lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Notifier(Protocol):
    """Shows a notice."""

    def show(self, title: str, text: str) -> object: ...


class TerminalNotifier:
    """Notices as lines of a terminal."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def show(self, title: str, text: str) -> None:
        self.say(f"{title}: {text}")


def best() -> Notifier:
    return TerminalNotifier(print)
