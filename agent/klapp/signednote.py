"""Signed notes: a text, an empty line, and a line for each signature. Knows nothing of what the text says.

The form is that of the C2SP document signed-note, version 1, with Ed25519 (RFC 8032), so that other people's tools can
read and check what klapp signs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

DASH = "\N{EM DASH}"
_ED25519 = b"\x01"
_VERIFIER = re.compile(r"([!-*,-~]{1,100})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})")


class BadNote(ValueError):
    """This is no signed note, no key of one, or its signature is not that of the key."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key, 32 bytes, and the name that it signs under."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """What stands before each signature, 4 bytes."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        """The key as others take it: name, key id and key."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.public).decode('ascii')}"

    @classmethod
    def of(cls, text: str) -> Verifier:
        """The key of such a text; raises BadNote."""
        found = _VERIFIER.fullmatch(text)
        raw = base64.b64decode(found[3]) if found else b""
        if found is None or raw[:1] != _ED25519 or str(made := cls(found[1], raw[1:])) != text:
            raise BadNote("This is no public key of signed notes: NAME+ID+KEY, in one line.")
        return made

    def signed(self, text: str, signature: bytes) -> str:
        """The note of a text and its signature, 64 bytes. The text ends in a newline, and has no empty line."""
        return f"{text}\n{DASH} {self.name} {base64.b64encode(self.id + signature).decode('ascii')}\n"

    def open(self, note: str) -> str:
        """The text of a note that this key has signed; raises BadNote. Others may have signed it as well."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        text, signatures = parse(note)
        for name, signature in signatures:
            if name == self.name and signature[:4] == self.id:
                try:
                    Ed25519PublicKey.from_public_bytes(self.public).verify(signature[4:], text.encode())
                except (InvalidSignature, ValueError):
                    break
                return text
        raise BadNote(f"It was not signed by {self.name}.")


def parse(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """A note's text, and its signatures as (name, key id and signature), none of them checked; raises BadNote."""
    text, gap, rest = note.partition("\n\n")
    if not gap or not rest.endswith("\n"):
        raise BadNote("This is no signed note.")
    signatures = []
    try:
        for line in rest[:-1].split("\n"):
            dash, name, signature = line.split(" ")
            raw = base64.b64decode(signature, validate=True)
            if dash != DASH or base64.b64encode(raw).decode("ascii") != signature:
                raise BadNote("This is no signed note.")
            signatures.append((name, raw))
    except (ValueError, binascii.Error) as error:
        raise BadNote("This is no signed note.") from error
    return f"{text}\n", signatures
