"""Whether a run that sends something is what its program does: for a worker that was taken over, the way out of the machine.

The agent drives the same pure program with the answers that the worker told of, and demands the same wishes; and it
plans each request itself, from the wish. So a worker can send nothing but what its program makes of the answers. What
is left to it is to lie about an answer: about what a file says that the coworker may read and send.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from klapp.engine.encoding import decode
from klapp.engine.record import step_from_json
from klapp.engine.replay import differences
from klapp.engine.runs import Planned
from klapp.files.protocol import Files
from klapp.operations import OfMailbox, Operation, SendData, SendFile, Sending, SendMail
from klr.effects import Inputs
from klr.vocabulary import Vocabulary, of_mail

REACHING = (Sending, OfMailbox)
"""What reaches beyond this machine."""


def is_honest(run: Planned, vocabulary: Vocabulary, files: Files, home: str) -> bool:
    """Whether a run sends nothing and leaves mail as it is, or does just what its program wishes with the answers that it was given."""
    if not any(isinstance(step.operation, REACHING) for step in run.steps):
        return True
    request = run.request
    inputs = Inputs(request.now, request.file, dict(request.settings), home, request.zone)
    body = {"effects": run.effects, "outcome": run.ending.outcome, "reason": run.ending.reason}
    if run.trouble:
        body["trouble"] = run.trouble
    if differences(request.rule.start(inputs), body, run.blobs.__getitem__):
        return False
    return all(
        list(_told(effect)) == list(_planned(effect, vocabulary, files, request.now))
        for effect in run.effects
        if "act" in effect
    )


def _told(effect: dict[str, Any]) -> Iterator[Operation]:
    """The requests among the steps of an effect, but for what differs from one planning to the next."""
    for told in effect["steps"]:
        if isinstance(operation := step_from_json(told).operation, REACHING):
            yield _without(operation)


def _planned(effect: dict[str, Any], vocabulary: Vocabulary, files: Files, now: Any) -> Iterator[Operation]:
    verb = vocabulary.verbs[effect["act"]]
    if (verb.sends or of_mail(verb)) and effect["steps"]:
        assert verb.plan is not None
        for operation in verb.plan(files, decode(effect["with"]), now).operations:
            if isinstance(operation, REACHING):
                yield _without(operation)


def _without(operation: Operation) -> Operation:
    """The request without its random token, and without the versions of its files, which are checked before it is sent."""
    if isinstance(operation, SendMail):
        return replace(operation, token="", identities=())
    if isinstance(operation, SendFile):
        return replace(operation, token="", identity=(0, 0, 0, 0))
    return replace(operation, token="") if isinstance(operation, (SendData, OfMailbox)) else operation
