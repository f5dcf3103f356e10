"""What the engine writes of runs."""

from __future__ import annotations

from dataclasses import dataclass

from klapp.audit.events.event import JOB, OTHER, Event, Ocsf


@dataclass(frozen=True)
class _OfRuns(Event):
    """A kind that the engine writes by itself, with a body of its own making (``klapp.engine.record``)."""


class Intent(_OfRuns):
    """What a run is about to do: its input, every answer that it was given, every operation that it wishes."""

    kind = "intent"
    says = "Run {run} began ({trigger})."
    public = ("batch", "coworker", "rule", "trigger", "outcome", "undoes", "part", "partly", "done", "now", "uses")
    ocsf = Ocsf(JOB, 6)


class Replan(_OfRuns):
    """As an intent, made anew after the world had moved on."""

    kind = "replan"
    says = "Run {run} was planned again: things had changed meanwhile."
    public = Intent.public
    ocsf = Ocsf(JOB, 2)


class Outcome(_OfRuns):
    """What came of a run."""

    kind = "outcome"
    says = "Run {run} ended: {outcome}."
    public = ("outcome", "recovered", "steps")
    ocsf = Ocsf(JOB, OTHER)


class Undone(_OfRuns):
    """A run was taken back by another."""

    kind = "undone"
    says = "Run {run} was taken back by run {by}."
    public = ("by", "partly")
    ocsf = Ocsf(JOB, OTHER)


class Content(_OfRuns):
    """A text that runs refer to, such as a coworker's rules or what a file held."""

    kind = "content"
    says = "A text of {size} bytes was stored, to which runs refer."
    public = ("number", "size")
