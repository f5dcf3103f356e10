"""The worker: drives one coworker's program and does its steps, held by the system to the folders of its ``may`` lines.

It is told by the agent what to do, over a ``Channel``, and answers with data:

    begin          how it is to be confined, its lane, its program; then it is confined, and says what holds it
    do "plan"      drive runs over an overlay; it answers with {"runs": [...]}, several times, and {"end": true}
    do "steps"     do planned steps on the disk, by number or as data; it answers with {"done": [...]}, the last one
                   with "end", or with "refused" where a step could not be done
    do "sync"      make durable what was done

While it works it may ask the agent for something that it can not do itself ({"ask": ...}, see ``Asking``). Whatever
happens to this process, it has no key, no log, and nobody to talk to but the agent, which believes it little.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from klapp.engine.asked import AskedFiles
from klapp.engine.encoding import decode
from klapp.engine.planner import Past, Planner
from klapp.engine.record import as_data, identity, records_of, step_from_json
from klapp.engine.runs import Refusal, Request, Story
from klapp.files.guarded import GuardedFiles
from klapp.files.overlay import Overlay
from klapp.files.protocol import Base, FileError, Identity
from klapp.files.trash import Trash
from klapp.lane import Lane
from klapp.operations import Mailbox
from klapp.operations.steps import Step, perform
from klapp.sandbox.channel import Channel, Lost
from klapp.sandbox.confine import confine, readable
from klapp.sandbox.reader import libraries
from klr.loader import compiled
from klr.program import Program
from klr.vocabulary import Vocabulary

MEMORY = 5 << 30
"""Bytes of address space: the hash of a file of 2 GB takes it into memory."""
SECONDS = 3600
"""Of processor time."""
HANDLES = 256
TIME_ZONES = ("/etc/localtime", "/usr/share/zoneinfo")
TOLD_AT_ONCE = 1 << 17
"""Bytes of a plan that are told in one message."""
DONE_AT_ONCE = 100
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False).encode

EXAMPLE = """coworker "Example"
may read "~/a/**"
may remove "~/a/**"
may write "~/b/**"
may notify
setting names: list of text = ["x"] shown as "Names"
when file arrives in "~/a" named "*.txt"
  if file.text contains any of names or file.size > 20 MB or file.name matches "^[0-9]+"
    skip "no"
  end
  let name = first of (names where file.text contains it) default "none"
  move file to "~/b/{file.modified:%Y-%m}/{name} {file.stem:upper}.{file.extension}" on conflict rename
  notify "{file.name} is there since {file.modified:%B}"
on error
  notify "{error.message}"
end
"""


def warm_up(vocabulary: Vocabulary) -> None:
    """Load what coworkers usually need, once for all workers."""
    import hashlib
    import zipfile  # noqa: F401 - looked into to tell what an archive is

    if compiled(EXAMPLE, vocabulary) is None:
        raise AssertionError("the example is a coworker")
    hashlib.sha256(b"")
    datetime.now().astimezone().strftime("%B %A")


def serve(channel: Channel, vocabulary: Vocabulary) -> None:
    """Be a worker that can open no files of a person, and so needs no lock; returns when the agent is gone."""
    with suppress(Lost):
        Worker(channel, None, vocabulary).serve()


def work(handle: int, lock: int, vocabulary: Vocabulary) -> None:
    """Be a worker that is spoken to over a handle; returns when the agent is gone."""
    keep = sorted((handle, lock))
    for first, last in zip([3, keep[0] + 1, keep[1] + 1], [keep[0], keep[1], 1 << 16], strict=True):
        os.closerange(first, last)
    with suppress(Lost):
        Worker(Channel(handle), lock, vocabulary).serve()


class Asking:
    """Asks the agent for what only the agent can do."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def ask(self, name: str, wish: Any, data: bytes = b"") -> Any:
        """The agent's answer; raises FileError where it refuses."""
        self._channel.send({"ask": name, "with": wish})
        self._channel.send_bytes(data)
        answer = self._channel.receive()
        if "refused" in answer:
            raise FileError(*answer["refused"])
        return answer["answer"]

    def reach(self, address: str, secret: str = "") -> str:
        """What a host answers; the agent looks whether that may be asked."""
        return str(self.ask("answer", [address, secret]))

    def text(self, data: bytes) -> str:
        """The text of a document, which a process reads that can reach nothing at all; raises ``Failed``."""
        from klapp.sandbox import Failed

        try:
            return str(self.ask("document", None, data))
        except FileError as error:
            raise Failed(error.message) from None

    def cells(self, data: bytes, every: bool = False) -> list[list[str]]:
        """The cells of a workbook, read as documents are; raises ``Failed``."""
        from klapp.sandbox import Failed

        try:
            cells: list[list[str]] = self.ask("workbook", every, data)
        except FileError as error:
            raise Failed(error.message) from None
        return cells


