"""What one run may spend: files, bytes, notices, requests, mails, effects and time. Whoever crosses a limit is ended, and told why.

A crossing is recorded like any other refusal, so that a replay ends at the same place without a clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from klapp.engine.runs import BUDGET, Refusal
from klr.effects import Act, Effect
from klr.program import Limits
from klr.runtime import show_duration, show_size
from klr.types import ATTACHED, RECIPIENT, TEXT
from klr.values import AttachmentValue, FileValue
from klr.vocabulary import Verb, Vocabulary

MOST_EFFECTS = 100_000
"""Questions and wishes of one run."""


class Spending:
    """What a run has spent so far. ``clock`` tells seconds that only go forward."""

    def __init__(self, limits: Limits, vocabulary: Vocabulary, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.verbs = vocabulary.verbs
        self.clock = clock
        self.began = clock()
        self.effects = self.files = self.notices = self.requests = self.messages = self.size = 0
        self.questions = {question.name for question in vocabulary.questions.values()}

    def refusal(self, effect: Effect) -> Refusal | None:
        """Count an effect that is about to be; a refusal where it would cross a limit."""
        self.effects += 1
        if isinstance(effect, Act):
            self._act(effect, self.verbs[effect.verb])
        elif effect.name in self.questions:
            self.requests += 1
        elif isinstance(effect.of, (FileValue, AttachmentValue)):
            self.size += effect.of.size
        crossed = self._crossed()
        if not crossed:
            return None
        return Refusal(f"This run was ended, since it wanted {crossed}. What it did until then can be undone.", BUDGET)

    def _act(self, act: Act, verb: Verb) -> None:
        self.notices += "notify" in verb.needs
        mails = any(slot.type == RECIPIENT for slot in verb.slots)
        self.messages += mails
        self.requests += bool(verb.sends) and not mails
        if not any(slot.needs for slot in verb.slots):
            return
        self.files += not verb.sends
        for slot, value in zip(verb.slots, act.arguments, strict=True):
            if slot.type == TEXT and isinstance(value, str):
                self.size += len(value)
            elif isinstance(value, AttachmentValue) or (
                isinstance(value, FileValue) and not (verb.follows or verb.consumes)
            ):
                self.size += value.size
            elif slot.type == ATTACHED and isinstance(value, tuple):
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
