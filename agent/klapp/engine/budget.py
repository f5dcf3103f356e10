"""What one run may spend: files, bytes, notices, requests, mails, effects and time. Whoever crosses a limit is ended, and told why.

A crossing is recorded like any other refusal, so that a replay ends at the same place without a clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from klapp.engine.runs import BUDGET, Refusal
from klr.effects import Act, Effect
from klr.program import Limits
from klr.runtime import show_duration, show_size
from klr.types import ATTACHED, RECIPIENT, TEXT, Type
from klr.values import AttachmentValue, FileValue
from klr.vocabulary import Verb, Vocabulary, of_mail

MOST_EFFECTS = 100_000
"""Questions and wishes of one run."""


class _Cost(NamedTuple):
    """What each use of a verb costs, whatever its arguments are: ``places`` whether it has any that are about files,
    ``reads`` whether it takes the content of those that it is given."""

    notices: int
    messages: int
    requests: int
    places: bool
    files: int
    reads: bool
    types: tuple[Type, ...]

    @classmethod
    def of(cls, verb: Verb) -> _Cost:
        """The cost of a verb."""
        mails = any(slot.type == RECIPIENT for slot in verb.slots)
        return cls(
            int("notify" in verb.needs),
            int(mails),
            int((bool(verb.sends) and not mails) or of_mail(verb)),
            any(slot.needs for slot in verb.slots) and not of_mail(verb),
            int(not verb.sends),
            not (verb.follows or verb.consumes),
            tuple(slot.type for slot in verb.slots),
        )


class Costs(NamedTuple):
    """What a vocabulary's verbs cost, and which questions count as requests, by their names."""

    verbs: dict[str, _Cost]
    questions: frozenset[str]

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Costs:
        """Those of a vocabulary; worked out once for all runs."""
        verbs = {name: _Cost.of(verb) for name, verb in vocabulary.verbs.items()}
        return cls(verbs, frozenset(question.name for question in vocabulary.questions.values()))


class Spending:
    """What a run has spent so far. ``clock`` tells seconds that only go forward."""

    def __init__(self, limits: Limits, costs: Costs, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.costs = costs
        self.clock = clock
        self.began = clock()
        self.effects = self.files = self.notices = self.requests = self.messages = self.size = 0

    def refusal(self, effect: Effect) -> Refusal | None:
        """Count an effect that is about to be; a refusal where it would cross a limit."""
        self.effects += 1
        if isinstance(effect, Act):
            self._act(effect, self.costs.verbs[effect.verb])
        elif effect.name in self.costs.questions:
            self.requests += 1
        elif isinstance(effect.of, (FileValue, AttachmentValue)):
            self.size += effect.of.size
        crossed = self._crossed()
        if not crossed:
            return None
        return Refusal(f"This run was ended, since it wanted {crossed}. What it did until then can be undone.", BUDGET)

    def _act(self, act: Act, cost: _Cost) -> None:
        self.notices += cost.notices
        self.messages += cost.messages
        self.requests += cost.requests
        if not cost.places:
            return
        self.files += cost.files
        for type_, value in zip(cost.types, act.arguments, strict=True):
            if type_ == TEXT and isinstance(value, str):
                self.size += len(value)
            elif isinstance(value, AttachmentValue) or (isinstance(value, FileValue) and cost.reads):
                self.size += value.size
            elif type_ == ATTACHED and isinstance(value, tuple):
                self.size += sum(file.size for file in value)

    def _crossed(self) -> str:
        """What is too much, or ""."""
        limits = self.limits
        if self.files > limits.files:
            return f"to change more than {limits.files:,} files (its `limit`)"
        if self.notices > limits.notices:
            return f"to show more than {limits.notices:,} notices (its `limit`)"
        if self.requests > limits.requests:
            return f"to make more than {limits.requests:,} requests (its `limit`)"
        if self.messages > limits.messages:
            return f"to send more than {limits.messages:,} mails (its `limit`)"
        if self.size > limits.size:
            return f"to read and write more than {show_size(limits.size)} (its `limit`)"
        if self.effects > MOST_EFFECTS:
            return f"more than {MOST_EFFECTS:,} things"
        if self.clock() - self.began > limits.time.total_seconds():
            return f"to go on for longer than {show_duration(limits.time)} (its `limit`)"
        return ""
