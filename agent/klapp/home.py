"""The one folder that holds all state of klapp, and what lies where in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class HomeError(Exception):
    """The state folder can not be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below the state folder. Only ``coworkers`` is for the person to look into; all else is sealed."""

    path: Path

    @property
    def coworkers(self) -> Path:
        """The person's ``.klr`` files."""
        return self.path / "coworkers"

    @property
    def database(self) -> Path:
        """The encrypted log, with the agent's own state."""
        return self.path / "klapp.db"

    @property
    def kept(self) -> Path:
        """Sealed copies of what coworkers have replaced."""
        return self.path / "kept"

    @property
    def workers_lock(self) -> Path:
        """An empty file that a worker holds while it changes anything."""
        return self.path / "workers.lock"

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Home:
        """The folder that ``KLAPP_HOME`` names, or the platform's own for programs' data."""
        named = environment.get("KLAPP_HOME")
        return cls(Path(named).expanduser().absolute() if named else _platform_folder(environment) / "klapp")

    def prepare(self) -> Home:
        """Make the folders that are missing, for their owner alone; raises HomeError where that is impossible."""
        try:
            for folder in (self.path, self.coworkers, self.kept):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.name == "posix":
                self._own()
        except OSError as error:
            raise HomeError(
                f"klapp can not use its folder {self.path}: {error.strerror}. Make it writable, or name another in KLAPP_HOME."
            ) from error
        return self

    def _own(self) -> None:
        """Close the folder to everyone else, and refuse one that belongs to somebody else."""
        status = self.path.stat()
        if status.st_uid != os.geteuid():
            raise HomeError(f"klapp's folder {self.path} belongs to somebody else. Name another in KLAPP_HOME.")
        if status.st_mode & 0o077:
            self.path.chmod(0o700)


def _platform_folder(environment: Mapping[str, str]) -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path(environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
