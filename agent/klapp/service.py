"""The agent at work: waits for files and moments, runs the rules that they start, and answers the command line."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from klapp import gate, rpc
from klapp.account.screen import ScreenWatch
from klapp.agent import Agent
from klapp.audit.events import AgentStarted, AgentStopped, Trouble, acting
from klapp.coworkers.store import Coworker
from klapp.dispatch import Listener, listeners, schedules, watched_folders
from klapp.engine.runs import Request
from klapp.files.shown import shown
from klapp.triggers.clock import Clock
from klapp.triggers.folders import FolderWatch
from klapp.triggers.seen import SeenInDatabase
from klr.schedules import Schedule

Key = tuple[str, int]
"""A rule of the clock: the coworker's name and the rule's index."""


class Service:
    """An ``Agent`` with its triggers running. Use it as a context manager.

    ``say`` is told, in sentences, what a person at a terminal should know. One worker thread runs everything that
    files and moments start, in the order in which they came.
    """

    def __init__(self, agent: Agent, say: Callable[[str], None]) -> None:
        self.agent = agent
        self.say = say
        self.on_change: Callable[[], None] = lambda: None
        self.stopped = threading.Event()
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._worker = threading.Thread(target=self._loop, name="klapp-worker", daemon=True)
        self._listening: list[Listener] = []
        self._busy = False
        self._rounds: set[Key] = set()
        self._seen = SeenInDatabase(agent.log_store.connection, agent.log_store.lock)
        self._folders = FolderWatch([], self._arrived, trouble=self._tell, seen=self._seen)
        self._own = FolderWatch(
            [(str(agent.home.coworkers), False)], self._edited, quiet=timedelta(milliseconds=300), changes=True
        )
        self._clock = Clock(self._due)
        self._server = rpc.Server(agent.home.path, self._answer)
        self._screen = ScreenWatch(agent.account.lock)

    # -- life ---------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Service:
        for report in self.agent.recovered:
            self._tell(f'Run {report["run"]} of "{report["coworker"]}" was cut short; it is now: {report["outcome"]}.')
        if trouble := self.agent.witnesses.trouble():
            self._tell(trouble)
        self.agent.log_store.record(AgentStarted(version("klapp"), os.getpid(), boot_id()))
        self._seen.forget()
        self._worker.start()
        self._folders.start()
        self._own.start()
        self._clock.start()
        self._listen()
        self._later("agent", self._retire)
        self._server.start()
        self._screen.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._screen.stop()
        self._server.stop()
        self._clock.stop()
        self._own.stop()
        self._folders.stop()
        self._work.put(None)
        self._worker.join()
        self.agent.log_store.record(AgentStopped(os.getpid()))

    def _retire(self) -> None:
        """Let go of what the person's rule for retention does not keep."""
        self.agent.auditing.retain()

    def wait(self) -> None:
        """Until ``quit`` or Ctrl+C."""
        while not self.stopped.wait(timeout=3600):
            pass

    def quit(self) -> None:
        """End the service: whoever waits for it goes on."""
        self.stopped.set()

    def _tell(self, sentence: str) -> None:
        self.say(sentence)

    def _went_wrong(self, sentence: str) -> None:
        """Tell, and have it remembered."""
        self._tell(sentence)
        with suppress(Exception):  # such as a full disk, which may be what went wrong
            self.agent.log_store.record(Trouble(sentence))

    # -- the worker ---------------------------------------------------------------------------------------------------

    def _later(self, origin: str, work: Callable[[], None]) -> None:
        """Have the worker do it in its turn; the log tells from where it came."""

        def acted() -> None:
            with acting(origin):
                work()

        self._work.put(acted)

    def _loop(self) -> None:
        while (work := self._work.get()) is not None:
            self._busy = True
            self.on_change()
            try:
                work()
            except Exception as error:
                # Whatever one piece of work does wrong, the next one must be done.
                self._went_wrong(f"Something did not work: {error}")
            finally:
                self._busy = False
                self.on_change()

    def _arrived(self, paths: list[str]) -> None:
        self._later("trigger: a file", lambda: self._run_arrivals(paths))

    def _run_arrivals(self, paths: list[str]) -> None:
        now = self.agent.clock()
        requests: list[Request] = []
        for coworker in self.agent.ready():
            assert coworker.program is not None
            mine = [listener for listener in self._listening if listener.coworker == coworker.name]
            if mine:
                files = self.agent.engine.files_for(coworker.program)
                requests.extend(self.agent.dispatcher.arrivals(mine, files, paths, now))
        straight = [request for request in requests if not self._stopped_round(request)]
        for item in self.agent.perform(straight, len(straight)):
            self._told(item)
        self._folders.done(paths)

    def _stopped_round(self, request: Request) -> bool:
        """Whether a rule must not start, since the file is of its own making; the person is told once for each rule."""
        if not self.agent.lineage.goes_round(request):
            return False
        key = request.coworker, request.rule.index
        if key not in self._rounds:
            self._rounds.add(key)
            where = shown(request.file.path) if request.file else ""
            self._went_wrong(
                f'"{request.coworker}" (line {request.rule.line}) would go on for ever with what it makes itself, such '
                f"as {where}. It was not started again. Let it put files where it does not wait for them."
            )
        return True

    def _due(self, key: Key) -> None:
        self._later("trigger: the clock", lambda: self._run_rule(*key))

    def _run_rule(self, name: str, index: int) -> None:
        for coworker in self.agent.ready():
            if coworker.name == name and coworker.program is not None:
                rule = coworker.program.rules[index]
                request = self.agent.dispatcher.request(name, coworker.program, rule, self.agent.clock())
                for item in self.agent.perform([request], 1):
                    self._told(item)

    def _told(self, item: dict[str, Any]) -> None:
        report = item.get("report")
        if report is not None and report["outcome"] == "failed":
            self._tell(f'"{report["coworker"]}" failed (run {report["run"]}): {report["reason"]}')

    # -- coworkers that change ----------------------------------------------------------------------------------------

    def _edited(self, paths: list[str]) -> None:
        if any(path.endswith(".klr") for path in paths):
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

    def _listen(self) -> None:
        """Set the triggers to what the coworkers now wait for."""
        folders: set[tuple[str, bool]] = set()
        plans: dict[Key, Schedule] = {}
        self._listening = []
        for coworker in self.agent.coworkers.all():
            # Paused ones are listened for as well: whether they may run is asked when something comes.
            if coworker.program is None or coworker.state == "waiting":
                continue
            self._listening.extend(listeners(coworker.name, coworker.program, self.agent.person))
            folders.update(watched_folders(coworker.program, self.agent.person))
            plans.update({(coworker.name, index): plan for index, plan in schedules(coworker.program).items()})
        self._folders.set_folders(sorted(folders))
        self._clock.set(plans)
        self.on_change()

    # -- what others ask for ------------------------------------------------------------------------------------------

    def _answer(self, method: str, arguments: dict[str, Any]) -> Any:
        if method == "ping":
            return {"process": os.getpid()}
        answer = gate.answer(self.agent, method, arguments)
        if method in ("approve", "revoke", "pause", "resume"):
            self._listen()
        return answer

    def overview(self) -> dict[str, Any]:
        """What the tray shows: state, a status line, and each coworker with its own."""
        coworkers = self.agent.overview()
        states = {one["state"] for one in coworkers}
        if self._busy:
            state = "working"
        elif states & {"waiting", "broken"} or any(one["stale"] for one in coworkers):
            state = "needs you"
        elif states == {"paused"}:
            state = "paused"
        else:
            state = "running"
        return {
            "state": state,
            "status": self._status(coworkers, state),
            "coworkers": [_in_tray(one) for one in coworkers],
        }

    def _status(self, coworkers: list[dict[str, Any]], state: str) -> str:
        if not coworkers:
            return "No coworkers yet"
        if state == "working":
            return "Working"
        soonest = min(self._clock.next_runs().values(), default=None)
        ready = sum(one["state"] == "ready" for one in coworkers)
        text = f"{ready} of {len(coworkers)} coworkers at work"
        return f"{text}, next at {_moment(soonest)}" if soonest else text

    def pause(self, name: str | None = None) -> None:
        """Pause one coworker or all, until resumed."""
        with acting("tray"):
            self._answer("pause", {"name": name})

    def resume(self, name: str | None = None) -> None:
        """End a pause."""
        with acting("tray"):
            self._answer("resume", {"name": name})

    def run(self, name: str) -> None:
        """Run a coworker once; returns at once, the work is done in its turn."""
        self._later("tray", lambda: self._run_now(name))

    def _run_now(self, name: str) -> None:
        run: Iterator[dict[str, Any]] = self.agent.run(name)
        for item in run:
            self._told(item)


def _in_tray(one: dict[str, Any]) -> dict[str, Any]:
    last = one["last"]
    words = f"run {last['run']}, {last['started'][:16].replace('T', ' ')}: {last['outcome']}" if last else "never ran"
    state = "running" if one["state"] == "ready" else one["state"]
    return {"name": one["name"], "state": state, "why": one["why"], "last": words}


def boot_id() -> str:
    """Which start of the system this is, for its monotonic clock begins anew with each; "" where it does not tell."""
    with suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
    return ""


def _moment(moment: datetime) -> str:
    return f"{moment:%H:%M}" if moment.date() == datetime.now().date() else f"{moment:%Y-%m-%d %H:%M}"
