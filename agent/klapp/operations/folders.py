"""Operations on folders: making one, and removing one that is empty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from klapp.files.protocol import Files, Identity
from klapp.files.shown import shown
from klapp.operations.operation import Operation, World
from klr.vocabulary import Permission


@dataclass(frozen=True)
class MakeFolder(Operation):
    """Make one folder in a folder that is there."""

    kind: ClassVar[str] = "make folder"
    path: str

    def apply(self, world: World) -> None:
        world.files.make_folder(self.path)

    def settle(self, world: World) -> bool:
        return world.files.kind_at(self.path) == "folder"

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return (RemoveFolder(self.path),)

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"write": (self.path,)}

    def sentence(self) -> str:
        return f"made the folder {shown(self.path)}"


@dataclass(frozen=True)
class RemoveFolder(Operation):
    """Remove a folder if it is empty; nothing happens where it is not, for what is in it is somebody's."""

    kind: ClassVar[str] = "remove folder"
    path: str

    def apply(self, world: World) -> None:
        world.files.remove_folder(self.path)

    def settle(self, world: World) -> bool:
        return world.files.kind_at(self.path) == ""

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return () if files.kind_at(self.path) else (MakeFolder(self.path),)

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {"write": (self.path,)}

    def sentence(self) -> str:
        return f"removed the folder {shown(self.path)} if it was empty"
