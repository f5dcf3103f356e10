"""The agent's facade: everything that the tray and the command line can ask for, as plain data.

One ``Agent`` works on one state folder. The command line makes one of its own where no agent runs; then, too, every
change is made under one lock, so that no two of them ever act at the same time.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from klapp.account.account import Account
from klapp.agenda import Agenda
from klapp.agenda import forget_gone as forget_starts
from klapp.approving import Approving
from klapp.audit.events import (
    Paused,
    Resumed,
    VaultOpened,
)
from klapp.audit.log import Log
from klapp.audit.witness import Witnesses
from klapp.auditing import Auditing
from klapp.coworkers.cache import Proofs, forget_proofs
from klapp.coworkers.changes import Changes
from klapp.coworkers.reasons import why
from klapp.coworkers.store import Coworker, Coworkers, NoCoworker
from klapp.dispatch import ARRIVES, CHANGES, Dispatcher, listeners
from klapp.engine.executor import Engine, Fuse
from klapp.engine.outside import Reach
from klapp.engine.recovery import recover
from klapp.engine.report import RunReport
from klapp.engine.runs import Request
from klapp.engine.services import SERVICES
from klapp.engine.simulate import simulate
from klapp.engine.workers import WorkerPool
from klapp.files.guarded import GuardedFiles
from klapp.files.kept import PURPOSE, Keeper
from klapp.files.moments import zone_name
from klapp.files.trash import platform_trash
from klapp.home import Home
from klapp.keeping import Keeping
from klapp.lane import Lane
from klapp.lineage import Lineage, Origin
from klapp.mail.accounts import Accounts
from klapp.mail.folders import Folders
from klapp.mail.handled import Handled, forget_handled
from klapp.mail.mailboxes import Mailboxes
from klapp.mail.outbox import Outbox, forget_unsure
from klapp.mail.received import Received, forget_meant
from klapp.mailing import Mailing
from klapp.marks import Marks
from klapp.network import Broker
from klapp.networking import Networking
from klapp.notices import Display, Notices
from klapp.notices.outbox import forget_unseen
from klapp.noticing import Noticing
from klapp.past import Past
from klapp.roster import Roster, asked
from klapp.sandbox.launch import HAS_WORKERS, launcher
from klapp.single import nobody_at_work, working
from klapp.triggers.seen import forget_gone
from klapp.unusual import Watch, forget_unusual
from klapp.updating import Updating
from klapp.vault.freshness import remember
from klapp.vault.keys import Vault
from klapp.vault.secrets import Secrets
from klapp.vault.shelf import Shelf
from klapp.vocabulary import VOCABULARY
from klr.answers import settled
from klr.loader import load
from klr.program import Program

ALLOCATIONS = 20_000
"""Objects after which the interpreter looks for cycles. A run makes hundreds that live to the end of its batch and are in
none: with Python's usual 700, a tenth of all time would go into looking."""
CHUNK = 1000
"""Requests that are performed between two words on how far things are."""


