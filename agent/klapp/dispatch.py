"""Which rules a happening starts: from coworkers and what happened to starts, and from starts to requests for the engine.

Rules are found by an index, so that what happens costs the same however many coworkers wait for something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from klapp.engine.hands import Guarded
from klapp.engine.runs import Request
from klapp.files.moments import wall_clock
from klapp.files.patterns import from_home
from klapp.files.protocol import FileError, Files, Identity
from klapp.lane import Lane
from klapp.lineage import Origin
from klr.program import Options, Program, Rule
from klr.schedules import Schedule
from klr.shapes import arrival_pattern
from klr.values import FileValue

ARRIVES, CHANGES, STARTS, ASKED = "file arrives", "file changes", "klapp starts", "asked"
CLOCK = ("every", "cron")
HEARD_BY: Mapping[str, tuple[str, ...]] = {CHANGES: (ARRIVES, CHANGES)}
"""Which triggers hear of a kind of happening, where it is not just the one of that name."""


@dataclass(frozen=True, slots=True)
class Start:
    """One reason for a rule to run, once.

    Attributes:
        coworker, rule: the coworker's name and the rule's index; ``phrase`` is the rule's trigger, to know it again.
        path, version: of the file or folder (its path without a ``/`` at its end) that something happened to.
        moment: when the clock struck, aware; None for whatever else.
        as_of: the run is to take that moment for now.
        answers: what a person answered, by name.
        through: the rules that led to this one by finishing or failing.
        attempt: how often it was tried before.
        settled: it was held back until all was quiet already.
        held: its number in the agenda, where it waited; None where it never did.
    """

    coworker: str
    rule: int
    phrase: str
    path: str | None = None
    version: Identity | None = None
    moment: datetime | None = None
    as_of: bool = False
    answers: Mapping[str, Any] = field(default_factory=dict)
    through: frozenset[Origin] = frozenset()
    attempt: int = 0
    settled: bool = False
    held: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        """The rule."""
        return self.coworker, self.rule


@dataclass(frozen=True, slots=True)
class Listener:
    """A rule of a coworker that waits for files or folders, and the lane of the paths that it waits for."""

    coworker: str
    program: Program
    rule: Rule
    pattern: str
    lane: Lane

    def hears(self, path: str) -> bool:
        """Whether a file that arrives at ``path`` starts the rule."""
        return self.lane.allows("read", path)


@dataclass(frozen=True, slots=True)
class Plan:
    """The times of a rule of the clock."""

    schedule: Schedule
    options: Options


def expanded(path: str, person: str) -> str:
    """A path with ``~`` in first place written out; ``person`` is the absolute path of the home folder."""
    return person.rstrip("/") + path[1:] if path == "~" or path.startswith("~/") else path


def waits_for_files(rule: Rule) -> bool:
    """Whether a file or folder starts a rule."""
    return rule.trigger.gives not in ("", "mail")


def listeners(name: str, program: Program, person: str, phrases: Sequence[str] = ()) -> list[Listener]:
    """The rules of a program that wait for files or folders; only those of some triggers, if ``phrases`` names any."""
    found = []
    for rule in program.rules:
        if waits_for_files(rule) and (not phrases or rule.trigger.phrase in phrases):
            pattern = arrival_pattern(rule.trigger.arguments["in"], rule.trigger.arguments.get("named"))
            found.append(Listener(name, program, rule, pattern, Lane.of([("read", pattern)], person)))
    return found


def watched_folders(program: Program, person: str) -> list[tuple[str, bool]]:
    """The folders that a program's rules wait at, each with whether those below it count too."""
    return [_place(rule.trigger.arguments["in"], person) for rule in program.rules if waits_for_files(rule)]


def watches(rule: Rule, path: str, person: str) -> bool:
    """Whether a path lies where a rule waits for files or folders, whatever its name."""
    folder, deep = _place(rule.trigger.arguments["in"], person)
    above = path.rpartition("/")[0] or "/"
    return above == folder or (deep and (folder == "/" or above.startswith(f"{folder}/")))


