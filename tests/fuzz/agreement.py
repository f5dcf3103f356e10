"""One case: klapp's planner and the reference side by side, and the laws that must hold of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

from klapp.dispatch import CLOCK
from klapp.engine.arriving import waits_for
from klapp.engine.outside import grants_of_files
from klapp.engine.planner import Planner, Remembering
from klapp.engine.runs import Answered, Done, PlannedRun, Refusal, Request
from klapp.files.failures import missing
from klapp.files.overlay import Overlay
from klapp.lane import Lane
from klapp.operations import MakeFolder, Notify
from klapp.operations.steps import Became, take_back
from klapp.vocabulary import VOCABULARY
from klr import syntax as s
from klr.effects import MAIL_GIVEN
from klr.parser import Parsed, parse
from klr.program import Program
from klr.rows import RowValue
from klr.shapes import arrival_pattern
from klr.source import Source
from klr.values import AttachmentValue, FileValue, MailValue
from klr.vocabulary import Permission
from tests.fuzz.worlds import Disk, Placed, Scene
from tests.reference.flows import Flows, Followed
from tests.reference.globs import matches
from tests.reference.hosts import EDGE, Hosts
from tests.reference.interpreter import Limits, Result
from tests.reference.mails import Mail
from tests.reference.operators import literal
from tests.reference.triggers import GIVES, Happening, starts
from tests.reference.world import File, Stored, World


class Disagreement(AssertionError):
    """klapp and the reference say different things, or a law does not hold; ``law`` is its short name."""

    def __init__(self, law: str, message: str) -> None:
        super().__init__(f"{law}: {message}")
        self.law = law


def agree(law: str, klapp: Any, reference: Any) -> None:
    """Raise unless both say the same."""
    if klapp == reference:
        return
    if isinstance(klapp, list) and isinstance(reference, list):
        same = next((n for n, (a, b) in enumerate(zip(klapp, reference, strict=False)) if a != b), None)
        same = min(len(klapp), len(reference)) if same is None else same
        klapp, reference = klapp[same : same + 1], reference[same : same + 1]
    if klapp != reference:
        raise Disagreement(law, f"\n  klapp:     {klapp!r}\n  reference: {reference!r}")


@lru_cache(maxsize=4)
def read(text: str) -> Parsed:
    """A text, parsed; one program is asked for several times."""
    return parse(Source(text))


@lru_cache(maxsize=64)
def lane(grants: tuple[tuple[Permission, str], ...], home: str) -> Lane:
    """A lane; the worlds of one program share it, for a lane never changes."""
    return Lane.of(grants, home)


@dataclass(frozen=True)
class Subject:
    """An accepted coworker, and its syntax tree for the reference."""

    program: Program
    source: Source
    tree: s.Coworker
    rules: tuple[s.RuleBlock, ...]
    grants: tuple[tuple[str, str], ...]
    limits: Limits

    @classmethod
    def of(cls, program: Program) -> Subject:
        source = Source(program.text)
        tree = read(program.text).tree
        assert tree is not None
        grants = tuple(
            (part.permission, pattern) for part in tree.parts if isinstance(part, s.May) for pattern in _patterns(part)
        )
        rules = tuple(part for part in tree.parts if isinstance(part, s.RuleBlock))
        return cls(program, source, tree, rules, grants, _limits(tree))

    @cached_property
    def lines(self) -> tuple[tuple[Permission, str], ...]:
        """What klapp's guard is made of."""
        return tuple(grants_of_files(self.program))

    def may_tell(self, source: str, where: str, to: str, home: str) -> bool:
        """Whether a ``may send`` line lets a host, or a person, know something."""
        if source == "answers" and where == to:
            return True
        return any(
            grant.permission in SAYING[source]
            and any(fits(who, to) for who in grant.to)
            and any(
                matches(one, where, home) if source in ("names", "contents") else one == where for one in grant.patterns
            )
            for grant in self.program.grants
        )

    def line_of(self, node: s.Node) -> int:
        return self.source.text.count("\n", 0, node.span.start) + 1

    def may(self, permission: str, path: str, home: str) -> bool:
        """Whether a ``may`` line covers something, by trying every pattern."""
        return any(
            permission == granted and (not pattern or matches(pattern, path, home)) for granted, pattern in self.grants
        )


