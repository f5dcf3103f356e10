"""The recovery key: 160 random bits that a person can write down, with a check in each group.

Eight groups of five characters of Crockford's Base 32 (no I, L, O, U). The fifth character of a group is a check over
GF(2^5): it differs for every single wrong character, every two neighbours exchanged, and a group in another's place.
So a key that is typed wrong is known to be, and in which group, without a look at the vault.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUPS, DATA = 8, 4
BYTES = 20
_VALUE = {character: value for value, character in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015]+")


class Mistyped(ValueError):
    """A recovery key was typed wrong; the message says where."""


def fresh() -> bytes:
    """The 20 random bytes of a new recovery key."""
    return secrets.token_bytes(BYTES)


def written(key: bytes) -> str:
    """A key as a person writes it down: ``"7QWE2-..."``."""
    number = int.from_bytes(key, "big")
    values = [number >> shift & 31 for shift in range(5 * (GROUPS * DATA - 1), -1, -5)]
    groups = (values[start : start + DATA] for start in range(0, len(values), DATA))
    return "-".join(
        "".join(ALPHABET[value] for value in (*group, _check(index, group))) for index, group in enumerate(groups)
    )


def looks_like_one(text: str) -> bool:
    """Whether a text has the outer form of a recovery key: so many letters and digits, and nothing else."""
    letters = _SEPARATORS.sub("", text).upper()
    return len(letters) == GROUPS * (DATA + 1) and all(letter in _VALUE for letter in letters)


def read(text: str) -> bytes:
    """The key that a person typed; raises Mistyped. Blanks, hyphens and the letters' case do not count."""
    letters = _SEPARATORS.sub("", text).upper()
    if len(letters) != GROUPS * (DATA + 1):
        raise Mistyped(f"A recovery key has {GROUPS} groups of {DATA + 1} characters; this has {len(letters)} in all.")
    number = 0
    for index in range(GROUPS):
        group = letters[index * (DATA + 1) : (index + 1) * (DATA + 1)]
        values = [_VALUE.get(letter, -1) for letter in group]
        if -1 in values or _check(index, values[:DATA]) != values[DATA]:
            raise Mistyped(f"Group {index + 1} of the recovery key, “{group}”, is not as it was shown. Look again.")
        for value in values[:DATA]:
            number = number << 5 | value
    return number.to_bytes(BYTES, "big")


def _check(index: int, values: Sequence[int]) -> int:
    """The check of a group: its values as a polynomial over GF(2^5), behind a first term for the group's number."""
    total = index + 1
    for value in values:
        total = _times_x(total) ^ value
    return _times_x(total)


def _times_x(value: int) -> int:
    """Multiplication by x modulo the primitive polynomial x^5 + x^2 + 1."""
    value <<= 1
    return value ^ 0b100101 if value & 0b100000 else value
