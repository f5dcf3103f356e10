"""From a password to a key: Argon2id, RFC 9106."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

MOST_MEMORY_KIB, MOST_PASSES, MOST_LANES = 2 * 1024 * 1024, 100, 64
"""A header that asks for more was tampered with, to keep the machine busy."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What it costs to try a password (the second recommended option of RFC 9106, section 4)."""

    memory_kib: int = 64 * 1024
    passes: int = 3
    lanes: int = 4

    def bounded(self) -> Cost:
        """Itself; raises ValueError where no klapp would ask for that much work, or so little."""
        most = (MOST_MEMORY_KIB, MOST_PASSES, MOST_LANES)
        if not all(1 <= value <= limit for value, limit in zip(self.parts(), most, strict=True)):
            raise ValueError("no klapp asks for so much work")
        return self

    def parts(self) -> tuple[int, int, int]:
        """(memory in KiB, passes, lanes)."""
        return self.memory_kib, self.passes, self.lanes

    def is_less_than(self, other: Cost) -> bool:
        """Whether trying a password at this cost is cheaper than at the other."""
        return self.memory_kib * self.passes < other.memory_kib * other.passes


def normalised(password: str) -> bytes:
    """A password as bytes, the same however its letters were composed (NFC, as SASLprep and PRECIS, RFC 8265, ask)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def stretched(password: bytes, salt: bytes, cost: Cost) -> bytes:
    """A key of 32 bytes (Argon2id version 0x13, RFC 9106). Raises ValueError for a cost out of bounds."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    memory, passes, lanes = cost.bounded().parts()
    return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(password)
