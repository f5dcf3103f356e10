"""The agent at work: waits for files and moments, runs the rules that they start, and answers the command line."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from klapp import gate, glance, rpc, telling
from klapp.account.errors import NeedsLogin
from klapp.account.screen import ScreenWatch
from klapp.addresses import address, editor
from klapp.agent import Agent
from klapp.audit.events import AgentStarted, AgentStopped, Trouble, acting
from klapp.counts import counted
from klapp.coworkers.review import seen_of
from klapp.coworkers.store import Coworker
from klapp.dispatch import STARTS, Index, Start, plans, watched_folders
from klapp.mail.received import Waiting
from klapp.mailing import ASK
from klapp.marks import mail_subject
from klapp.network.apps import open_with
from klapp.triggers.arrivals import folder_of, version_of
from klapp.triggers.clock import Clock, Key, Strike
from klapp.triggers.folders import LEAVES, Change, FolderWatch
from klapp.triggers.mail import MailWatch
from klapp.triggers.seen import SeenInDatabase
from klapp.turns import Turns
from klapp.updates.asker import Asker
from klr.effects import MAIL_GIVEN
from klr.program import Program

RETIRE_EVERY = timedelta(days=1)
PARTS = {
    "klapp-worker": "What runs coworkers",
    "klapp-folders": "What watches folders",
    "klapp-clock": "The clock",
    "klapp-mail": "What waits for mail",
    "klapp-rpc": "What answers commands",
}
"""Threads that klapp can not do without, and what a person calls them."""


class Service:
    """An ``Agent`` with its triggers running. Use it as a context manager.

    ``say`` is told, in sentences, what a person at a terminal should know. One worker thread runs everything that
    files and moments start, in the order in which they came.
    """

    def __init__(self, agent: Agent, say: Callable[[str], None]) -> None:
        self.agent = agent
        self.say = say
        self.on_change: Callable[[], None] = lambda: None
        self.open_page: Callable[[str], dict[str, str]] = _no_page
        """Begins to serve the local page, where there is one, and gives the way in to one of its addresses."""
        self.stopped = threading.Event()
        self._troubles: dict[str, dict[str, str]] = {}
        """What is wrong with klapp itself: a sentence, and the page that says more."""
        self._phrases: dict[Key, str] = {}
        store = agent.log_store
        self._seen = SeenInDatabase(store.connection, store.lock)
        self._folders = FolderWatch([], self._happened, trouble=self._tell, seen=self._seen)
        self._own = FolderWatch([(str(agent.home.coworkers), False)], self._edited, quiet=timedelta(milliseconds=300))
        self._clock = Clock(self._due, kept=agent.coworkers.kept, seed=_seed(agent))
        self._turns = Turns(
            agent,
            self._tell,
            trouble=self._went_wrong,
            changed=lambda: self.on_change(),
            served=self._clock.served,
            rested=self._at_rest,
        )
        self._retired = agent.clock()
        self._mail = MailWatch(
            agent.received, self._came, self._went_wrong, agent.mailing.contact, lambda: agent.broker.context
        )
        self._posting, self._posted = threading.Lock(), set[int]()
        self._listening: dict[str, Program] = {}
        agent.roster.next_runs = self._next_run
        self._server = rpc.Server(agent.home.path, self.answer)
        self._screen = ScreenWatch(agent.account.lock)
        self._updates = Asker(agent.updating.due, self._asks_for_update, agent.clock)
        agent.notifier.locked = lambda: self._screen.is_locked
        agent.notifier.act = lambda action: self.act(action.method, action.arguments, origin="notice")

    # -- life ---------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Service:
        for report in self.agent.recovered:
            self._tell(f'Run {report["run"]} of "{report["coworker"]}" was cut short; it is now: {report["outcome"]}.')
        if unsure := self.agent.mailing.unsure():
            self._tell(f"It is not known of {counted(len(unsure), 'mail')} whether it was sent. {ASK}")
        if trouble := self.agent.witnesses.trouble():
            self._tell(trouble)
            self._trouble("log", trouble, "/log")
            self.agent.watch.log_is_wrong(trouble)
        self._hook, threading.excepthook = threading.excepthook, self._thread_ended
        self.agent.log_store.record(AgentStarted(version("klapp"), os.getpid(), boot_id()))
        self._seen.forget()
        mails = self.agent.received.waiting()
        self.agent.marks.keep(self._can_come_again, frozenset(mail_subject(one.mail) for one in mails))
        self._turns.start()
        self._folders.start()
        self._own.start()
        self._clock.start()
        self._listen()
        self._turns.hand_on()
        self._later("agent", self._retire)
        self._post(mails, again=True)
        self._turns.offer(self._turns.index.others(STARTS))
        self._server.start()
        self._screen.start()
        self.agent.notifier.start()
        self.agent.watch.look_at_clock()
        self._updates.set()
        self._ask()
        return self

    def __exit__(self, *_: object) -> None:
        self._updates.stop()
        self._screen.stop()
        self._server.stop()
        self._mail.stop()
        self._clock.stop()
        self._own.stop()
        self._folders.stop()
        self._turns.stop()
        self.agent.notifier.stop()
        threading.excepthook = self._hook
        self.agent.log_store.record(AgentStopped(os.getpid()))

    def _retire(self) -> None:
        """Let go of what the person's rules for the log and for kept copies do not keep, and of files long gone."""
        self._retired = self.agent.clock()
        self.agent.auditing.retain()
        self.agent.tidy_copies()
        self._seen.forget()

    def _at_rest(self) -> None:
        """Something was done, and nothing waits: now nobody is held up by what is to be let go. That is looked at once a
        day, and copies also when many were kept; an agent that has nothing to do looks at nothing."""
        if not timedelta() <= self.agent.clock() - self._retired < RETIRE_EVERY:
            self._later("agent", self._retire)
        elif self.agent.keeping.is_due:
            self._later("agent", self.agent.tidy_copies)

    def wait(self) -> None:
        """Until ``quit`` or Ctrl+C."""
        while not self.stopped.wait(timeout=3600):
            pass

    def quit(self) -> None:
        """End the service: whoever waits for it goes on."""
        self.stopped.set()

    def _can_come_again(self, phrase: str, path: str, version: Sequence[int] | None) -> bool:
        """Whether the watch will tell once more of what happened to a path, since it does not know that to be dealt with."""
        if phrase == LEAVES:
            return not os.path.lexists(path) and self._seen.version(path) is not None
        for at, there in ((path, version_of(path)), (path + "/", folder_of(path))):
            if there is not None:
                _, inode, stamp, size = there
                return version == [stamp, size, inode] and self._seen.version(at) != (0, inode, stamp, size)
        return False

    def _next_run(self, name: str, program: Program) -> datetime | None:
        runs = [at for (of, _), at in self._clock.next_runs().items() if of == name]
        return min(runs, key=datetime.timestamp, default=None)

    def _tell(self, sentence: str) -> None:
        self.say(sentence)

    def _went_wrong(self, sentence: str) -> None:
        """Tell, and have it remembered."""
        self._tell(sentence)
        with suppress(Exception):  # such as a full disk, which may be what went wrong
            self.agent.log_store.record(Trouble(sentence))

    def _trouble(self, of: str, sentence: str, page: str = "/checkup") -> None:
        """Show that something is wrong with klapp itself, or for "" that this is over."""
        if sentence:
            self._troubles[of] = {"sentence": sentence, "page": page}
        else:
            self._troubles.pop(of, None)
        self.on_change()

    def _thread_ended(self, ended: threading.ExceptHookArgs) -> None:
        """A thread ended by an error that nobody foresaw: where it is one of ours, a part of klapp is down."""
        name = ended.thread.name if ended.thread is not None else ""
        if name not in PARTS:
            self._hook(ended)
            return
        sentence = f"{PARTS[name]} has stopped working. Quit klapp and start it again."
        self._went_wrong(f"{sentence} ({ended.exc_type.__name__})")
        self._trouble(name, sentence)

    # -- the worker ---------------------------------------------------------------------------------------------------

    def _later(self, origin: str, work: Callable[[], None]) -> None:
        """Have the worker do it in its turn; the log tells from where it came."""

        def acted() -> None:
            with acting(origin):
                work()

        self._turns.then(acted)

    def _happened(self, changes: list[Change]) -> None:
        """Called by the watch: what came of it is put down as dealt with behind what it starts."""
        self._turns.offer(self._turns.index.starts(changes))
        self._turns.then(lambda: self._done(changes))

    def _done(self, changes: list[Change]) -> None:
        self._folders.done(changes)
        self.agent.marks.known_now((change.path, change.version) for change in changes)

    def _came(self, account: str) -> None:
        """Called by the watch for mail: what waits of an account is offered."""
        self._post(self.agent.received.waiting(account))

    def _post(self, waiting: list[Waiting], *, again: bool = False) -> None:
        """Offer what mails start; behind that they are put down as dealt with."""
        with self._posting:  # one that waits for its turn is not offered again with the next one
            waiting = [one for one in waiting if one.number not in self._posted]
            self._posted.update(one.number for one in waiting)
        if waiting:
            starts = self.agent.mailing.starts(waiting, self._listening)
            wanted = {start.answers[MAIL_GIVEN].key for start in starts}
            # After a kill, a start that waits for another try may still want what no rule is offered again.
            unwanted = [] if again else [one.number for one in waiting if one.mail.key not in wanted]
            self._turns.offer(starts)
            self._turns.then(lambda: self._dealt(waiting, unwanted))

    def _dealt(self, waiting: list[Waiting], unwanted: list[int]) -> None:
        self.agent.received.dealt([one.number for one in waiting], unwanted)
        self.agent.marks.known_now((mail_subject(one.mail), None) for one in waiting)

    def _due(self, strikes: list[Strike]) -> None:
        self._turns.offer(
            Start(*strike.key, phrase, moment=strike.moment, as_of=strike.as_of)
            for strike in strikes
            if (phrase := self._phrases.get(strike.key))
        )

    # -- coworkers that change ----------------------------------------------------------------------------------------

    def _edited(self, changes: list[Change]) -> None:
        self._own.done(changes)
        if any(change.path.endswith(".klr") for change in changes):
            self._later("trigger: an edited file", self._reload)

    def _reload(self) -> None:
        for coworker in self.agent.coworkers.reload():
            self._introduce(coworker)
        self._listen()

    def _introduce(self, coworker: Coworker) -> None:
        if coworker.stale:
            first = coworker.loaded.errors[0]
            line = coworker.loaded.source.place(first.span.start)[0]
            sentence = (
                f'"{coworker.name}" has errors (line {line}: {first.message}) The last good version stays in force.'
            )
        elif coworker.state == "broken":
            sentence = f"{coworker.path.name} has errors and can not run. See: klapp check {coworker.path}"
        elif coworker.state == "waiting":
            sentence = f'"{coworker.name}" waits for your approval: klapp approve {coworker.path.stem}'
        else:
            sentence = f'"{coworker.name}" is loaded.'
        self._tell(sentence)
        self._ask()

    def _ask(self) -> None:
        """Tell of each coworker that waits for an approval, once for what it asks for."""
        kept = self.agent.coworkers.kept
        for coworker in self.agent.coworkers.all():
            key = f"asked:{coworker.name}"
            if coworker.state != "waiting" or coworker.refused or coworker.program is None:
                continue
            if kept.get(key) != (seen := seen_of(coworker.program)):
                self.agent.notifier.tell(telling.asks(coworker))
                kept.put(key, seen)

    def _listen(self) -> None:
        """Set the triggers to what the coworkers now wait for."""
        # Paused ones are listened for as well: whether they may run is asked when something comes.
        listening = {
            one.name: one.program for one in self.agent.coworkers.all() if one.program and one.state != "waiting"
        }
        self._listening = listening
        self._mail.set(self.agent.mailing.wanted(listening.values()))
        self._turns.index = Index(listening, self.agent.person)
        self._phrases = {
            (name, rule.index): rule.trigger.phrase for name, program in listening.items() for rule in program.rules
        }
        self._folders.set_folders(
            sorted({folder for program in listening.values() for folder in watched_folders(program, self.agent.person)})
        )
        self._clock.set(
            {(name, index): plan for name, program in listening.items() for index, plan in plans(program).items()}
        )
        self.on_change()

    # -- what others ask for ------------------------------------------------------------------------------------------

    def answer(self, method: str, arguments: dict[str, Any]) -> Any:
        """What the gate answers, with the triggers set anew where that is due."""
        if method == "ping":
            return {"process": os.getpid()}
        if method == "console":
            return self.open_page(str(arguments.get("path", "/")))
        answer = gate.answer(self.agent, method, arguments)
        if method in ("approve", "refuse", "revoke", "pause", "resume", "change_setting", "mail"):
            self._listen()
        if (method, arguments.get("what")) == ("notices", "seen"):
            self.on_change()
        if method == "updates":
            self._updates.set()
            self.on_change()
        if method in ("approve", "resume"):
            self._turns.release(answer["name"] if method == "approve" else self._named(arguments.get("name")))
        return self._verified(answer) if (method, arguments.get("what")) == ("audit", "verify") else answer

    def _verified(self, steps: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """What a verification gives, its result shown in the tray."""
        for step in steps:
            if "problem" in step:
                wrong = step["problem"] is not None
                if wrong:
                    self.agent.watch.log_is_wrong("The log is not as klapp wrote it.")
                self._trouble("log", "The log is not as klapp wrote it." if wrong else "", "/log")
            yield step

    def _named(self, name: str | None) -> str | None:
        return None if name is None else self.agent.coworkers.find(name).name

    @property
    def version(self) -> str:
        """Another one when something has been done, or begins to be; for who shows it."""
        return f"{self.agent.log_store.count()}{'+' if self._turns.busy else ''}"

    def overview(self) -> dict[str, Any]:
        """What the tray shows; see ``klapp.glance``."""
        soonest = min(self._clock.next_runs().values(), key=datetime.timestamp, default=None)
        troubles = list(self._troubles.values())
        return glance.overview(self.agent, self.agent.agenda, busy=self._turns.busy, soonest=soonest, troubles=troubles)

    def run(self, name: str, answers: Mapping[str, str] | None = None, *, origin: str = "tray") -> None:
        """Run a coworker once; returns at once, the work is done in its turn."""
        self._later(origin, lambda: self._run_now(name, answers))

    def act(self, method: str, arguments: Sequence[Any], *, origin: str = "tray") -> None:
        """What was clicked in the tray or on a notice, which have no session: the account locks there what it locks.
        Never raises."""
        acts: dict[str, Callable[..., object]] = {
            "pause": lambda name, span: self.answer("pause", {"name": name, "until": _until(span)}),
            "resume": lambda name: self.answer("resume", {"name": name}),
            "allow": lambda name, seen, narrower=False: self.answer(
                "approve", {"name": name, "seen": seen, "narrower": narrower}
            ),
            "refuse": lambda name: self.answer("refuse", {"name": name}),
            "undo": self._undo,
            "seen": lambda key: self.answer("notices", {"what": "seen", "key": key}),
            "run": self._run_or_ask,
            "check_updates": self._updates.now,
            "skip_update": lambda version: self.answer("updates", {"what": "skip", "version": version}),
            "lock": lambda: self.agent.account.lock("asked"),
            "open_page": self._show_page,
            "open_file": lambda path: self._show_page(editor(Path(path), self.agent.home.coworkers)),
            "open_folder": lambda: open_with(str(self.agent.home.coworkers), ""),
        }
        try:
            with acting(origin):
                try:
                    acts[method](*arguments)
                except NeedsLogin:
                    if origin != "notice" or method != "undo":
                        raise
                    acts["open_page"](f"/run?run={arguments[0]}")  # where there is a login, and the same button
        except Exception as error:
            # Whatever it was, who clicked should learn of it, and the icon stay.
            self.agent.notifier.show("klapp", str(error))

    def _show_page(self, path: str) -> None:
        open_with(self.open_page(path)["file"], "")

    def _run_or_ask(self, name: str) -> None:
        """Run it, or open the page where the person answers what it asks for first."""
        if any(one["default"] is None for one in self.agent.asks(name)):
            self._show_page(address("/coworker", name=name))
        else:
            self.run(name)

    def _undo(self, *runs: int) -> None:
        if told := telling.undone(self.answer("undo", {"runs": list(runs)})):
            self.agent.notifier.tell(told)

    def _asks_for_update(self, asked: bool) -> None:
        with acting("tray" if asked else "agent"):
            self.agent.updating.ask(asked)
        self.on_change()

    def _run_now(self, name: str, answers: Mapping[str, str] | None) -> None:
        for item in self.agent.run(name, answers=answers):
            if (report := item.get("report")) and report["outcome"] == "failed":
                self._turns.tell_failed(report["coworker"], report["run"], report["reason"])


def _no_page(path: str) -> dict[str, str]:
    raise ValueError("This agent has no page.")


def _seed(agent: Agent) -> bytes:
    """What the moments of `within` are drawn with: other ones on each machine, the same after a restart."""
    kept = agent.coworkers.kept
    seed = kept.get("seed")
    if seed is None:
        seed = secrets.token_hex(32)
        kept.put("seed", seed)
    return bytes.fromhex(str(seed))


def _until(span: str) -> str | None:
    """When a pause ends, as an ISO moment: "hour", "tomorrow", or "" for when it is resumed."""
    now = datetime.now()
    if span == "hour":
        return (now + timedelta(hours=1)).isoformat()
    if span == "tomorrow":
        return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).isoformat()
    return None


def boot_id() -> str:
    """Which start of the system this is, for its monotonic clock begins anew with each; "" where it does not tell."""
    with suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
    return ""