def _place(written: str, person: str) -> tuple[str, bool]:
    """The folder to be watched for what a rule says behind ``in``: as far as it is no pattern; and whether deep."""
    parts = written.removesuffix("/**").split("/")
    fixed = next((index for index, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
    folder = expanded("/".join(parts[:fixed]), person) or "/"
    return folder, written.endswith("/**") or fixed < len(parts)


def plans(program: Program) -> dict[int, Plan]:
    """The times of a program's rules of the clock, by rule index."""
    return {
        rule.index: Plan(rule.trigger.arguments["schedule"], rule.trigger.options)
        for rule in program.rules
        if rule.trigger.phrase in CLOCK
    }


class Index:
    """Every rule that waits for something to happen, found by what happens."""

    def __init__(self, programs: Mapping[str, Program], person: str) -> None:
        """``programs`` by the names of their coworkers; ``person`` is the absolute path of the home folder."""
        self._by_place: dict[tuple[str, str, bool], dict[str, list[Listener]]] = {}
        self._others: dict[tuple[str, str], list[Start]] = {}
        for name, program in sorted(programs.items()):
            for listener in listeners(name, program, person):
                trigger = listener.rule.trigger
                folder, deep = _place(trigger.arguments["in"], person)
                names = self._by_place.setdefault((trigger.phrase, folder, deep), {})
                names.setdefault(_ending(trigger.arguments.get("named") or "*"), []).append(listener)
            for rule in program.rules:
                of = rule.trigger.arguments.get("coworker", "" if rule.trigger.phrase == STARTS else None)
                if of is not None:
                    start = Start(name, rule.index, rule.trigger.phrase)
                    self._others.setdefault((rule.trigger.phrase, of), []).append(start)

    def hearing(self, kind: str, path: str) -> list[Listener]:
        """The rules that hear of something that happened to a path."""
        folder, _, name = path.rpartition("/")
        endings = {"", _extension(name)}
        places = [(folder or "/", False), (folder or "/", True)]
        while folder:
            folder = folder.rpartition("/")[0]
            places.append((folder or "/", True))
        return [
            listener
            for phrase in HEARD_BY.get(kind, (kind,))
            for place, deep in places
            if (names := self._by_place.get((phrase, place, deep))) is not None
            for ending in endings
            for listener in names.get(ending, ())
            if listener.hears(path)
        ]

    def starts(self, happenings: Iterable[tuple[str, str, Identity | None]]) -> list[Start]:
        """A start for each rule that hears of each (kind, path, version): by coworker, and then by path."""
        found = [
            Start(one.coworker, one.rule.index, one.rule.trigger.phrase, path.rstrip("/"), version)
            for kind, path, version in happenings
            for one in self.hearing(kind, path.rstrip("/"))
        ]
        return sorted(found, key=lambda start: start.coworker)

    def others(self, phrase: str, of: str = "") -> list[Start]:
        """A start for each rule that waits for a coworker to finish or fail, or for klapp to start."""
        return list(self._others.get((phrase, of), ()))


def _extension(name: str) -> str:
    return name[name.rfind(".") :] if "." in name else ""


def _ending(pattern: str) -> str:
    """The extension that every name has which a pattern matches, with its dot; "" where there is no one such."""
    ending = _extension(pattern)
    return "" if set(ending) & set("*?[]") else ending


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Makes requests. ``settings`` are a program's values in force; ``person`` is the absolute path of the home,
    ``zone`` the name of the time zone that the person's clocks show."""

    person: str
    zone: str = ""

    def request(
        self,
        name: str,
        program: Program,
        rule: Rule,
        now: datetime,
        file: FileValue | None = None,
        answers: Mapping[str, Any] | None = None,
    ) -> Request:
        """One request, with the settings' values and a person's answers."""
        settings: Mapping[str, Any] = {**program.defaults(), **(answers or {})}
        return Request(coworker=name, program=program, rule=rule, file=file, now=now, settings=settings, zone=self.zone)

    def of_start(self, start: Start, program: Program, files: Files, now: datetime) -> Request | None:
        """The request of a start; None where the file that it is about is not there in that version any more."""
        rule = program.rules[start.rule]
        file = None
        if start.path is not None:
            file = _subject(rule.trigger.gives, start.path, start.version, files)
            if file is None:
                return None
        if start.as_of and start.moment is not None:
            now = start.moment.astimezone().replace(tzinfo=None)
        return self.request(start.coworker, program, rule, now, file, start.answers)

    def arrivals(
        self,
        listening: Sequence[Listener],
        files: Files,
        paths: Iterable[str],
        now: datetime,
        gone: Callable[[str], object] = lambda path: None,
    ) -> Iterator[Request]:
        """A request for each rule that hears of each path where a file is, and ``gone`` is told of the other paths;
        ``files`` must be able to look there."""
        for path in paths:
            hearing = [listener for listener in listening if listener.hears(path)]
            file = _seen(files, path) if hearing else None
            if file is None and hearing:
                gone(path)
            elif file is not None:
                for listener in hearing:
                    yield self.request(listener.coworker, listener.program, listener.rule, now, file)

    def standing(self, listening: Sequence[Listener], files: Guarded, within: Sequence[str] | None) -> list[str]:
        """The paths of files that are there already and that a rule would hear of if they just arrived, ordered.

        ``within`` are files and folders to keep to; None is everywhere that the rules wait.
        """
        patterns = {listener.pattern for listener in listening}
        found = {path for pattern in patterns for path in files.paths(from_home(pattern, self.person))}
        return sorted(path for path in found if within is None or _inside(path, within))

    def unprompted(self, name: str, program: Program, now: datetime, answers: Mapping[str, Any]) -> list[Request]:
        """Requests for the rules that need no file: those that wait to be asked, or else those of the clock and others."""
        asked = [rule for rule in program.rules if rule.trigger.phrase == ASKED]
        rules = asked or [rule for rule in program.rules if not rule.trigger.gives]
        return [
            self.request(
                name, program, rule, now, answers={one.name: answers[one.name] for one in rule.trigger.answers}
            )
            for rule in rules
        ]


def _subject(gives: str, path: str, version: Identity | None, files: Files) -> FileValue | None:
    """The file or folder that a rule is given."""
    if gives == "file":
        file = _seen(files, path)
        # Another version is told of by itself when it has come to rest.
        return file if file is not None and version in (None, file.identity) else None
    device, inode, stamp, size = version or (0, 0, 0, 0)
    return FileValue(path, size, wall_clock(stamp), stamp, device, inode)


def _seen(files: Files, path: str) -> FileValue | None:
    try:
        return files.look(path)
    except FileError:
        return None


def _inside(path: str, within: Sequence[str]) -> bool:
    return any(path == one or path.startswith(one.rstrip("/") + "/") for one in within)
