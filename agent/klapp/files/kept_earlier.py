"""Kept copies as klapp made them at first: one sealed file each, a line of traits and behind it the whole content."""

from __future__ import annotations

import io
import json
from typing import Any, BinaryIO

from klapp.files.drafts import Traits

LONGEST_LINE = 1 << 20
"""Extended attributes may hold 64 KiB each; no more than this is ever read as traits."""


class OfEarlier(ValueError):
    """A copy is no note of today's; the message completes no sentence, for it is told to nobody."""


class NoteText(io.RawIOBase):
    """Takes a note; raises OfEarlier for a copy of an earlier klapp, before its content is in memory."""

    def __init__(self) -> None:
        self.text = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.text += data
        if self.text.startswith(b"["):
            raise OfEarlier
        return len(data)


class Split(io.RawIOBase):
    """Takes a copy of an earlier klapp: writes its content to a file, and keeps its traits."""

    def __init__(self, goal: BinaryIO) -> None:
        self._goal = goal
        self._line = b""
        self._whole = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        block = bytes(data)
        if not self._whole:
            head, end, block = block.partition(b"\n")
            self._line += head
            self._whole = bool(end)
            if len(self._line) > LONGEST_LINE:
                raise ValueError("a kept copy does not begin with its traits")
        self._goal.write(block)
        return len(data)

    def traits(self) -> Traits:
        """What the copy began with. Raises ValueError where that makes no sense."""
        if not self._whole:
            raise ValueError("a kept copy does not begin with its traits")
        mode, accessed, modified, attributes = json.loads(self._line)
        return Traits(mode, accessed, modified, {name: bytes.fromhex(value) for name, value in attributes.items()})
