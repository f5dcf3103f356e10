"""Operations that bring a whole file to another path: moving it, copying it, and taking another file's place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from klapp.files.protocol import Files, Identity
from klapp.files.shown import shown
from klapp.operations.keeping import PutBack, known, new_token, trashing
from klapp.operations.operation import Operation, World, has_traits, is_version, look
from klr.vocabulary import Permission


@dataclass(frozen=True)
class Move(Operation):
    """Move a file to a free path."""

    kind: ClassVar[str] = "move"
    source: str
    goal: str
    identity: Identity

    def apply(self, world: World) -> Identity:
        return world.files.move(self.source, self.goal, self.identity)

    def settle(self, world: World) -> bool:
        return _settled(world, self.source, self.goal, self.identity, None)

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return (Move(self.goal, self.source, known(product)),)

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"remove": (self.source,), "write": (self.goal,)}

    def sentence(self) -> str:
        return f"moved {shown(self.source)} to {shown(self.goal)}"

    def takes(self) -> dict[str, Identity]:
        return {self.source: self.identity}

    def makes(self) -> str:
        return self.goal


@dataclass(frozen=True)
class Replace(Operation):
    """Move a file to the place of another one, of which ``Keep`` has kept a copy under ``token``."""

    kind: ClassVar[str] = "replace"
    source: str
    goal: str
    identity: Identity
    replacing: Identity
    token: str

    def apply(self, world: World) -> Identity:
        return world.files.replace(self.source, self.goal, self.identity, self.replacing)

    def settle(self, world: World) -> bool:
        return _settled(world, self.source, self.goal, self.identity, self.replacing)

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return (Move(self.goal, self.source, known(product)), PutBack(self.token, self.goal, self.replacing))

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"remove": (self.source,), "write": (self.goal,)}

    def sentence(self) -> str:
        return f"moved {shown(self.source)} to the place of {shown(self.goal)}, of which a copy is kept"

    def takes(self) -> dict[str, Identity]:
        return {self.source: self.identity, self.goal: self.replacing}

    def makes(self) -> str:
        return self.goal


@dataclass(frozen=True)
class Copy(Operation):
    """Copy a file to a free path."""

    kind: ClassVar[str] = "copy"
    source: str
    goal: str
    identity: Identity

    def apply(self, world: World) -> Identity:
        return world.files.copy(self.source, self.goal, self.identity)

    def settle(self, world: World) -> bool:
        return has_traits(look(world.files, self.goal), self.identity)

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return trashing(self.goal, product, files)

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"read": (self.source,), "write": (self.goal,)}

    def sentence(self) -> str:
        return f"copied {shown(self.source)} to {shown(self.goal)}"

    def makes(self) -> str:
        return self.goal


def _settled(world: World, source: str, goal: str, identity: Identity, replacing: Identity | None) -> bool:
    """Whether a move was done. One to another disk may have left the whole file in both places: it is finished.

    What lies at the goal then is kept once more before the source takes its place, so that nothing is lost even if
    it is not the copy that it seems to be.
    """
    files = world.files
    left, arrived = look(files, source), look(files, goal)
    if not is_version(left, identity):
        return has_traits(arrived, identity)
    if arrived is None or arrived.identity == replacing or not has_traits(arrived, identity):
        return False
    if left is None or left.device == arrived.device:
        return False
    files.keep(goal, arrived.identity, new_token())
    files.replace(source, goal, left.identity, arrived.identity)
    return True
