"""A run as the log holds it: bodies of entries, made of planned runs and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from klapp.audit.log import Entry, digest
from klapp.engine.encoding import decode, encode
from klapp.engine.runs import Answered, Done, Planned, PlannedRun, Refusal, Story
from klapp.files.protocol import Identity
from klapp.operations import Operation, from_json
from klapp.operations.steps import Step
from klr.effects import MAIL_GIVEN, Act, Ask
from klr.rows import TableValue

INTENT, REPLAN, OUTCOME, UNDONE = "intent", "replan", "outcome", "undone"
LONG_TEXT = 400
"""Longer answers are kept once, as blobs, however often they are given."""


@dataclass(slots=True)
class Bodies:
    """Bodies of entries in the making, with the blobs that they name."""

    home: str
    batch: int
    blobs: dict[str, bytes] = field(default_factory=dict)
    programs: dict[int, str] = field(default_factory=dict)

    def of(self, run: Planned, fingerprint: Mapping[str, Any], done: int = 0) -> dict[str, Any]:
        """The body of a run's intent; ``done`` of its steps are carried out already."""
        request = run.request
        self.blobs.update(run.blobs)
        program = self._program(request.program.text)
        body: dict[str, Any] = {
            "batch": self.batch,
            "coworker": request.coworker,
            "program": program,
            "rule": request.rule.index,
            "trigger": request.rule.trigger.phrase,
            "home": self.home,
            "now": encode(request.now)["d"],
            "file": encode(request.file),
            "effects": run.effects,
            "outcome": run.ending.outcome,
            "reason": run.ending.reason,
        }
        if request.settings:
            body["settings"] = {name: encode(value) for name, value in request.settings.items()}
        if request.start:
            body["start"] = dict(request.start)
        if fingerprint:
            body["input"] = fingerprint
        if request.zone:
            body["zone"] = request.zone
        if done:
            body["done"] = done
        if run.trouble:
            body["trouble"] = run.trouble
        if run.lost:
            body["lost"] = run.lost
        body["uses"] = [program, *run.blobs]
        return body

    def _program(self, text: str) -> str:
        name = self.programs.get(id(text))
        if name is None:
            name = self.programs[id(text)] = kept_as_blob(text, self.blobs)
        return name


def kept_as_blob(text: str, blobs: dict[str, bytes]) -> str:
    """The name of a text among the blobs, where it is put."""
    data = text.encode("utf-8", "surrogatepass")
    name = digest(data)
    blobs[name] = data
    return name


def as_data(run: PlannedRun) -> Planned:
    """A run that was driven, as data."""
    blobs: dict[str, bytes] = {}
    effects = [effect_to_json(effect, blobs) for effect in run.effects]
    return Planned(run.number, run.request, effects, run.steps(), run.ending, blobs, run.trouble)


def effect_to_json(effect: Answered | Done, blobs: dict[str, bytes]) -> dict[str, Any]:
    """An effect; a long answer is put among the blobs."""
    answer = effect.answer
    if isinstance(answer, Refusal):
        result: dict[str, Any] = {"refused": [answer.message, answer.kind]}
    elif isinstance(answer, str) and len(answer) > LONG_TEXT:
        result = {"blob": kept_as_blob(answer, blobs)}
    elif isinstance(answer, TableValue):
        result = {"data": kept_as_blob(json.dumps(encode(answer)), blobs)}
    else:
        result = {"answer": encode(answer)}
    if isinstance(effect, Answered):
        return {"ask": effect.ask.name, "of": encode(effect.ask.of), "line": effect.ask.line} | result
    act = effect.act
    wished = {"act": act.verb, "with": encode(act.arguments), "line": act.line}
    return wished | {"steps": [step_to_json(step) for step in effect.steps]} | result


def records_of(story: Story) -> list[Answered | Done]:
    """What a run has behind it when the step after those that were done was refused: its records with the steps as they
    were done, and the act to which the refused step belongs, refused."""
    records: list[Answered | Done] = []
    count = 0
    for effect in story.effects:
        answer = answer_of(effect, story.blobs.__getitem__)
        if "ask" in effect:
            records.append(Answered(Ask(effect["ask"], decode(effect["of"]), effect["line"]), answer))
            continue
        act = Act(effect["act"], decode(effect["with"]), effect["line"])
        steps = tuple(story.done[count : count + len(effect["steps"])])
        count += len(steps)
        if len(steps) < len(effect["steps"]):
            return [*records, Done(act, steps, story.refusal)]
        records.append(Done(act, steps, answer))
    raise AssertionError("a refused step belongs to an act")


def entry(run: int, kind: str, body: dict[str, Any]) -> Entry:
    """The entry of a body; it belongs to the body's coworker, and is about the file or mail that started the run."""
    file, mail = body.get("file"), body.get("settings", {}).get(MAIL_GIVEN)
    subject = file["f"][0] if file else f"mail {mail['mail'][1]}" if mail else ""
    return Entry(run, kind, body, owner=body.get("coworker", ""), subject=subject)


def step_to_json(step: Step) -> dict[str, Any]:
    """A step; its product only where it is not what one would expect (see ``_usual``)."""
    operation, product = step
    body = operation.to_json()
    if product != _usual(operation):
        body["product"] = list(product) if product else None
    return body


