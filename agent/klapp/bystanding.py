"""Why a coworker did nothing with a file: which pattern or condition said no. Only looked at; nothing is done or written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from klapp.coworkers.store import Coworker
from klapp.dispatch import ARRIVES, CHANGES, Dispatcher, Listener, listeners, watches
from klapp.engine.executor import Engine
from klapp.engine.lives import Life
from klapp.engine.simulate import decided
from klapp.engine.story import decisions

TRIED = (ARRIVES, CHANGES)
"""Of other triggers nobody can say whether what they wait for happened."""


class Bystanding:
    """Asks coworkers about files. ``explain`` gives the account of a run with its steps."""

    def __init__(
        self, engine: Engine, dispatcher: Dispatcher, explain: Callable[[int], dict[str, Any]], now: datetime
    ) -> None:
        self._explain = explain
        self._engine = engine
        self._dispatcher = dispatcher
        self._now = now

    def why_not(self, coworker: Coworker, held: str, path: str, life: Life | None) -> Iterator[dict[str, Any]]:
        """For each rule of a coworker that watches the place of a path and did nothing to the file there: {"coworker",
        "line", "path", "run" (that decided so, or None), "why"}. ``held`` is why it does not run at all, or ""."""
        if coworker.program is None:
            return
        for one in listeners(coworker.name, coworker.program, self._dispatcher.person):
            if not watches(one.rule, path, self._dispatcher.person):
                continue
            runs = [run for run in life.happenings if self._is_of(run, one, path)] if life else []
            if any(run["did"] for run in runs):
                continue
            number = runs[-1]["run"] if runs else None
            why = (
                _ended(self._explain(number), "it looked at it, and ended")
                if number is not None
                else self._why(one, held, path, life)
            )
            yield {"coworker": one.coworker, "line": one.rule.line, "path": path, "run": number, "why": why}

    @staticmethod
    def _is_of(run: dict[str, Any], listener: Listener, path: str) -> bool:
        return bool(run["coworker"] == listener.coworker) and run["rule"] == listener.rule.index and run["file"] == path

    def _why(self, listener: Listener, held: str, path: str, life: Life | None) -> str:
        trigger = listener.rule.trigger
        if not listener.hears(path):
            return f"its pattern {listener.pattern} does not fit this path."
        if held:
            return f"it does not run: {held}"
        if life and any(run["coworker"] == listener.coworker and path in run["goals"] for run in life.happenings):
            return "it put the file there itself, and what a coworker made does not start it again."
        if trigger.phrase not in TRIED:
            return f"it waits for another thing: when {trigger.phrase}."
        files = self._engine.files_for(listener.program)
        requests = list(self._dispatcher.arrivals([listener], files, [path], self._now))
        if not requests and (taken := _taken(listener, path, life)):
            return taken
        if not requests:
            return "there is no file any more, so its conditions can not be tried."
        found = decided(self._engine, requests[0])
        if found["effects"]:
            first = found["effects"][0]["sentence"]
            return (
                f"nothing says no. It was never asked, as far as the log tells: the file may have come before you "
                f"approved it, or before klapp ran. Now it would have: {first}."
            )
        return _ended(found, "asked now, it would end")


def _taken(listener: Listener, path: str, life: Life | None) -> str:
    """That another coworker took the file away from a path first; "" where none did."""
    runs = life.happenings if life else []
    for run in runs:
        if run["file"] == path and run["did"] and run["coworker"] != listener.coworker:
            return f'"{run["coworker"]}" had it first: run {run["run"]} {run["did"][0]}.'
    return ""


def _ended(found: dict[str, Any], how: str) -> str:
    """How a run without effects ended, with the condition that decided so, where there was one."""
    reason = f" ({found['reason']})" if found["reason"] else ""
    return " ".join([f"{how}: {found['outcome']}{reason}.", *decisions(found["steps"])[-1:]])
