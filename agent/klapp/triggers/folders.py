"""Watches folders, and tells of the files that arrive, change and leave in them, and of the folders that arrive.

watchdog is asked for few kinds of events only: asked for all, it holds them back under steady load. While nothing
happens, nothing runs; the looks that tell whether a file is quiet are taken only while one is not.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from klapp.triggers.arrivals import Rest, Settling, Version, folder_of, looks_in
from klapp.triggers.mounts import tells_all
from klapp.triggers.seen import Seen, SeenInMemory

POLL = 30.0
"""Seconds between two looks through a folder that can not be watched."""
LEAVES = "file leaves"
Folder = tuple[str, bool]
"""An absolute path, and whether the folders below it count, too."""


class Change(NamedTuple):
    """What happened: "file arrives" (a path of which nothing was known), "file changes" (something was), "file leaves"
    or "folder arrives"; the version that is there now, or was there last (None where that is not known)."""

    kind: str
    path: str
    version: Version | None


class _Watch(NamedTuple):
    """What watchdog watches for us: its handle, which folder that was, and whether files count, or folders only."""

    handle: Any
    identity: tuple[int, int]
    wanted: bool


class _Told(NamedTuple):
    """What watchdog told of one path."""

    path: str
    is_folder: bool
    is_gone: bool


class FolderWatch:
    """Calls ``told`` with what came to rest, ordered by path, on a thread of its own.

    A folder that is not there is waited for; what lies in it when it appears has arrived. ``seen`` remembers what was
    there before: whatever else is found in a folder, after a restart or when the system lost count, has arrived too.
    ``trouble`` is told, in a sentence, what a person should know. What was dealt with is to be handed to ``done``.
    """

    def __init__(
        self,
        folders: Iterable[Folder],
        told: Callable[[list[Change]], None],
        *,
        quiet: timedelta = timedelta(seconds=1),
        seen: Seen | None = None,
        trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._tell = told
        self._trouble = trouble
        self.seen: Seen = seen or SeenInMemory()
        self._settling = Settling(quiet.total_seconds())
        self._wanted: set[Folder] = set(folders)
        self._watches: dict[Folder, _Watch] = {}
        self._absent: set[Folder] = set()
        self._polled: set[Folder] = set()
        self._next_poll = 0.0
        self._overflowed = False
        self._unsure = True
        self._stopped = False
        self._lock = threading.Lock()
        # watchdog calls us under a lock of its own, which it also takes for what we ask of it under ours: what it tells
        # is only put down here, and taken up by our own thread.
        self._told: deque[_Told] = deque()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="klapp-folders", daemon=True)
        self._observer: Any = None

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; files that are in the folders already have not arrived, unless they came since they were seen."""
        from watchdog.observers import Observer

        self._observer = Observer()
        _notice_overflow(self._observer, self._lost_count)
        self._observer.start()
        with self._lock:
            self._attach(first=True)
        self._thread.start()

    def stop(self) -> None:
        """End; ``arrived`` is not called afterwards."""
        with self._lock:
            self._stopped = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def set_folders(self, folders: Iterable[Folder]) -> None:
        """Watch these folders from now on, and no others."""
        with self._lock:
            folders = set(folders)
            added = folders - self._wanted
            self._wanted = folders
            self.seen.keep_only(folder for folder, _ in self._wanted)
            self._attach(first=True, only=added)
        self._wake.set()

    # -- watching -----------------------------------------------------------------------------------------------------

    def _attach(self, first: bool = False, only: set[Folder] | None = None) -> None:
        """Bring the watches in line with the folders that are wanted and there.

        ``first``: what lies in a folder that is watched for the first time was there before us (of ``only``, if given).
        """
        needed: dict[Folder, bool] = {}
        for folder in self._wanted:
            place = _existing(folder[0])
            there = place == folder[0]
            if there:
                needed[folder] = True
            # Only the folder around it tells when a folder appears, or is replaced by another of its name.
            needed.setdefault((os.path.dirname(place) if there else place, False), False)
            if not there:
                if folder not in self._absent:
                    self._trouble(f"{folder[0]} is not there. klapp waits until it appears.")
                self._absent.add(folder)
            elif folder in self._absent:
                self._absent.discard(folder)
                if not (first and (only is None or folder in only)):
                    self._compare(folder)
        for folder, watch in list(self._watches.items()):
            replaced = _identity(folder[0]) != watch.identity
            if needed.get(folder) is not watch.wanted or replaced:
                self._observer.unschedule(watch.handle)
                del self._watches[folder]
                if needed.get(folder) and replaced and not first:
                    self._compare(folder)  # another folder took its place; what is new in it has arrived
        for folder, wanted in needed.items():
            if folder not in self._watches:
                self._watch(folder, wanted)
                if wanted and first and (only is None or folder in only):
                    self._begin(folder)
        self._polled &= {folder for folder, wanted in needed.items() if wanted}

    def _watch(self, folder: Folder, wanted: bool) -> None:
        identity = _identity(folder[0])
        if identity is None:
            return
        try:
            handle = self._observer.schedule(
                _Handler(self),
                folder[0],
                recursive=folder[1],
                event_filter=_file_events() + _folder_events() if wanted else _folder_events(),
            )
        except OSError as error:
            if wanted:
                self._poll(folder, f"{folder[0]} can not be watched ({error.strerror})")
            return
        if wanted and not tells_all(folder[0]):
            self._poll(folder, f"{folder[0]} is on another machine, which does not tell of all that happens there")
        self._watches[folder] = _Watch(handle, identity, wanted)

    def _poll(self, folder: Folder, why: str) -> None:
        if folder not in self._polled:
            self._polled.add(folder)
            self._trouble(f"{why}. klapp looks through it every {POLL:.0f} seconds instead.")

    def _begin(self, folder: Folder) -> None:
        """A folder is watched from now on: what is there is old, unless somebody watched before us and saw it not."""
        if self.seen.has(folder[0]):
            self._compare(folder)
        else:
            self._is_another(folder)
            self.seen.begin(folder[0], looks_in(*folder))

    def _compare(self, folder: Folder) -> None:
        """What lies in a folder and was never seen so has come, and what was seen and is not there has left."""
        now = time.monotonic()
        there = list(looks_in(*folder))
        if _identity(folder[0]) is None:
            return  # it went away this moment, and what is in it with it; that is for the next look
        unknown = self.seen.unknown(folder[0], there)
        paths = {path for path, _ in there}
        gone = [path for path in self.seen.there(folder[0]) if path not in paths and _lies_in(path, folder)]
        if self._is_another(folder):
            # Such as the empty one below a disk that was taken out: nothing has left, it is only not here.
            fresh = set(unknown)
            self.seen.left(gone)
            self.seen.told([(path, version) for path, version in there if path not in fresh])
            gone = []
        for path in (*unknown, *gone):
            if not self._settling.waits_for(path):  # looking often must not keep a file from coming to rest
                self._settling.touched(path, now)

    def _is_another(self, folder: Folder) -> bool:
        """Whether another folder is at its place than when it was last looked through; from now on, that is the one."""
        key, here = "\0" + folder[0], folder_of(folder[0])
        before = self.seen.version(key)
        if here is not None and (before is None or before[1] != here[1]):
            self.seen.told([(key, here)])
        return before is not None and here is not None and before[1] != here[1]

    def _lost_count(self) -> None:
        """The system had so much to tell that it dropped some of it; called by watchdog's threads."""
        self._overflowed = True
        self._wake.set()

    def _look_through(self, now: float) -> None:
        """Look for what nobody told us of: everywhere after an overflow, now and then where there is no telling."""
        if self._overflowed:
            self._overflowed = False
            self._trouble(
                "So much happened at once that the system lost count. klapp looks through all folders itself."
            )
            for folder in self._wanted - self._absent:
                self._compare(folder)
        if self._polled and now >= self._next_poll:
            self._next_poll = now + POLL
            for folder in self._polled:
                self._compare(folder)

    def happened(self, path: str, *, is_folder: bool, is_gone: bool) -> None:
        """Something happened to a file or folder; called by watchdog's threads."""
        self._told.append(_Told(path, is_folder, is_gone))
        self._wake.set()

    def _take_up(self, now: float) -> None:
        """What watchdog has told since we last looked."""
        while self._told:
            told = self._told.popleft()
            self._unsure = self._unsure or told.is_folder
            if self._concerns(told.path):
                self._settling.touched(told.path + "/" * told.is_folder, now)
            if told.is_folder and told.is_gone:
                self._gone_with(told.path, now)

    def _gone_with(self, folder: str, now: float) -> None:
        """A folder within a wanted one went away: the system does not tell what went with it."""
        if any(deep and f"{folder}/".startswith(place.rstrip("/") + "/") for place, deep in self._wanted):
            for path in self.seen.there(folder):
                self._settling.touched(path, now)

    def done(self, changes: Iterable[Change]) -> None:
        """These have been dealt with: they are not to be told again, also not after a restart."""
        changes = list(changes)
        self.seen.told([(c.path, c.version) for c in changes if c.version is not None and c.kind != LEAVES])
        self.seen.left([change.path for change in changes if change.kind == LEAVES])

    def _concerns(self, path: str) -> bool:
        """Whether a path is in a wanted folder; a watch for a missing one hears of others, too."""
        parent = os.path.dirname(path)
        return any(
            parent == folder or (recursive and parent.startswith(folder.rstrip("/") + "/"))
            for folder, recursive in self._wanted
        )

    # -- telling ------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._wake.clear()
            with self._lock:
                now = time.monotonic()
                self._take_up(now)
                if self._unsure:
                    self._unsure = False
                    self._attach()
                self._look_through(now)
                rested = self._settling.rested(now)
                looks = [self._settling.next_look(), self._next_poll if self._polled else None]
                if self._stopped:
                    return
            if rested:
                changes = [change for rest in rested if (change := self._change(rest)) is not None]
                if changes:
                    self._tell(changes)
                continue
            soonest = min((look for look in looks if look is not None), default=None)
            self._wake.wait(None if soonest is None else max(0.0, soonest - now))

    def _change(self, rest: Rest) -> Change | None:
        """What it means that something came to rest; None where that is nothing to be told."""
        before = self.seen.version(rest.path)
        known = rest.known or before is not None
        if rest.path.endswith("/"):
            if rest.version is None:
                self.seen.left([rest.path])
            return None if known or rest.version is None else Change("folder arrives", rest.path, rest.version)
        if rest.version is None:
            return Change(LEAVES, rest.path, before) if known else None
        return Change("file changes" if known else "file arrives", rest.path, rest.version)


