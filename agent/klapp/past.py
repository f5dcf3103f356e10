"""What was done, why, and back to before: the log's runs, their stories, the lives of files, replay and undo."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from klapp.audit.log import Log
from klapp.bystanding import Bystanding
from klapp.coworkers.reasons import why
from klapp.coworkers.store import Coworkers, NoCoworker
from klapp.dispatch import Dispatcher
from klapp.engine.executor import Engine
from klapp.engine.lives import lives_of
from klapp.engine.record import Logged
from klapp.engine.replay import explain, replay
from klapp.engine.report import report_of
from klapp.engine.story import story_of
from klapp.engine.undo import since as runs_since
from klapp.engine.undo import undo
from klapp.lineage import Lineage
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from klr.program import Program


class Past:
    """Asks the log, and takes runs back. ``working`` is the lock under which everything is changed."""

    def __init__(
        self,
        log: Log,
        engine: Engine,
        coworkers: Coworkers,
        dispatcher: Dispatcher,
        lineage: Lineage,
        working: Callable[[], AbstractContextManager[None]],
        clock: Callable[[], datetime],
    ) -> None:
        self.log_store = log
        self.engine = engine
        self.coworkers = coworkers
        self.dispatcher = dispatcher
        self.lineage = lineage
        self.working = working
        self.clock = clock

    def runs(
        self, name: str | None = None, newest: int | None = None, after: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """The runs so far, oldest first: of one coworker, the newest few, or those after a run number."""
        wanted = self.coworkers.find(name).name if name is not None else None
        first = after + 1 if after is not None else None
        for entries in self.log_store.runs(coworker=wanted, newest=newest, first=first):
            yield report_of(entries)

    def explain(self, run: int) -> dict[str, Any]:
        """Why a run did what it did, step by step, and its ``story``: see ``klapp.engine.story``."""
        account = explain(self.log_store, run, program_of)
        entries = self.log_store.entries(run)
        return account | {"story": story_of(self.engine, Logged.of(entries), entries, account, program_of)}

    def history(self, path: str) -> dict[str, Any]:
        """What happened to a file, by the absolute path of any of its names: {"path", "there", "lives", "since", "others"};
        see ``klapp.engine.lives``, and for the others, who did nothing to it, ``klapp.bystanding``. ``since`` is what
        somebody else did to the newest of these files since klapp last knew it, or None."""
        self.coworkers.reload()
        lives = lives_of(self.log_store, path)
        life = lives[-1] if lives else None
        asking = Bystanding(
            self.engine, self.dispatcher, lambda run: explain(self.log_store, run, program_of), self.clock()
        )
        places = list(dict.fromkeys((life.names[0], life.names[-1]) if life else (path,)))
        return {
            "path": path,
            "there": os.path.lexists(path),
            "lives": [one.to_json() for one in lives],
            "since": life.since() if life else None,
            "others": [
                told
                for coworker in self.coworkers.all()
                for place in places
                for told in asking.why_not(coworker, why(coworker) if coworker.state != "ready" else "", place, life)
            ],
        }

    def replay(self, run: int) -> list[dict[str, Any]]:
        """The differences between a run and its replay from the log alone; none, if all is well."""
        return [asdict(difference) for difference in replay(self.log_store, run, program_of)]

    def undo(
        self, runs: Sequence[int] | None = None, only: Sequence[str] = (), since: str | None = None
    ) -> list[dict[str, Any]]:
        """Take runs back, the newest first; None stands for those of the last batch, or for all that began at the ISO
        moment ``since`` or later. ``only`` are absolute paths: then what concerns these, and what is below them."""
        if since is not None and runs is not None:
            raise ValueError("Name either the runs that are to be taken back, or since when.")
        if not all(os.path.isabs(path) for path in only):
            raise ValueError("Name what is to be taken back by its whole path.")
        if since is not None:
            runs = runs_since(self.engine, datetime.fromisoformat(since))
            if not runs:
                return []
        elif runs is None:
            batch = self.log_store.last_batch()
            if batch is None:
                raise NoCoworker("There is no run to undo yet.")
            runs = range(batch[0], batch[1] + 1)
        with self.working():
            reports = undo(self.engine, runs, self.clock, [os.path.normpath(path) for path in only])
        for report in reports:
            self.lineage.put_back(report.coworker, report.steps)
        return [report.to_json() for report in reports]


def program_of(text: str) -> Program:
    """The program of a text that was in force once. Raises ValueError where this klapp no longer accepts it."""
    program = load(text, VOCABULARY).program
    if program is None:
        raise ValueError("This run was made from a text that this version of klapp does not accept any more.")
    return program
