"""Kept copies of replaced files, looked through for an erasure: which mention a subject, and which nobody could search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from klapp.audit.choosing import Mention
from klapp.audit.log import Log
from klapp.audit.search import indexing, match
from klapp.engine.record import INTENT, Logged
from klapp.files.kept import Keeper
from klapp.operations.keeping import Keep
from klapp.properties.said import PART, said_in
from klapp.sandbox import Reader
from klapp.vault.sealed import Tampered

MOST_IN_MEMORY = 64 << 20
"""Bytes of a kept copy in which a subject is looked for."""


@dataclass(slots=True)
class Found:
    """The tokens of the copies that mention a subject, and of those that could not be searched to their end, with why."""

    meant: set[str] = field(default_factory=set)
    unread: dict[str, str] = field(default_factory=dict)


class Copies:
    """The kept copies of one log's runs."""

    def __init__(self, log: Log, keeper: Keeper) -> None:
        self._log = log
        self._keeper = keeper

    def of_runs(self, runs: Iterable[int]) -> set[str]:
        """The tokens of the copies that only an undo of these runs could bring back."""
        return {operation.token for run in runs for operation in self._kept_by(run)}

    def searched(self, mention: Mention) -> Iterator[tuple[int, int] | Found]:
        """Gives how many were looked through, and of how many, and at the end what was found."""
        found, tokens = Found(), self._keeper.tokens()
        reader = Reader()
        try:
            for count, token in enumerate(tokens, 1):
                text, why = self._said_in(token, reader)
                if mention.of_text(text):
                    found.meant.add(token)
                elif why:
                    found.unread[token] = why
                yield count, len(tokens)
        finally:
            reader.close()
        yield found

    def _said_in(self, token: str, reader: Reader) -> tuple[str, str]:
        content = _Beginning()
        try:
            self._keeper.bring(token, cast(BinaryIO, content))
        except (OSError, Tampered, ValueError):
            return "", "it can not be opened; it was changed"
        text, why = said_in(bytes(content.data), reader)
        return text, why or (PART if content.cut_off else "")

    def named(self, tokens: Iterable[str]) -> Iterator[tuple[str, int | None, str]]:
        """(token, the run that kept it, the path of the file then) of each; None and "" where the log tells no more."""
        tokens = list(tokens)
        if tokens:
            for _ in indexing(self._log):
                pass
        for token in tokens:
            where = "e.kind IN (?, 'replan') AND e.seq IN (SELECT rowid FROM search WHERE search MATCH ?)"
            runs = {entry.run for entry in self._log.select(where, (INTENT, match(token))) if entry.run is not None}
            kept = [(run, one.path) for run in sorted(runs) for one in self._kept_by(run) if one.token == token]
            yield (token, *kept[0]) if kept else (token, None, "")

    def _kept_by(self, run: int) -> list[Keep]:
        try:
            logged = Logged.of(self._log.entries(run))
        except ValueError:
            return []
        return [operation for operation, _ in logged.planned() if isinstance(operation, Keep)]

    def drop(self, tokens: Iterable[str]) -> None:
        """Forget copies for good."""
        self._keeper.drop(tokens)


class _Beginning:
    """Takes what is written to it into memory, but no more than ``MOST_IN_MEMORY``."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.cut_off = False

    def write(self, data: bytes) -> int:
        left = MOST_IN_MEMORY - len(self.data)
        self.cut_off = self.cut_off or len(data) > left
        self.data += data[:left]
        return len(data)

    def seek(self, position: int) -> int:
        """Go on behind a hole, which reads as zeros."""
        self.write(bytes(min(max(position - len(self.data), 0), MOST_IN_MEMORY)))
        return position

    def truncate(self, size: int) -> int:
        """Nothing: what ends in a hole ends in nothing."""
        return size
