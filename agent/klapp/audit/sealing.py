"""Keys of values: what a log entry holds of names, texts and answers is sealed under one that can be destroyed.

Each run has a key of its own, and so has each event that belongs to no run, and each stored text. An erasure chooses
keys, by coworker, by time, or by what their values hold, and destroys those; nothing else needs to be written anew.
"""

from __future__ import annotations

import os
from typing import Any

NONCE = 12


class Unsealable(Exception):
    """Sealed values, or the row of their key, are not what was stored."""


class ValueKey:
    """One key. ``owner`` is a coworker's name or "", ``subject`` what the values are about (a file's path) or b"".

    The row in which it is stored is bound to what it seals: a row of which anything was changed opens nothing.
    """

    __slots__ = ("_about", "_cipher", "at", "id", "owner", "secret", "subject")

    def __init__(self, id: int, secret: bytes, owner: str, subject: bytes, at: int) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self.id, self.secret, self.owner, self.subject, self.at = id, secret, owner, subject, at
        self._about = b"%d\0%s\0%d\0%s" % (id, owner.encode(), at, subject)
        self._cipher = AESGCM(secret)

    @classmethod
    def fresh(cls, id: int, owner: str, subject: bytes, at: int) -> ValueKey:
        """A new random one (AES-256)."""
        return cls(id, os.urandom(32), owner, subject, at)

    def row(self) -> tuple[Any, ...]:
        """As the table ``keys`` holds it."""
        return self.id, self.secret, self.owner, self.subject, self.at

    def seal(self, values: bytes) -> bytes:
        """Seal values, with AES-GCM under a random nonce: few values ever share a key."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, values, self._about)

    def open(self, sealed: bytes) -> bytes:
        """The opposite; raises Unsealable."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], self._about)
        except (InvalidTag, ValueError):
            raise Unsealable from None


def stored_key(row: tuple[Any, ...]) -> ValueKey:
    """The key of a row of ``keys``; raises Unsealable where it can not be one."""
    try:
        return ValueKey(*row)
    except (ValueError, TypeError, AttributeError):
        raise Unsealable from None