def _patterns(may: s.May) -> list[str]:
    """The patterns of a line; of one for mail folders, as if each account were a folder."""
    patterns = [pattern.constant or "" for pattern in may.patterns]
    if may.permission == "move mail":
        return [f"/{account}/{to.constant}" for account in patterns for to in may.to]
    if may.permission == "mark mail":
        return [f"/{account}" for account in patterns]
    return patterns or [""]


def _limits(tree: s.Coworker) -> Limits:
    lines = {
        part.what or part.amount.type.name: part.amount.value for part in tree.parts if isinstance(part, s.LimitLine)
    }
    usual = Limits()
    return Limits(
        int(lines.get("files", lines.get("file", usual.files))),
        int(lines.get("notices", lines.get("notice", usual.notices))),
        lines.get("size", usual.size),
    )


class Stage:
    """One scene with one subject on it: a planner over an overlay in memory, and the reference's world beside it."""

    def __init__(self, subject: Subject, scene: Scene) -> None:
        def readable(path: str) -> bool:
            return subject.may("read", path, scene.home)

        self.subject, self.scene = subject, scene
        self.disk = Disk(scene, readable)
        self.overlay = Overlay(self.disk, lane(subject.lines, scene.home), scene.now)
        self.planner = Planner(VOCABULARY, self.overlay, scene.home)
        self.outside = Outside(self.overlay, scene.contrary)
        self.planner.world = self.planner.outside = self.outside
        self.world = scene.reference(readable)
        self.flows = Flows()
        self.runs: list[tuple[PlannedRun, Result]] = []
        self.heard: list[int] = []
        """How much hosts and people had heard behind each run."""

    def play(self) -> None:
        """Let everything happen, holding each run against the reference."""
        program, scene = self.subject.program, self.scene
        settings = {name: literal(setting.value) for name, setting in program.settings.items()}
        before = self.world.copy()
        now = scene.now
        for event in scene.events:
            started = self._started(event)
            agree("starts", started, self._starts(event))
            file, met, folder = self._given(event, before)
            mail = scene.mails[event[1]] if GIVES.get(event[0]) == "mail" else None
            came = {MAIL_GIVEN: mail_value(mail)} if mail else {}
            self.outside.post = mail
            for index in started:
                rule = program.rules[index]
                asked = {answer.name: answer.value for answer in rule.trigger.answers}
                given = {**program.defaults(), **asked, **came}
                request = Request(program.name, program, rule, file, now, given, scene.zone)
                run = self.planner.plan(len(self.runs), request)
                said = [one.answer.message for one in run.effects if isinstance(one.answer, Refusal)]
                self.world.now = now
                interpreter = Followed(
                    self.subject.tree,
                    self.world,
                    now,
                    met,
                    folder,
                    settings | {name: literal(value) for name, value in asked.items()},
                    self.subject.limits,
                    scene.zone,
                    lambda n, said=said: said[n] if n < len(said) else "",  # type: ignore[misc]
                    self.subject.line_of,
                    mail,
                )
                interpreter.flows = self.flows
                self.runs.append((run, interpreter.run(self.subject.rules[index])))
                self.heard.append(len(self.outside.hosts.heard))
                self._same_run(*self.runs[-1])
            now += timedelta(minutes=61)
        self._same_world()
        self._in_its_lane()

    # -- what starts ------------------------------------------------------------------------------------------------

    def _started(self, event: Happening) -> list[int]:
        """The rules that something starts, as klapp has it."""
        phrase, path = event
        found = []
        for rule in self.subject.program.rules:
            use = rule.trigger
            if use.phrase == phrase or (use.phrase in CLOCK and phrase == "clock"):
                if use.gives == "mail":
                    is_waited_for = waits_for(use.arguments, mail_value(self.scene.mails[path]))
                    found.extend([rule.index] * is_waited_for)
                    continue
                pattern = arrival_pattern(use.arguments["in"], use.arguments.get("named")) if use.gives else ""
                if not pattern or lane((("read", pattern),), self.scene.home).allows("read", path):
                    found.append(rule.index)
        return found

    def _starts(self, event: Happening) -> list[int]:
        """The same by the tree alone."""
        rules = enumerate(self.subject.rules)
        return [index for index, rule in rules if starts(rule.trigger, event, self.scene.home)]

    def _given(self, event: Happening, before: World) -> tuple[FileValue | None, File | None, str]:
        """What something gives to the rules that it starts: klapp's file, the reference's, and a folder."""
        phrase, path = event
        match GIVES.get(phrase, ""):
            case "file":
                return self.disk.values[path], before.met(path), ""
            case "folder":
                return FileValue(path, 0, self.scene.now), None, path
            case "gone file":
                gone = File(path, 3, self.scene.now, -1, -1)
                return FileValue(path, gone.size, gone.modified, 1, 7, 10**9), gone, ""
        return None, None, ""

    # -- laws -------------------------------------------------------------------------------------------------------

    def _same_run(self, run: PlannedRun, result: Result) -> None:
        if run.trouble:
            raise Disagreement("own mistake", run.trouble)
        agree("effects", [told(effect) for effect in run.effects], result.effects)
        agree("outcome", run.ending.outcome, result.outcome)
        agree("reason", run.ending.reason, result.reason)

    def _same_world(self) -> None:
        guard, self.overlay.lane = self.overlay.lane, None
        self.disk.readable = lambda path: True
        try:
            self._same_tree("", self.world.files)
            strange = [folder for folder in self.world.folders if self.overlay.kind_at(folder) != "folder"]
            agree("folders", strange, [])
        finally:
            self.overlay.lane = guard
        steps = [step.operation for run, _ in self.runs for step in run.steps()]
        made = {operation.path for operation in steps if isinstance(operation, MakeFolder)}
        agree("new folders", made - self.world.folders, set())
        agree("told", self.outside.hosts.heard, self.world.hosts.heard)
        agree("opened", self.outside.opened, self.world.opened)
        agree("notices", [one.text for one in steps if isinstance(one, Notify)], self.world.told)

    def _same_tree(self, when: str, files: Mapping[str, Stored | Placed]) -> None:
        """All that is there is what should be there, with its times."""
        there = list(self.overlay.list("/**"))
        found = {value.path: self.overlay.read(value.path, value.size) for value in there}
        agree(f"{when}tree", found, {path: file.content for path, file in files.items()})
        times = {value.path: value.modified for value in there}
        agree(f"{when}times", times, {path: file.modified for path, file in files.items()})

    def _in_its_lane(self) -> None:
        """Nothing outside the ``may`` lines was touched or told, as the reference and as klapp's operations tell it."""
        subject, home = self.subject, self.scene.home
        for to, label in self.flows.told.items():
            for source, where in sorted(label):
                if not subject.may_tell(source, where, to, home):
                    raise Disagreement("flow", f"{to} is told {source} of {where!r}")
        for permission, path in dict.fromkeys(self.world.touched):
            if not subject.may(permission, path, home):
                raise Disagreement("lane", f"the reference would {permission} {path!r}")
        for run, _ in self.runs:
            for effect in run.effects:
                if isinstance(effect.answer, Refusal) and effect.answer.kind == "denied":
                    raise Disagreement("lane", f"the guard had to step in: {effect.answer.message}")
            for step in run.steps():
                if isinstance(step.operation, MakeFolder):
                    continue
                places = step.operation.places()
                for permission in ("remove", "write") if "write" in places or "remove" in places else places:
                    for path in places.get(permission, ()):  # type: ignore[call-overload]
                        if not subject.may(permission, path, home) and step.operation.kind != "keep":
                            raise Disagreement("lane", f"{step.operation.kind}: {permission} {path!r}")

    def take_back(self) -> None:
        """Everything undone is everything as it was, times and folders included."""
        self.overlay.lane = None
        self.disk.readable = lambda path: True
        known = Became()
        for run, _ in reversed(self.runs):
            steps = [step for step in run.steps() if step.operation.kind not in SENT]
            for _ in take_back(steps, Remembering(self.overlay), known):
                pass
        self._same_tree("undo ", self.scene.files)
        left = [folder for folder in self.world.folders - self.disk.folders if self.overlay.kind_at(folder) == "folder"]
        agree("undo folders", left, [])


