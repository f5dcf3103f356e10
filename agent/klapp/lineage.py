"""Where files came from, so that no rule runs for ever: which rules had a hand in each version of a file.

A rule that puts a file where it waits itself, alone or around through others, would start itself again and again. What
a rule made, or put back when it was undone, does not start it. A file that a person changes is a new version, and free.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b
from threading import Lock

from klapp.engine.runs import Request
from klapp.files.protocol import Identity
from klapp.operations.steps import Step

REMEMBERED = 100_000
"""Versions of files, in some 200 bytes each; the oldest are forgotten first."""

Origin = tuple[str, int | None]
"""A coworker, and the index of one of its rules; None stands for all of them."""


class Lineage:
    """For each version of a file the rules that it came through. Safe to use from several threads."""

    def __init__(self) -> None:
        self._origins: OrderedDict[bytes, frozenset[Origin]] = OrderedDict()
        self._known: dict[frozenset[Origin], frozenset[Origin]] = {}  # so that equal ones are there once
        self._lock = Lock()

    def goes_round(self, request: Request) -> bool:
        """Whether a request would start a rule with what it made itself."""
        return bool(self.of(request) & {(request.coworker, request.rule.index), (request.coworker, None)})

    def of(self, request: Request) -> frozenset[Origin]:
        """The rules that the file of a request came through."""
        return self._origins.get(_short(request.file.identity), frozenset()) if request.file else frozenset()

    def made(self, request: Request, steps: Iterable[Step], through: frozenset[Origin] = frozenset()) -> None:
        """A rule ran, and did these steps; it was started by these others, as they finished."""
        self._note(steps, self.of(request) | through | {(request.coworker, request.rule.index)})

    def put_back(self, coworker: str, steps: Iterable[Step]) -> None:
        """Runs of a coworker were undone by these steps: nothing of it is to do the same again at once."""
        self._note(steps, frozenset({(coworker, None)}))

    def _note(self, steps: Iterable[Step], origins: frozenset[Origin]) -> None:
        with self._lock:
            origins = self._known.setdefault(origins, origins)
            for step in steps:
                if step.product is not None:
                    self._origins[version := _short(step.product)] = origins
                    self._origins.move_to_end(version)
            while len(self._origins) > REMEMBERED:
                self._origins.popitem(last=False)


def _short(identity: Identity) -> bytes:
    """A version in 16 bytes: no two of so few are alike."""
    return blake2b(repr(identity).encode(), digest_size=16).digest()
