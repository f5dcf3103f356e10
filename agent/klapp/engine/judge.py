"""What the agent believes of what a worker tells: that it has the right shape, and stays within the grants.

A worker is hostile until shown otherwise. Each operation of a plan is held against two separate readings of the ``may``
lines, the lane and the confinement, before it is logged; each record must be one that the log's readers can read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klapp.engine.encoding import decode
from klapp.engine.outside import is_mailbox_granted, may_write
from klapp.engine.record import kept_as_blob, step_from_json
from klapp.engine.runs import Planned, Request
from klapp.files.patterns import is_plain
from klapp.lane import Lane
from klapp.operations import (
    Append,
    Copy,
    Create,
    Erase,
    Keep,
    MakeFolder,
    MarkMail,
    Move,
    MoveMail,
    Notify,
    OfMailbox,
    Open,
    Operation,
    Overwrite,
    PutBack,
    RemoveFolder,
    Replace,
    Restore,
    SendData,
    SendFile,
    SendMail,
    TakeMailBack,
    Trash,
    Truncate,
)
from klapp.operations.steps import Step
from klapp.sandbox.confinement import RIGHTS, Confinement
from klr.effects import MAIL_GIVEN, Ending
from klr.vocabulary import Permission, Vocabulary

OUTCOMES = frozenset({"done", "skipped", "stopped", "failed"})
_ASKED, _ACTED = {"ask", "of", "line"}, {"act", "with", "line", "steps"}
_PLANNED = frozenset(
    {
        MakeFolder,
        Move,
        Copy,
        Replace,
        Create,
        Append,
        Overwrite,
        Trash,
        Keep,
        Erase,
        PutBack,
        Notify,
        SendData,
        SendFile,
        SendMail,
        MoveMail,
        MarkMail,
        Open,
    }
)
"""What the verbs plan. The others only ever take something back."""
_OUTSIDE = frozenset({SendData, SendFile, SendMail, MoveMail, MarkMail, TakeMailBack, Open})
"""What goes out of the files."""
_AGENTS = frozenset({Keep, Erase, PutBack, Trash, Restore}) | _OUTSIDE
"""What takes a key, the person's trash folder, or the world outside, and so is never a worker's to do."""
_OTHERS = frozenset({Notify, MakeFolder, RemoveFolder, Keep})
"""What needs no permission at a path of its own."""
Need = tuple[Permission, str]
_NEEDS: Mapping[type[Operation], Callable[[Any], Sequence[Need]]] = {
    Move: lambda it: (("remove", it.source), ("write", it.goal)),
    Replace: lambda it: (("remove", it.source), ("write", it.goal)),
    Copy: lambda it: (("read", it.source), ("write", it.goal)),
    SendFile: lambda it: (("read", it.path),),
    Open: lambda it: (("read", it.path),),
    SendMail: lambda it: [("read", path) for path in it.paths],
    Trash: lambda it: (("remove", it.path),),
    Erase: lambda it: (("erase", it.path),),
    SendData: lambda it: (),
    MoveMail: lambda it: (),
    MarkMail: lambda it: (),
    TakeMailBack: lambda it: (),
} | dict.fromkeys((Create, Append, Overwrite, Truncate, PutBack, Restore), lambda it: (("write", it.path),))


class Lied(Exception):
    """A worker told something that can not be; the message completes "the process ...": "wished for ..."."""


def needs(operation: Operation) -> Sequence[Need]:
    """The permission that an operation needs at each of its paths, for those that are not about folders or notices.
    Raises KeyError for one of which that is not known here: it is not to be let through."""
    return _NEEDS[type(operation)](operation)


class Judge:
    """Holds what a worker tells against what its coworker was granted; ``notify`` is whether it may show notices.
    ``opens`` is whether the worker can open files at all; where it can not, the agent does all that it plans.

    ``own_steps`` tells that the agent planned what is done: an undo, of what it had allowed before.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        lane: Lane,
        confinement: Confinement,
        *,
        notify: bool,
        hosts: frozenset[str] = frozenset(),
        apps: frozenset[str] = frozenset(),
        recipients: frozenset[str] = frozenset(),
        senders: frozenset[tuple[str, str]] = frozenset(),
        opens: bool = True,
        mailboxes: frozenset[tuple[str, str]] = frozenset(),
        marked_accounts: frozenset[str] = frozenset(),
        own_steps: bool = False,
    ) -> None:
        self.vocabulary = vocabulary
        self.lane = lane
        self.confinement = confinement
        self.notify = notify
        self.hosts = hosts
        self.apps = apps
        self.recipients = recipients
        self.senders = senders
        self.opens = opens
        self.mailboxes = mailboxes
        self.marked_accounts = marked_accounts
        self.own_steps = own_steps
        self.questions = {question.name for question in vocabulary.questions.values()}

    # -- operations ---------------------------------------------------------------------------------------------------

    def _reaches(self, operation: Operation) -> bool:
        """Whether an operation goes to a host, address or app that is granted, if it goes to one at all."""
        match operation:
            case SendMail(address=address, account=account):
                return may_write(address, account, self.recipients, self.senders)
            case OfMailbox() if self.own_steps:
                return True
            case TakeMailBack():
                return False
            case MoveMail(account=account, folder=folder):
                return is_mailbox_granted(account, folder, self.mailboxes)
            case MarkMail(account=account):
                return account in self.marked_accounts
            case SendData() | SendFile():
                return operation.host in self.hosts
            case Open(app=app):
                return app in self.apps
        return True

    def guards(self, operation: Operation) -> bool:
        """Whether the lane allows an operation."""
        if type(operation) in _OUTSIDE and not self._reaches(operation):
            return False
        if type(operation) in _OTHERS:
            match operation:
                case Notify():
                    return self.notify
                case MakeFolder(path=path) | RemoveFolder(path=path):
                    return self.lane.leads_to_write(path) or self.lane.allows("write", path)
                case Keep(path=path):
                    return self.lane.allows_any(path)
        return all(self.lane.allows(permission, path) for permission, path in needs(operation))

    def confines(self, operation: Operation) -> bool:
        """Whether the confinement allows an operation."""
        if type(operation) in _OTHERS:
            match operation:
                case Notify():
                    return self.notify
                case MakeFolder(path=path) | RemoveFolder(path=path):
                    return is_plain(path) and self.confinement.allows_folder(path)
                case Keep(path=path):
                    allows = self.confinement.allows
                    return is_plain(path) and any(allows(wish, path) for wish in RIGHTS)
        return all(is_plain(path) and self.confinement.allows(wish, path) for wish, path in needs(operation))

    def is_agents(self, operation: Operation) -> bool:
        """Whether an operation is the agent's to do: it takes what no worker has, or what this one has not."""
        if not self.opens or type(operation) in _AGENTS:
            return True
        match operation if type(operation) in _OTHERS else None:
            case Notify():
                return False
            case MakeFolder(path=path) | RemoveFolder(path=path):
                return not self.confinement.is_below("write", path)
        return not all(self.confinement.is_below(permission, path) for permission, path in needs(operation))

    # -- plans --------------------------------------------------------------------------------------------------------

    def planned(self, told: Any, number: int, request: Request) -> Planned:
        """A run as a worker told it. Raises Lied."""
        try:
            return self._planned(told, number, request)
        except Lied:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
            raise Lied("told of a run what makes no sense") from None

    def _planned(self, told: Any, number: int, request: Request) -> Planned:
        blobs: dict[str, bytes] = {}
        for text in told.get("blobs", ()):
            kept_as_blob(text, blobs)
        effects, steps = told["effects"], []
        mail = request.settings.get(MAIL_GIVEN)
        for effect in effects:
            steps.extend(self._effect(effect, blobs))
        if any(isinstance(one, OfMailbox) and (mail is None or one.mail != mail.key) for one, _ in steps):
            raise Lied("wished to change another mail than the one that came")
        outcome, reason, trouble = told["outcome"], told["reason"], told.get("trouble", "")
        if outcome not in OUTCOMES or type(reason) is not str or type(trouble) is not str:
            raise ValueError
        return Planned(number, request, effects, steps, Ending(outcome, reason), blobs, trouble)

    def _effect(self, effect: dict[str, Any], blobs: Mapping[str, bytes]) -> list[Step]:
        """The steps of an effect that is as it should be."""
        rest = effect.keys() - (_ASKED if "ask" in effect else _ACTED)
        if len(effect) - len(rest) != (3 if "ask" in effect else 4) or type(effect["line"]) is not int:
            raise ValueError
        self._answer(rest, effect, blobs)
        if "ask" in effect:
            if effect["ask"] not in ("files", *self.questions, *self.vocabulary.properties):
                raise ValueError
            decode(effect["of"])
            return []
        if len(decode(effect["with"])) != len(self.vocabulary.verbs[effect["act"]].slots):
            raise ValueError
        return [self._step(step) for step in effect["steps"]]

    @staticmethod
    def _answer(rest: set[str], effect: dict[str, Any], blobs: Mapping[str, bytes]) -> None:
        if rest == {"answer"}:
            decode(effect["answer"])
        elif rest == {"blob"}:
            blobs[effect["blob"]]
        elif rest == {"data"}:
            decode(json.loads(blobs[effect["data"]]))
        elif rest == {"refused"}:
            message, kind = effect["refused"]
            if type(message) is not str or type(kind) is not str:
                raise ValueError
        else:
            raise ValueError

    def _step(self, told: dict[str, Any]) -> Step:
        step = step_from_json(told)
        operation = step.operation
        if type(operation) not in _PLANNED:
            raise Lied(f"wished for what no coworker can do: it {operation.sentence()}")
        if not (self.guards(operation) and self.confines(operation)):
            raise Lied(f"wished for what it may not do: it {operation.sentence()}")
        return step

    # -- outcomes -----------------------------------------------------------------------------------------------------

    @staticmethod
    def product(told: Any, step: Step) -> Any:
        """The product of a step that a worker has done, as it told it: 0 for the planned one. Raises Lied."""
        if told == 0 and type(told) is int:
            return step.product
        if step.operation.makes() is None:
            if told is None:
                return None
        elif isinstance(told, list) and len(told) == 4 and all(type(part) is int for part in told):
            return tuple(told)
        raise Lied("told of a step what makes no sense")
