"""What a run is, as data: what starts it, what it asked and wished for, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from klapp.files.protocol import Identity
from klapp.operations.steps import Step
from klr.effects import Act, Ask, EffectError, Ending, OutOfBudget
from klr.program import Program, Rule
from klr.values import FileValue


@dataclass(frozen=True, slots=True)
class Request:
    """A wish that a rule runs.

    Attributes:
        settings: the values in force.
        now: the run's one moment, as the wall clock of the time zone ``zone`` (an IANA name, or "" where no clock ever
            changes) shows it.
        start: what started it, as data of whoever is told of the outcome in its transaction; empty where a person did.
            Under ``again`` stands what is to be tried where the run fails, if anything is.
    """

    coworker: str
    program: Program
    rule: Rule
    file: FileValue | None
    now: datetime
    settings: Mapping[str, Any]
    zone: str = ""
    start: Mapping[str, Any] = field(default_factory=dict)

    @property
    def again(self) -> bool:
        """Whether it is tried again where it fails."""
        return "again" in self.start


BUDGET = "budget"
"""The kind of a refusal that ends the run."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An effect that could not be; what is thrown into the program."""

    message: str
    kind: str

    @classmethod
    def of(cls, error: EffectError) -> Refusal:
        """The refusal that an error stands for."""
        return cls(error.message, error.kind)

    def error(self) -> EffectError | OutOfBudget:
        """The error to throw."""
        return OutOfBudget(self.message) if self.kind == BUDGET else EffectError(self.message, self.kind)


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, and its answer: a value, or a ``Refusal``."""

    ask: Ask
    answer: Any


@dataclass(frozen=True, slots=True)
class Done:
    """A wish, the steps that it became, and the program's answer: a value, or a ``Refusal``."""

    act: Act
    steps: tuple[Step, ...]
    answer: Any


@dataclass(slots=True)
class PlannedRun:
    """A run as it was driven. ``trouble`` is the traceback of a mistake in klapp itself, for the log alone."""

    number: int
    request: Request
    effects: list[Answered | Done] = field(default_factory=list)
    ending: Ending = field(default_factory=lambda: Ending("done"))
    trouble: str = ""

    def steps(self) -> list[Step]:
        """All steps, in order."""
        return [step for effect in self.effects if isinstance(effect, Done) for step in effect.steps]


@dataclass(slots=True)
class Planned:
    """A run as it was planned, ready for the log: whoever drove it has told its ``effects`` as data.

    ``steps`` are those of all its effects, in order; ``blobs`` the long texts that the effects name, by their digests.
    ``lost`` is why those who drove it did not come to its end, if they did not.
    """

    number: int
    request: Request
    effects: list[dict[str, Any]]
    steps: list[Step]
    ending: Ending
    blobs: dict[str, bytes] = field(default_factory=dict)
    trouble: str = ""
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """The beginning of a planned run that was carried out so far: ``effects`` (with their ``blobs``) up to and with the
    one whose next step was refused, the steps that were ``done`` as they were done, and the ``refusal``.

    ``known`` maps versions of files that only the plan knew to what they became.
    """

    effects: list[dict[str, Any]]
    blobs: Mapping[str, bytes]
    done: Sequence[Step]
    refusal: Refusal
    known: Mapping[Identity, Identity]