class Agent:
    """The facade. Every method takes and gives data that JSON can hold, and raises NoCoworker or ValueError with a
    sentence for a person where it can not do what it is asked."""

    def __init__(
        self,
        home: Home,
        vault: Vault,
        display: Display,
        *,
        person: str | None = None,
        clock: Callable[[], datetime] = datetime.now,
        sandboxed: bool = True,
        broker: Broker | None = None,
    ) -> None:
        """``sandboxed`` False has coworkers work in this process, behind the guard alone; only tests do that."""
        gc.set_threshold(ALLOCATIONS)
        self.home = home
        self.person = person or os.path.expanduser("~")
        self.clock = clock
        self.closing = ExitStack()
        self.log_store = self.closing.enter_context(Log.open(home.database, vault.key("log")))
        # A keyring that did not open the vault may be locked, and would ask the person for its password.
        self.witnesses = Witnesses(self.log_store, vault.ring if vault.by == "keyring" else None)
        self.closing.callback(self.witnesses.close)
        if vault.by:
            self.log_store.record(VaultOpened(vault.by, vault.refused))
        shelf = Shelf(self.log_store.connection, self.log_store.lock)
        self.notifier = Notices(display, self.log_store, shelf, clock=clock, home=self.person)
        self.closing.callback(self.notifier.close)
        self.watch = Watch(self.log_store, shelf, self.notifier.tell)
        self.noticing = Noticing(self.log_store, self.notifier, self.watch)
        remember(vault, shelf)
        self.account = Account(home.path, shelf, self.log_store.record, self._tell)
        proofs = Proofs(self.log_store.connection, self.log_store.lock, VOCABULARY)
        self.coworkers = Coworkers(home.coworkers, shelf, proofs.load, clock, Changes(self.log_store.record))
        self.keeper = Keeper(home.kept, vault.key(PURPOSE), lambda: self.clock().timestamp())
        self.keeping = Keeping(self.keeper, self.log_store, shelf, lambda: self.clock())
        self.auditing = Auditing(self.log_store, self.witnesses, self.keeper, _forget)
        self.trash = platform_trash(home.path)
        self.dispatcher = Dispatcher(self.person, zone_name())
        self.workers = (
            WorkerPool(launcher(), VOCABULARY, self.person, self.trash, home.workers_lock, SERVICES)
            if sandboxed and HAS_WORKERS
            else None
        )
        self.secrets = Secrets(shelf)
        self.broker = broker or Broker()
        self.networking = Networking(self.log_store, self.coworkers, self.secrets)
        self.updating = Updating(self.log_store, shelf, self.broker, self.notifier.tell, clock, self.person)
        self.approving = Approving(self.log_store, self.coworkers, self._would_do)
        self.accounts = Accounts(shelf)
        self.received = Received(self.log_store.connection, self.log_store.lock)
        self.mailing = Mailing(
            self.log_store, self.coworkers, self.accounts, self.received, Outbox(shelf), self.broker, self._tell
        )
        self.mailboxes = Mailboxes(
            self.accounts,
            self.received,
            Handled(self.log_store.connection, self.log_store.lock),
            lambda account: Folders(account, self.broker.context),
            self.mailing.contact,
        )
        self.engine = Engine(
            self.log_store,
            self._files_within,
            VOCABULARY,
            self.notifier,
            self.person,
            self.workers,
            self._reach,
            self.received.fingerprint,
            self.mailboxes,
        )
        self.lineage = Lineage()
        self.past = Past(
            self.log_store,
            self.engine,
            self.coworkers,
            self.dispatcher,
            self.lineage,
            self._working,
            lambda: self.clock(),
        )
        self.performed: Callable[[Request, RunReport], frozenset[Origin]] = lambda request, report: frozenset()
        """Told of each run that ended; gives the rules that led to it by finishing."""
        self.introduced: Callable[[Request], Request] = lambda request: request
        """Says of a request of a person what is to be put down when it ends."""
        self.fuse: Callable[[Request], Fuse | None] = lambda request: None
        """How often a coworker may fail in a row, for the next requests of it."""
        self.roster = Roster(self.log_store, self.coworkers)
        self.agenda = Agenda(self.log_store.connection, self.log_store.lock)
        self.marks = Marks(self.log_store.connection, self.log_store.lock, self.agenda, shelf)
        self.engine.ended = self.marks.settle
        self.recovered = self.settle()

    def close(self) -> None:
        """Let go of the log and of the workers."""
        if self.workers:
            self.workers.close()
        self.closing.close()

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what the engine needs ----------------------------------------------------------------------------------------

    def _files_within(self, lane: Lane) -> GuardedFiles:
        return GuardedFiles(lane, self.keeper, trash=self.trash)

    def _tell(self, text: str) -> None:
        """Show the person a notice of klapp's own."""
        self.notifier.show("klapp", text)

    def _reach(self, program: Program, coworker: str) -> Reach:
        return Reach(
            program,
            coworker,
            self.log_store,
            self.broker,
            self.secrets.get,
            self.received.attachment,
            self.mailing.post,
            self.mailboxes,
        )

    def _working(self) -> AbstractContextManager[None]:
        return working(self.home.path)

    def settle(self) -> list[dict[str, Any]]:
        """Finish or close what a killed agent left behind, or this one where it could not write its log."""
        if not self.log_store.unfinished():
            return []
        with self._working(), nobody_at_work(self.home.workers_lock):
            return [report.to_json() for report in recover(self.engine)]

    # -- coworkers ----------------------------------------------------------------------------------------------------

    def overview(self) -> list[dict[str, Any]]:
        """Every coworker with its state, permissions, triggers and last run."""
        self.coworkers.reload()
        return [self.roster.told(coworker) for coworker in self.coworkers.all()]

    def review(self, name: str) -> dict[str, Any]:
        """What a person reads before allowing a coworker anything; see ``klapp.coworkers.review``."""
        return self.approving.review(name).to_json()

    def approve(self, name: str, seen: str | None = None, narrower: bool = False) -> dict[str, Any]:
        """Allow a coworker what it asks for now, or only what its review showed, or the tightest lines."""
        return self.roster.told(self.approving.approve(name, seen, narrower=narrower))

    def refuse(self, name: str) -> dict[str, Any]:
        """Say no to what a coworker asks for now."""
        return self.roster.told(self.approving.refuse(name))

    def revoke(self, name: str) -> dict[str, Any]:
        """Take an approval back."""
        return self.roster.told(self.approving.revoke(name))

    def settings(self, name: str) -> list[dict[str, Any]]:
        """The settings of a coworker; see ``Roster.settings``."""
        return self.roster.settings(name)

    def change_setting(self, name: str, setting: str, values: Sequence[str] | None) -> dict[str, Any]:
        """Give a setting another value; see ``Roster.change_setting``."""
        return self.roster.change_setting(name, setting, values)

    def asks(self, name: str) -> list[dict[str, Any]]:
        """What a coworker asks a person for when it is run; see ``Roster.asks``."""
        return self.roster.asks(name)

    def pause(self, name: str | None = None, until: str | None = None) -> None:
        """Pause one coworker or all, until an ISO moment or until resumed."""
        moment, words = (datetime.fromisoformat(until), until[:16].replace("T", " ")) if until else (None, "resumed")
        self.coworkers.pause(name, moment, lambda named: self.log_store.record(Paused(named, words)))

    def resume(self, name: str | None = None) -> None:
        """End a pause."""
        self.coworkers.resume(name, lambda named: self.log_store.record(Resumed(named)))

    def ready(self) -> list[Coworker]:
        """The coworkers that may run now."""
        return [coworker for coworker in self.coworkers.all() if coworker.state == "ready"]

    # -- running ------------------------------------------------------------------------------------------------------

    def run(
        self, name: str, on: Sequence[str] | None = None, answers: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Run a coworker once: gives {"progress", "of"} on the way, and {"report"} for each run; at its end {"left"},
        how many were not begun, where it failed too often in a row, and {"gone"}, the paths of files that somebody
        took away before their turn came.

        ``on`` are absolute paths of files, or of folders that stand for every file below them; ``answers`` what a
        person typed, by the names that ``asks`` tells. Raises NoCoworker for one that is missing or does not fit.
        """
        self.coworkers.reload()
        coworker = self.coworkers.find(name)
        if coworker.program is None or coworker.state == "waiting":
            raise NoCoworker(f'"{coworker.name}" can not run: {why(coworker)}')
        gone: list[str] = []
        requests, count = self._requests(coworker.name, coworker.program, on, answers or {}, gone)
        return self._performed_with(gone, requests, count)

    def _performed_with(self, gone: list[str], requests: Iterable[Request], count: int) -> Iterator[dict[str, Any]]:
        yield from map(_as_data, self.perform(requests, count))
        if gone:
            yield {"gone": gone}

    def perform(self, requests: Iterable[Request], count: int) -> Iterator[dict[str, Any]]:
        """Perform about ``count`` requests of one coworker, chunk by chunk; what it gives is as for ``run``, but each
        report as a ``RunReport``.

        It ends before its time where the coworker failed too often in a row; ``fuse`` says how often that is.
        """
        coming, done = iter(requests), 0
        while True:
            with self._working():
                chunk = list(map(self.introduced, islice(coming, CHUNK)))
                fuse = self.fuse(chunk[0]) if chunk else None
                reports = self.engine.perform(chunk, fuse)
            for request, report in zip(chunk, reports, strict=False):
                self.lineage.made(request, report.steps, self.performed(request, report))
            done += len(reports)
            if reports:
                yield {"progress": min(done, count), "of": count}
                yield from ({"report": report} for report in reports)
            if len(reports) < len(chunk):
                yield {"left": max(count - done, len(chunk) - len(reports))}
            if len(reports) < max(len(chunk), 1):
                return

    def _requests(
        self,
        name: str,
        program: Program,
        on: Sequence[str] | None,
        answers: Mapping[str, str],
        gone: list[str] | None = None,
    ) -> tuple[Iterable[Request], int]:
        """What ``run`` is to do now, each request made when its turn comes, and about how many there are; ``gone`` gets
        the paths at which there is no file any more by then."""
        now = self.clock()
        try:
            given = settled(asked(program), answers) if on is None else {}
        except ValueError as error:
            raise NoCoworker(str(error)) from error
        if on is None and (unprompted := self.dispatcher.unprompted(name, program, now, given)):
            return unprompted, len(unprompted)
        listening = listeners(name, program, self.person, (ARRIVES,))
        listening = listening or listeners(name, program, self.person, (CHANGES,))
        files = self.engine.files_for(program)
        paths = self.dispatcher.standing(listening, files, on)
        if on is not None and not paths:
            raise NoCoworker(f'"{name}" waits for no file that is there: {", ".join(on)}.')
        count = sum(listener.hears(path) for path in paths for listener in listening) if listening[1:] else len(paths)
        missed = [] if gone is None else gone
        return self.dispatcher.arrivals(listening, files, paths, now, missed.append), count

    def simulate(
        self,
        name: str,
        on: Sequence[str] | None = None,
        answers: Mapping[str, str] | None = None,
        text: str | None = None,
    ) -> list[dict[str, Any]]:
        """What a run would do; ``name`` may be the absolute path of a ``.klr`` file, approved or not. With a ``text`` that
        one is meant, which may not have been saved yet."""
        if text is not None or (name.endswith(".klr") and os.path.isabs(name)):
            loaded = load(Path(name).read_text(encoding="utf-8") if text is None else text, VOCABULARY, name)
            program = loaded.program
            if program is None:
                raise NoCoworker(f"{name} has errors. See them with: klapp check {name}")
        else:
            self.coworkers.reload()
            coworker = self.coworkers.find(name)
            program = coworker.program
            if program is None:
                raise NoCoworker(f'"{coworker.name}" can not be simulated: {why(coworker)}')
        requests, _ = self._requests(program.name, program, on, answers or {})
        return [report.to_json() for report in simulate(self.engine, requests)]

    def _would_do(self, coworker: Coworker) -> Iterator[RunReport]:
        """What a coworker would do, run by run, without a person's answers."""
        assert coworker.program is not None
        for request in self._requests(coworker.name, coworker.program, None, {})[0]:
            yield from simulate(self.engine, [request])

    # -- the past -----------------------------------------------------------------------------------------------------

    def log(
        self, name: str | None = None, newest: int | None = None, after: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """The runs so far; see ``Past.runs``."""
        return self.past.runs(name, newest, after)

    def explain(self, run: int) -> dict[str, Any]:
        """Why a run did what it did; see ``Past.explain``."""
        return self.past.explain(run)

    def history(self, path: str) -> dict[str, Any]:
        """What happened to a file; see ``Past.history``."""
        return self.past.history(path)

    def replay(self, run: int) -> list[dict[str, Any]]:
        """The differences between a run and its replay from the log alone; none, if all is well."""
        return self.past.replay(run)

    def undo(
        self, runs: Sequence[int] | None = None, only: Sequence[str] = (), since: str | None = None
    ) -> list[dict[str, Any]]:
        """Take runs back; see ``Past.undo``."""
        return self.past.undo(runs, only, since)

    def network(self, what: str, **asked: Any) -> Any:
        """What ``Networking`` tells and does, by the name of its method."""
        return _method(self.networking, what, f"Nobody can ask the network for {what!r}.")(**asked)

    def mail(self, what: str, **asked: Any) -> Any:
        """What ``Mailing`` tells and does, by the name of its method."""
        return _method(self.mailing, what, f"Nobody can ask for {what!r} of mail.")(**asked)

    def notices(self, what: str, **asked: Any) -> Any:
        """What ``Noticing`` tells and does, by the name of its method."""
        return _method(self.noticing, what, f"Nobody can ask for {what!r} of notices.")(**asked)

    def updates(self, what: str, **asked: Any) -> Any:
        """What ``Updating`` tells and does, by the name of its method."""
        return _method(self.updating, what, f"Nobody can ask for {what!r} of updates.")(**asked)

    def kept(self, what: str, **asked: Any) -> Any:
        """What ``Keeping`` tells and does, by the name of its method."""
        method = _method(self.keeping, what, f"Nobody can ask for {what!r} of kept copies.")
        with self._working():
            return method(**asked)

    def tidy_copies(self) -> None:
        """Let go of the kept copies that are too old or too many."""
        with self._working():
            self.keeping.tidy()

    def audit(self, what: str, **asked: Any) -> Any:
        """What is asked of the log as a whole; see ``Auditing``."""
        return _method(self.auditing, what, f"This agent does not know how to audit {what!r}.")(**asked)


class _Part(Protocol):
    """A part of the facade that is asked by the names of its methods."""

    METHODS: frozenset[str]


def _method(part: _Part, what: str, refusal: str) -> Callable[..., Any]:
    """The method of a part by its name. Raises ValueError, saying ``refusal``, for one that nobody may ask for."""
    if what not in part.METHODS:
        raise ValueError(refusal)
    method: Callable[..., Any] = getattr(part, what)
    return method


def _as_data(item: dict[str, Any]) -> dict[str, Any]:
    """What ``perform`` gives, as JSON can hold it."""
    return {"report": item["report"].to_json()} if "report" in item else item


def _forget(connection: Any, meant: Callable[[str], bool]) -> None:
    """What klapp remembers of files that are gone, and of mails, beside the log."""
    forget_gone(connection, meant)
    forget_starts(connection, meant)
    forget_meant(connection, meant)
    forget_unsure(connection, meant)
    forget_unseen(connection, meant)
    forget_unusual(connection, meant)
    forget_handled(connection, meant)
    forget_proofs(connection)
