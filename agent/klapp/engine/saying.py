"""What the agent says to a worker, as data that goes through a channel (``engine.worker`` reads it), and for how long it
waits for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klapp.engine.encoding import encode
from klapp.engine.kept import PATIENCE
from klapp.engine.record import step_to_json
from klapp.engine.runs import Request, Story
from klapp.files.protocol import FileError
from klapp.operations import Copy, Move, Replace
from klapp.operations.steps import Step

SLOWEST = 500_000
"""Bytes a second that a disk is expected to copy at least."""


def wish(request: Request, first: Request) -> list[Any]:
    """A run that is to be planned; ``first`` is the first of its batch, whose settings are told once."""
    same = request.settings is first.settings or request.settings == first.settings
    now = encode(request.now)
    return [request.rule.index, encode(request.file), now, request.zone, None if same else settings_of(request)]


def settings_of(request: Request) -> dict[str, Any]:
    """The coworker's settings, as they are told."""
    return {name: encode(value) for name, value in request.settings.items()}


def story_of(story: Story) -> dict[str, Any]:
    """What has happened of a run that is planned again."""
    return {
        "effects": story.effects,
        "blobs": {name: data.decode("utf-8", "surrogatepass") for name, data in story.blobs.items()},
        "done": [step_to_json(step) for step in story.done],
        "refusal": [story.refusal.message, story.refusal.kind],
        "known": list(story.known.items()),
    }


def refusal(refused: Any) -> FileError:
    """The refusal that a worker tells. Raises ValueError or TypeError where it is none."""
    message, kind = refused
    return FileError(str(message), str(kind))


def patience_for(steps: Sequence[Step]) -> float:
    """Seconds without a word that steps may take: copying takes its time."""
    copied = sum(one.identity[3] for one, _ in steps if isinstance(one, (Move, Copy, Replace)))
    return PATIENCE + copied / SLOWEST