class _Outside:
    """Hosts, as far as the agent lets a worker reach them."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def ask(self, address: str, secret: str) -> str:
        """What a host answers. Raises FileError."""
        return self._asking.reach(address, secret)

    def attachment(self, mail: str, index: int) -> bytes:
        """The bytes of an attachment; the agent looks whether the coworker may have it. Raises FileError."""
        return base64.b64decode(str(self._asking.ask("attachment", [mail, index])))


class _Doing:
    """The world as a worker changes it: files alone. A notice is the agent's, which shows it when its turn comes."""

    def __init__(self, files: GuardedFiles) -> None:
        self.files = files

    def notify(self, text: str) -> None:
        """Nothing: the agent knows the step."""

    def send(self, *_: object) -> None:
        """No worker sends anything."""
        raise FileError("Only the agent itself reaches hosts and apps.", "denied")

    def mail(self, *_: object) -> None:
        """No worker sends anything."""
        raise FileError("Only the agent itself sends mail.", "denied")

    @property
    def mailbox(self) -> Mailbox:
        """No worker reaches a mailbox."""
        raise FileError("Only the agent itself changes what is in a mailbox.", "denied")

    def attachment(self, *_: object) -> bytes:
        """No worker sends anything."""
        raise FileError("Only the agent itself sends mail.", "denied")

    def was_sent(self, token: str) -> bool:
        """No worker sends anything."""
        return False

    def open(self, path: str, app: str) -> None:
        """No worker opens anything."""
        raise FileError("Only the agent itself reaches hosts and apps.", "denied")


