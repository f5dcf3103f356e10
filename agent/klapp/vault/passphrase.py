"""Where a passphrase comes from: a file descriptor, a file only for its owner, a systemd credential, or the person."""

from __future__ import annotations

import getpass
import os
import stat
import sys
from collections.abc import Mapping

from klapp.vault.errors import VaultError
from klapp.vault.keys import Passphrase

LONGEST = 4096
VARIABLE = "KLAPP_PASSPHRASE_FILE"
CREDENTIALS, CREDENTIAL = "CREDENTIALS_DIRECTORY", "klapp-passphrase"
"""Where systemd puts what a unit's ``LoadCredential=`` or ``LoadCredentialEncrypted=`` names (systemd.exec(5))."""


def passphrase_from(descriptor: int | None, environment: Mapping[str, str], *, prompt: bool) -> Passphrase | None:
    """The source that is in force, the most explicit first; None where there is none.

    What it gives raises VaultError where the passphrase can not be read.
    """
    if descriptor is not None:
        return _Descriptor(descriptor)
    path = environment.get(VARIABLE)
    if path:
        return lambda _: _from_file(path)
    folder = environment.get(CREDENTIALS)
    if folder and os.path.exists(os.path.join(folder, CREDENTIAL)):
        return lambda _: _from_file(os.path.join(folder, CREDENTIAL))
    return _asked if prompt and sys.stdin is not None and sys.stdin.isatty() else None


class _Descriptor:
    """A file descriptor, which can be read only once: what it gave is remembered."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._given: str | None = None

    def __call__(self, why: str) -> str:
        if self._given is None:
            try:
                with os.fdopen(self._number, "rb") as file:
                    self._given = _decoded(file.read(LONGEST + 1), f"file descriptor {self._number}")
            except OSError as error:
                raise VaultError(
                    f"The passphrase can not be read from file descriptor {self._number}: {error.strerror}."
                ) from error
        return self._given


def _from_file(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise VaultError(f"The passphrase file {path} can not be opened: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise VaultError(f"The passphrase file {path} is not a plain file.")
        if os.name == "posix" and (status.st_mode & 0o077 or status.st_uid != os.geteuid()):
            raise VaultError(f"Others can read the passphrase file {path}. Make it yours alone: chmod 600 {path}")
        return _decoded(file.read(LONGEST + 1), path)


def _decoded(data: bytes, where: str) -> str:
    """The text without the line break that an editor puts at its end."""
    text = data.removesuffix(b"\n").removesuffix(b"\r")
    if not text or len(data) > LONGEST:
        raise VaultError(f"There is no passphrase in {where}, or it is too long.")
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise VaultError(f"The passphrase in {where} is not text in UTF-8.") from error


def _asked(why: str) -> str:
    if why != "new":
        return getpass.getpass("klapp passphrase, or recovery key: ")
    first = getpass.getpass("Choose a passphrase for klapp: ")
    if first != getpass.getpass("Again: "):
        raise VaultError("These were two different passphrases. Nothing was made; try again.")
    return first
