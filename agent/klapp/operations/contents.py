"""Operations on the content of a file: making it, adding to it, cutting it, putting new content in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from klapp.files.protocol import Files, Identity
from klapp.files.shown import shown
from klapp.operations.keeping import known, putting_back, trashing
from klapp.operations.operation import Operation, World, look
from klr.vocabulary import Permission


@dataclass(frozen=True)
class _Writing(Operation):
    """What they share: one path, and that it is read to settle."""

    path: str

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"write": (self.path,), "read": (self.path,)}

    def makes(self) -> str:
        return self.path


@dataclass(frozen=True)
class Create(_Writing):
    """Make a new file."""

    kind: ClassVar[str] = "create"
    content: bytes

    def apply(self, world: World) -> Identity:
        return world.files.create(self.path, self.content)

    def settle(self, world: World) -> bool:
        return _holds(world.files, self.path, self.content)

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return trashing(self.path, product, files)

    def sentence(self) -> str:
        return f"wrote the new file {shown(self.path)}"


@dataclass(frozen=True)
class Append(_Writing):
    """Add to the end of a file."""

    kind: ClassVar[str] = "append"
    content: bytes
    identity: Identity

    def apply(self, world: World) -> Identity:
        return world.files.append(self.path, self.content, self.identity)

    def settle(self, world: World) -> bool:
        """Where only a beginning of the content was written, the rest is added."""
        files, before = world.files, self.identity[3]
        found = look(files, self.path)
        written = found.size - before if found else 0
        if found is None or not 0 < written <= len(self.content):
            return False
        if files.read(self.path, found.size)[before:] != self.content[:written]:
            return False
        if written < len(self.content):
            files.append(self.path, self.content[written:], found.identity)
        return True

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return (Truncate(self.path, self.identity[3], self.content, self.identity[2], known(product)),)

    def sentence(self) -> str:
        return f"added a line to {shown(self.path)}"

    def takes(self) -> dict[str, Identity]:
        return {self.path: self.identity}


@dataclass(frozen=True)
class Truncate(_Writing):
    """Cut a file to ``size`` bytes, if exactly ``tail`` follows there, and put back the time of its last change."""

    kind: ClassVar[str] = "truncate"
    size: int
    tail: bytes
    stamp: int
    identity: Identity

    def apply(self, world: World) -> Identity:
        return world.files.truncate(self.path, self.size, self.tail, self.stamp)

    def settle(self, world: World) -> bool:
        """Where the file was cut and its time not put back yet, that is done."""
        found = look(world.files, self.path)
        if found is None or found.size != self.size:
            return False
        if found.stamp != self.stamp:
            world.files.truncate(self.path, self.size, b"", self.stamp)
        return True

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return (Append(self.path, self.tail, known(product)),)

    def sentence(self) -> str:
        return f"took the last lines back out of {shown(self.path)}"

    def takes(self) -> dict[str, Identity]:
        return {self.path: self.identity}


@dataclass(frozen=True)
class Overwrite(_Writing):
    """Put new content in place of a file's old one, of which ``Keep`` has kept a copy under ``token``."""

    kind: ClassVar[str] = "overwrite"
    content: bytes
    identity: Identity
    token: str

    def apply(self, world: World) -> Identity:
        return world.files.overwrite(self.path, self.content, self.identity)

    def settle(self, world: World) -> bool:
        found = look(world.files, self.path)
        same = found is not None and found.identity == self.identity
        return not same and _holds(world.files, self.path, self.content)

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return putting_back(self.path, product, self.token, self.identity)

    def sentence(self) -> str:
        return f"replaced what {shown(self.path)} held, of which a copy is kept"

    def takes(self) -> dict[str, Identity]:
        return {self.path: self.identity}


def _holds(files: Files, path: str, content: bytes) -> bool:
    found = look(files, path)
    return found is not None and found.size == len(content) and files.read(path, found.size) == content