def step_from_json(body: Mapping[str, Any]) -> Step:
    """The opposite of ``step_to_json``; raises ValueError."""
    rest = dict(body)
    given = rest.pop("product", ...)
    operation = from_json(rest)
    if given is ...:
        return Step(operation, _usual(operation))
    return Step(operation, None if given is None else identity(given))


def identity(numbers: Sequence[int]) -> Identity:
    """An identity from the log; raises ValueError."""
    match numbers:
        case [int(device), int(inode), int(stamp), int(size)]:
            return device, inode, stamp, size
    raise ValueError("the log holds an identity that is none")


def _usual(operation: Operation) -> Identity | None:
    """The product of most operations that make a file: the version that they took."""
    return getattr(operation, "identity", None) if operation.makes() else None


class NoRun(ValueError):
    """The log does not hold that run, or no longer; the message says so to a person."""


@dataclass(slots=True)
class Logged:
    """A run read back from its entries.

    Attributes:
        body: of the newest intent or replan.
        outcome: of the outcome, or None for a run that has none yet.
        undone_by: the run that took this one back last, or None.
        undos: all runs that did, or began to, oldest first.
        partly: whether the last of them took only a part of it back, and left something.
        erased: whether its values were erased from the log: there is nothing to explain, replay or take back then.
    """

    number: int
    body: dict[str, Any]
    outcome: dict[str, Any] | None = None
    undone_by: int | None = None
    erased: bool = False
    undos: list[int] = field(default_factory=list)
    partly: bool = False

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Logged:
        """Read one run; raises NoRun for a number that there was not."""
        logged: Logged | None = None
        for entry in entries:
            if entry.kind in (INTENT, REPLAN):
                logged = cls(entry.run or 0, entry.body, erased=entry.erased)
            elif logged is not None and entry.kind == OUTCOME:
                logged.outcome = entry.body
            elif logged is not None and entry.kind == UNDONE:
                logged.undone_by = entry.body["by"]
                logged.undos.append(entry.body["by"])
                logged.partly = entry.body.get("partly", False)
        if logged is None:
            raise NoRun("There is no run of that number in the log. See them with: klapp log")
        return logged

    @property
    def unsure(self) -> bool:
        """Whether it sent something of which nobody knows whether it arrived; then it is not tried again by itself."""
        effects = self.body.get("effects", ())
        told = any("act" in effect and effect.get("refused", ("", ""))[1] == "perhaps" for effect in effects)
        return told or bool(self.outcome and self.outcome.get("unsure"))

    def whole(self) -> Logged:
        """The same; raises NoRun where its values were erased."""
        if self.erased:
            raise NoRun(
                f"The values of run {self.number} were erased from the log, so it can not be explained, replayed or "
                "taken back any more. That it ran, when, and how it ended is still there: klapp audit show"
            )
        return self

    def input(self) -> dict[str, Any] | None:
        """What started it: "name" (a file's path, or a mail's key), "size" in bytes, and "sha256" of the content or, as
        "unhashed", why there is none. None where nothing of the kind did; older runs have no hash."""
        file, mail = self.body.get("file"), self.body.get("settings", {}).get(MAIL_GIVEN)
        if file is not None:
            return {"name": file["f"][0], "size": file["f"][1], **self.body.get("input", {})}
        return {"name": mail["mail"][1], **self.body.get("input", {})} if mail else None

    def planned(self) -> list[Step]:
        """Every step of the intent."""
        return [step_from_json(step) for effect in self.body.get("effects", ()) for step in effect.get("steps", ())]

    def done(self) -> list[Step]:
        """The steps that were carried out, as they were."""
        if self.outcome is None:
            return []
        steps = self.planned()[: self.outcome.get("steps")]
        for index, changed in (self.outcome.get("changed") or {}).items():
            steps[int(index)] = step_from_json(changed)
        return steps


def outcome_body(outcome: str, reason: str, planned: Sequence[Step], done: Sequence[Step]) -> dict[str, Any]:
    """The body of an outcome: how it ended, and where what was done differs from what was planned."""
    body: dict[str, Any] = {"outcome": outcome, "reason": reason}
    changed = {
        str(i): step_to_json(real) for i, (was, real) in enumerate(zip(planned, done, strict=False)) if was != real
    }
    if changed:
        body["changed"] = changed
    if len(done) != len(planned):
        body["steps"] = len(done)
    return body


def undone_body(undo: Logged) -> dict[str, Any]:
    """What the entries of a run say of the run that took it back, or began to."""
    return {"by": undo.number} | ({"partly": True} if undo.body.get("partly") else {})


def answer_of(effect: Mapping[str, Any], blob: Any) -> Any:
    """The answer that a program was given: a value or a ``Refusal``; ``blob`` gives the bytes of a digest."""
    if "refused" in effect:
        message, kind = effect["refused"]
        return Refusal(message, kind)
    if "blob" in effect:
        return blob(effect["blob"]).decode("utf-8", "surrogatepass")
    if "data" in effect:
        return decode(json.loads(blob(effect["data"])))
    return decode(effect["answer"])
