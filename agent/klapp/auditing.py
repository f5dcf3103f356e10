"""What can be asked of the log as a whole, as plain data: the part of the agent's facade behind ``klapp audit``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, cast

from klapp.audit import proofs
from klapp.audit.choosing import Choice, Chosen, Mention, choosing
from klapp.audit.entry import Entry
from klapp.audit.erasing import erase
from klapp.audit.events import Exported
from klapp.audit.export import FORMS
from klapp.audit.inputs import hashed_up_to, set_hashed_up_to
from klapp.audit.log import Log
from klapp.audit.pages import PAGE, Filter, as_data, every, page
from klapp.audit.retiring import Retention, policy, retire, retired, set_policy
from klapp.audit.search import indexing
from klapp.audit.verify import verifying
from klapp.audit.witness import Witnesses
from klapp.engine.record import Logged
from klapp.files.kept import Keeper
from klapp.operations.keeping import Keep
from klapp.vault.database import Connection
from klapp.vault.sealed import Tampered

MOST_IN_MEMORY = 64 << 20
"""Bytes of a kept copy in which a subject is looked for."""
MOST_MEGABYTES = 1e12
Items = Iterator[dict[str, Any]]
"""{"progress", "of"} on the way, then what was asked for."""


class Auditing:
    """Asks of one log. Every method takes and gives data that JSON can hold, and raises LogError or ValueError with a
    sentence for a person."""

    METHODS = frozenset({"verify", "witness", "prove", "show", "export", "erase", "retain", "inputs"})

    def __init__(
        self,
        log: Log,
        witnesses: Witnesses,
        keeper: Keeper,
        forget: Callable[[Connection, Callable[[str], bool]], None],
    ) -> None:
        """``forget`` has everything else in the database forget the paths that are meant."""
        self._log = log
        self._forget = forget
        self._witnesses = witnesses
        self._keeper = keeper

    # -- is it whole --------------------------------------------------------------------------------------------------

    def verify(self, kept: Sequence[Sequence[str]] = ()) -> Items:
        """Whether the log is as it was written: in the end {"entries", "problem", "kind", "entry", "witnesses",
        "missing"}, with None for ``problem`` if all is well. ``kept`` are (place, checkpoint)."""
        witnesses = [*self._witnesses.known(), *((place, note) for place, note in kept)]
        steps = verifying(self._log, witnesses)
        while True:
            try:
                yield _progress(next(steps))
            except StopIteration as stop:
                problem = stop.value
                break
        yield {
            "entries": self._log.count(),
            "let_go": retired(self._log.connection),
            "problem": problem.sentence if problem else None,
            "kind": problem.kind if problem else None,
            "entry": problem.entry if problem else None,
            "witnesses": [place for place, _ in witnesses],
            "missing": self._witnesses.missing(),
        }

    def witness(self, path: str | None = None) -> dict[str, Any]:
        """Keep the newest checkpoint in a file too: {"key", "checkpoint", "path"}."""
        if path is not None:
            self._witnesses.choose(path)
        return {
            "key": self._log.signer.verifier,
            "checkpoint": self._log.checkpoint(),
            "path": self._witnesses.path(),
        }

    def prove(self, entry: int | None = None, since: str | None = None) -> dict[str, Any]:
        """A proof that an entry is in the log, or that it only grew since a checkpoint."""
        return proofs.consistency(self._log, since) if since else proofs.inclusion(self._log, entry or 0)

    # -- what is in it ------------------------------------------------------------------------------------------------

    def show(self, wanted: dict[str, Any], before: int | None = None, limit: int = PAGE) -> Items:
        """The newest entries that fit, as data, newest first; those with a number less than ``before``."""
        asked = Filter(**wanted)
        yield from self._ready(asked)
        for entry in page(self._log, asked, before=before, limit=limit):
            yield {"entry": as_data(entry)}

    def export(self, form: str, wanted: dict[str, Any], subject: str | None = None) -> Items:
        """All entries that fit, oldest first, as {"text"}: the parts of a file. With a ``subject`` those whose values
        mention it. That the log was read out is logged."""
        asked = Filter(**wanted)
        yield from self._ready(asked)
        entries: Iterator[Entry] = every(self._log, asked)
        if subject is not None:
            chosen = Chosen()
            Mention(subject)
            for step in choosing(self._log, Choice(asked.coworker, None, subject)):
                if isinstance(step, Chosen):
                    chosen = step
                else:
                    yield _progress(step)
            runs, seqs = chosen.runs | chosen.open_runs, chosen.seqs
            entries = (entry for entry in entries if entry.run in runs or entry.seq in seqs)
        counted = _Counted(entries)
        for text in FORMS[form](self._log, counted):
            yield {"text": text}
        self._log.record(Exported(form, counted.count))
        yield {"entries": counted.count}

    def _ready(self, asked: Filter) -> Items:
        if asked.text:
            for step in indexing(self._log):
                yield _progress(step)

    # -- what goes out of it ------------------------------------------------------------------------------------------

    def erase(
        self,
        coworker: str | None = None,
        subject: str | None = None,
        before: int | None = None,
        rules: bool = False,
        do: bool = False,
    ) -> Items:
        """Erase values: those of a coworker, those that mention a subject, those before a moment. In the end {"entries",
        "runs", "rules_left", "open_runs", "erased"}; without ``do`` it only says what would be erased."""
        choice = Choice(coworker, before, subject, rules)
        chosen = Chosen()
        for step in choosing(self._log, choice):
            if isinstance(step, Chosen):
                chosen = step
            else:
                yield _progress(step)
        if do and chosen.keys:
            copies = {*self._copies_of(chosen), *self._copies_with(subject)}
            meant = Mention(subject).of_text if subject is not None else lambda _path: False
            erase(self._log, choice, chosen, lambda connection: self._forget(connection, meant))
            for token in copies:
                self._keeper.drop(token)
        yield {
            "entries": chosen.entries,
            "runs": len(chosen.runs),
            "rules_left": sorted(chosen.rules_left),
            "open_runs": sorted(chosen.open_runs),
            "erased": bool(do and chosen.keys),
        }

    def _copies_with(self, subject: str | None) -> Iterator[str]:
        """The tokens of the kept copies whose text mentions a subject, whichever runs they are of."""
        if subject is None:
            return
        mention = Mention(subject)
        for token in self._keeper.tokens():
            content = _Beginning()
            try:
                self._keeper.bring(token, cast(BinaryIO, content))
            except (OSError, Tampered, ValueError):
                continue
            if mention.of_text(bytes(content.data).decode("utf-8", "replace")):
                yield token

    def _copies_of(self, chosen: Chosen) -> list[str]:
        """The tokens of the kept copies that only an undo of these runs could bring back."""
        found: list[str] = []
        for run in chosen.runs:
            try:
                logged = Logged.of(self._log.entries(run))
            except ValueError:
                continue
            found.extend(operation.token for operation, _ in logged.planned() if isinstance(operation, Keep))
        return found

    def inputs(self, megabytes: float | None = None, *, change: bool = False) -> dict[str, Any]:
        """Up to which size the files that start runs are hashed for the log: {"megabytes"}, None for any, 0 for none."""
        if change:
            if megabytes is not None and not 0 <= megabytes <= MOST_MEGABYTES:
                raise ValueError("The size is a number of megabytes from 0.")
            set_hashed_up_to(self._log, None if megabytes is None else int(megabytes * 1e6))
        size = hashed_up_to(self._log)
        return {"megabytes": None if size is None else size / 1e6}

    def retain(self, days: int | None = None, megabytes: int | None = None, *, change: bool = False) -> dict[str, Any]:
        """Put a rule for retention in force, and let go of what it does not keep: {"days", "megabytes", "let_go"}."""
        if change:
            set_policy(self._log, Retention(days, megabytes))
        rule = policy(self._log)
        return {"days": rule.days, "megabytes": rule.megabytes, "let_go": retire(self._log, rule)}


class _Beginning:
    """Takes what is written to it into memory, but no more than ``MOST_IN_MEMORY``."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        self.data += data[: MOST_IN_MEMORY - len(self.data)]
        return len(data)


class _Counted:
    """Entries that are counted as they pass."""

    def __init__(self, entries: Iterator[Entry]) -> None:
        self._entries = entries
        self.count = 0

    def __iter__(self) -> Iterator[Entry]:
        for entry in self._entries:
            self.count += 1
            yield entry


def _progress(step: tuple[int, int]) -> dict[str, Any]:
    return {"progress": step[0], "of": step[1]}
