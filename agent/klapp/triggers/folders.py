"""Watches folders, and tells of the files that arrive in them.

watchdog is asked for few kinds of events only: asked for all, it holds them back under steady load. While nothing
happens, nothing runs; the looks that tell whether a file is quiet are taken only while one is not.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from klapp.triggers.arrivals import Settling

Folder = tuple[str, bool]
"""An absolute path, and whether the folders below it count, too."""


class _Watch(NamedTuple):
    """What watchdog watches for us: its handle, which folder that was, and whether files count, or folders only."""

    handle: Any
    identity: tuple[int, int]
    wanted: bool


class FolderWatch:
    """Calls ``arrived`` with the paths of files that came to rest, sorted, on a thread of its own.

    A folder that is not there is waited for; what lies in it when it appears has arrived. ``trouble`` is told, in a
    sentence, what a person should know. With ``changes``, files that are deleted are told of, too.
    """

    def __init__(
        self,
        folders: Iterable[Folder],
        arrived: Callable[[list[str]], None],
        *,
        quiet: timedelta = timedelta(seconds=1),
        changes: bool = False,
        trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._arrived = arrived
        self._trouble = trouble
        self._changes = changes
        self._settling = Settling(quiet.total_seconds())
        self._wanted: set[Folder] = set(folders)
        self._watches: dict[Folder, _Watch] = {}
        self._absent: set[Folder] = set()
        self._gone: list[str] = []
        self._unsure = True
        self._stopped = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="klapp-folders", daemon=True)
        self._observer: Any = None

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; files that are in the folders already have not arrived."""
        from watchdog.observers import Observer

        self._observer = Observer()
        self._observer.start()
        with self._changed:
            self._attach(first=True)
        self._thread.start()

    def stop(self) -> None:
        """End; ``arrived`` is not called afterwards."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def set_folders(self, folders: Iterable[Folder]) -> None:
        """Watch these folders from now on, and no others."""
        with self._changed:
            added = set(folders) - self._wanted
            self._wanted = set(folders)
            self._attach(first=True, only=added)

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
                    self._scan(folder)
        for folder, watch in list(self._watches.items()):
            replaced = _identity(folder[0]) != watch.identity
            if needed.get(folder) is not watch.wanted or replaced:
                self._observer.unschedule(watch.handle)
                del self._watches[folder]
                if needed.get(folder) and replaced and not first:
                    self._scan(folder)  # another folder took its place; what is in it has arrived
        for folder, wanted in needed.items():
            if folder not in self._watches:
                self._watch(folder, wanted)

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
            self._trouble(f"{folder[0]} can not be watched: {error.strerror}. What arrives there is not noticed.")
            return
        self._watches[folder] = _Watch(handle, identity, wanted)

    def _scan(self, folder: Folder) -> None:
        """Everything that lies in a folder has arrived."""
        now = time.monotonic()
        for parent, folders, files in os.walk(folder[0]):
            for name in files:
                self._settling.touched(os.path.join(parent, name), now)
            if not folder[1]:
                folders.clear()

    def happened(self, path: str, *, is_folder: bool, is_gone: bool) -> None:
        """Something happened to a file or folder; called by watchdog's threads."""
        with self._changed:
            if is_folder:
                self._unsure = True
            elif self._concerns(path):
                if is_gone and self._changes:
                    self._gone.append(path)
                self._settling.touched(path, time.monotonic())
            self._changed.notify()

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
            with self._changed:
                if self._unsure:
                    self._unsure = False
                    self._attach()
                now = time.monotonic()
                found = self._settling.arrived(now)
                found.extend(self._gone)
                self._gone.clear()
                if not found and not self._stopped:
                    look = self._settling.next_look()
                    self._changed.wait(None if look is None else max(0.0, look - now))
                if self._stopped:
                    return
            if found:
                self._arrived(sorted(set(found)))


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