def mail_value(mail: Mail) -> MailValue:
    """A mail as klapp has it."""
    came = tuple(AttachmentValue("k", i, a.name, len(a.content), a.kind) for i, a in enumerate(mail.attachments))
    return MailValue(
        mail.account, "k", mail.subject, mail.sender, mail.sender_name, mail.recipients, mail.date, mail.text, came
    )


class Outside(Remembering):
    """Hosts, people and apps that note all that reaches them, and the mail that started a run."""

    def __init__(self, files: Overlay, contrary: str = "") -> None:
        super().__init__(files)
        self.hosts = Hosts(contrary)
        self.opened: list[tuple[str, str]] = []
        self.post: Mail | None = None

    def ask(self, address: str, secret: str) -> str:
        return self.hosts.ask(address, secret)

    def attachment(self, mail: str, index: int) -> bytes:
        assert self.post is not None
        return self.post.attachments[index].content

    def send(self, *given: Any) -> None:
        method, address, kind, body, secret, token = given
        content = body().replace(b"--" + token.encode(), b"--" + EDGE.encode())
        self.hosts.tell(method, address, kind.replace(token, EDGE), content, secret)

    def mail(self, *given: Any) -> None:
        letter, _ = given
        self.hosts.mail(letter.to, letter.subject, letter.text, letter.attached(), letter.account)

    def move(self, *given: Any) -> None:
        self.hosts.handle("move", given[1])

    def mark(self, *given: Any) -> None:
        self.hosts.handle("mark", given[1])

    def open(self, path: str, app: str) -> None:
        if self.files.look(path) is None:
            raise missing(path)
        self.opened.append((path, app))


