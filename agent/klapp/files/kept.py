"""Kept copies: the old content of files that a coworker replaces, sealed, so that an undo can bring it back.

A kept copy is a sealed *note* named by its token (32 hex digits), which holds the file's traits and names its content,
and the sealed content, named by a keyed hash of what it holds (64 hex digits): however often the same is kept, it is
stored once. The seal binds the name, so that nothing can be passed off as something else. A note's time on the disk is
when it was kept. What no note names any more is removed.
"""

from __future__ import annotations

import hmac
import io
import json
import os
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, cast

from klapp.files.drafts import Traits
from klapp.files.extents import Ranges, are_ranges, blocks, data_ranges
from klapp.files.kept_earlier import NoteText, OfEarlier, Split

PURPOSE = "kept"
"""What the vault's key for kept copies is for."""
_TOKEN, _CONTENT = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{64}")
_DRAFT = re.compile(r"\.klapp-[0-9a-f]{24}")


class Keys(Protocol):
    """A vault (``klapp.vault.keys.Vault``)."""

    def key(self, purpose: str) -> bytes: ...


class Space(NamedTuple):
    """What the kept copies take: ``copies`` of files, their ``contents``, the bytes of these on the disk, and when the
    oldest copy was kept (nanoseconds since 1970; None where there is none)."""

    copies: int
    contents: int
    bytes: int
    oldest: int | None


class Dropped(NamedTuple):
    """Copies that are let go: how many, the bytes that come free, and when the newest of them had been kept."""

    copies: int
    bytes: int
    until: int


Say = Callable[[Dropped], None]
"""Told of what is let go, before it is."""


