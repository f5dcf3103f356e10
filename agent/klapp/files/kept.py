"""Kept copies: the old content of files that a coworker replaces, sealed, so that an undo can bring it back.

A kept copy is one sealed file named by its token. Inside the seal, one line of JSON holds the file's traits, and the
content follows. The seal binds the token, so that one kept copy can not be passed off as another.
"""

from __future__ import annotations

import io
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from klapp.files.drafts import Traits

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

PURPOSE = "kept"
"""What the vault's key for kept copies is for."""
_TOKEN = re.compile(r"[0-9a-f]{32}")
_LONGEST_HEADER = 1 << 20  # extended attributes may hold 64 KiB each; no more than this is ever read as traits


class Keys(Protocol):
    """A vault (``klapp.vault.keys.Vault``)."""

    def key(self, purpose: str) -> bytes: ...


class Keeper:
    """Sealed copies in one folder of mode 0700, which is made on the first use."""

    def __init__(self, folder: Path, key: bytes) -> None:
        """Keep copies in ``folder``, sealed with ``key`` (32 bytes)."""
        self._folder = folder
        self._key = key

    def keep(self, token: str, source: BinaryIO) -> None:
        """Seal a copy of an open file, read from its beginning, durably under ``token``. Raises OSError."""
        from klapp.vault.header import sync_folder
        from klapp.vault.sealed import seal

        path = self._path(token)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        header = _header(Traits.of(source.fileno()))
        source.seek(0)
        draft = self._folder / f".klapp-{secrets.token_hex(12)}"
        file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            with os.fdopen(file, "w+b") as goal:
                seal(self._key, _role(token), cast(BinaryIO, io.BufferedReader(_Headed(header, source))), goal)
                goal.flush()
                os.fsync(goal.fileno())
            os.replace(draft, path)
        except BaseException:
            with suppress(FileNotFoundError):
                draft.unlink()
            raise
        sync_folder(self._folder)

    def bring(self, token: str, goal: BinaryIO) -> Traits:
        """Write the kept content to an open file and return the traits that go with it.

        Raises FileNotFoundError where nothing is kept under ``token``, and what ``unseal`` raises where the copy was
        changed; ``goal`` then holds nothing to rely on.
        """
        from klapp.vault.sealed import unseal

        split = _Split(goal)
        with open(self._path(token), "rb") as source:
            unseal(self._key, _role(token), source, cast(BinaryIO, split))
        return _traits(split.header())

    def drop(self, token: str) -> None:
        """Forget a kept copy; nothing happens where there is none."""
        with suppress(FileNotFoundError):
            self._path(token).unlink()

    def tokens(self) -> list[str]:
        """Under what copies are kept."""
        found = self._folder.iterdir() if self._folder.is_dir() else ()
        return sorted(path.name for path in found if _TOKEN.fullmatch(path.name))

    def _path(self, token: str) -> Path:
        if not _TOKEN.fullmatch(token):
            raise ValueError("a token of a kept copy is 32 hex digits")
        return self._folder / token


class RenewedCopies:
    """All kept copies of a folder, to be sealed anew (``klapp.vault.management.Store``)."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self._folder = folder

    @contextmanager
    def renewing(self, old: Keys, new: Keys, goal: Path) -> Iterator[None]:
        """Seal every copy anew in the folder ``goal``, durably. Raises OSError, and Tampered for a damaged copy."""
        from klapp.vault.header import sync_folder
        from klapp.vault.sealed import reseal

        goal.mkdir(mode=0o700)
        for path in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            if not _TOKEN.fullmatch(path.name):
                continue  # a draft that was cut short
            handle = os.open(goal / path.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            with path.open("rb") as source, os.fdopen(handle, "wb") as renewed:
                reseal(old.key(PURPOSE), new.key(PURPOSE), _role(path.name), source, renewed)
                renewed.flush()
                os.fsync(renewed.fileno())
        sync_folder(goal)
        yield


def _role(token: str) -> bytes:
    return b"kept:" + token.encode("ascii")


def _header(traits: Traits) -> bytes:
    attributes = {name: value.hex() for name, value in traits.attributes.items()}
    return json.dumps([traits.mode, traits.accessed, traits.modified, attributes]).encode("ascii") + b"\n"


def _traits(header: bytes) -> Traits:
    mode, accessed, modified, attributes = json.loads(header)
    return Traits(mode, accessed, modified, {name: bytes.fromhex(value) for name, value in attributes.items()})


class _Headed(io.RawIOBase):
    """Reads as a header followed by the rest of a file."""

    def __init__(self, header: bytes, source: BinaryIO) -> None:
        self._header = header
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        block = self._header[: len(view)] or self._source.read(len(view))
        self._header = self._header[len(view) :]
        view[: len(block)] = block
        return len(block)


class _Split(io.RawIOBase):
    """Takes a header up to its line end for itself and writes what follows to a file."""

    def __init__(self, goal: BinaryIO) -> None:
        self._goal = goal
        self._header = b""
        self._whole = False

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        block = bytes(data)
        if self._whole:
            self._goal.write(block)
        else:
            head, end, rest = block.partition(b"\n")
            self._header += head
            self._whole = bool(end)
            self._goal.write(rest)
            if len(self._header) > _LONGEST_HEADER:
                raise ValueError("a kept copy does not begin with its traits")
        return len(block)

    def header(self) -> bytes:
        """The header without its line end; raises ValueError where it is not whole."""
        if not self._whole:
            raise ValueError("a kept copy does not begin with its traits")
        return self._header