SENT = ("send data", "send file", "send mail", "open")
"""Operations that can not be taken back."""
SAYING = {
    "names": ("send names", "send contents"), "contents": ("send contents",), "answers": ("send answers",), "mail": ("send mails",),
}  # fmt: skip


def fits(who: str, to: str) -> bool:
    """Whether a line for a host, or for the people of a pattern, is one for this host or person."""
    return who == to if "@" not in who else "@" in to and matches(f"/{who}".lower(), f"/{to}".lower(), "")


def told(effect: Answered | Done) -> tuple[Any, ...]:
    """An effect as the reference tells it."""
    answer = effect.answer.kind if isinstance(effect.answer, Refusal) else plain(effect.answer)
    if isinstance(effect, Answered):
        return effect.ask.name, plain(effect.ask.of), answer
    return effect.act.verb, *map(plain, effect.act.arguments), effect.act.line, answer


def plain(value: Any) -> Any:
    if isinstance(value, FileValue):
        return value.path
    if isinstance(value, AttachmentValue):
        return value.name
    if isinstance(value, MailValue):
        return value.subject
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, RowValue):
        return value.columns, value.cells
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


def case(subject: Subject, scene: Scene) -> Stage:
    """Play one case; raises Disagreement."""
    stage = Stage(subject, scene)
    stage.play()
    stage.take_back()
    return stage