class Keeper:
    """Sealed copies in one folder of mode 0700, which is made on the first use. Safe to use from several threads."""

    def __init__(self, folder: Path, key: bytes, clock: Callable[[], float] = time.time) -> None:
        """Keep copies in ``folder``, sealed with ``key`` (32 bytes). ``clock`` gives seconds since 1970."""
        self._folder = folder
        self._key = key
        self._clock = clock
        self._lock = threading.RLock()
        self.fresh = 0
        """Bytes of contents that were kept since somebody last set this to 0."""

    def keep(self, token: str, source: BinaryIO) -> None:
        """Seal a copy of an open file durably under ``token``. Raises OSError."""
        from klapp.vault.header import sync_folder

        path = self._path(token)
        with self._lock:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = source.fileno()
            traits, size, ranges = Traits.of(file), os.fstat(file).st_size, data_ranges(file)
            content = self._stored(file, ranges) if ranges else ""
            note = _written(traits, size, ranges, content)
            with self._draft() as (draft, goal):
                self._seal(_role(token), io.BytesIO(note), goal)
                now = round(self._clock() * 1e6) * 1000
                os.replace(draft, path)
            self.fresh += size
            os.utime(path, ns=(now, now))
            sync_folder(self._folder)

    def bring(self, token: str, goal: BinaryIO) -> Traits:
        """Write the kept content to an open file and return the traits that go with it.

        Raises FileNotFoundError where nothing is kept under ``token``, and what ``unseal`` raises, or ValueError, where
        the copy was changed; ``goal`` then holds nothing to rely on.
        """
        from klapp.vault.sealed import unseal

        try:
            note = self._note(token)
        except OfEarlier:
            split = Split(goal)
            with open(self._path(token), "rb") as source:
                unseal(self._key, _role(token), source, cast(BinaryIO, split))
            return split.traits()
        if note.ranges:
            with open(self._folder / note.content, "rb") as source:
                laid = _Laid(goal, note.ranges)
                unseal(self._key, _role(note.content), source, cast(BinaryIO, laid))
                laid.finish()
        goal.truncate(note.size)
        return note.traits

    def has(self, token: str) -> bool:
        """Whether a copy is kept under ``token``."""
        return self._path(token).exists()

    def drop(self, tokens: Iterable[str]) -> int:
        """Forget kept copies, where there are any, and the contents that no other copy has; how many bytes came free."""
        with self._lock:
            for token in tokens:
                with suppress(FileNotFoundError):
                    self._path(token).unlink()
            return self._sweep()

    def tokens(self) -> list[str]:
        """Under what copies are kept."""
        return sorted(entry.name for entry in self._entries(_TOKEN))

    def space(self) -> Space:
        """What the copies take."""
        times = [entry.stat().st_mtime_ns for entry in self._entries(_TOKEN)]
        sizes = [entry.stat().st_size for entry in self._entries(_CONTENT)]
        return Space(len(times), len(sizes), sum(sizes), min(times, default=None))

    def older(self, moment: int, say: Say) -> None:
        """Let go of the copies that were kept before a moment (nanoseconds since 1970)."""
        with self._lock:
            found = [(entry.stat().st_mtime_ns, entry.name) for entry in self._entries(_TOKEN)]
            self._let_go([one for one in found if one[0] < moment], say)

    def over(self, most: int, spared: int, say: Say) -> None:
        """Let go of the oldest copies until no more than ``most`` bytes are taken; none that was kept at the moment
        ``spared`` (nanoseconds since 1970) or later."""
        with self._lock:
            sizes = {entry.name: entry.stat().st_size for entry in self._entries(_CONTENT)}
            taken, gone = sum(sizes.values()), []
            if taken <= most:
                return
            kept = sorted((entry.stat().st_mtime_ns, entry.name) for entry in self._entries(_TOKEN))
            named = {token: self._named_by(token) for _, token in kept}
            left = Counter(named.values())
            for moment, token in kept:
                if taken <= most or moment >= spared:
                    break
                content = named[token]
                left[content] -= 1
                taken -= 0 if left[content] else sizes.get(content or "", 0)
                gone.append((moment, token))
            self._let_go(gone, say)

    def _let_go(self, gone: Sequence[tuple[int, str]], say: Say) -> None:
        """Forget copies, each with when it was kept, after who is to ``say`` it has done so."""
        if not gone:
            return
        tokens = {token for _, token in gone}
        left = {self._named_by(entry.name) for entry in self._entries(_TOKEN) if entry.name not in tokens}
        freed = sum(one.stat().st_size for one in self._entries(_CONTENT) if one.name not in left)
        say(Dropped(len(gone), 0 if None in left else freed, max(moment for moment, _ in gone)))
        self.drop(tokens)

    # -- contents -----------------------------------------------------------------------------------------------------

    def _stored(self, file: int, ranges: Ranges) -> str:
        """The name of the content of an open file, which is sealed where it is not there yet."""
        name = self._name(file, ranges)
        if self._is_sound(name):
            return name
        with self._draft() as (draft, goal):
            stream = _Stream(file, ranges, self._naming())
            self._seal(_role(name), cast(BinaryIO, io.BufferedReader(stream)), goal)
            if stream.name() != name:
                raise OSError("a file was changed while a copy of it was kept")
            os.replace(draft, self._folder / name)
        return name

    def _naming(self) -> hmac.HMAC:
        from klapp.vault.sealed import derive

        return hmac.new(derive(self._key, b"names of kept contents"), digestmod="sha256")

    def _name(self, file: int, ranges: Ranges) -> str:
        naming = self._naming()
        for _, block in blocks(file, ranges):
            naming.update(block)
        return naming.hexdigest()

    def _is_sound(self, name: str) -> bool:
        """Whether a content is there, and can be brought back."""
        from klapp.vault.sealed import Tampered, unseal

        try:
            with open(self._folder / name, "rb") as source:
                unseal(self._key, _role(name), source, cast(BinaryIO, _Nowhere()))
        except (FileNotFoundError, Tampered):
            return False
        return True

    def _sweep(self) -> int:
        """Remove the contents that no note names, and what a kill left; where a note can not be read, nothing."""
        contents = list(self._entries(_CONTENT))
        named = {self._named_by(entry.name) for entry in self._entries(_TOKEN)} if contents else set()
        freed = 0
        for entry in [*(contents if None not in named else ()), *self._entries(_DRAFT)]:
            if entry.name not in named:
                freed += entry.stat().st_size
                os.unlink(entry.path)
        return freed

    def _named_by(self, token: str) -> str | None:
        """The content that a note names, "" where it names none; None where the note can not be read."""
        from klapp.vault.sealed import Tampered

        try:
            return self._note(token).content
        except OfEarlier:
            return ""
        except (Tampered, ValueError):
            return None

    # -- notes --------------------------------------------------------------------------------------------------------

    def _note(self, token: str) -> _Note:
        from klapp.vault.sealed import unseal

        clear = NoteText()
        with open(self._path(token), "rb") as source:
            unseal(self._key, _role(token), source, cast(BinaryIO, clear))
        return _read(bytes(clear.text))

    def _seal(self, role: bytes, source: BinaryIO, goal: BinaryIO) -> None:
        from klapp.vault.sealed import seal

        seal(self._key, role, source, goal)
        goal.flush()
        os.fsync(goal.fileno())

    @contextmanager
    def _draft(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A fresh file in the folder, to be renamed; (where it is, the file). Nothing of it is left otherwise."""
        draft = self._folder / f".klapp-{secrets.token_hex(12)}"
        file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            with os.fdopen(file, "w+b") as goal:
                yield draft, goal
        except BaseException:
            with suppress(FileNotFoundError):
                draft.unlink()
            raise

    def _entries(self, names: re.Pattern[str]) -> Iterator[os.DirEntry[str]]:
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            yield from [entry for entry in entries if names.fullmatch(entry.name)]

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
            if not (_TOKEN.fullmatch(path.name) or _CONTENT.fullmatch(path.name)):
                continue  # a draft that was cut short
            handle = os.open(goal / path.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            with path.open("rb") as source, os.fdopen(handle, "wb") as renewed:
                reseal(old.key(PURPOSE), new.key(PURPOSE), _role(path.name), source, renewed)
                renewed.flush()
                os.fsync(renewed.fileno())
            kept = path.stat()
            os.utime(goal / path.name, ns=(kept.st_atime_ns, kept.st_mtime_ns))
        sync_folder(goal)
        yield


def _role(token: str) -> bytes:
    return b"kept:" + token.encode("ascii")


class _Note(NamedTuple):
    """What is kept of a file beside its data: traits, size, where the data lie, and the name of their content."""

    traits: Traits
    size: int
    ranges: Sequence[tuple[int, int]]
    content: str


def _written(traits: Traits, size: int, ranges: Ranges, content: str) -> bytes:
    attributes = {name: value.hex() for name, value in traits.attributes.items()}
    note: dict[str, Any] = traits._asdict() | {
        "attributes": attributes,
        "size": size,
        "ranges": [list(one) for one in ranges],
        "content": content,
    }
    return json.dumps(note).encode("ascii")


def _read(text: bytes) -> _Note:
    note = json.loads(text)
    size, ranges, content, owner = note["size"], note["ranges"], note["content"], note["owner"]
    if not are_ranges(ranges, size) or (ranges and not _CONTENT.fullmatch(content)):
        raise ValueError("a kept copy does not say where its content is")
    attributes = {name: bytes.fromhex(value) for name, value in note["attributes"].items()}
    traits = Traits(note["mode"], note["accessed"], note["modified"], attributes, tuple(owner) if owner else None)
    return _Note(traits, size, [(begin, length) for begin, length in ranges], content)


class _Stream(io.RawIOBase):
    """Reads as the data of a file, one range after the other, and names what was read."""

    def __init__(self, file: int, ranges: Ranges, naming: hmac.HMAC) -> None:
        self._blocks = blocks(file, ranges)
        self._naming = naming
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._left:
            block = next(self._blocks, (0, b""))[1]
            self._naming.update(block)
            self._left = memoryview(block)
        view = memoryview(buffer).cast("B")
        part = self._left[: len(view)]
        view[: len(part)] = part
        self._left = self._left[len(part) :]
        return len(part)

    def name(self) -> str:
        """The name of what was read so far."""
        return self._naming.hexdigest()


class _Laid(io.RawIOBase):
    """Writes data where they lay in a file, and leaves the holes between them."""

    def __init__(self, goal: BinaryIO, ranges: Ranges) -> None:
        self._goal = goal
        self._ranges = iter(ranges)
        self._left = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        view = memoryview(data)
        while view:
            if not self._left:
                begin, self._left = next(self._ranges, (0, 0))
                if not self._left:
                    raise ValueError("a kept content is longer than its copy says")
                self._goal.seek(begin)
            part = view[: self._left]
            self._goal.write(part)
            self._left -= len(part)
            view = view[len(part) :]
        return len(data)

    def finish(self) -> None:
        """Raise ValueError where something is missing."""
        if self._left or next(self._ranges, None) is not None:
            raise ValueError("a kept content is shorter than its copy says")


class _Nowhere(io.RawIOBase):
    """Takes what is written to it, and forgets it."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return len(data)
