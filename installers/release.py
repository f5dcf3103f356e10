"""Makes and signs what klapp's ``klapp update check`` reads: which version is the newest, and the sums of its installers.

``python -m installers.release`` is called by ``installers/sign-release``, which brings the tools.
"""

from __future__ import annotations

import argparse
import getpass
import hashlib
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from installers.building import ROOT, BuildError, project
from klapp.signednote import BadNote, Verifier
from klapp.updates import Release, Untrusted
from klapp.updates.source import FILE

DAYS = 120
"""A statement holds so long where nothing else is said: three months between two releases, and one to spare."""


def main() -> int:
    """Make a key, or sign a release; 1 where that is impossible."""
    options = argparse.ArgumentParser(prog="sign-release", description="Say, signed, which klapp is the newest.")
    options.add_argument("--new-key", metavar="NAME", help="make a key that signs under this name, and nothing else")
    options.add_argument("--key", type=Path, required=True, metavar="FILE", help="the secret key; it is sealed")
    options.add_argument(
        "--passphrase-fd", type=int, metavar="N", help="read the key's passphrase from this file descriptor"
    )
    options.add_argument("--notes", default="", metavar="TEXT", help="what is new, in one line")
    options.add_argument(
        "--secure", metavar="VERSION", help="the oldest version in which no hole is known (default: this one's)"
    )
    options.add_argument("--days", type=int, default=DAYS, help=f"how long it holds (default: {DAYS})")
    options.add_argument("--into", type=Path, default=ROOT / "dist", help="(default: dist)")
    options.add_argument("installers", nargs="*", type=Path, metavar="INSTALLER", help="what was built of this version")
    given = options.parse_args()
    try:
        if given.new_key:
            text, verifier = new_key(given.new_key, _passphrase(given.passphrase_fd, twice=True))
            _put_secret(given.key, text)
            print(f"klapp: keep {given.key} off the network. Who believes it says: klapp update key {verifier}")
            return 0
        verifier, key = open_key(given.key.read_text(encoding="ascii"), _passphrase(given.passphrase_fd))
        version = project()["version"]
        release = statement(version, given.secure or version, given.notes, given.days, given.installers)
        given.into.mkdir(parents=True, exist_ok=True)
        (given.into / FILE).write_text(sign(release, verifier, key), encoding="utf-8", newline="")
    except (BuildError, Untrusted, BadNote, OSError, ValueError) as error:
        print(f"klapp: {error}", file=sys.stderr)
        return 1
    print(f"klapp: wrote {given.into / FILE}: klapp {version}, holds until {release.expires}")
    return 0


def new_key(name: str, passphrase: bytes) -> tuple[str, Verifier]:
    """A new key as the text of its file, sealed by a passphrase: the public key, and below it the secret one."""
    key = Ed25519PrivateKey.generate()
    verifier = Verifier(name, key.public_key().public_bytes_raw())
    Verifier.of(str(verifier))  # a name that could not be read again is refused here
    sealed = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    )
    return f"{verifier}\n{sealed.decode('ascii')}", verifier


def open_key(text: str, passphrase: bytes) -> tuple[Verifier, Ed25519PrivateKey]:
    """The key of such a file; raises ValueError where the passphrase is not its own."""
    first, _, sealed = text.partition("\n")
    verifier = Verifier.of(first)
    key = serialization.load_pem_private_key(sealed.encode("ascii"), passphrase)
    if not isinstance(key, Ed25519PrivateKey) or key.public_key().public_bytes_raw() != verifier.public:
        raise ValueError("The secret key in this file is not that of its public one.")
    return verifier, key


def statement(version: str, secure: str, notes: str, days: int, installers: list[Path]) -> Release:
    """What is said of a version today. The number is the moment, so that it grows without anybody's care."""
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in installers}
    if len(sums) != len(installers):
        raise ValueError("Two of the installers have the same name.")
    today = datetime.now(UTC).date()
    return Release(
        int(time.time()), version, secure, today.isoformat(), (today + timedelta(days=days)).isoformat(), notes, sums
    )


def sign(release: Release, verifier: Verifier, key: Ed25519PrivateKey) -> str:
    """The statement as a signed note."""
    text = release.text()
    return verifier.signed(text, key.sign(text.encode()))


def _passphrase(descriptor: int | None, *, twice: bool = False) -> bytes:
    if descriptor is not None:
        with os.fdopen(descriptor, "rb") as file:
            found = file.read(4096).rstrip(b"\r\n")
    else:
        found = getpass.getpass("Passphrase of the key: ").encode()
        if twice and getpass.getpass("Once more: ").encode() != found:
            raise ValueError("These were two different ones.")
    if not found:
        raise ValueError("The key is sealed by a passphrase; there is none.")
    return found


def _put_secret(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main())
