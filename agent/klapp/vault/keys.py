"""The one random key of a state folder, and how it is kept: in the system's keyring, or wrapped by a passphrase.

Never in the clear: without a keyring and without a passphrase there is no vault. The header file ``vault.json`` says
which it is; it holds no secret.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klapp.vault.sealed import derive

HEADER = "vault.json"
VERSION = 1
SERVICE = "klapp"
SHORTEST_PASSPHRASE = 8
MOST_MEMORY_KIB, MOST_PASSES = 2 * 1024 * 1024, 100
"""A header that asks for more was tampered with, to keep the machine busy."""
Passphrase = Callable[[str], str]
"""Gives the passphrase; called with "new" for a vault that is being made, with "unlock" for one that is there."""


class VaultError(Exception):
    """The vault can not be opened; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What it costs to try a passphrase (Argon2id, RFC 9106, its second recommended option)."""

    memory_kib: int = 64 * 1024
    passes: int = 3
    lanes: int = 4


class Ring:
    """Small notes of one state folder in the system's keyring, outside of that folder; nothing secret.

    Both methods look for the keyring anew, and neither raises: there may be none, or it may be locked.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def get(self, note: str) -> str | None:
        """The note of that name, or None."""
        with contextlib.suppress(Exception):
            backend = _usable_keyring()
            found = backend.get_password(SERVICE, f"{self._name}:{note}") if backend is not None else None
            return str(found) if found is not None else None
        return None

    def put(self, note: str, text: str) -> bool:
        """Keep a note in place of the one of that name; False where there is no keyring that would."""
        with contextlib.suppress(Exception):
            backend = _usable_keyring()
            if backend is not None:
                backend.set_password(SERVICE, f"{self._name}:{note}", text)
                return True
        return False


class Vault:
    """The open vault: gives a key for each purpose, and shows none. ``ring`` keeps notes outside the state folder."""

    __slots__ = ("_key", "by", "ring")

    def __init__(self, key: bytes, ring: Ring | None = None, by: str = "") -> None:
        self._key = key
        self.ring = ring
        self.by = by

    def key(self, purpose: str) -> bytes:
        """32 bytes for one purpose."""
        return derive(self._key, b"purpose:" + purpose.encode())

    def __repr__(self) -> str:
        return "<Vault>"


def open_vault(
    home: Path, passphrase: Passphrase | None, *, use_keyring: bool = True, cost: Cost | None = None
) -> Vault:
    """Open the vault of a state folder, or make one where there is none. Raises VaultError."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    header = _read_header(home)
    if header is None:
        return _create(home, passphrase, use_keyring, cost or Cost())
    key = _from_keyring(header, use_keyring) if header["wrap"] == "keyring" else _from_passphrase(header, passphrase)
    if not hmac.compare_digest(_check(key), _bytes(header, "check")):
        raise VaultError(
            "This is not the passphrase of this vault. Nothing was changed; try again."
            if header["wrap"] == "passphrase"
            else "The key in the system's keyring is not the one of this state folder. Nothing was changed."
        )
    return _opened(key, header, use_keyring)


def _opened(key: bytes, header: dict[str, Any], use_keyring: bool) -> Vault:
    return Vault(key, Ring(header["id"]) if use_keyring else None, header["wrap"])


def _create(home: Path, passphrase: Passphrase | None, use_keyring: bool, cost: Cost) -> Vault:
    if (home / "klapp.db").exists():
        raise VaultError(
            f"{home / HEADER} is missing, so what klapp has stored can not be opened. Bring it back from a backup."
        )
    key = secrets.token_bytes(32)
    header: dict[str, Any] = {"version": VERSION, "id": secrets.token_hex(16), "check": _text(_check(key))}
    if use_keyring and _into_keyring(header["id"], key):
        header["wrap"] = "keyring"
    elif passphrase is not None:
        header.update(_wrapped(key, passphrase("new"), header["id"], cost))
    else:
        raise VaultError(
            "There is no keyring on this system that klapp can use, and no passphrase was given. Give one at the prompt, "
            "with --passphrase-fd N, or in a file that KLAPP_PASSPHRASE_FILE names."
        )
    _write_header(home, header)
    return _opened(key, header, use_keyring)


def _check(key: bytes) -> bytes:
    """Tells the right key from a wrong one, and nothing else of it."""
    return derive(key, b"check")


# -- the header -------------------------------------------------------------------------------------------------------


def _read_header(home: Path) -> dict[str, Any] | None:
    path = home / HEADER
    try:
        header = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise VaultError(
            f"{path} can not be read or is damaged. Bring it back from a backup; nothing was changed."
        ) from error
    if not isinstance(header, dict) or not {"version", "id", "wrap", "check"} <= header.keys():
        raise VaultError(f"{path} is damaged. Bring it back from a backup; nothing was changed.")
    if header["version"] != VERSION or header["wrap"] not in ("keyring", "passphrase"):
        raise VaultError(f"{path} was written by a newer klapp. Install that version; nothing was changed.")
    return header


def _write_header(home: Path, header: dict[str, Any]) -> None:
    draft = home / f".{HEADER}.{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(header, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, home / HEADER)
    if os.name == "posix":
        folder = os.open(home, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(header: dict[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(header[name], validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise VaultError(
            f"The vault's {HEADER} is damaged. Bring it back from a backup; nothing was changed."
        ) from error


# -- the keyring ------------------------------------------------------------------------------------------------------


def _usable_keyring() -> Any | None:
    """The system's keyring, where it is one that encrypts; None for none, and for those that store in the clear."""
    import keyring
    from keyring.backends import chainer, fail, null

    backend = keyring.get_keyring()
    candidates = backend.backends if isinstance(backend, chainer.ChainerBackend) else [backend]
    for candidate in candidates:
        module = type(candidate).__module__
        plain = "plaintext" in type(candidate).__name__.lower() or module.startswith("keyrings.alt")
        if not plain and not isinstance(candidate, (fail.Keyring, null.Keyring)):
            return candidate
    return None


