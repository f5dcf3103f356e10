"""Loads the ``.klr`` files, keeps the last version of each that was right, and knows which may run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any, Protocol

from klapp.coworkers.approval import Permissions, asks_more, from_json, permissions_of, to_json
from klr.loader import Loaded
from klr.program import Program
from klr.settings import name_in, with_values

LARGEST_FILE = 1_000_000


class Kept(Protocol):
    """Where approvals, pauses and last good versions are kept (``klapp.vault.shelf.Shelf``)."""

    def get(self, name: str) -> Any | None: ...
    def put(self, name: str, value: Any) -> None: ...
    def delete(self, name: str) -> None: ...
    def together(self) -> AbstractContextManager[None]: ...


class Told(Protocol):
    """Whoever is to know what becomes of coworkers' files (``klapp.coworkers.changes.Changes``)."""

    def changed(self, name: str, path: Path, before: str, now: str) -> None: ...
    def gone(self, name: str, path: Path, before: str) -> None: ...


Load = Callable[[str, str], Loaded]
"""Checks and compiles a text, given the name that its findings call it by."""


def _nobody(*_: object) -> None:
    """Where nobody is to know of a change."""


class NoCoworker(Exception):
    """There is no such coworker, or it can not run; the message says so to a person."""


@dataclass(frozen=True, slots=True)
class Coworker:
    """One file and what is known of it.

    Attributes:
        name: as the file itself says, or the file's name where it can not be read.
        path: the ``.klr`` file.
        loaded: the newest version, with everything that was found in it.
        program: the version in force: the newest that was right; None where there never was one.
        missing: the permissions that it asks for and that were not approved.
        paused: until when (None: until resumed), or False.
        pause_reason: why klapp itself paused it; "" where a person did.
        first: whether nothing of it is allowed yet.
        refused: whether a person said no to exactly this text.
    """

    name: str
    path: Path
    loaded: Loaded
    program: Program | None
    missing: Permissions
    paused: datetime | bool | None = False
    pause_reason: str = ""
    first: bool = False
    refused: bool = False

    @property
    def state(self) -> str:
        """ "broken" (never was right), "waiting" (for an approval), "paused" or "ready"."""
        if self.program is None:
            return "broken"
        if self.missing:
            return "waiting"
        return "paused" if self.paused is not False else "ready"

    @property
    def stale(self) -> bool:
        """Whether the newest version is wrong, and an older one in force."""
        return self.program is not None and self.loaded.program is None