class Worker:
    """One worker; ``lock`` is held while it changes anything, so that nobody settles what it still does. One without a
    lock changes nothing."""

    def __init__(self, channel: Channel, lock: int | None, vocabulary: Vocabulary) -> None:
        self.channel = channel
        self.vocabulary = vocabulary
        self.lock = lock
        self.steps: list[Step] = []
        self.known: dict[Identity, Identity] = {}
        self.jobs: dict[str, Callable[[Any], None]] = {"plan": self.plan, "steps": self.do, "sync": self.sync}

    def serve(self) -> None:
        """Begin, and do what the agent says until it is gone. Raises Lost then."""
        self.begin(self.channel.receive())
        while True:
            message = self.channel.receive()
            self.jobs[message["do"]](message)

    def begin(self, told: Any) -> None:
        """Be confined, and then get to know the lane and the program."""
        from klapp.properties import texts

        places = {**told["places"], **readable((*libraries(), *TIME_ZONES))}
        confined = confine(places, files=told["files"], memory=MEMORY, seconds=SECONDS, handles=HANDLES)
        texts.READER = self.asking = Asking(self.channel)
        self.home: str = told["home"]
        lane = Lane.of(told["grants"], self.home) if "grants" in told else Lane.exactly(told["exactly"], [self.home])
        self.lane = lane
        self.own = GuardedFiles(lane, None, trash=Trash(Path(told["trash"]), every_disk=told["every_disk"]))
        self.seen: Base = self.own
        if told.get("asks"):
            self.seen = AskedFiles(self.asking.ask)
        self.coworker: str = told["coworker"]
        self.program: Program | None = compiled(told["text"], self.vocabulary) if told["text"] is not None else None
        self.channel.send(confined.told())

    # -- planning -----------------------------------------------------------------------------------------------------

    def plan(self, told: Any) -> None:
        """Drive runs, and tell of each; stop behind ``most`` bytes of what is told, if that is given."""
        settings = _settings(told["settings"])
        most = told["most"]
        past = self._past(told["story"])
        requests = [
            self._request(rule, file, now, zone, settings if own is None else _settings(own))
            for rule, file, now, zone, own in told["runs"]
        ]
        planner = Planner(
            self.vocabulary,
            Overlay(self.seen, self.lane, requests[0].now),
            self.home,
            outside=_Outside(self.asking),
        )
        self.steps, self.known = [], {}
        waiting: list[str] = []
        size = total = 0
        for request in requests:
            run = planner.plan(0, request, past)
            self.steps.extend(run.steps())
            waiting.append(_encode(_told(as_data(run))))
            size += len(waiting[-1])
            total += len(waiting[-1])
            if size > TOLD_AT_ONCE:
                self._tell(waiting)
                size = 0
            if most is not None and total > most:
                break
        self._tell(waiting)
        self.channel.send({"end": True})

    def _request(self, rule: int, file: Any, now: Any, zone: str, settings: dict[str, Any]) -> Request:
        if self.program is None:
            raise ValueError("there is no program to drive")
        found = self.program.rules[rule]
        return Request(self.coworker, self.program, found, decode(file), decode(now), settings, zone)

    @staticmethod
    def _past(story: Any) -> Past | None:
        if story is None:
            return None
        known = {identity(was): identity(now) for was, now in story["known"]}
        blobs = {name: text.encode("utf-8", "surrogatepass") for name, text in story["blobs"].items()}
        done = [step_from_json(step) for step in story["done"]]
        return Past(records_of(Story(story["effects"], blobs, done, Refusal(*story["refusal"]), known)), known)

    def _tell(self, waiting: list[str]) -> None:
        self.channel.send_text('{"runs":[' + ",".join(waiting) + "]}")
        waiting.clear()

    # -- acting -------------------------------------------------------------------------------------------------------

    def do(self, told: Any) -> None:
        """Do steps; tell of each what came of it: 0 for what was planned."""
        steps: Sequence[Step] = (
            self.steps[told["from"] : told["to"]] if "to" in told else [step_from_json(step) for step in told["steps"]]
        )
        self.known.update((identity(was), identity(now)) for was, now in told["known"])
        done: list[Any] = []
        refused: list[str] | None = None
        with _held(self.lock):
            try:
                for (_, planned), (_, product) in zip(
                    steps, perform(steps, _Doing(self.own), self.known), strict=False
                ):
                    done.append(0 if product == planned else product)
                    if len(done) == DONE_AT_ONCE:
                        self.channel.send({"done": done})
                        done = []
            except FileError as error:
                refused = [error.message, error.kind]
        self.channel.send({"done": done, "refused": refused, "end": True})

    def sync(self, told: Any) -> None:
        """Make durable what was done."""
        try:
            self.own.sync()
        except FileError as error:
            self.channel.send({"refused": [error.message, error.kind]})
        else:
            self.channel.send({"refused": None})


class _held:
    """Holds a lock file while it is entered, where the system has such locks."""

    def __init__(self, lock: int | None) -> None:
        self.lock = lock

    def __enter__(self) -> None:
        self._set("LOCK_EX")

    def __exit__(self, *_: object) -> None:
        self._set("LOCK_UN")

    def _set(self, how: str) -> None:
        if self.lock is None:
            return
        with suppress(ImportError):
            import fcntl

            fcntl.flock(self.lock, getattr(fcntl, how))


def _settings(told: dict[str, Any]) -> dict[str, Any]:
    return {name: decode(value) for name, value in told.items()}


def _told(run: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"effects": run.effects, "outcome": run.ending.outcome, "reason": run.ending.reason}
    if run.blobs:
        told["blobs"] = [data.decode("utf-8", "surrogatepass") for data in run.blobs.values()]
    if run.trouble:
        told["trouble"] = run.trouble
    return told