def _lies_in(path: str, folder: Folder) -> bool:
    """Whether a path in or below a folder is one that counts there."""
    return folder[1] or "/" not in path[len(folder[0].rstrip("/")) + 1 :].rstrip("/")


class _Handler:
    """What watchdog calls: it takes anything with a ``dispatch``."""

    def __init__(self, watch: FolderWatch) -> None:
        self._watch = watch

    def dispatch(self, event: Any) -> None:
        """Pass on an event."""
        is_gone = event.event_type == "deleted"
        source, goal = os.fsdecode(event.src_path or ""), os.fsdecode(event.dest_path or "")
        if goal and event.event_type == "moved":
            self._watch.happened(goal, is_folder=event.is_directory, is_gone=False)
            is_gone = True
        if source:
            self._watch.happened(source, is_folder=event.is_directory, is_gone=is_gone)


def _notice_overflow(observer: Any, lost_count: Callable[[], None]) -> None:
    """Have ``lost_count`` called when the kernel's queue of events overflows, which watchdog itself only logs."""
    source: Any = getattr(observer, "_inotify_fd", None)
    handle = getattr(source, "handle_event", None)
    if handle is None:
        return  # only inotify has such a queue

    def noticing(event: Any) -> None:
        handle(event)
        if event.is_queue_overflow:
            lost_count()

    source.handle_event = noticing


def _file_events() -> list[Any]:
    from watchdog import events

    wanted = [events.FileClosedEvent, events.FileMovedEvent, events.FileCreatedEvent, events.FileDeletedEvent]
    # Only Linux tells when a file is closed.
    return wanted if sys.platform.startswith("linux") else [*wanted, events.FileModifiedEvent]


def _folder_events() -> list[Any]:
    from watchdog import events

    return [events.DirCreatedEvent, events.DirMovedEvent, events.DirDeletedEvent]


def _existing(folder: str) -> str:
    """The folder, or the nearest one above it that is there."""
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return folder


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino
