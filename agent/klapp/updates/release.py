"""What a publisher says of the newest klapp: a line of canonical JSON in a signed note.

After The Update Framework (TUF, specification 1.0): the number only grows, so that an older statement is known as one, and
each statement ends, so that nobody can show the same one for ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from klapp.signednote import BadNote, Verifier

FORMAT = 1
MOST_NOTES, MOST_INSTALLERS = 2000, 50
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){1,3}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,199}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Untrusted(ValueError):
    """This is not what the publisher says now; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Release:
    """One statement.

    Attributes:
        number: grows with each statement.
        version: the newest klapp.
        secure: the oldest version in which no hole is known; who has an older one should not wait.
        released, expires: days, ISO; after the latter nothing of this holds.
        notes: what is new, in plain text.
        installers: by the name of each file its SHA-256, in hexadecimal.
    """

    number: int
    version: str
    secure: str
    released: str
    expires: str
    notes: str
    installers: Mapping[str, str]

    def text(self) -> str:
        """The line that is signed. Raises Untrusted where a part is not as it has to be."""
        self._check()
        whole = asdict(self) | {"installers": dict(self.installers), "format": FORMAT}
        return json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"

    @classmethod
    def of_text(cls, text: str) -> Release:
        """The statement of such a line; raises Untrusted. There is one line only for each statement."""
        try:
            whole: Any = json.loads(text)
            if whole.pop("format") != FORMAT:
                raise Untrusted("It is in a form that this klapp does not know. Get the newest klapp another way.")
            release = cls(**whole)
            if release.text() != text:
                raise Untrusted("It is not written as it has to be.")
        except Untrusted:
            raise
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise Untrusted("It is no statement about a release.") from error
        return release

    @classmethod
    def of_note(cls, note: str, key: Verifier) -> Release:
        """The statement of a note; raises Untrusted where the key has not signed it."""
        try:
            return cls.of_text(key.open(note))
        except BadNote as error:
            raise Untrusted(str(error)) from error

    def _check(self) -> None:
        texts = (self.version, self.secure, self.released, self.expires, self.notes)
        fits = (
            type(self.number) is int
            and 0 < self.number < 1 << 53
            and all(isinstance(text, str) for text in texts)
            and _VERSION.fullmatch(self.version)
            and _VERSION.fullmatch(self.secure)
            and not newer(self.secure, self.version)
            and all(date.fromisoformat(day).isoformat() == day for day in (self.released, self.expires))
            and len(self.notes) <= MOST_NOTES
            and self.notes.isprintable()
            and isinstance(self.installers, Mapping)
            and len(self.installers) <= MOST_INSTALLERS
            and all(
                isinstance(sum, str) and _NAME.fullmatch(name) and _SHA256.fullmatch(sum)
                for name, sum in self.installers.items()
            )
        )
        if not fits:
            raise Untrusted("A part of it is not as it has to be.")


def newer(version: str, than: str) -> bool:
    """Whether a version is above another; what stands behind the numbers does not count."""
    return _numbers(version) > _numbers(than)


def _numbers(version: str) -> tuple[int, ...]:
    found = _VERSION.match(version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
