"""Checkpoints of a log: its size and root hash, signed.

The form is that of the C2SP documents tlog-checkpoint and signed-note, version 1, with Ed25519 (RFC 8032), so that
other people's tools for transparency logs can read and witness them.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import cached_property

from klapp import signednote
from klapp.signednote import BadNote, Verifier

LONGEST = 4096
RETIRED = "/retired"
"""What a log's name ends in where it says that all entries of that checkpoint were let go, and may be missing."""


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

    @cached_property
    def _verifier(self) -> Verifier:
        return Verifier(self.origin, self.public)

    @property
    def verifier(self) -> str:
        """The public key as others take it (C2SP signed-note): name, key id and key."""
        return str(self._verifier)

    def sign(self, size: int, root: bytes, *, about: str = "") -> str:
        """The checkpoint of a size and root hash, signed.

        ``about`` is put behind the log's name where it is another statement than a checkpoint, such as ``RETIRED``.
        """
        text = Checkpoint(self.origin + about, size, root).text()
        return self._verifier.signed(text, self._key.sign(text.encode()))

    def open(self, note: str, *, about: str = "") -> Checkpoint:
        """The checkpoint of a note that this log has signed; raises BadNote. Others may have signed it as well."""
        checkpoint, _ = parse(note)
        if checkpoint.origin != self.origin + about:
            raise BadNote("This checkpoint is of another log.")
        try:
            self._verifier.open(note)
        except BadNote:
            raise BadNote("This checkpoint was not signed by this log.") from None
        return checkpoint


def parse(note: str) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    """A note's checkpoint and its signatures, (name, key id and signature), none of them checked; raises BadNote."""
    if len(note) > LONGEST:
        raise BadNote("This is not a checkpoint.")
    try:
        text, signatures = signednote.parse(note)
        origin, entries, encoded, _ = text.split("\n")
        root = base64.b64decode(encoded, validate=True)
        size = int(entries) if entries.isascii() and entries.isdecimal() else -1
    except (ValueError, binascii.Error) as error:
        raise BadNote("This is not a checkpoint.") from error
    checkpoint = Checkpoint(origin, size, root)
    if len(root) != 32 or not origin or checkpoint.text() != text:
        raise BadNote("This is not a checkpoint.")
    return checkpoint, signatures
