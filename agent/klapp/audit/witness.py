"""Keeps the newest checkpoint outside of the state folder as well: in the keyring, and where the person wants it.

Whoever can write to the state folder can set the whole of it back to an older copy, which is sound in itself. Only
what lies elsewhere tells. A checkpoint that is kept is replaced only by one that continues it, so that a log that was
set back can not cover that up by going on.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from klapp.audit import schema
from klapp.audit.events import WitnessChosen
from klapp.audit.log import Log, LogError
from klapp.audit.notes import parse
from klapp.audit.tree import MissingNode
from klapp.signednote import BadNote
from klapp.texts import write_whole
from klapp.vault.database import failures

NOTE = "checkpoint"
DELAY = 5.0
"""Seconds behind an append after which its checkpoint is kept elsewhere too; those in between are gathered."""
RING = "the system's keyring"


class Notes(Protocol):
    """Keeps notes outside of the state folder (``klapp.vault.keys.Ring``)."""

    def get(self, note: str) -> str | None: ...
    def put(self, note: str, text: str) -> bool: ...


class Witnesses:
    """The places where a log's newest checkpoint is kept. Close it before the log."""

    def __init__(self, log: Log, ring: Notes | None) -> None:
        self._log = log
        self._ring = ring
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._kept = ""
        log.after_append = self._appended

    def close(self) -> None:
        """Keep the newest checkpoint, and end."""
        self._log.after_append = lambda: None
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
        self._log.flush()
        with suppress(failures()):  # a log that can not be read any more has none
            self.keep()

    def choose(self, path: str) -> None:
        """Keep the newest checkpoint in a file of the person's too; raises LogError where that can not be."""
        there = _read(path)
        try:
            if there and parse(there)[0].origin != self._log.signer.origin:
                raise BadNote
        except BadNote:
            raise LogError(
                f"{path} is there already, and holds something else. Name a file that klapp may make."
            ) from None
        if not self._continues(there):
            raise LogError(
                f"{path} holds a checkpoint that this log does not continue, so it was left as it is. See: klapp audit "
                f"verify --witness {path}"
            )
        try:  # a file that can not be written takes the place of none that can
            write_whole(Path(path), self._log.checkpoint())
        except OSError as error:
            raise LogError(f"{path} can not be written: {error.strerror}. Name another file.") from error
        with self._log.transaction():
            self._log.record(WitnessChosen(path))
            schema.set_trait(self._log.connection, "witness", path)
        self.keep()

    def path(self) -> str | None:
        """The person's own file, or None."""
        with self._log.lock:
            return schema.trait(self._log.connection, "witness")

    def known(self) -> list[tuple[str, str]]:
        """(place, note) of every checkpoint that is kept elsewhere."""
        path = self.path()
        ring = self._ring.get(NOTE) if self._ring is not None else None
        found = [(RING, ring), (path or "", _read(path) if path else None)]
        return [(place, note) for place, note in found if note]

    def missing(self) -> str | None:
        """The person's file, where it is not there; None if all is well."""
        path = self.path()
        return path if path and not _read(path) else None

    def trouble(self) -> str | None:
        """A sentence where what is kept elsewhere does not fit the log; decided from the tree alone, at once."""
        for place, note in self.known():
            if not self._continues(note):
                return f"The log does not continue what {place} knows of it. See: klapp audit verify"
        return None

    def keep(self) -> None:
        """Keep the newest checkpoint elsewhere now, if it continues the one that is there."""
        note = self._log.checkpoint()
        if not note or note == self._kept:
            return
        if self._ring is not None and self._continues(self._ring.get(NOTE)):
            self._ring.put(NOTE, note)
        path = self.path()
        if path and self._continues(_read(path)):
            with suppress(OSError):
                write_whole(Path(path), note)
        self._kept = note

    def _continues(self, note: str | None) -> bool:
        """Whether the log goes on from a checkpoint."""
        if not note:
            return True
        try:
            checkpoint = self._log.signer.open(note)
        except BadNote:
            return False
        with self._log.lock:
            if checkpoint.size > self._log.tree.tip().size:
                return False
            try:
                return self._log.tree.frontier(checkpoint.size).root() == checkpoint.root
            except MissingNode:
                return True  # it is of entries that were let go since

    def _appended(self) -> None:
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(DELAY, self._due)
                self._timer.daemon = True
                self._timer.start()

    def _due(self) -> None:
        with self._lock:
            self._timer = None
        with suppress(Exception):  # the log may be closed by now
            self.keep()


def _read(path: str) -> str | None:
    """The text of a small file, or None."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return file.read(1 << 16)
    except OSError:
        return None
