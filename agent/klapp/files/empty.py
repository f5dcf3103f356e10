"""A store with nothing in it but the root folder: what an ``Overlay`` for tests lies over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

from klapp.files.failures import missing, taken
from klr.values import FileValue

if TYPE_CHECKING:
    import hashlib


class Empty:
    """Nothing. Answers the questions that an ``Overlay`` asks of its base; it takes no changes."""

    def __init__(self) -> None:
        self._tokens = count(1)

    def look(self, path: str) -> FileValue | None:
        """None: nothing is anywhere; FileError("taken") for the root."""
        if path == "/":
            raise taken(path)
        return None

    def kind_at(self, path: str) -> str:
        """ "folder" for the root, "" for every other path."""
        return "folder" if path == "/" else ""

    def list(self, pattern: str) -> Iterator[FileValue]:
        """No file."""
        return iter(())

    def read(self, path: str, limit: int) -> bytes:
        """Raises FileError("missing")."""
        raise missing(path)

    def hashed(self, path: str, limit: int) -> hashlib._Hash:
        """Raises FileError("missing")."""
        raise missing(path)

    def born(self, path: str) -> int:
        """Raises FileError("missing")."""
        raise missing(path)

    def new_trash_token(self, path: str) -> str:
        """A fresh token."""
        return f"nowhere {next(self._tokens)}"

    def in_trash(self, token: str) -> FileValue | None:
        """None: the trash is empty."""
        return None

    def has_kept(self, token: str) -> bool:
        """False: nothing is kept."""
        return False
