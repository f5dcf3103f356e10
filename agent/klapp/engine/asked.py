"""The files of a worker that can open none: it asks the agent, which looks behind both readings of the grants.

So it is on Windows, whose sandbox for a process knows no folder that a person chose, unless that folder's own rules are
rewritten. The worker has the side of the asking here, the agent that of the answering. Only questions can be asked:
what such a worker plans, the agent does itself.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from klapp.engine.encoding import decode, encode
from klapp.files.failures import denied
from klapp.files.patterns import is_plain
from klapp.files.protocol import ANY, Base, FileError
from klr.values import FileValue
from klr.vocabulary import Permission

ASK = "file"
"""The name of these questions among those of a worker."""
MOST_READ = 64 << 20
"""Bytes of one file that are told at once; a longer one can not be looked into."""


class Bounds(Protocol):
    """A second reading of the grants, beside the lane that the files themselves are held to."""

    def allows(self, permission: str, path: str, /) -> bool: ...
    def allows_folder(self, folder: str, /) -> bool: ...


class AskedFiles:
    """A worker's ``Base`` for its overlay. ``ask`` asks the agent one question; it raises FileError."""

    def __init__(self, ask: Callable[[str, Any], Any]) -> None:
        self._ask = ask

    def look(self, path: str) -> FileValue | None:
        found = self._ask(ASK, ["look", path])
        return None if found is None else _file(found)

    def kind_at(self, path: str) -> str:
        return str(self._ask(ASK, ["kind", path]))

    def list(self, pattern: str) -> Iterator[FileValue]:
        return iter([_file(found) for found in self._ask(ASK, ["list", pattern])])

    def read(self, path: str, limit: int) -> bytes:
        return base64.b64decode(self._ask(ASK, ["read", path, limit]))

    def hashed(self, path: str, limit: int) -> hashlib._Hash:
        return hashlib.sha256(self.read(path, limit))

    def born(self, path: str) -> int:
        return int(self._ask(ASK, ["born", path]))

    def new_trash_token(self, path: str) -> str:
        return str(self._ask(ASK, ["trash", path]))

    def in_trash(self, token: str) -> FileValue | None:
        """None: a worker has no business in the trash."""
        return None

    def has_kept(self, token: str) -> bool:
        """True: who has no key can not know."""
        return True

    def sync(self) -> None:
        """Nothing: it has changed nothing."""


def answer(wish: Any, files: Base, bounds: Bounds) -> Any:
    """What the agent answers to a worker: data. Raises FileError where it refuses, ValueError for what is no question."""
    match wish:
        case ["look", str(path)]:
            _need(bounds, path, *ANY)
            return encode(files.look(path))
        case ["kind", str(path)]:
            if not (is_plain(path) and bounds.allows_folder(path)):
                _need(bounds, path, *ANY)
            return files.kind_at(path)
        case ["list", str(pattern)]:
            return [encode(found) for found in files.list(pattern) if bounds.allows("read", found.path)]
        case ["read", str(path), int(limit)] if limit >= 0:
            _need(bounds, path, "read")
            return base64.b64encode(_content(files, path, limit)).decode("ascii")
        case ["born", str(path)]:
            _need(bounds, path, *ANY)
            return files.born(path)
        case ["trash", str(path)]:
            _need(bounds, path, "remove")
            return files.new_trash_token(path)
    raise ValueError("no question about files")


def _need(bounds: Bounds, path: str, *permissions: Permission) -> None:
    if not (is_plain(path) and any(bounds.allows(permission, path) for permission in permissions)):
        raise denied(path, permissions[0])


def _content(files: Base, path: str, limit: int) -> bytes:
    data = files.read(path, min(limit, MOST_READ + 1))
    if len(data) > MOST_READ:
        raise FileError("The file is too large to be looked into on this system.", "system")
    return data


def _file(told: Any) -> FileValue:
    found = decode(told)
    if not isinstance(found, FileValue):
        raise ValueError("that is no file")
    return found
