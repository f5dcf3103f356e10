"""The same on a real disk: a whole agent simulates, performs, replays and undoes what the reference says."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from klapp.engine.record import Logged
from klapp.notices.notice import message
from klapp.vocabulary import VOCABULARY
from klr import syntax as s
from klr.loader import load
from tests.agent.house import NOW, House, reports
from tests.fuzz.agreement import Disagreement, Subject, agree
from tests.fuzz.programs import Programs
from tests.fuzz.worlds import Scene, scene
from tests.reference.interpreter import Interpreter
from tests.reference.operators import literal
from tests.reference.triggers import GIVES, phrase_of, starts
from tests.reference.world import World

if TYPE_CHECKING:
    from klapp.agent import Agent
    from tests.fuzz.campaign import Lot

PROGRAMS = 4


def lot(lot: Lot, random: Random, name: str) -> None:
    """A few programs, one after the other, in one house."""
    from tests.fuzz.campaign import Failure, law_of

    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        root = Path(scratch).resolve()
        os.environ["XDG_DATA_HOME"] = str(root / "data")
        for number in range(PROGRAMS):
            text = at_home(Programs(random, reaches=0).program())
            program = load(text, VOCABULARY).program
            if program is None or ".created" in text:  # told by the disk alone
                continue
            here = replace(scene(random), now=NOW)
            try:
                played(Subject.of(program), here, root / str(number), random)
            except Exception as error:
                lot.failures.append(Failure(name, f"disk {law_of(error)}", repr(error), text, here))
            lot.cases["on disk"] += 1


def at_home(text: str) -> str:
    """The same program with everything below the home folder."""
    return text.replace('"/srv', '"~/Srv').replace('"/**"', '"~/Srv/**"')


def placed(here: Scene, person: Path) -> Scene:
    """A scene with its files below a real home folder; they are put there."""
    files = {}
    for path, file in here.files.items():
        below = path[len(here.home) + 1 :] if path.startswith(here.home + "/") else "Srv" + path[len("/srv") :]
        goal = person / below
        goal.parent.mkdir(parents=True, exist_ok=True)
        goal.write_bytes(file.content)
        os.utime(goal, ns=(int(file.modified.timestamp()) * 10**9,) * 2)
        files[str(goal)] = replace(file, modified=file.modified.replace(microsecond=0))
    return replace(here, home=str(person), files=files)


def played(subject: Subject, here: Scene, root: Path, random: Random) -> None:
    """Everything that stands there is taken to have just arrived; raises Disagreement."""
    house = House(root)
    here = placed(here, house.person)
    house.coworker(subject.program.text)
    before = house.tree()
    on = sorted(here.files) if here.files and random.random() < 0.8 else None
    with house.agent() as agent:
        zone = agent.dispatcher.zone
        agent.approve("one")
        if not _pairs(subject, here, on):
            return
        simulated = agent.simulate("one", on)
        agree("disk simulated", house.tree(), before)
        done = reports(agent.run("one", on))
        expected, told = _expected(subject, here, on, zone, [_refusals(agent, one["run"]) for one in done])
        agree("disk outcomes", [(one["file"], one["outcome"]) for one in done], expected.outcomes)
        agree("disk simulate", [_account(one) for one in simulated], [_account(one) for one in done])
        agree("disk tree", _contents(house), {p: stored.content for p, stored in expected.world.files.items()})
        # A bubble is never empty: without words of its own it says in general that there is something.
        agree("disk notices", [text for _, text in house.told.notices], [text or message("", "").text for text in told])
        for one in done:
            agree("disk replay", agent.replay(one["run"]), [])
            agent.explain(one["run"])
        undone = agent.undo([one["run"] for one in done])
        agree("disk undone", [one["outcome"] for one in undone], ["done"] * len(done))
        agree("disk undo", house.tree(), before)
        *_, verified = agent.audit("verify")
        if verified.get("problem"):
            raise Disagreement("disk log", repr(verified))


class _Expected:
    """What the reference says: how each run ends, and the world behind them all."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.outcomes: list[tuple[str | None, str]] = []


def _refusals(agent: Agent, run: int) -> list[str]:
    """How each refusal in a run is worded, as the log has it."""
    effects = Logged.of(agent.log_store.entries(run)).whole().body["effects"]
    return [effect["refused"][0] for effect in effects if "refused" in effect]


def _pairs(subject: Subject, here: Scene, on: list[str] | None) -> list[tuple[s.RuleBlock, str]]:
    """Each rule that is run, with the path that starts it, or ""."""
    phrases = [phrase_of(rule.trigger) for rule in subject.rules]
    asked = [rule for rule, phrase in zip(subject.rules, phrases, strict=True) if phrase == "asked"]
    asked = asked or [rule for rule, phrase in zip(subject.rules, phrases, strict=True) if not GIVES.get(phrase)]
    if on is None and asked:
        return [(rule, "") for rule in asked]
    return [
        (rule, path)
        for path in sorted(here.files)
        for rule in subject.rules
        if starts(rule.trigger, ("file arrives", path), here.home)
    ]


def _expected(
    subject: Subject, here: Scene, on: list[str] | None, zone: str, said: list[list[str]]
) -> tuple[_Expected, list[str]]:
    """What the reference says; ``said`` is how klapp words the refusals of each run."""
    world = here.reference(lambda path: subject.may("read", path, here.home))
    world.now = NOW
    met = {path: world.met(path) for path in here.files}
    expected = _Expected(world)
    settings = {name: literal(setting.value) for name, setting in subject.program.settings.items()}
    for rule in subject.program.rules:
        settings |= {answer.name: literal(answer.value) for answer in rule.trigger.answers}
    for number, (rule, path) in enumerate(_pairs(subject, here, on)):
        words = said[number] if number < len(said) else []
        interpreter = Interpreter(
            subject.tree, world, NOW, met[path] if path else None, "", settings, subject.limits, zone,
            lambda n, words=words: words[n] if n < len(words) else "",  # type: ignore[misc]
        )  # fmt: skip
        result = interpreter.run(rule)
        expected.outcomes.append((path or None, result.outcome))
    return expected, world.told


def _account(report: dict[str, Any]) -> tuple[object, ...]:
    return report["file"], report["outcome"], report["reason"], tuple(one["sentence"] for one in report["effects"])


def _contents(house: House) -> dict[str, bytes]:
    return {f"{house.person}/{path}": content for path, (content, _, _) in house.tree().items() if path[-1:] != "/"}
