"""The header file ``vault.json``: which ways there are to open the vault. It holds no secret, and is authenticated whole.

Its code (HMAC-SHA-256) is made with a key derived from the data key: whoever opens the vault knows that no slot, no
cost and no number in the header was changed, and none added. ``generation`` grows with every change; the encrypted
database remembers the newest, so that an older header put back is noticed (``klapp.vault.freshness``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from klapp.locks import locked
from klapp.vault.errors import VaultError
from klapp.vault.sealed import derive

HEADER = "vault.json"
VERSION = 2
LARGEST = 1 << 20
MOST_SLOTS = 32

Slot = Mapping[str, Any]
"""One way to open the vault, as JSON holds it; see ``klapp.vault.slots``."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the header file says. ``switching``: renewed files lie beside the old ones and are to take their places."""

    id: str
    generation: int
    slots: tuple[Slot, ...]
    code: bytes = b""
    switching: bool = False

    def proved(self, key: bytes) -> Header:
        """Itself, if whoever wrote it had the data key; raises VaultError otherwise."""
        if not hmac.compare_digest(self._code(key), self.code):
            raise VaultError(
                f"{HEADER} was changed by something other than klapp. Nothing was opened. Bring it back from a backup."
            )
        return self

    def changed(self, key: bytes, slots: tuple[Slot, ...], *, switching: bool = False) -> Header:
        """The next generation of this header."""
        following = replace(self, generation=self.generation + 1, slots=slots, switching=switching)
        return replace(following, code=following._code(key))

    def _code(self, key: bytes) -> bytes:
        return hmac.new(derive(key, b"header"), _canonical(self._fields()), hashlib.sha256).digest()

    def _fields(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "id": self.id,
            "generation": self.generation,
            "switching": self.switching,
            "slots": list(self.slots),
        }

    def write(self, home: Path) -> None:
        """Put this header in place of the one that is there, durably, whole or not at all. Raises OSError."""
        draft = home / f".{HEADER}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                json.dump(self._fields() | {"code": to_text(self.code)}, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, home / HEADER)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        sync_folder(home)


def read_header(home: Path) -> Header | None:
    """The header of a state folder, not proved yet; None where there is none. Raises VaultError."""
    path = home / HEADER
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(LARGEST))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path) from error
    if isinstance(found, dict) and isinstance(found.get("version"), int) and found["version"] != VERSION:
        if found["version"] > VERSION:
            raise VaultError(f"{path} was written by a newer klapp. Install that version; nothing was changed.")
        raise VaultError(f"{path} was written by a klapp from before its first release. Move this folder aside.")
    match found:
        case {
            "version": int(),
            "id": str(name),
            "generation": int(generation),
            "switching": bool(switching),
            "slots": [_, *_] as slots,
            "code": str(code),
        } if len(slots) <= MOST_SLOTS and all(isinstance(slot, dict) for slot in slots):
            return Header(name, generation, tuple(slots), from_text(code), switching)
    raise _damaged(path)


def changing(home: Path) -> AbstractContextManager[None]:
    """Be the one of all processes that changes the header; waits for its turn."""
    return locked(home / "vault.lock")


def _damaged(path: Path) -> VaultError:
    return VaultError(f"{path} can not be read or is damaged. Bring it back from a backup; nothing was changed.")


def _canonical(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")


def bound(name: str, slot: Slot) -> bytes:
    """What a slot's wrapped key is bound to: this vault, and all else that the slot says."""
    said = {key: value for key, value in slot.items() if key not in ("nonce", "key")}
    return f"klapp vault {VERSION} {name} ".encode() + _canonical(said)


def to_text(data: bytes) -> str:
    """Bytes as JSON can hold them."""
    return base64.b64encode(data).decode("ascii")


def from_text(text: object) -> bytes:
    """The bytes of ``to_text``; raises VaultError for anything else."""
    try:
        if not isinstance(text, str):
            raise TypeError("not a text")
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as error:
        raise VaultError(
            f"The vault's {HEADER} is damaged. Bring it back from a backup; nothing was changed."
        ) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system has such a thing."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
