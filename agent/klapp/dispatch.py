"""Which rules a file or a moment starts: from coworkers and what happened to requests for the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from klapp.engine.hands import Guarded
from klapp.engine.runs import Request
from klapp.files.patterns import from_home
from klapp.files.protocol import FileError, Files
from klapp.lane import Lane
from klr.program import Program, Rule
from klr.schedules import Schedule
from klr.shapes import arrival_pattern
from klr.values import FileValue

ARRIVES = "file arrives"
CLOCK = ("every", "cron")


@dataclass(frozen=True, slots=True)
class Listener:
    """A rule of a coworker that waits for files, and the lane of the paths that it waits for."""

    coworker: str
    program: Program
    rule: Rule
    pattern: str
    lane: Lane

    def hears(self, path: str) -> bool:
        """Whether a file that arrives at ``path`` starts the rule."""
        return self.lane.allows("read", path)


def expanded(path: str, person: str) -> str:
    """A path with ``~`` in first place written out; ``person`` is the absolute path of the home folder."""
    return person.rstrip("/") + path[1:] if path == "~" or path.startswith("~/") else path


def listeners(name: str, program: Program, person: str) -> list[Listener]:
    """The rules of a program that wait for files."""
    found = []
    for rule in program.rules:
        if rule.trigger.phrase == ARRIVES:
            pattern = arrival_pattern(rule.trigger.arguments["in"], rule.trigger.arguments.get("named"))
            found.append(Listener(name, program, rule, pattern, Lane.of([("read", pattern)], person)))
    return found


def watched_folders(program: Program, person: str) -> list[tuple[str, bool]]:
    """The folders that a program's rules wait at, each with whether those below it count too."""
    folders = []
    for rule in program.rules:
        if rule.trigger.phrase == ARRIVES:
            folder = expanded(rule.trigger.arguments["in"], person)
            recursive = folder.endswith("/**")
            folders.append((folder.removesuffix("/**") or "/", recursive))
    return folders


def schedules(program: Program) -> dict[int, Schedule]:
    """The plans of a program's rules of the clock, by rule index."""
    return {rule.index: rule.trigger.arguments["schedule"] for rule in program.rules if rule.trigger.phrase in CLOCK}


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Makes requests. ``settings`` are a program's values in force; ``person`` is the absolute path of the home,
    ``zone`` the name of the time zone that the person's clocks show."""

    person: str
    zone: str = ""

    def request(self, name: str, program: Program, rule: Rule, now: datetime, file: FileValue | None = None) -> Request:
        """One request, with the settings' values."""
        settings: Mapping[str, Any] = program.defaults()
        return Request(coworker=name, program=program, rule=rule, file=file, now=now, settings=settings, zone=self.zone)

    def arrivals(
        self, listening: Sequence[Listener], files: Files, paths: Iterable[str], now: datetime
    ) -> Iterator[Request]:
        """A request for each rule that hears of each path where a file is; ``files`` must be able to look there."""
        for path in paths:
            hearing = [listener for listener in listening if listener.hears(path)]
            file = _seen(files, path) if hearing else None
            if file is not None:
                for listener in hearing:
                    yield self.request(listener.coworker, listener.program, listener.rule, now, file)

    def standing(self, listening: Sequence[Listener], files: Guarded, within: Sequence[str] | None) -> list[str]:
        """The paths of files that are there already and that a rule would hear of if they just arrived, ordered.

        ``within`` are files and folders to keep to; None is everywhere that the rules wait.
        """
        patterns = {listener.pattern for listener in listening}
        found = {path for pattern in patterns for path in files.paths(from_home(pattern, self.person))}
        return sorted(path for path in found if within is None or _inside(path, within))

    def unprompted(self, name: str, program: Program, now: datetime) -> list[Request]:
        """Requests for the rules that need no file: those that wait to be asked, or else those of the clock."""
        asked = [rule for rule in program.rules if rule.trigger.phrase == "asked"]
        rules = asked or [rule for rule in program.rules if rule.trigger.phrase in CLOCK]
        return [self.request(name, program, rule, now) for rule in rules]


def _seen(files: Files, path: str) -> FileValue | None:
    try:
        return files.look(path)
    except FileError:
        return None


def _inside(path: str, within: Sequence[str]) -> bool:
    return any(path == one or path.startswith(one.rstrip("/") + "/") for one in within)
