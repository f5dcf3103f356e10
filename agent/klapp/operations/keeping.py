"""Operations that set files aside and bring them back: the trash, and the sealed copies of what is replaced or erased."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import ClassVar

from klapp.files.protocol import Files, Identity
from klapp.files.shown import shown
from klapp.operations.operation import Operation, World, has_traits, is_version, look
from klr.vocabulary import Permission


def new_token() -> str:
    """A fresh token for ``Keep``: 128 random bits as 32 hex digits."""
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Trash(Operation):
    """Put a file in the trash."""

    kind: ClassVar[str] = "trash"
    path: str
    identity: Identity
    token: str

    def apply(self, world: World) -> None:
        world.files.trash(self.path, self.identity, self.token)

    def settle(self, world: World) -> bool:
        """To another disk the file is copied first; where it still lies at its old place, doing so is begun anew."""
        return world.files.in_trash(self.token) is not None and not is_version(
            look(world.files, self.path), self.identity
        )

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return (Restore(self.token, self.path),)

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"remove": (self.path,)}

    def sentence(self) -> str:
        return f"put {shown(self.path)} in the trash"

    def takes(self) -> dict[str, Identity]:
        return {self.path: self.identity}


@dataclass(frozen=True)
class Restore(Operation):
    """Take a file back out of the trash."""

    kind: ClassVar[str] = "restore"
    token: str
    path: str

    def apply(self, world: World) -> Identity:
        return world.files.restore(self.token, self.path)

    def settle(self, world: World) -> bool:
        """From another disk the file is copied; where both are there and alike, the person has it back."""
        found, trashed = look(world.files, self.path), world.files.in_trash(self.token)
        return found is not None and (trashed is None or has_traits(found, trashed.identity))

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return trashing(self.path, product, files)

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"write": (self.path,)}

    def sentence(self) -> str:
        return f"took {shown(self.path)} back out of the trash"

    def makes(self) -> str:
        return self.path


@dataclass(frozen=True)
class Keep(Operation):
    """Keep a sealed copy of a file that is about to be replaced or erased. Doing it twice is as good as once."""

    kind: ClassVar[str] = "keep"
    settles: ClassVar[bool] = False
    path: str
    identity: Identity
    token: str

    def apply(self, world: World) -> None:
        world.files.keep(self.path, self.identity, self.token)

    def settle(self, world: World) -> bool:
        """Always False: it can not be told, and need not be."""
        return False

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return ()

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"write": (self.path,)}

    def sentence(self) -> str:
        return f"kept a copy of {shown(self.path)}"


@dataclass(frozen=True)
class Erase(Operation):
    """Remove a file for good, of which ``Keep`` has kept a copy under ``token``."""

    kind: ClassVar[str] = "erase"
    path: str
    identity: Identity
    token: str

    def apply(self, world: World) -> None:
        world.files.erase(self.path, self.identity)

    def settle(self, world: World) -> bool:
        return not is_version(look(world.files, self.path), self.identity)

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return (PutBack(self.token, self.path, self.identity),)

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"erase": (self.path,)}

    def sentence(self) -> str:
        return f"erased {shown(self.path)}, of which a sealed copy is kept for a while"

    def takes(self) -> dict[str, Identity]:
        return {self.path: self.identity}


@dataclass(frozen=True)
class PutBack(Operation):
    """Bring a kept file back.

    Attributes:
        token: under which it was kept.
        was: the identity of the version that was kept.
        replacing: the version that it takes the place of, or None where the path is free.
        saved: the token under which ``replacing`` was kept, so that this too can be taken back.
    """

    kind: ClassVar[str] = "put back"
    token: str
    path: str
    was: Identity
    replacing: Identity | None = None
    saved: str | None = None

    def apply(self, world: World) -> Identity:
        return world.files.put_back(self.token, self.path, self.was, self.replacing)

    def settle(self, world: World) -> bool:
        found = look(world.files, self.path)
        if self.replacing is not None and found is not None and found.identity == self.replacing:
            return False
        return has_traits(found, self.was)

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        if self.replacing is None or self.saved is None:
            return trashing(self.path, product, files)
        return putting_back(self.path, product, self.saved, self.replacing)

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"write": (self.path,)}

    def sentence(self) -> str:
        return f"brought back what {shown(self.path)} was before"

    def takes(self) -> dict[str, Identity]:
        return {self.path: self.replacing} if self.replacing else {}

    def makes(self) -> str:
        return self.path


def trashing(path: str, product: Identity | None, files: Files) -> tuple[Operation, ...]:
    """What takes back the making of a file: it goes to the trash, and is never deleted."""
    return (Trash(path, known(product), files.new_trash_token(path)),)


def putting_back(path: str, product: Identity | None, token: str, was: Identity) -> tuple[Operation, ...]:
    """What takes back the replacing of a file's content, such that taking it back can be taken back too."""
    saved = new_token()
    return (Keep(path, known(product), saved), PutBack(token, path, was, known(product), saved))


def known(product: Identity | None) -> Identity:
    """The product of an operation that has one. Raises ValueError where the record of a run lacks it."""
    if product is None:
        raise ValueError("the record of a run does not say what one of its operations made")
    return product
