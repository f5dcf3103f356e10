"""Who drives programs and does their steps: the engine's hands, in a worker or, behind the guard alone, in this process.

The engine keeps the log and decides; its hands plan a batch of runs and then do the steps that were planned. What they
tell of a plan is data, for a worker could tell anything; so both kinds tell it in the same form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from klapp.engine.outside import Nowhere, World
from klapp.engine.planner import Past, Planner
from klapp.engine.record import as_data, records_of
from klapp.engine.runs import Planned, Request, Story
from klapp.files.overlay import Overlay
from klapp.files.protocol import Files, Identity
from klapp.lane import Lane
from klapp.operations import Letter, Mailbox
from klapp.operations.steps import Step, perform
from klr.vocabulary import Vocabulary


class Guarded(Files, Protocol):
    """A file store that is held to a lane."""

    @property
    def lane(self) -> Lane: ...

    def paths(self, pattern: str) -> Iterator[str]:
        """As ``list``, and only the paths."""
        ...

    def sha256(self, path: str, expect: Identity) -> str:
        """The SHA-256, in hex, of a file of this version. Needs read. Raises FileError."""
        ...

    def tidy(self, path: str) -> None:
        """Remove the drafts that a kill left beside a path; for when nobody is at work there. Raises FileError."""
        ...


class Notifier(Protocol):
    """Tells the person something."""

    def show(self, title: str, text: str) -> object: ...


class RealWorld:
    """Where operations really happen."""

    def __init__(self, files: Files, notifier: Notifier, coworker: str, outside: World | None = None) -> None:
        self.files = files
        self.notifier = notifier
        self.coworker = coworker
        self.outside: World = outside or Nowhere()

    def notify(self, text: str) -> None:
        """Show a notice under the coworker's name."""
        self.notifier.show(self.coworker, text)

    def send(self, method: str, address: str, type: str, body: Callable[[], bytes], secret: str, token: str) -> None:
        """Make a request through the broker."""
        self.outside.send(method, address, type, body, secret, token)

    def mail(self, letter: Letter, token: str) -> None:
        """Send a mail from the person's account."""
        self.outside.mail(letter, token)

    def attachment(self, mail: str, index: int) -> bytes:
        """The bytes of an attachment, if the coworker may have it."""
        return self.outside.attachment(mail, index)

    @property
    def mailbox(self) -> Mailbox:
        """The mail on its servers, as far as the coworker may change it."""
        return self.outside.mailbox

    def was_sent(self, token: str) -> bool:
        """Whether the request or mail of this token was begun."""
        return self.outside.was_sent(token)

    def open(self, path: str, app: str) -> None:
        """Open a file in an app."""
        self.outside.open(path, app)


MOST_TOLD = 64 << 20
"""Bytes of answers in one plan; they are in memory until they are in the log."""


class HandsLost(Exception):
    """The hands are gone in the middle of their work, or can not be trusted any more; the message says why.

    What they were doing may be half done. They are not to be used again.
    """


class Hands(Protocol):
    """Plans runs and does their steps. Each method may raise HandsLost."""

    def plan(
        self, runs: Sequence[tuple[int, Request]], story: Story | None = None, *, whole: bool = False
    ) -> Iterator[Planned]:
        """Drive runs of one program in order, over one overlay, and tell of each: of all, if ``whole``, or else of as
        many as are told of in ``MOST_TOLD`` bytes, which is at least one.

        With a ``story``, which goes with a single run, what it holds is answered as it was; the rest is planned anew.
        """

    def perform(
        self, steps: Sequence[Step], known: dict[Identity, Identity], start: int | None = None
    ) -> Iterator[Step]:
        """Do planned steps, as ``operations.steps.perform`` does. ``start`` says that these are those of the last plan,
        from that number on; None that they come from elsewhere."""

    def sync(self) -> None:
        """Make everything done so far durable. Raises FileError."""

    def unconfirmed(self, done: Sequence[Step]) -> list[str]:
        """The paths of files that are not as those who did these steps told."""


class OwnHands:
    """Does everything in this process, through ``world``'s files."""

    def __init__(self, vocabulary: Vocabulary, files: Guarded, world: RealWorld, home: str) -> None:
        self.vocabulary = vocabulary
        self.files = files
        self.world = world
        self.home = home

    def plan(
        self, runs: Sequence[tuple[int, Request]], story: Story | None = None, *, whole: bool = False
    ) -> Iterator[Planned]:
        planner = Planner(
            self.vocabulary, Overlay(self.files, self.files.lane, runs[0][1].now), self.home, outside=self.world.outside
        )
        past = Past(records_of(story), story.known) if story else None
        for number, request in runs:
            yield as_data(planner.plan(number, request, past))

    def perform(
        self, steps: Sequence[Step], known: dict[Identity, Identity], start: int | None = None
    ) -> Iterator[Step]:
        return perform(steps, self.world, known)

    def sync(self) -> None:
        self.files.sync()

    def unconfirmed(self, done: Sequence[Step]) -> list[str]:
        """Nothing: what this process did it knows."""
        return []
