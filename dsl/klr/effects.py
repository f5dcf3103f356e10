"""What a running coworker can ask of the world: the only two doors out of a compiled program.

A compiled rule is a generator. It *yields* an ``Ask`` (a question: nothing changes) or an ``Act`` (a wish: something
may change) and receives the answer. An interpreter decides what an answer is: the real world, an overlay in memory,
the lines of a test, or the log of an earlier run. An interpreter refuses by throwing an ``EffectError`` into the
generator, where the rule's ``on error`` may catch it.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from typing import Any, NamedTuple

from klr.values import FileValue


class Ask(NamedTuple):
    """A question. ``name`` is a declared property or source (``"text"``, ``"files"``), ``of`` what it is asked of."""

    name: str
    of: Any
    line: int


class Act(NamedTuple):
    """A wish. ``verb`` is a declared verb, ``arguments`` the values of its slots, in the order of its declaration.

    A slot that the coworker left out is ``None``; its verb's declaration says what that means.
    """

    verb: str
    arguments: tuple[Any, ...]
    line: int


Effect = Ask | Act


MAIL_GIVEN = "(mail)"
"""Under this name, which no setting can have, the ``settings`` of a run hold the mail that started it."""


class Inputs(NamedTuple):
    """What one run starts from.

    ``file`` is None for a rule that no file started; ``now`` is fixed for the run; ``home`` is the absolute path that
    ``~`` stands for in the paths that the coworker builds; ``zone`` is the IANA name of the time zone whose wall clock
    the run's dates show, or "" for one whose clocks never change.
    """

    now: datetime
    file: FileValue | None = None
    settings: dict[str, Any] = {}  # noqa: RUF012 - read only; a NamedTuple default
    home: str = "~"
    zone: str = ""


class Ending(NamedTuple):
    """How a rule ended by itself: ``outcome`` is "done", "skipped" or "stopped"; ``reason`` may be empty."""

    outcome: str
    reason: str = ""


Run = Generator[Effect, Any, Ending]
"""A rule in motion."""


class OutOfBudget(Exception):
    """A run has spent all that it may. No ``on error`` catches it: the run ends."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class EffectError(Exception):
    """Something that a rule wished for could not be; the message is whole sentence(s) a person can act on.

    Attributes:
        message: what happened, to which thing, and what to do.
        kind: a stable word for the cause: "denied", "missing", "taken", "changed", "full", "readonly", "busy",
            "value", "budget", "failed" (by the coworker's own ``fail``) or "system".
    """

    def __init__(self, message: str, kind: str = "system") -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
