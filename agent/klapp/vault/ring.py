"""The system's keyring: what klapp keeps there, whether it can be relied upon, and how long it may take."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from typing import Any, TypeVar

SERVICE = "klapp"
PATIENCE = 60.0
"""Seconds that a keyring may take; it may be asking the person to unlock it."""
_T = TypeVar("_T")


class RingError(Exception):
    """The keyring can not do what it is asked; the message completes "the system's keyring ..."."""


class Ring:
    """Entries of one state folder in the system's keyring, outside of that folder.

    Each call looks for the keyring anew: it may come and go, and be locked and unlocked.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def get(self, note: str) -> str | None:
        """The entry of that name; None where there is none, and where there is no keyring that would tell."""
        try:
            return self.demand(note)
        except RingError:
            return None

    def put(self, note: str, text: str) -> bool:
        """Keep an entry in place of the one of that name; False where no keyring is sure to keep it."""

        def kept(backend: Any) -> bool:
            backend.set_password(SERVICE, self._entry(note), text)
            found = backend.get_password(SERVICE, self._entry(note))
            return found is not None and hmac.compare_digest(found.encode(), text.encode())

        try:
            return _within(kept)
        except RingError:
            return False

    def demand(self, note: str) -> str:
        """The entry of that name. Raises RingError with what keeps it from being told."""
        found = _within(lambda backend: backend.get_password(SERVICE, self._entry(note)))
        if found is None:
            raise RingError("does not hold it")
        return str(found)

    def drop(self, note: str) -> None:
        """Forget an entry, where there is one and a keyring that does so."""
        try:
            _within(lambda backend: backend.delete_password(SERVICE, self._entry(note)))
        except RingError:
            return

    def _entry(self, note: str) -> str:
        return f"{self._name}:{note}" if note else self._name


def _within(call: Callable[[Any], _T]) -> _T:
    """What a call of the keyring gives. Raises RingError where there is none, it fails, or takes too long."""
    found: list[_T] = []
    failed: list[str] = []

    def run() -> None:
        try:
            backend = usable()
            if backend is None:
                failed.append("is not there, or does not encrypt what it keeps")
            else:
                found.append(call(backend))
        except Exception:  # backends raise what they like, and what they say may hold what they were given
            failed.append("can not be reached or is locked")

    thread = threading.Thread(target=run, name="klapp-keyring", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if found:
        return found[0]
    raise RingError(failed[0] if failed else f"did not answer within {PATIENCE:.0f} seconds")


def usable() -> Any | None:
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
