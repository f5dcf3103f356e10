"""Where a passphrase comes from: a file descriptor, a file that only its owner can read, or the person at the prompt."""

from __future__ import annotations

import getpass
import os
import stat
import sys
from collections.abc import Mapping

from klapp.vault.keys import Passphrase, VaultError

LONGEST = 4096
VARIABLE = "KLAPP_PASSPHRASE_FILE"


def passphrase_from(descriptor: int | None, environment: Mapping[str, str], *, prompt: bool) -> Passphrase | None:
    """The source that is in force, the most explicit first; None where there is none.

    What it gives raises VaultError where the passphrase can not be read.
    """
    if descriptor is not None:
        number = descriptor
        return lambda _: _from_descriptor(number)
    path = environment.get(VARIABLE)
    if path:
        return lambda _: _from_file(path)
    return _asked if prompt and sys.stdin is not None and sys.stdin.isatty() else None


def _from_descriptor(descriptor: int) -> str:
    try:
        with os.fdopen(descriptor, "rb") as file:
            return _decoded(file.read(LONGEST + 1), f"file descriptor {descriptor}")
    except OSError as error:
        raise VaultError(
            f"The passphrase can not be read from file descriptor {descriptor}: {error.strerror}."
        ) from error


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
        return getpass.getpass("klapp passphrase: ")
    first = getpass.getpass("Choose a passphrase for klapp: ")
    if first != getpass.getpass("Again: "):
        raise VaultError("These were two different passphrases. Nothing was made; try again.")
    return first