class Coworkers:
    """The coworkers of one folder. Safe to use from several threads.

    Each change that a person makes takes who is to ``say`` it, to the log, when it is sure to be made: what is said and
    what is kept become durable together, so that there is neither a change that nobody was told of nor the opposite.
    """

    def __init__(
        self,
        folder: Path,
        kept: Kept,
        load: Load,
        clock: Callable[[], datetime],
        told: Told | None = None,
    ) -> None:
        """``load`` checks and compiles a text; whoever is ``told`` gets to know each right version, and each file that is gone."""
        self.folder = folder
        self.kept = kept
        self._load_text = load
        self.clock = clock
        self.told = told
        self._lock = RLock()
        self._texts: dict[Path, tuple[str, str, Loaded]] = {}
        """For each file its text, the same with the settings in force, and what became of that."""
        self._failed: dict[str, int] = {}
        self._coworkers: dict[str, Coworker] = {}
        self.reload()

    # -- loading ------------------------------------------------------------------------------------------------------

    def reload(self) -> list[Coworker]:
        """Read every file again that has changed; returns the coworkers that are new or different now."""
        with self._lock:
            before = self._coworkers
            now: dict[str, Coworker] = {}
            for path in sorted(self.folder.glob("*.klr")):
                coworker = self._load(path)
                if coworker.name in now:
                    other = now[coworker.name].path.name
                    coworker = self._unusable(
                        path, f'The coworker "{coworker.name}" is in {other} already. Give this one another name.'
                    )
                now[coworker.name] = coworker
            self._coworkers = now
            self._look_for_gone(now.values())
            return [c for name, c in now.items() if before.get(name) != c]

    def _load(self, path: Path) -> Coworker:
        try:
            with path.open("rb") as file:
                text = file.read(LARGEST_FILE + 1).decode("utf-8")
        except UnicodeDecodeError:
            return self._unusable(path, "This file is not text in UTF-8. Save it as UTF-8 in your editor.")
        except OSError as error:
            return self._unusable(path, f"This file can not be read: {error.strerror}.")
        known = self._texts.get(path)
        in_force = self._in_force(text)
        loaded = known[2] if known and known[1] == in_force else self._load_text(in_force, path.name)
        program = loaded.program
        if program is None:
            program = self._last_good(path)
        elif known is None or known[0] != text:
            self._remember(path, text, program.name)
        self._texts[path] = (text, in_force, loaded)  # now, for what could not be remembered is tried again
        name = program.name if program else path.stem
        return self._coworker(name, path, loaded, program)

    # -- settings -----------------------------------------------------------------------------------------------------

    def _in_force(self, text: str) -> str:
        """A coworker's text with the values that a person gave its settings."""
        return with_values(text, self._values(name_in(text)))

    def _values(self, name: str) -> dict[str, str]:
        kept = self.kept.get(f"settings:{name}")
        return {str(key): str(value) for key, value in kept.items()} if isinstance(kept, dict) else {}

    def changed_settings(self, name: str) -> dict[str, str]:
        """The settings that have another value than the file gives them, each as the language writes it."""
        return self._values(name)

    def change_setting(
        self, name: str, key: str, value: str | None, say: Callable[[Program], None] = _nobody
    ) -> Coworker:
        """Give a setting a value, as the language writes it, or for None the one that stands in the file.

        It counts from now on; where it asks for more than was approved, the coworker waits. Raises NoCoworker where the
        coworker could not run with it.
        """
        with self._lock:
            coworker = self.find(name)
            if coworker.program is None or coworker.stale:
                raise NoCoworker(f'"{coworker.name}" has errors. Mend them first: klapp check {coworker.path}')
            values = self._values(coworker.name)
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value
            text = with_values(self._texts[coworker.path][0], values)
            loaded = self._load_text(text, coworker.path.name)
            if loaded.program is None:
                raise NoCoworker(f"`{key}` can not have this value. {loaded.errors[0].message}")
            with self.kept.together():
                say(loaded.program)
                if values:
                    self.kept.put(f"settings:{coworker.name}", values)
                else:
                    self.kept.delete(f"settings:{coworker.name}")
            self.reload()
            return self.find(coworker.name)

    def _unusable(self, path: Path, message: str) -> Coworker:
        from klr.diagnostics import Diagnostic
        from klr.source import NOWHERE, Source

        loaded = Loaded(Source("", path.name), None, (Diagnostic("K100", message, NOWHERE),))
        return Coworker(path.stem, path, loaded, None, {})

    def _coworker(self, name: str, path: Path, loaded: Loaded, program: Program | None) -> Coworker:
        missing: Permissions = {}
        approved = self.kept.get(f"approval:{name}")
        if program is not None:
            missing = asks_more(permissions_of(program), from_json(approved))
            if approved is None and not missing:
                missing = {"run": ()}
        refused = bool(missing) and program is not None and self.kept.get(f"refused:{name}") == program.text
        paused, why = self._paused(name), self._pause_reason(name)
        return Coworker(name, path, loaded, program, missing, paused, why, approved is None, refused)

    def _remember(self, path: Path, text: str, name: str) -> None:
        before = self.kept.get(f"good:{path.name}")
        files = self.kept.get("files")
        is_new = before is None or (files is not None and path.name not in files)  # a file that was gone is new again
        if before != text or is_new:
            with self.kept.together():
                if self.told:
                    self.told.changed(name, path, "" if is_new else str(before), text)
                self.kept.put(f"good:{path.name}", text)

    def _look_for_gone(self, now: Iterable[Coworker]) -> None:
        """Tell of files that were there at the last look, be it in an earlier life, and hold no coworker any more."""
        files = {coworker.path.name: coworker.name for coworker in now if coworker.program is not None}
        before = self.kept.get("files") or {}
        if files == before:
            return
        with self.kept.together():
            for file, name in before.items():
                path = self.folder / file
                if file not in files and not path.exists():
                    self._texts.pop(path, None)
                    if self.told:
                        self.told.gone(name, path, self.kept.get(f"good:{file}") or "")
            there = {file: name for file, name in before.items() if (self.folder / file).exists()}
            self.kept.put("files", files | there)

    def _last_good(self, path: Path) -> Program | None:
        text = self.kept.get(f"good:{path.name}")
        return self._load_text(self._in_force(text), path.name).program if isinstance(text, str) else None

    # -- looking ------------------------------------------------------------------------------------------------------

    def all(self) -> list[Coworker]:
        """Every coworker, by name."""
        with self._lock:
            return [self._fresh(c) for _, c in sorted(self._coworkers.items())]

    def known(self, name: str) -> Coworker | None:
        """The coworker of exactly that name, or None."""
        with self._lock:
            coworker = self._coworkers.get(name)
            return self._fresh(coworker) if coworker is not None else None

    def find(self, name: str) -> Coworker:
        """The coworker of that name, or of that file name; case does not count. Raises NoCoworker."""
        with self._lock:
            wanted = name.casefold()
            for coworker in self._coworkers.values():
                if wanted in (coworker.name.casefold(), coworker.path.name.casefold(), coworker.path.stem.casefold()):
                    return self._fresh(coworker)
            known = ", ".join(sorted(self._coworkers)) or "none yet"
        raise NoCoworker(f'There is no coworker "{name}" in {self.folder}. There are: {known}.')

    def _fresh(self, coworker: Coworker) -> Coworker:
        """The coworker as it is now: its pause may have ended by itself."""
        return (
            self._coworker(coworker.name, coworker.path, coworker.loaded, coworker.program)
            if coworker.program
            else coworker
        )

    # -- approving and pausing ----------------------------------------------------------------------------------------

    def approve(self, name: str, text: str | None = None, say: Callable[[Coworker], None] = _nobody) -> Coworker:
        """Allow the coworker exactly what it asks for now, or, where a text is given, what that asks for, and only if
        that is in force. Raises NoCoworker where it can not be read, or is another by now."""
        with self._lock:
            coworker = self._right(name)
            assert coworker.program is not None
            if text is not None and coworker.program.text != text:
                raise NoCoworker(f'"{coworker.name}" has changed meanwhile, so nothing was allowed. Look at it again.')
            with self.kept.together():
                say(coworker)
                self.kept.put(f"approval:{coworker.name}", to_json(permissions_of(coworker.program)))
                self.kept.delete(f"refused:{coworker.name}")
            return self._fresh(coworker)

    def refuse(self, name: str, say: Callable[[Coworker], None] = _nobody) -> Coworker:
        """Say no to what the coworker asks for now: what was allowed before stays allowed, and it waits, unasked about,
        until its text changes. Raises NoCoworker where it asks for nothing."""
        with self._lock:
            coworker = self._right(name)
            if not coworker.missing or coworker.program is None:
                raise NoCoworker(f'"{coworker.name}" asks for nothing. Take back what it may with: klapp revoke')
            with self.kept.together():
                say(coworker)
                self.kept.put(f"refused:{coworker.name}", coworker.program.text)
            return self._fresh(coworker)

    def _right(self, name: str) -> Coworker:
        coworker = self.find(name)
        if coworker.program is None:
            raise NoCoworker(f'The coworker "{coworker.name}" has errors. Mend them first: klapp check {coworker.path}')
        return coworker

    def revoke(self, name: str, say: Callable[[Coworker], None] = _nobody) -> Coworker:
        """Take an approval back."""
        with self._lock, self.kept.together():
            coworker = self.find(name)
            say(coworker)
            self.kept.delete(f"approval:{coworker.name}")
            return self._fresh(coworker)

    def pause(self, name: str | None, until: datetime | None, say: Callable[[str], None] = _nobody) -> None:
        """Pause one coworker, or all for None, until a moment, or until resumed for None. ``say`` is given the
        coworker's own name, or "" for all."""
        with self._lock, self.kept.together():
            named = "" if name is None else self.find(name).name
            say(named)
            self.kept.put(f"paused:{named or '*'}", {"until": until.isoformat() if until else None})

    def resume(self, name: str | None, say: Callable[[str], None] = _nobody) -> None:
        """End a pause; for None that of all, and each one's own. ``say`` is given what ``pause`` gives it. Raises
        NoCoworker, and ends none, where one is to go on while all are paused."""
        with self._lock, self.kept.together():
            if name is not None and self._pause_of("paused:*") is not False:
                raise NoCoworker("All coworkers are paused. Resume them first: klapp resume --all")
            resumed = [self.find(name)] if name is not None else self.all()
            say("" if name is None else resumed[0].name)
            if name is None:
                self.kept.delete("paused:*")
            for coworker in resumed:
                self.kept.delete(f"paused:{coworker.name}")
                self.worked(coworker.name)

    # -- failing ------------------------------------------------------------------------------------------------------

    def worked(self, name: str) -> None:
        """A run of a coworker did not fail, or a person lets it go on: failures are counted anew."""
        with self._lock:
            if self._failures(name):
                self._failed[name] = 0
                self.kept.delete(f"failures:{name}")

    def failed(self, name: str) -> int:
        """A run of a coworker failed; gives how many did so in a row. That is kept over restarts."""
        with self._lock:
            self._failed[name] = self._failures(name) + 1
            self.kept.put(f"failures:{name}", self._failed[name])
            return self._failed[name]

    def failures(self, name: str) -> int:
        """How many runs of a coworker failed in a row."""
        with self._lock:
            return self._failures(name)

    def _failures(self, name: str) -> int:
        if name not in self._failed:
            self._failed[name] = int(self.kept.get(f"failures:{name}") or 0)
        return self._failed[name]

    def pause_failing(self, name: str, why: str, say: Callable[[], None] = _nobody) -> bool:
        """Pause a coworker that fails again and again, until a person resumes it; False where it is paused already."""
        with self._lock, self.kept.together():
            if self._pause_of(f"paused:{name}") is not False:
                return False
            say()
            self.kept.put(f"paused:{name}", {"until": None, "why": why})
            return True

    def _pause_reason(self, name: str) -> str:
        kept = self.kept.get(f"paused:{name}")
        return str(kept.get("why", "")) if kept is not None else ""

    def _paused(self, name: str) -> datetime | bool | None:
        everyone = self._pause_of("paused:*")
        return everyone if everyone is not False else self._pause_of(f"paused:{name}")

    def _pause_of(self, key: str) -> datetime | bool | None:
        kept = self.kept.get(key)
        if kept is None:
            return False
        until = datetime.fromisoformat(kept["until"]) if kept["until"] else None
        return False if until is not None and until <= self.clock() else until
