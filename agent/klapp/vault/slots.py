"""The ways to open a vault: each slot of the header holds the data key, wrapped by a key that one secret gives.

The secret is a random key in the system's keyring, a password (stretched by Argon2id), or the recovery key. ``proof``
tells a wrong secret from a wrap that was changed; guessing with its help is no cheaper than without.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from klapp.vault.errors import VaultError
from klapp.vault.header import Slot, bound, from_text, to_text
from klapp.vault.ring import Ring, RingError
from klapp.vault.sealed import derive
from klapp.vault.stretching import Cost, normalised, stretched

KEYRING, PASSWORD, RECOVERY = "keyring", "password", "recovery"
PLAIN = {KEYRING: "the system's keyring", PASSWORD: "a password", RECOVERY: "a recovery key"}
SHORTEST_PASSWORD = 8


class WrongSecret(VaultError):
    """This secret does not open this slot."""


def keyring_slot(name: str, key: bytes, ring: Ring) -> Slot | None:
    """A slot whose secret is in the keyring from now on; None where there is none to rely upon."""
    secret, entry = secrets.token_bytes(32), secrets.token_hex(8)
    if not ring.put(entry, to_text(secret)):
        return None
    return _wrapped(name, key, secret, {"kind": KEYRING, "entry": entry})


def password_slot(name: str, key: bytes, password: str, cost: Cost) -> Slot:
    """A slot for a password. Raises VaultError for one that is too short."""
    if len(password) < SHORTEST_PASSWORD:
        raise VaultError(f"A passphrase has at least {SHORTEST_PASSWORD} characters. Choose a longer one.")
    salt = secrets.token_bytes(16)
    said = {
        "kind": PASSWORD,
        "salt": to_text(salt),
        "memory_kib": cost.memory_kib,
        "passes": cost.passes,
        "lanes": cost.lanes,
    }
    return _wrapped(name, key, stretched(normalised(password), salt, cost), said)


def recovery_slot(name: str, key: bytes, recovery: bytes) -> Slot:
    """A slot for a recovery key (20 random bytes, which need no stretching)."""
    return _wrapped(name, key, recovery, {"kind": RECOVERY})


def by_keyring(name: str, slot: Slot, ring: Ring) -> bytes:
    """The data key. Raises VaultError with what is wrong with the keyring or the slot."""
    try:
        secret = ring.demand(str(slot.get("entry")))
    except RingError as error:
        raise WrongSecret(
            f"The key of this state folder is in the system's keyring, but the system's keyring {error}. "
            "Unlock your keyring and try again."
        ) from None
    try:
        found = from_text(secret)
    except VaultError:
        raise WrongSecret("What the system's keyring holds for klapp is not a key. Nothing was changed.") from None
    try:
        return _unwrapped(name, slot, found)
    except WrongSecret:
        raise WrongSecret(
            "The key in the system's keyring is not the one of this state folder. Nothing was changed."
        ) from None


def by_password(name: str, slot: Slot, password: str) -> bytes:
    """The data key; raises WrongSecret for another password, and VaultError for a slot that was changed."""
    try:
        return _unwrapped(name, slot, stretched(normalised(password), from_text(slot.get("salt")), cost_of(slot)))
    except (KeyError, TypeError, ValueError, OverflowError, MemoryError):
        raise _changed(slot) from None


def by_recovery(name: str, slot: Slot, recovery: bytes) -> bytes:
    """The data key; raises WrongSecret for another recovery key, and VaultError for a slot that was changed."""
    return _unwrapped(name, slot, recovery)


def cost_of(slot: Slot) -> Cost:
    """What it costs to try a password here. Raises ValueError, TypeError or KeyError for a slot that was changed."""
    parts = [slot[part] for part in ("memory_kib", "passes", "lanes")]
    if not all(type(part) is int for part in parts):
        raise TypeError("a cost is made of numbers")
    return Cost(*parts).bounded()


def _wrapped(name: str, key: bytes, secret: bytes, said: dict[str, Any]) -> Slot:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    slot = {**said, "proof": to_text(_proof(secret))}
    nonce = secrets.token_bytes(12)
    sealed = AESGCM(derive(secret, b"wrap")).encrypt(nonce, key, bound(name, slot))
    return {**slot, "nonce": to_text(nonce), "key": to_text(sealed)}


def _unwrapped(name: str, slot: Slot, secret: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not hmac.compare_digest(_proof(secret), from_text(slot.get("proof"))):
        raise WrongSecret("This is not the passphrase of this vault. Nothing was changed; try again.")
    try:
        nonce, sealed = from_text(slot.get("nonce")), from_text(slot.get("key"))
        key = AESGCM(derive(secret, b"wrap")).decrypt(nonce, sealed, bound(name, slot))
    except (InvalidTag, ValueError):
        raise _changed(slot) from None
    if len(key) != 32:
        raise _changed(slot)
    return key


def _proof(secret: bytes) -> bytes:
    return derive(secret, b"proof")


def _changed(slot: Slot) -> VaultError:
    plain = PLAIN.get(str(slot.get("kind")), "a key")
    return VaultError(
        f"What vault.json says about {plain} was changed by something other than klapp. Nothing was opened. "
        "Bring the file back from a backup, or open the vault in another way."
    )
