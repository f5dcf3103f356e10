"""Checks ``limit`` lines: what one run of a coworker may spend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from klr import syntax as s
from klr.diagnostics import Diagnostic, did_you_mean
from klr.program import Limits
from klr.types import DURATION, SIZE

COUNTED = {
    "file": "files", "files": "files", "notice": "notices", "notices": "notices", "failure": "failures",
    "failures": "failures", "request": "requests", "requests": "requests",
    "message": "messages", "messages": "messages",
}  # fmt: skip
LONGEST = timedelta(days=1)
HELP = "Write, for example, `limit 500 files`, `limit 10 notices`, `limit 20 messages`, `limit 1 GB`, `limit 5 minutes` or `limit 3 failures`."


def limits_of(lines: Iterable[s.LimitLine], diagnostics: list[Diagnostic]) -> Limits:
    """The limits in force: those of the lines, and the usual ones; findings are added to ``diagnostics``."""
    limits = Limits()
    seen: set[str] = set()
    for line in lines:
        what, problem = _what(line), ""
        if not what:
            problem = f"`{line.what}` can not be limited."
        elif what in seen:
            problem = "There are two limits of this kind."
        elif line.amount.value != int(line.amount.value) if what in COUNTED else False:
            problem = "A limit is a whole number."
        elif what == "failures" and line.amount.value < 1:
            problem = "It takes a failure to be paused."
        elif what == "time" and not timedelta() < line.amount.value <= LONGEST:
            problem = "A run goes on for a day at most."
        if problem:
            guess = did_you_mean(line.what, COUNTED) if not what else ""
            diagnostics.append(Diagnostic("K211", problem, line.span, f"{guess} {HELP}".strip()))
            continue
        seen.add(what)
        value = int(line.amount.value) if what in COUNTED else line.amount.value
        limits = replace(limits, **{what: value})  # type: ignore[arg-type]  # `_what` pairs them
    return limits


def _what(line: s.LimitLine) -> str:
    """The field of ``Limits`` that a line is about, or ""."""
    if line.amount.type == SIZE:
        return "size"
    return "time" if line.amount.type == DURATION else COUNTED.get(line.what, "")