def _into_keyring(name: str, key: bytes) -> bool:
    """Store the key; False where there is no usable keyring, or it did not keep what it was given."""
    try:
        backend = _usable_keyring()
        if backend is None:
            return False
        backend.set_password(SERVICE, name, _text(key))
        kept = backend.get_password(SERVICE, name)
    except Exception:
        # Backends raise what they like; whatever it is, this keyring can not be relied upon.
        return False
    return kept is not None and hmac.compare_digest(kept.encode(), _text(key).encode())


def _from_keyring(header: dict[str, Any], use_keyring: bool) -> bytes:
    problem = "the system's keyring can not be reached or is locked"
    kept = None
    if use_keyring:
        with contextlib.suppress(Exception):
            backend = _usable_keyring()
            if backend is not None:
                kept = backend.get_password(SERVICE, header["id"])
                problem = "the system's keyring does not hold it"
    if kept is None:
        raise VaultError(
            f"The key of this state folder is in the system's keyring, but {problem}. Unlock your keyring and try again."
        )
    try:
        return base64.b64decode(kept, validate=True)
    except ValueError as error:
        raise VaultError("What the system's keyring holds for klapp is not a key. Nothing was changed.") from error


# -- the passphrase ---------------------------------------------------------------------------------------------------


def _wrapped(key: bytes, passphrase: str, name: str, cost: Cost) -> dict[str, Any]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise VaultError(f"A passphrase has at least {SHORTEST_PASSPHRASE} characters. Choose a longer one.")
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    wrapping = _stretched(passphrase, salt, cost)
    return {
        "wrap": "passphrase",
        "salt": _text(salt),
        "nonce": _text(nonce),
        "memory_kib": cost.memory_kib,
        "passes": cost.passes,
        "lanes": cost.lanes,
        "key": _text(AESGCM(wrapping).encrypt(nonce, key, f"klapp vault {VERSION} {name}".encode())),
    }


def _from_passphrase(header: dict[str, Any], passphrase: Passphrase | None) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if passphrase is None:
        raise VaultError(
            "This state folder needs its passphrase: give it at the prompt, with --passphrase-fd N, or in a file that KLAPP_PASSPHRASE_FILE names."
        )
    salt, nonce, sealed = (_bytes(header, name) for name in ("salt", "nonce", "key"))
    try:
        cost = Cost(int(header["memory_kib"]), int(header["passes"]), int(header["lanes"]))
        if cost.memory_kib > MOST_MEMORY_KIB or cost.passes > MOST_PASSES:
            raise ValueError("no klapp asks for so much work")
        wrapping = _stretched(passphrase("unlock"), salt, cost)
        return AESGCM(wrapping).decrypt(nonce, sealed, f"klapp vault {header['version']} {header['id']}".encode())
    except InvalidTag:
        raise VaultError("This is not the passphrase of this vault. Nothing was changed; try again.") from None
    except (KeyError, TypeError, ValueError, OverflowError, MemoryError) as error:
        raise VaultError(
            f"The vault's {HEADER} is damaged. Bring it back from a backup; nothing was changed."
        ) from error


def _stretched(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    import unicodedata

    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    kdf = Argon2id(salt=salt, length=32, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory_kib)
    return kdf.derive(unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogateescape"))
