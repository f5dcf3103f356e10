"""The operation that tells the person something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from klapp.files.protocol import Files, Identity
from klapp.files.shown import shown
from klapp.operations.operation import Operation, World
from klr.vocabulary import Permission


@dataclass(frozen=True)
class Notify(Operation):
    """Show a notice. After a crash it may be shown a second time, which is better than never."""

    kind: ClassVar[str] = "notify"
    settles: ClassVar[bool] = False
    text: str

    def apply(self, world: World) -> None:
        world.notify(self.text)

    def settle(self, world: World) -> bool:
        """Always False: a notice leaves no trace."""
        return False

    def inverse(self, product: Identity | None, files: Files) -> tuple[Operation, ...]:
        return ()

    def places(self) -> dict[Permission, tuple[str, ...]]:
        return {}

    def sentence(self) -> str:
        return f"told you: {shown(self.text)}"
