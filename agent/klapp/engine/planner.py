"""Drives a program to its end over a file store that only remembers, and keeps a record of everything it did."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from klapp.engine.budget import Costs, Spending
from klapp.engine.runs import Answered, Done, PlannedRun, Refusal, Request
from klapp.files.failures import missing
from klapp.files.overlay import Overlay
from klapp.files.patterns import from_home
from klapp.files.protocol import Identity
from klapp.operations.steps import Step, plan
from klapp.verbs.plan import check_path
from klr.effects import Act, Ask, Effect, EffectError, Ending, Inputs, OutOfBudget, Run
from klr.types import PATH
from klr.values import AttachmentValue, FileValue
from klr.vocabulary import Vocabulary

Asker = Callable[[Overlay, Ask], Any]
NOT_ASKED = "Only a run asks a host, so what {} would answer is not known here."


class Outside(Protocol):
    """What answers questions to hosts."""

    def ask(self, address: str, secret: str) -> str:
        """The answer, as text. Raises EffectError."""

    def attachment(self, mail: str, index: int) -> bytes:
        """The bytes of an attachment of a mail. Raises EffectError."""


class Unknown:
    """The outside of whoever knows nothing of it."""

    def ask(self, address: str, secret: str) -> str:
        """Nobody is asked."""
        raise EffectError(NOT_ASKED.format(address), "network")

    def attachment(self, mail: str, index: int) -> bytes:
        """There are no mails."""
        raise EffectError("The mail is not here any more, so what came with it can not be saved.", "missing")


class Remembering:
    """A world in which nothing happens: its files are an overlay, and notices are only planned."""

    def __init__(self, files: Overlay) -> None:
        self.files = files

    def notify(self, text: str) -> None:
        """Nothing: the notice is shown when the plan is carried out."""

    def send(self, *_: object) -> None:
        """Nothing: the request is made when the plan is carried out."""

    def mail(self, *_: object) -> None:
        """Nothing, as for a request."""

    @property
    def mailbox(self) -> Remembering:
        """Nothing is moved or marked before the plan is carried out."""
        return self

    def move(self, *_: object) -> None:
        """Nothing, as for a request."""

    def mark(self, *_: object) -> None:
        """Nothing, as for a request."""

    def take_back(self, *_: object) -> None:
        """Nothing, as for a request."""

    def settled(self, token: str) -> bool:
        """No: nothing is ever done from here."""
        return False

    def attachment(self, *_: object) -> bytes:
        """Nothing: it is asked for when the plan is carried out."""
        return b""

    def was_sent(self, token: str) -> bool:
        """No: nothing is ever sent from here."""
        return False

    def open(self, path: str, app: str) -> None:
        """Nothing, as for a request."""


class Planner:
    """Plans runs, one after the other, over one overlay, so that each sees what those before it will have done.

    ``home`` is the absolute path that ``~`` stands for; ``known_answer`` may answer a question in place of the world
    (it returns None to let the world answer).
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        overlay: Overlay,
        home: str,
        known_answer: Asker | None = None,
        outside: Outside | None = None,
    ) -> None:
        self.vocabulary = vocabulary
        self.overlay = overlay
        self.world = Remembering(overlay)
        self.home = home.rstrip("/")
        self.known_answer = known_answer
        self.outside = outside
        self.questions = {question.name: question for question in vocabulary.questions.values()}
        self._costs = Costs.of(vocabulary)
        self._paths = {
            name: tuple(index for index, slot in enumerate(verb.slots) if slot.type == PATH)
            for name, verb in vocabulary.verbs.items()
        }

    def plan(self, number: int, request: Request, past: Past | None = None) -> PlannedRun:
        """Drive a run to its end. With a ``past``, what it holds is answered as it was; the rest is planned anew."""
        run = PlannedRun(number, request)
        self.overlay.now = request.now
        if request.file is not None and request.rule.trigger.gives == "file":
            self.overlay.expect(request.file)
        program = request.rule.start(Inputs(request.now, request.file, dict(request.settings), self.home, request.zone))
        try:
            self._drive(program, run, past)
        except (EffectError, OutOfBudget) as error:
            run.ending = Ending("failed", error.message)
        except Exception as error:
            # A mistake of ours, not of the coworker: the run ends, the agent goes on, the log has the details.
            run.ending = Ending(
                "failed", f"klapp made a mistake of its own ({type(error).__name__}). Please report it."
            )
            run.trouble = traceback.format_exc()
        return run

    def _drive(self, program: Run, run: PlannedRun, past: Past | None) -> None:
        spending = Spending(run.request.program.limits, self._costs)
        try:
            effect = next(program)
            while True:
                record = past.next() if past else None
                if record is None:
                    record = self._answered(effect, spending.refusal(effect))
                run.effects.append(record)
                answer = record.answer
                effect = program.throw(answer.error()) if isinstance(answer, Refusal) else program.send(answer)
        except StopIteration as stop:
            run.ending = stop.value

    def _answered(self, effect: Effect, refusal: Refusal | None) -> Answered | Done:
        if isinstance(effect, Ask):
            return Answered(effect, refusal) if refusal else self._ask(effect)
        return Done(effect, (), refusal) if refusal else self._act(effect)

    def _ask(self, ask: Ask) -> Answered:
        try:
            return Answered(ask, self._answer(ask))
        except EffectError as error:
            return Answered(ask, Refusal.of(error))

    def _answer(self, ask: Ask) -> Any:
        if ask.name == "files":
            return tuple(self.overlay.list(from_home(ask.of, self.home)))
        if ask.name in self.questions:
            return self._asked(ask)
        if isinstance(ask.of, str):
            ask = ask._replace(of=self._at(from_home(ask.of, self.home)))
        if self.known_answer is not None and (answer := self.known_answer(self.overlay, ask)) is not None:
            return answer
        of_mail = isinstance(ask.of, AttachmentValue)
        known = self.vocabulary.members["attachment", ask.name] if of_mail else self.vocabulary.properties[ask.name]
        assert known.ask is not None
        return known.ask((self.outside or Unknown()) if of_mail else self.overlay, ask.of)

    def _asked(self, ask: Ask) -> Any:
        """What a host answers."""
        if self.known_answer is not None and (answer := self.known_answer(self.overlay, ask)) is not None:
            return answer
        question = self.questions[ask.name]
        assert question.ask is not None
        if self.outside is None:
            raise EffectError(NOT_ASKED.format(ask.of[0]), "network")
        return question.ask(self.outside, *ask.of)

    def _at(self, path: str) -> FileValue:
        """The file that a question is about which names a path."""
        check_path(path)
        file = self.overlay.look(path)
        if file is None:
            raise missing(path)
        return file

    def _act(self, act: Act) -> Done:
        steps: list[Step] = []
        try:
            verb = self.vocabulary.verbs[act.verb]
            assert verb.plan is not None
            arguments = act.arguments
            for index in self._paths[act.verb]:
                path = arguments[index]
                if path is not None and path.startswith("~/"):
                    arguments = (*arguments[:index], expanded(path, self.home), *arguments[index + 1 :])
            outside = (self.outside or Unknown(),) if verb.fetches else ()
            planned = verb.plan(self.overlay, arguments, self.overlay.now, *outside)
            steps.extend(plan(planned.operations, self.world))
            return Done(act, tuple(steps), planned.answer)
        except EffectError as error:
            return Done(act, tuple(steps), Refusal.of(error))


class Past:
    """The beginning of a run that was carried out so far: its records, the last of them a refusal."""

    def __init__(self, records: Sequence[Answered | Done], known: Mapping[Identity, Identity]) -> None:
        self._records = iter([*(_resolved(record, known) for record in records[:-1]), *records[-1:]])

    def next(self) -> Answered | Done | None:
        """The next record; None where the past is over."""
        return next(self._records, None)


def _resolved(record: Answered | Done, known: Mapping[Identity, Identity]) -> Answered | Done:
    """A record with the real identities of the files in its answer, in place of those that only the plan knew."""
    answer = _real(record.answer, known)
    return Answered(record.ask, answer) if isinstance(record, Answered) else Done(record.act, record.steps, answer)


def _real(value: Any, known: Mapping[Identity, Identity]) -> Any:
    if isinstance(value, FileValue):
        if value.identity not in known:
            return value
        device, inode, stamp, size = known[value.identity]
        return value._replace(device=device, inode=inode, stamp=stamp, size=size)
    return tuple(_real(item, known) for item in value) if type(value) is tuple else value


def expanded(path: str, home: str) -> str:
    """A path with ``~`` in first place written out."""
    return home + path[1:] if path.startswith("~/") else path
