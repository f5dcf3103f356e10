"""Nobody can tell two runs apart that differ only in what they may not know (noninterference, Goguen and Meseguer, 1982).

A case is played once more in a world where one thing is otherwise: what is in a file, that a file is there or how old it
is, what a mail says, what a host answers. Every host and person to whom no ``may send`` line lets that be told has to
hear the same, byte for byte and in the same order, however the runs differ otherwise; and what no line lets be changed
stays as it was in both. One thing is not held, as decision 12 says: where a run fails and does not catch it, it says
nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from klapp.engine.runs import Answered, Done, PlannedRun, Refusal
from tests.fuzz.agreement import Disagreement, Stage, Subject, agree, case
from tests.fuzz.samples import HOSTS, PEOPLE
from tests.fuzz.worlds import CONTENTS, MOMENTS, Placed, Scene, mail, new_paths, placed
from tests.reference.world import above

EVERYBODY = (*HOSTS, *PEOPLE)
CHANGES = ("write", "remove", "erase")


@dataclass(frozen=True)
class Unknown:
    """Something that is otherwise in the other world: "names" or "contents" of a path, "mail" of an account, "answers"
    of a host; and that world."""

    source: str
    where: str
    other: Scene


def pair(subject: Subject, first: Stage, random: Random) -> int:
    """Play a case once more where something is otherwise; gives 1 where somebody who may not know it heard something in
    either of both, 0 where there is nobody. Raises Disagreement where they can tell."""
    here = first.scene
    unknown = [(one, deaf) for one in changes(here, random) if (deaf := _uninformed(subject, one, here.home))]
    if not unknown:
        return 0
    listeners = {one[0] for one in first.outside.hosts.heard}
    chosen, deaf = random.choice([one for one in unknown if one[1] & listeners] or unknown)
    second = case(subject, chosen.other)
    if any(path.startswith(f"{chosen.where}/") for stage in (first, second) for _, path in stage.world.touched):
        return 0  # that a folder can be at a path is no name of a file
    try:
        _alike(first, second, deaf)
        for stage in (first, second):
            _untouched(stage)
    except Disagreement as error:
        raise Disagreement(error.law, f"{chosen.source} of {chosen.where!r}: {error}") from error
    return int(any(one[0] in deaf for stage in (first, second) for one in stage.outside.hosts.heard))


def changes(here: Scene, random: Random) -> Iterator[Unknown]:
    """Worlds in which one thing is otherwise."""
    given = {path for _, path in here.events}
    for path, file in here.files.items():
        other = random.choice(CONTENTS) or b"-"
        content = (other * (1 + len(file.content) // len(other)))[: len(file.content)]
        if content != file.content:
            yield Unknown("contents", path, _with(here, path, replace(file, content=content)))
        yield Unknown("names", path, _with(here, path, _changed(file, random)))
        files = {name: one for name, one in here.files.items() if name != path}
        if path not in given and folders(files) == folders(here.files):
            yield Unknown("names", path, replace(here, files=files))
    for path in random.sample(new_paths(random, here.files, here.home), 2):
        if path not in given and folders((path,)) <= folders(here.files):
            yield Unknown("names", path, _with(here, path, placed(random)))
    for where, one in here.mails.items():
        said = replace(mail(random, where), sender_name=one.sender_name)
        yield Unknown("mail", one.account, replace(here, mails={**here.mails, where: said}))
    for host in HOSTS:
        yield Unknown("answers", host, replace(here, contrary=host))


def folders(paths: Iterable[str]) -> set[str]:
    """All folders above some files: a world has no others, and that they are there is no name of a file."""
    return {folder for path in paths for folder in above(path)}


def _with(here: Scene, path: str, file: Placed) -> Scene:
    return replace(here, files={**here.files, path: file})


def _changed(file: Placed, random: Random) -> Placed:
    """A file of another size or age; what is in it is otherwise too, for its size says so."""
    if random.random() < 0.5:
        return replace(file, content=file.content + b"x")
    return replace(file, modified=next(moment for moment in MOMENTS if moment != file.modified))


def _uninformed(subject: Subject, one: Unknown, home: str) -> set[str]:
    """Who may not be told something."""
    return {to for to in EVERYBODY if not subject.may_tell(one.source, one.where, to, home)}


def _alike(first: Stage, second: Stage, deaf: set[str]) -> None:
    """Raise unless those who may not know hear the same in both."""
    agree("interference of starts", len(first.runs), len(second.runs))
    for number, ((one, _), (other, _)) in enumerate(zip(first.runs, second.runs, strict=True)):
        has_failed = "failed" in (one.ending.outcome, other.ending.outcome)
        for to in sorted(deaf):
            heard, said = _heard(first, number, to), _heard(second, number, to)
            length = min(len(heard), len(said)) if has_failed else max(len(heard), len(said))
            agree("interference", (to, heard[:length]), (to, said[:length]))
        if has_failed and _trace(one) != _trace(other):
            return


def _heard(stage: Stage, number: int, to: str) -> list[Any]:
    start = stage.heard[number - 1] if number else 0
    return [one for one in stage.outside.hosts.heard[start : stage.heard[number]] if one[0] == to]


def _trace(run: PlannedRun) -> tuple[Any, ...]:
    """How a run went, but for the values in it."""
    return run.ending.outcome, [(_name(one), isinstance(one.answer, Refusal)) for one in run.effects]


def _name(effect: Answered | Done) -> tuple[str, int]:
    return (effect.ask.name, 0) if isinstance(effect, Answered) else (effect.act.verb, effect.act.line)


def _untouched(stage: Stage) -> None:
    """What no line lets be written or removed is as it was."""
    for path in {*stage.scene.files, *stage.world.files}:
        if not any(stage.subject.may(permission, path, stage.scene.home) for permission in CHANGES):
            before, after = stage.scene.files.get(path), stage.world.files.get(path)
            agree("interference with files", before and before.content, after and after.content)
