"""Exact decimal numbers as a whole number and a scale: 1.50 is 150 with two decimals."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import total_ordering

EXACT_DIGITS = 60
"""Sums and products of more digits are refused."""
DIVIDED_DIGITS = 28
"""Quotients are rounded to so many, half to even."""


class NotExact(Exception):
    """A result has too many digits."""


@total_ordering
@dataclass(frozen=True, eq=False, slots=True)
class Number:
    """``whole / 10 ** scale``; the scale, which may be negative, is how many decimals are shown."""

    whole: int
    scale: int = 0

    @property
    def value(self) -> Fraction:
        return Fraction(self.whole) / Fraction(10) ** self.scale

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.value == other.value

    def __lt__(self, other: Number) -> bool:
        return self.value < other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        if self.scale <= 0:
            return str(self.whole * 10**-self.scale)
        digits = str(abs(self.whole)).rjust(self.scale + 1, "0")
        return f"{'-' if self.whole < 0 else ''}{digits[: -self.scale]}.{digits[-self.scale :]}"


def number(written: str) -> Number:
    """The number that digits with at most one point stand for."""
    whole, _, rest = written.partition(".")
    return Number(int(whole + rest), len(rest))


def add(left: Number, right: Number) -> Number:
    scale = max(left.scale, right.scale)
    return _exact(left.whole * 10 ** (scale - left.scale) + right.whole * 10 ** (scale - right.scale), scale)


def negate(value: Number) -> Number:
    return Number(-value.whole, value.scale)


def multiply(left: Number, right: Number) -> Number:
    return _exact(left.whole * right.whole, left.scale + right.scale)


def _exact(whole: int, scale: int) -> Number:
    while len(str(abs(whole))) > EXACT_DIGITS and whole % 10 == 0:
        whole, scale = whole // 10, scale - 1
    if len(str(abs(whole))) > EXACT_DIGITS:
        raise NotExact
    return Number(whole, scale)


def divide(left: Number, right: Number) -> Number:
    """The quotient: as many decimals as the two differ by where that is exact, else as many as it takes."""
    quotient, scale = left.value / right.value, left.scale - right.scale
    if not quotient:
        return Number(0, scale)
    while len(str(abs(int(quotient * Fraction(10) ** scale)))) <= DIVIDED_DIGITS + 2:
        scaled = quotient * Fraction(10) ** scale
        if scaled.denominator == 1 and len(str(abs(scaled.numerator))) <= DIVIDED_DIGITS:
            return Number(int(scaled), scale)
        scale += 1
    while len(str(abs(rounded(quotient, scale)))) > DIVIDED_DIGITS:
        scale -= 1
    return Number(rounded(quotient, scale), scale)


def rounded(value: Fraction, scale: int) -> int:
    """``value * 10 ** scale`` as the nearest whole number, half to even."""
    return round(value * Fraction(10) ** scale)
