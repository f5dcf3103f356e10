"""The identity of what started a run, for the log: the hash of its content, beside the name, size and version of a file.

The agent takes it itself, before anything is done to the file: a worker that was taken over could tell any hash.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from klapp.engine.runs import Request
from klapp.files.protocol import FileError, Identity
from klapp.files.shown import shown
from klr.effects import MAIL_GIVEN
from klr.values import FileValue, MailValue

OfMail = Callable[[str], tuple[int, bytes] | None]
"""The size and the SHA-256 of a mail as it came, by its key; None where it is not known any more."""
LARGE, GONE = "it is larger than what is hashed", "it could not be read as it was: "


class Hashing(Protocol):
    """What hashes a file; see ``klapp.files.guarded.GuardedFiles``."""

    def sha256(self, path: str, expect: Identity) -> str: ...


class Fingerprints:
    """Of the requests of one batch. ``most`` is the largest file that is hashed, in bytes; None for any."""

    def __init__(self, files: Hashing, most: int | None, of_mail: OfMail) -> None:
        self._files = files
        self._most = most
        self._of_mail = of_mail
        self._known: dict[Identity, dict[str, Any]] = {}

    def of(self, request: Request) -> dict[str, Any]:
        """{"sha256"} in hex of the file or, with its "size" in bytes, of the mail; {"unhashed"} with the reason where
        there is none; {} where neither started the run."""
        mail = request.settings.get(MAIL_GIVEN)
        if isinstance(mail, MailValue):
            kept = self._of_mail(mail.key)
            return {"sha256": kept[1].hex(), "size": kept[0]} if kept else {"unhashed": "it is not kept any more"}
        if request.file is None or request.rule.trigger.gives != "file":
            return {}
        found = self._known.get(request.file.identity)
        if found is None:
            found = self._known[request.file.identity] = self._of_file(request.file)
        return found

    def _of_file(self, file: FileValue) -> dict[str, Any]:
        if self._most is not None and file.size > self._most:
            return {"unhashed": LARGE}
        try:
            return {"sha256": self._files.sha256(file.path, file.identity)}
        except FileError as error:
            return {"unhashed": GONE + shown(error.message)}
