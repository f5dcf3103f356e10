"""What can be asked of the log as a whole, as plain data: the part of the agent's facade behind ``klapp audit``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from klapp.audit import proofs, schema
from klapp.audit.choosing import Choice, Chosen, Mention, choosing
from klapp.audit.entry import Entry
from klapp.audit.erasing import erase
from klapp.audit.events import Exported
from klapp.audit.export import FORMS
from klapp.audit.inputs import hashed_up_to, set_hashed_up_to
from klapp.audit.log import Log
from klapp.audit.pages import PAGE, Filter, as_data, count, every, page
from klapp.audit.retiring import Retention, policy, retire, retired, set_policy
from klapp.audit.search import indexing
from klapp.audit.verify import verifying
from klapp.audit.witness import Witnesses
from klapp.engine.copies import Copies, Found
from klapp.files.kept import Keeper
from klapp.vault.database import Connection

MOST_MEGABYTES = 1e12
_DOOMED = "copies that an erasure takes"
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
        self._copies = Copies(log, keeper)
        self._drop_copies()

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
        mention it. That the log is read out is logged first, with how many entries that are; none that comes later is
        among them."""
        asked = Filter(**wanted)
        yield from self._ready(asked)
        self._log.flush()
        last = self._log.count()
        entries: Iterator[Entry] = every(self._log, asked, last)
        many = count(self._log, asked, last)
        if subject is not None:
            chosen = Chosen()
            Mention(subject)
            for step in choosing(self._log, Choice(asked.coworker, None, subject)):
                if isinstance(step, Chosen):
                    chosen = step
                else:
                    yield _progress(step)
            runs, seqs = chosen.runs | chosen.open_runs, chosen.seqs
            many = sum(entry.run in runs or entry.seq in seqs for entry in every(self._log, asked, last))
            entries = (entry for entry in entries if entry.run in runs or entry.seq in seqs)
        self._log.record(Exported(form, many))
        for text in FORMS[form](self._log, entries):
            yield {"text": text}
        yield {"entries": many}

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
        copies: bool = False,
        do: bool = False,
    ) -> Items:
        """Erase values: those of a coworker, those that mention a subject, those before a moment; and with them the kept
        copies of the files that these runs replaced, and those that mention the subject.

        In the end {"entries", "runs", "rules_left", "open_runs", "copies", "unread", "erased"}; without ``do`` it only
        says what would be erased. ``unread`` are the kept copies that could not be searched for the subject, each with
        its "run", "path" and "why"; they stay, unless ``copies`` says that they go, too.
        """
        choice = Choice(coworker, before, subject, rules)
        chosen = Chosen()
        for step in choosing(self._log, choice):
            if isinstance(step, Chosen):
                chosen = step
            else:
                yield _progress(step)
        found = Found()
        for looked in self._copies.searched(Mention(subject)) if subject is not None else ():
            if isinstance(looked, Found):
                found = looked
            else:
                yield _progress(looked) | {"what": "kept copies"}
        needed = self._copies.of_runs(self._log.unfinished())
        dropped = (self._copies.of_runs(chosen.runs) | found.meant) - needed
        unread = {token: why for token, why in found.unread.items() if token not in dropped | needed}
        told = [
            {"run": run, "path": path, "why": unread[token]} for token, run, path in self._copies.named(sorted(unread))
        ]
        if copies:
            dropped |= unread.keys()
        erased = do and bool(chosen.keys or dropped)
        if erased:
            meant = Mention(subject).of_text if subject is not None else lambda _path: False

            def also(connection: Connection) -> None:
                self._forget(connection, meant)
                schema.set_trait(connection, _DOOMED, json.dumps(sorted(dropped)))

            erase(self._log, choice, chosen, also)
            self._drop_copies()
        yield {
            "entries": chosen.entries,
            "runs": len(chosen.runs),
            "rules_left": sorted(chosen.rules_left),
            "open_runs": sorted(chosen.open_runs),
            "copies": len(dropped),
            "unread": [] if copies else told,
            "erased": erased,
        }

    def _drop_copies(self) -> None:
        """Destroy the kept copies that an erasure takes: those, too, of one that was cut short behind its entry."""
        with self._log.lock:
            doomed = schema.trait(self._log.connection, _DOOMED)
        if doomed is not None:
            self._copies.drop(json.loads(doomed))
            with self._log.transaction():
                schema.set_trait(self._log.connection, _DOOMED, None)

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


def _progress(step: tuple[int, int]) -> dict[str, Any]:
    return {"progress": step[0], "of": step[1]}
