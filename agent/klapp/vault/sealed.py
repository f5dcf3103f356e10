"""Sealed streams: AES-256-GCM in chunks, so that files of any size are sealed in little memory.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance", 2015): each chunk's nonce holds its number and whether it is the last, so chunks can
neither be reordered nor cut off. Each stream has a key of its own, derived from a random salt and the stream's role
(HKDF, RFC 5869), so no sealed stream can stand in for another.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from itertools import count
from typing import BinaryIO

MAGIC = b"klapp sealed 1\n"
CHUNK = 64 * 1024
TAG = 16
SALT = 32


class Tampered(Exception):
    """A sealed stream is not what was written, or belongs somewhere else."""

    def __init__(self) -> None:
        super().__init__("A sealed file is damaged or was exchanged. It was not used; restore it from a backup.")


def derive(key: bytes, purpose: bytes, salt: bytes | None = None) -> bytes:
    """A key of 32 bytes for one purpose (HKDF with SHA-256, RFC 5869)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt, purpose).derive(key)


def seal(key: bytes, role: bytes, source: BinaryIO, goal: BinaryIO) -> None:
    """Write the whole of ``source``, sealed, to ``goal``. ``role`` names what it is; it must be given to unseal it."""
    _seal(key, role, iter(lambda: source.read(CHUNK), b""), goal)


def unseal(key: bytes, role: bytes, source: BinaryIO, goal: BinaryIO) -> None:
    """Write what was sealed to ``goal``; raises Tampered, and then what ``goal`` holds must be thrown away."""
    for chunk in _unsealed(key, role, source):
        goal.write(chunk)


def reseal(key: bytes, renewed: bytes, role: bytes, source: BinaryIO, goal: BinaryIO) -> None:
    """Write what was sealed with ``key``, sealed with ``renewed``, to ``goal``: one chunk at a time is in the clear,
    in memory alone. Raises Tampered."""
    _seal(renewed, role, _unsealed(key, role, source), goal)


def _seal(key: bytes, role: bytes, chunks: Iterator[bytes], goal: BinaryIO) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt = os.urandom(SALT)
    cipher = AESGCM(derive(key, b"sealed:" + role, salt))
    goal.write(MAGIC + salt)
    chunk = next(chunks, b"")
    for number in count():
        following = next(chunks, b"")
        goal.write(cipher.encrypt(_nonce(number, last=not following), chunk, MAGIC))
        if not following:
            return
        chunk = following


def _unsealed(key: bytes, role: bytes, source: BinaryIO) -> Iterator[bytes]:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head = source.read(len(MAGIC) + SALT)
    if len(head) != len(MAGIC) + SALT or not head.startswith(MAGIC):
        raise Tampered
    cipher = AESGCM(derive(key, b"sealed:" + role, head[len(MAGIC) :]))
    chunk = source.read(CHUNK + TAG)
    for number in count():
        following = source.read(CHUNK + TAG)
        try:
            yield cipher.decrypt(_nonce(number, last=not following), chunk, MAGIC)
        except InvalidTag:
            raise Tampered from None
        if not following:
            return
        chunk = following


def _nonce(number: int, last: bool) -> bytes:
    """Twelve bytes: seven of zeros (the key is the stream's own), the chunk's number, whether it is the last."""
    return struct.pack(">7xIB", number, last)
