"""Checkpoints of a log: its size and root hash, signed.

The form is that of the C2SP documents tlog-checkpoint and signed-note, version 1, with Ed25519 (RFC 8032), so that
other people's tools for transparency logs can read and witness them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from functools import cached_property

_DASH = "\N{EM DASH}"
_ED25519 = b"\x01"
LONGEST = 4096
RETIRED = "/retired"
"""What a log's name ends in where it says that all entries of that checkpoint were let go, and may be missing."""


class BadNote(ValueError):
    """A checkpoint is not one, or its signature is not that of this log."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log said of itself: its name ``origin``, how many entries it had, and the root hash over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"


class Signer:
    """Signs the checkpoints of one log, and knows its own signature. ``seed`` has 32 bytes."""

    def __init__(self, origin: str, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self.origin = origin
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @cached_property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    @property
    def verifier(self) -> str:
        """The public key as others take it (C2SP signed-note): name, key id and key."""
        return f"{self.origin}+{self._id.hex()}+{base64.b64encode(_ED25519 + self.public).decode('ascii')}"

    @cached_property
    def _id(self) -> bytes:
        return hashlib.sha256(self.origin.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def sign(self, size: int, root: bytes, *, about: str = "") -> str:
        """The checkpoint of a size and root hash, signed.

        ``about`` is put behind the log's name where it is another statement than a checkpoint, such as ``RETIRED``.
        """
        text = Checkpoint(self.origin + about, size, root).text()
        signature = base64.b64encode(self._id + self._key.sign(text.encode())).decode("ascii")
        return f"{text}\n{_DASH} {self.origin} {signature}\n"

    def open(self, note: str, *, about: str = "") -> Checkpoint:
        """The checkpoint of a note that this log has signed; raises BadNote. Others may have signed it as well."""
        from cryptography.exceptions import InvalidSignature

        checkpoint, signatures = parse(note)
        if checkpoint.origin != self.origin + about:
            raise BadNote("This checkpoint is of another log.")
        for name, signature in signatures:
            if name == self.origin and signature[:4] == self._id:
                try:
                    self._key.public_key().verify(signature[4:], checkpoint.text().encode())
                except InvalidSignature:
                    break
                return checkpoint
        raise BadNote("This checkpoint was not signed by this log.")


def parse(note: str) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    """A note's checkpoint and its signatures, (name, key id and signature), none of them checked; raises BadNote."""
    text, gap, rest = note.partition("\n\n")
    lines = text.split("\n")
    if len(note) > LONGEST or not gap or len(lines) != 3 or not rest.endswith("\n"):
        raise BadNote("This is not a checkpoint.")
    try:
        root = base64.b64decode(lines[2], validate=True)
        size = int(lines[1]) if lines[1].isascii() and lines[1].isdecimal() else -1
        signatures = []
        for line in rest[:-1].split("\n"):
            dash, name, signature = line.split(" ")
            if dash != _DASH:
                raise BadNote("This is not a checkpoint.")
            raw = base64.b64decode(signature, validate=True)
            if base64.b64encode(raw).decode("ascii") != signature:
                raise BadNote("This is not a checkpoint.")
            signatures.append((name, raw))
    except (ValueError, binascii.Error) as error:
        raise BadNote("This is not a checkpoint.") from error
    checkpoint = Checkpoint(lines[0], size, root)
    if len(root) != 32 or not lines[0] or checkpoint.text() != text + "\n":
        raise BadNote("This is not a checkpoint.")
    return checkpoint, signatures
