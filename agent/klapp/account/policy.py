"""What a password must be, by NIST SP 800-63B-4 (section 3.1.1.2) and OWASP ASVS 5 (chapter V6): long, and not known.

No rule about kinds of characters holds by itself, for such rules make passwords that are hard for people and easy for
machines. A ``policy.toml`` in the state folder can ask for them, and for more length or shorter sessions; never for less.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klapp.account.errors import AccountError

ALONE, WITH_SECOND_FACTOR, LONGEST = 15, 8, 1000
"""Characters: the fewest of a password that is the only factor, and of one that is not; the most of any."""
IDLE_MINUTES, ABSOLUTE_MINUTES = 15, 12 * 60
STRONG = 3
"""The least score of zxcvbn's estimate (0 to 4): over 10^8 guesses, safe from guessing without the hash."""
FILE = "policy.toml"
CLASSES: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "capital": ("a capital letter", str.isupper),
    "small": ("a small letter", str.islower),
    "digit": ("a digit", str.isdigit),
    "sign": ("a sign such as ! or -", lambda character: not character.isalnum() and not character.isspace()),
}
"""Kinds of characters that a policy can ask for."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is asked of passwords and sessions; the defaults are also the least that there can be."""

    shortest: int = 0
    classes: tuple[str, ...] = ()
    idle_minutes: float = IDLE_MINUTES
    absolute_minutes: float = ABSOLUTE_MINUTES

    @classmethod
    def of(cls, home: Path) -> Policy:
        """The policy of a state folder. Raises AccountError for a file that says something else than it can."""
        path = home / FILE
        try:
            said = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:
            raise AccountError(f"{path} can not be read: {error}. Mend or remove it.") from error
        try:
            return cls._read(said)
        except ValueError as error:
            raise AccountError(f"{path}: {error}") from error

    @classmethod
    def _read(cls, said: dict[str, Any]) -> Policy:
        password, session = dict(said.pop("password", {})), dict(said.pop("session", {}))
        shortest = _number(password.pop("shortest", 0), "password.shortest", 0, LONGEST)
        classes = password.pop("classes", [])
        if not isinstance(classes, list) or not set(classes) <= set(CLASSES):
            raise ValueError(f"password.classes is a list of some of {', '.join(CLASSES)}.")
        idle = _number(session.pop("idle_minutes", IDLE_MINUTES), "session.idle_minutes", 1, IDLE_MINUTES)
        most = _number(
            session.pop("absolute_minutes", ABSOLUTE_MINUTES), "session.absolute_minutes", 1, ABSOLUTE_MINUTES
        )
        if unknown := [*said, *password, *session]:
            raise ValueError(f"klapp does not know “{unknown[0]}”.")
        return cls(int(shortest), tuple(classes), idle, most)

    def in_words(self) -> str:
        """All of it, as the log tells it."""
        classes = ", ".join(self.classes) or "none"
        return (
            f"shortest {self.shortest}, classes {classes}, idle {self.idle_minutes:g} minutes, "
            f"at most {self.absolute_minutes:g} minutes"
        )

    def to_json(self) -> list[Any]:
        """As the vault's shelf keeps it."""
        return [self.shortest, list(self.classes), self.idle_minutes, self.absolute_minutes]

    @classmethod
    def of_json(cls, kept: Any) -> Policy:
        """The opposite of ``to_json``; for None that of no file."""
        return cls() if kept is None else cls(kept[0], tuple(kept[1]), kept[2], kept[3])

    def judge(self, password: str, *, second_factor: bool, about: Iterable[str] = ()) -> str:
        """The password as it is used from now on; raises AccountError with what is wrong with it, and advice.

        ``about`` are words that everybody can guess here: the account's name, the machine's.
        """
        password = normalised(password)
        shortest = max(self.shortest, WITH_SECOND_FACTOR if second_factor else ALONE)
        if len(password) < shortest:
            raise AccountError(
                f"A password has at least {shortest} characters here. Several words in a row are easy to keep in mind."
            )
        if len(password) > LONGEST:
            raise AccountError(f"A password has at most {LONGEST} characters.")
        for name in self.classes:
            plain, holds = CLASSES[name]
            if not any(map(holds, password)):
                raise AccountError(f"The policy of this machine asks for {plain} in the password.")
        _guessed(password, [word for word in about if len(word) > 2])
        return password


def normalised(password: str) -> str:
    """A password in Unicode's form NFKC, as NIST asks, so that it is the same from every keyboard."""
    return unicodedata.normalize("NFKC", password)


def _guessed(password: str, about: list[str]) -> None:
    from zxcvbn import zxcvbn
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    plain = password.casefold().strip()
    if plain in FREQUENCY_LISTS["passwords"] or plain in (word.casefold() for word in about):
        raise AccountError("This password is on the lists that everybody tries first. Choose another one.")
    # It looks no further than 72 characters, and takes what stands between two words for a secret: "word word" is weak.
    together = "".join(filter(str.isalnum, password)) or password
    judged = (zxcvbn(form[:72], user_inputs=[*about, "klapp", "coworker"]) for form in (password, together))
    found = min(judged, key=lambda one: one["score"])
    if found["score"] < STRONG:
        advice = " ".join(filter(None, (found["feedback"]["warning"], *found["feedback"]["suggestions"])))
        raise AccountError(f"This password is easily guessed. {advice}".rstrip())


def _number(value: Any, name: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise ValueError(f"{name} is a number from {least:g} to {most:g}.")
    return value
