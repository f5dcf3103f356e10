"""Changes to an open vault: new ways to open it, fewer, and a new data key for all that is stored.

Every change is made under one lock, on the header as it is then, and is durable and whole when the call returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from klapp.vault import recovery, slots
from klapp.vault.errors import VaultError
from klapp.vault.header import Header, Slot, changing, read_header
from klapp.vault.keys import Passphrase, Vault, unlocked_by
from klapp.vault.ring import Ring
from klapp.vault.stretching import Cost
from klapp.vault.switching import NEXT, clear, finish, remove


class Store(Protocol):
    """Something sealed in the state folder that can be renewed under another data key."""

    name: str
    """Its file's or folder's name in the state folder, one of ``switching.RENEWED``."""

    def renewing(self, old: Vault, new: Vault, goal: Path) -> AbstractContextManager[None]:
        """Write all of it, sealed with the new keys, durably to ``goal``; while the context lasts, nobody changes it.

        Raises OSError or VaultError where that is impossible."""
        ...


def ways(vault: Vault) -> list[str]:
    """The ways to open a vault, in words, in the header's order."""
    assert vault.header is not None
    return [
        slots.PLAIN.get(str(slot.get("kind")), "something that this klapp does not know") for slot in vault.header.slots
    ]


def add_password(home: Path, vault: Vault, password: str, cost: Cost | None = None) -> None:
    """Let a password open the vault from now on, in place of the one that does, if one does. Raises VaultError."""

    def changed(header: Header) -> Iterable[Slot]:
        yield from (slot for slot in header.slots if slot["kind"] != slots.PASSWORD)
        yield slots.password_slot(header.id, vault.data_key(), password, cost or Cost())

    _change(home, vault, changed)


def add_keyring(home: Path, vault: Vault) -> None:
    """Let the system's keyring open the vault from now on. Raises VaultError where there is none to rely upon."""

    def changed(header: Header) -> Iterable[Slot]:
        slot = slots.keyring_slot(header.id, vault.data_key(), Ring(header.id))
        if slot is None:
            raise VaultError("There is no keyring on this system that klapp can rely upon. Nothing was changed.")
        yield slot
        yield from (one for one in header.slots if one["kind"] != slots.KEYRING)

    _change(home, vault, changed)


def add_recovery(home: Path, vault: Vault) -> str:
    """A new recovery key, as it is written down; an older one opens nothing any more. Raises VaultError."""
    fresh = recovery.fresh()

    def changed(header: Header) -> Iterable[Slot]:
        yield from (slot for slot in header.slots if slot["kind"] != slots.RECOVERY)
        yield slots.recovery_slot(header.id, vault.data_key(), fresh)

    _change(home, vault, changed)
    return recovery.written(fresh)


def remove_way(home: Path, vault: Vault, kind: str) -> None:
    """Take back a way to open the vault. Raises VaultError where it is not there, or is the only one."""

    def changed(header: Header) -> Iterable[Slot]:
        left = [slot for slot in header.slots if slot["kind"] != kind]
        if len(left) == len(header.slots):
            raise VaultError(f"The vault is not opened by {slots.PLAIN[kind]}. Nothing was changed.")
        if not left:
            raise VaultError(
                f"Nothing but {slots.PLAIN[kind]} opens this vault. Add another way first, such as: klapp vault recovery-key"
            )
        return left

    _change(home, vault, changed)


def _change(home: Path, vault: Vault, changed: Callable[[Header], Iterable[Slot]]) -> None:
    with changing(home):
        header = _current(home, vault)
        following = header.changed(vault.data_key(), tuple(changed(header)))
        _write(following, home)
    vault.header = following
    _forget_entries(header, following)


def _current(home: Path, vault: Vault) -> Header:
    header = read_header(home)
    if header is None:
        raise VaultError("The vault's header is gone. Bring vault.json back from a backup.")
    return header.proved(vault.data_key())


def _write(header: Header, home: Path) -> None:
    try:
        header.write(home)
    except OSError as error:
        raise VaultError(f"vault.json can not be written: {error.strerror}. Nothing was changed.") from error


def _forget_entries(before: Header, after: Header) -> None:
    """Remove from the keyring what opens nothing any more."""
    left = {slot.get("entry") for slot in after.slots}
    for slot in before.slots:
        if slot["kind"] == slots.KEYRING and slot.get("entry") not in left:
            Ring(before.id).drop(str(slot.get("entry")))


# -- a new data key ---------------------------------------------------------------------------------------------------


def rotate(
    home: Path,
    vault: Vault,
    stores: Iterable[Store],
    passphrase: Passphrase | None,
    fresh: bytes,
    cost: Cost | None = None,
) -> tuple[Vault, str]:
    """Seal everything anew under a new data key: (the vault with it, the new recovery key as written, or "").

    ``fresh`` are 32 random bytes. ``passphrase`` is asked for the password, where one opens the vault. All is written
    beside what is there; one write of the header decides; until then nothing has changed, from then on the renewed
    files take their places, at the next start if need be. Raises VaultError.
    """
    with changing(home):
        header = _current(home, vault)
        clear(home)
        key = fresh
        made, shown = _slots_for(header, key, vault, passphrase, cost or Cost())
        new = Vault(key, None, vault.ring, vault.by)
        try:
            _prepare(home, vault, new, list(stores), lambda: _write(header.changed(key, made, switching=True), home))
        except BaseException:
            clear(home)
            _forget_entries(Header(header.id, 0, made), header)
            raise
        switching = _current(home, new)
        new.header = finish(home, switching, key)
    _forget_entries(header, new.header)
    return new, shown


def _prepare(home: Path, old: Vault, new: Vault, stores: list[Store], decide: Callable[[], None]) -> None:
    if not stores:
        decide()
        return
    goal = home / (stores[0].name + NEXT)
    try:
        with stores[0].renewing(old, new, goal):
            _prepare(home, old, new, stores[1:], decide)
    except OSError as error:
        remove(goal)
        raise VaultError(
            f"What klapp stores can not be written anew: {error.strerror or error}. It needs as much room again as it "
            "takes now. Nothing was changed."
        ) from error


def _slots_for(
    header: Header, key: bytes, vault: Vault, passphrase: Passphrase | None, cost: Cost
) -> tuple[tuple[Slot, ...], str]:
    """The same ways to open the vault for another data key."""
    made: list[Slot] = []
    shown = ""
    for slot in header.slots:
        if slot["kind"] == slots.KEYRING:
            renewed = slots.keyring_slot(header.id, key, vault.ring or Ring(header.id))
            if renewed is None:
                raise VaultError("The system's keyring can not keep a new key now. Unlock it; nothing was changed.")
            made.append(renewed)
        elif slot["kind"] == slots.PASSWORD:
            if passphrase is None:
                raise VaultError("The vault's passphrase is needed for that. Nothing was changed.")
            password = passphrase("unlock")
            _, opened, _ = unlocked_by(header, password)
            if opened["kind"] != slots.PASSWORD:
                raise VaultError(
                    "The vault's passphrase is needed for that, not the recovery key. Nothing was changed."
                )
            made.append(slots.password_slot(header.id, key, password, cost))
        else:
            written = recovery.fresh()
            made.append(slots.recovery_slot(header.id, key, written))
            shown = recovery.written(written)
    return tuple(made), shown
