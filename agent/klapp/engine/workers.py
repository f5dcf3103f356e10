"""Hands in processes of their own: what the agent has workers do, and what it believes of what they tell."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from klapp.engine.asked import ASK, answer
from klapp.engine.hands import MOST_TOLD, Guarded, HandsLost, RealWorld
from klapp.engine.honesty import is_honest
from klapp.engine.judge import Judge, Lied
from klapp.engine.kept import IDLE, PATIENCE, KeptWorkers, Running
from klapp.engine.outside import (
    apps_of,
    grants_of_files,
    hosts_of,
    mailboxes_of,
    marked_accounts_of,
    recipients_of,
    senders_of,
)
from klapp.engine.record import step_to_json
from klapp.engine.runs import Planned, Request, Story
from klapp.engine.saying import patience_for, refusal, settings_of, story_of, wish
from klapp.files.failures import denied
from klapp.files.protocol import FileError, Identity
from klapp.files.trash import Trash
from klapp.operations import Notify
from klapp.operations.steps import Step, perform
from klapp.sandbox.channel import Channel, Lost
from klapp.sandbox.confinement import Confinement
from klapp.sandbox.launch import Launcher
from klr.effects import EffectError
from klr.program import Program
from klr.vocabulary import Vocabulary

Service = Callable[[Any, bytes], Any]
"""Does for a worker what only the agent can do. It is given what a worker said: anything. Raises EffectError."""


class WorkerPool(KeptWorkers):
    """Gives hands to whoever runs a program or its steps: each works through a worker of the pool.

    ``services`` are what a worker may ask for, by name.
    """

    def __init__(
        self,
        launcher: Launcher,
        vocabulary: Vocabulary,
        home: str,
        trash: Trash,
        lock_file: Path,
        services: Mapping[str, Service],
        *,
        idle: float = IDLE,
    ) -> None:
        super().__init__(launcher, lock_file, idle)
        self.vocabulary = vocabulary
        self.home = home
        self.trash = trash
        self.services = services

    @contextmanager
    def for_program(self, program: Program, world: RealWorld, files: Guarded) -> Iterator[WorkerHands]:
        grants = grants_of_files(program)
        confinement = Confinement.of(grants, self.home)
        notify = any(grant.permission == "notify" for grant in program.grants)
        judge = Judge(
            self.vocabulary,
            files.lane,
            confinement,
            notify=notify,
            hosts=hosts_of(program),
            apps=apps_of(program),
            recipients=recipients_of(program),
            senders=senders_of(program),
            opens=self.launcher.opens_folders,
            mailboxes=mailboxes_of(program),
            marked_accounts=marked_accounts_of(program),
        )
        with self._hands(judge, world, files, program.text, {"grants": grants}) as hands:
            yield hands

    @contextmanager
    def for_steps(self, places: dict[str, set[str]], world: RealWorld, files: Guarded) -> Iterator[WorkerHands]:
        opens = self.launcher.opens_folders
        confinement = Confinement.around(places)
        judge = Judge(self.vocabulary, files.lane, confinement, notify=False, opens=opens, own_steps=True)
        exactly = {permission: sorted(paths) for permission, paths in places.items()}
        with self._hands(judge, world, files, None, {"exactly": exactly}) as hands:
            yield hands

    @contextmanager
    def _hands(
        self, judge: Judge, world: RealWorld, files: Guarded, text: str | None, lane: dict[str, Any]
    ) -> Iterator[WorkerHands]:
        confinement = judge.confinement
        begin = {
            "places": confinement.places() if judge.opens else {},
            "files": "" if not judge.opens else "change" if confinement.changes else "read",
            "asks": not judge.opens,
            "home": self.home,
            "trash": self.trash.home,
            "every_disk": self.trash.every_disk,
            "coworker": world.coworker,
            "text": text,
            **lane,
        }
        hands = WorkerHands(self, judge, world, files, begin)
        try:
            yield hands
        finally:
            hands.let_go()


class WorkerHands:
    """``Hands`` that work through a worker, which is started when it is first needed."""

    def __init__(self, pool: WorkerPool, judge: Judge, world: RealWorld, files: Guarded, begin: dict[str, Any]) -> None:
        self.pool = pool
        self.judge = judge
        self.world = world
        self.files = files
        self.begin = begin
        self._running: Running | None = None
        self._usable = True
        self._fingerprint: object = None
        self._has_plan = False
        self._own: dict[Identity, Identity] = {}  # what the agent's own steps made, and the worker does not know yet

    def let_go(self) -> None:
        """Give the worker back; end one that is in the middle of something, or lied."""
        running, self._running = self._running, None
        if running is not None and self._usable:
            self.pool.give_back(running)
        elif running is not None:
            running.process.end()

    # -- planning -----------------------------------------------------------------------------------------------------

    def plan(
        self, runs: Sequence[tuple[int, Request]], story: Story | None = None, *, whole: bool = False
    ) -> Iterator[Planned]:
        first = runs[0][1]
        message = {
            "do": "plan",
            "runs": [wish(request, first) for _, request in runs],
            "settings": settings_of(first),
            "story": story_of(story) if story else None,
            "most": None if whole else MOST_TOLD,
        }
        self._own = {}
        patience = PATIENCE + first.program.limits.time.total_seconds()
        with self._at_work() as channel:
            channel.send(message)
            self._has_plan = True
            waiting = iter(runs)
            planned = 0
            while "runs" in (told := self._heard(channel, patience)):
                for one in told["runs"]:
                    number, request = next(waiting, (0, None))
                    if request is None:
                        raise Lied("told of more runs than there are")
                    planned += 1
                    run = self.judge.planned(one, number, request)
                    if not is_honest(run, self.pool.vocabulary, self.files, self.pool.home):
                        raise Lied("wished to send what its program does not send")
                    yield run
            if not planned or (planned < len(runs) and whole):
                raise Lied("told of too few runs")

    # -- acting -------------------------------------------------------------------------------------------------------

    def perform(
        self, steps: Sequence[Step], known: dict[Identity, Identity], start: int | None = None
    ) -> Iterator[Step]:
        position = 0
        while position < len(steps):
            last, agents = self._stretch(steps, position)
            if agents:
                yield from self._own_steps(steps[position:last], known)
            else:
                yield from self._done(steps[position:last], known, None if start is None else start + position)
            position = last

    def _stretch(self, steps: Sequence[Step], position: int) -> tuple[int, bool]:
        """How far the steps from here on are for the same hands, and whether these are the agent's."""
        agents = self.judge.is_agents(steps[position].operation)
        last = position + 1
        while last < len(steps) and self.judge.is_agents(steps[last].operation) == agents:
            last += 1
        return last, agents

    def _own_steps(self, steps: Sequence[Step], known: dict[Identity, Identity]) -> Iterator[Step]:
        """Steps that the agent does itself: only what both readings of the grants allow."""
        for step in steps:
            if not (self.judge.guards(step.operation) and self.judge.confines(step.operation)):
                raise denied(step.operation.makes() or "this", "change")
            for done in perform([step], self.world, known):
                if step.product and done.product and step.product != done.product:
                    self._own[step.product] = done.product
                yield done

    def _done(self, steps: Sequence[Step], known: dict[Identity, Identity], start: int | None) -> Iterator[Step]:
        """Steps that the worker does: those of its own plan are told by their numbers, others as they are."""
        if self._running and self.judge.confinement.fingerprint() != self._fingerprint:
            self.let_go()  # such as where the folder that is granted had to be made first
        if self._running is None:
            self._has_plan, self._own = False, dict(known)
        message: dict[str, Any] = {"do": "steps", "known": list(self._own.items())}
        if self._has_plan and start is not None:
            message |= {"from": start, "to": start + len(steps)}
        else:
            message["steps"] = [step_to_json(step) for step in steps]
        waiting = iter(steps)
        count = 0
        with self._at_work() as channel:
            channel.send(message)
            self._own = {}
            told: Any = {}
            patience = patience_for(steps)
            while "end" not in told:
                told = self._heard(channel, patience)
                for product in told["done"]:
                    step = next(waiting, None)
                    if step is None:
                        raise Lied("told of more steps than there are")
                    count += 1
                    yield self._believed(step, product, known)
            refused = told.get("refused")
            if (refused is None) != (count == len(steps)):
                raise Lied("told of another number of steps than there are")
        if refused is not None:
            raise refusal(refused)

    def _believed(self, step: Step, product: Any, known: dict[Identity, Identity]) -> Step:
        """A step that the worker says it did, as ``operations.steps.perform`` would tell it."""
        operation = step.operation
        if type(operation) is Notify:
            operation.apply(self.world)
            return step
        became = self.judge.product(product, step)
        done = operation.resolved(known)
        if step.product is not None and became is not None and step.product != became:
            known[step.product] = became
        return Step(done, became)

    def sync(self) -> None:
        self.files.sync()
        if self._running is None or not self.judge.opens:
            return
        with self._at_work() as channel:
            channel.send({"do": "sync"})
            refused = self._heard(channel, PATIENCE * 10)["refused"]
        if refused is not None:
            raise refusal(refused)

    def unconfirmed(self, done: Sequence[Step]) -> list[str]:
        """The agent looks for itself, at what is the newest of each file."""
        expected: dict[str, Identity] = {}
        for operation, product in done:
            for path in operation.takes():
                expected.pop(path, None)
            made = operation.makes()
            if made is not None and product is not None:
                expected[made] = product
        doubtful = [path for path, product in expected.items() if not self._is_there(path, product)]
        self._usable = self._usable and not doubtful
        return doubtful

    def _is_there(self, path: str, product: Identity) -> bool:
        try:
            found = self.files.look(path)
        except FileError:
            return False
        return found is not None and found.identity == product

    # -- the worker ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _at_work(self) -> Iterator[Channel]:
        """The channel, to say one thing and hear all that is answered. Whoever does not hear it all ends the worker."""
        try:
            if self._running is None:
                self._fingerprint = self.judge.confinement.fingerprint()
                self._running = self.pool.take(self.begin, self._fingerprint)
            self._usable = False
            yield self._running.process.channel
            self._usable = True
        except (Lost, Lied) as error:
            raise self._gone(str(error)) from None
        except (KeyError, TypeError, AttributeError, ValueError):
            raise self._gone("said what makes no sense") from None

    def _gone(self, why: str) -> HandsLost:
        running, self._running = self._running, None
        if running is not None:
            running.process.end()
        return HandsLost(why)

    def _heard(self, channel: Channel, patience: float) -> Any:
        """The next thing that the worker answers; what it asks for in between is done."""
        while True:
            told = channel.receive(patience)
            if not isinstance(told, dict):
                raise Lied("said what makes no sense")
            if "ask" not in told:
                return told
            data = channel.receive_bytes(patience)
            channel.send(self._served(told, data))

    def _answer(self, wish: Any, data: bytes) -> str:
        """What a host answers, if the coworker may ask it."""
        address, secret = map(str, wish)
        return self.world.outside.ask(address, secret)

    def _attachment(self, wish: Any, data: bytes) -> str:
        """The bytes of an attachment, if the coworker may have them."""
        mail, index = wish
        return base64.b64encode(self.world.outside.attachment(str(mail), int(index))).decode("ascii")

    def _file(self, wish: Any, data: bytes) -> Any:
        """What a worker that can open no file wants to know of one, if its coworker may know it."""
        return answer(wish, self.files, self.judge.confinement)

    def _served(self, told: dict[str, Any], data: bytes) -> dict[str, Any]:
        if told["ask"] == "answer":
            service: Service | None = self._answer
        elif told["ask"] == "attachment":
            service = self._attachment
        elif told["ask"] == ASK and not self.judge.opens:
            service = self._file
        else:
            service = self.pool.services.get(str(told["ask"]))
        if service is None:
            raise Lied("asked for what there is not")
        try:
            return {"answer": service(told.get("with"), data)}
        except EffectError as error:
            return {"refused": [error.message, error.kind]}
