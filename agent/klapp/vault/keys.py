"""Opens and makes the vault: the one random key of a state folder, from which there is one for each purpose.

Never in the clear: without a keyring and without a passphrase there is no vault.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from klapp.vault import refusals, slots
from klapp.vault.errors import VaultError
from klapp.vault.header import HEADER, Header, Slot, changing, read_header
from klapp.vault.memory import LockedKey
from klapp.vault.recovery import Mistyped, looks_like_one, read
from klapp.vault.ring import Ring
from klapp.vault.sealed import derive
from klapp.vault.stretching import Cost
from klapp.vault.switching import finish

Passphrase = Callable[[str], str]
"""Gives the passphrase; called with "new" for a vault that is being made, with "unlock" for one that is there."""


class Vault:
    """The open vault: gives a key for each purpose, and shows none.

    ``header`` is as it was when the vault was opened, ``by`` the kind of secret that opened it; ``ring`` keeps notes
    outside the state folder, and is None where the keyring is not to be used; ``refused`` is how often somebody had
    tried to open it in vain since the last time.
    """

    __slots__ = ("_key", "by", "header", "refused", "ring")

    def __init__(
        self, key: bytes, header: Header | None = None, ring: Ring | None = None, by: str = "", refused: int = 0
    ) -> None:
        self._key = LockedKey(key)
        self.header = header
        self.ring = ring
        self.by = by
        self.refused = refused

    def key(self, purpose: str) -> bytes:
        """32 bytes for one purpose."""
        return derive(self._key.reveal(), b"purpose:" + purpose.encode())

    def data_key(self) -> bytes:
        """The key itself, for who wraps it anew."""
        return self._key.reveal()

    def close(self) -> None:
        """Forget the key."""
        self._key.forget()

    def __repr__(self) -> str:
        return "<Vault>"


def open_vault(
    home: Path, passphrase: Passphrase | None, *, use_keyring: bool = True, cost: Cost | None = None
) -> Vault:
    """Open the vault of a state folder, or make one where there is none. Raises VaultError.

    ``cost`` is what a new password is stretched by, and an old one that was cheaper to try from now on.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    header = read_header(home)
    if header is None:
        return _create(home, passphrase, use_keyring, cost or Cost())
    ring = Ring(header.id) if use_keyring else None
    try:
        key, slot, secret = _unlocked(header, passphrase, ring)
    except slots.WrongSecret:
        refusals.count(home)
        raise
    header = header.proved(key)
    if header.switching:
        with changing(home):
            now = read_header(home) or header
            header = finish(home, now.proved(key), key) if now.switching else now.proved(key)
    if slot["kind"] == slots.PASSWORD and slots.cost_of(slot).is_less_than(cost or Cost()):
        header = _strengthened(home, header, key, slot, secret, cost or Cost())
    return Vault(key, header, ring, str(slot["kind"]), refusals.taken(home))


def _create(home: Path, passphrase: Passphrase | None, use_keyring: bool, cost: Cost) -> Vault:
    if (home / "klapp.db").exists():
        raise VaultError(
            f"{home / HEADER} is missing, so what klapp has stored can not be opened. Bring it back from a backup."
        )
    key, name = secrets.token_bytes(32), secrets.token_hex(16)
    ring = Ring(name) if use_keyring else None
    slot = slots.keyring_slot(name, key, ring) if ring else None
    if slot is None:
        if passphrase is None:
            raise VaultError(
                "There is no keyring on this system that klapp can use, and no passphrase was given. Give one at the "
                "prompt, with --passphrase-fd N, or in a file that KLAPP_PASSPHRASE_FILE names."
            )
        slot = slots.password_slot(name, key, passphrase("new"), cost)
    header = Header(name, 0, ()).changed(key, (slot,))
    try:
        header.write(home)
    except OSError as error:
        raise VaultError(f"The vault can not be made in {home}: {error.strerror}. Nothing was stored.") from error
    return Vault(key, header, ring, str(slot["kind"]))


def _unlocked(header: Header, passphrase: Passphrase | None, ring: Ring | None) -> tuple[bytes, Slot, str]:
    """(the data key, the slot that gave it, the password if it was one): first by the keyring, then as a person can."""
    refused: VaultError | None = None
    for slot in _of(header, slots.KEYRING) if ring else ():
        assert ring is not None
        try:
            return slots.by_keyring(header.id, slot, ring), slot, ""
        except VaultError as error:
            refused = error
    if passphrase is None or not _of(header, slots.PASSWORD, slots.RECOVERY):
        raise refused or VaultError(
            "This state folder needs its passphrase: give it at the prompt, with --passphrase-fd N, or in a file that "
            "KLAPP_PASSPHRASE_FILE names."
            if _of(header, slots.PASSWORD, slots.RECOVERY)
            else "The key of this state folder is in the system's keyring, and klapp was told not to use it."
        )
    return unlocked_by(header, passphrase("unlock"))


def unlocked_by(header: Header, secret: str) -> tuple[bytes, Slot, str]:
    """(the data key, the slot, the secret) by what a person typed: a password, or a recovery key. Raises VaultError."""
    refused: VaultError | None = None
    for slot in _of(header, slots.PASSWORD):
        try:
            return slots.by_password(header.id, slot, secret), slot, secret
        except VaultError as error:
            refused = error
    if looks_like_one(secret):
        for slot in _of(header, slots.RECOVERY):
            try:
                return slots.by_recovery(header.id, slot, read(secret)), slot, secret
            except Mistyped as error:
                raise VaultError(f"{error} Nothing was opened.") from None
            except VaultError as error:
                refused = error
    raise refused or VaultError("This is not the recovery key of this vault. Nothing was changed; try again.")


def _of(header: Header, *kinds: str) -> list[Slot]:
    return [slot for slot in header.slots if slot.get("kind") in kinds]


def _strengthened(home: Path, header: Header, key: bytes, slot: Slot, password: str, cost: Cost) -> Header:
    """The header with a password's slot made anew at today's cost; as it was where that can not be written."""
    renewed = slots.password_slot(header.id, key, password, cost)
    with changing(home):
        now = (read_header(home) or header).proved(key)
        stronger = now.changed(key, tuple(renewed if one == slot else one for one in now.slots))
        try:
            stronger.write(home)
        except OSError:
            return now
    return stronger
