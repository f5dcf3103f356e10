"""The pure functions of the language, each one declaration: ``count of x``, ``number after "Total" in x``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import reduce
from typing import Any

from klr import dates, paths, rows, wording
from klr.effects import EffectError
from klr.runtime import add
from klr.types import DATE, DURATION, NUMBER, SIZE, TEXT, TIME, Type, element_of, list_of, maybe
from klr.vocabulary import Function, Property

Result = Callable[[tuple[Type, ...]], Type | str]

ORDERED = (NUMBER, SIZE, DURATION, DATE, TIME, TEXT)
SUMMED = (NUMBER, SIZE, DURATION)


def _element(result: Callable[[Type], Type | str]) -> Result:
    """For functions of one list: the result by the type of its elements."""

    def of(arguments: tuple[Type, ...]) -> Type | str:
        element = element_of(arguments[0])
        return result(element) if element else f"It works on a list, and this is a {arguments[0]}."

    return of


def _texts(result: Type) -> Result:
    def of(arguments: tuple[Type, ...]) -> Type | str:
        wrong = next((a for a in arguments if a != TEXT), None)
        return f"It works on text, and this is a {wrong}." if wrong else result

    return of


def _one_of(kinds: Sequence[Type], wrap: Callable[[Type], Type]) -> Result:
    names = ", ".join(k.name for k in kinds)
    return _element(
        lambda e: wrap(e) if e in kinds else f"It works on a list of one of {names}, and this is a list of {e}."
    )


def _sum(items: tuple[Any, ...]) -> Any:
    if not items:
        return None
    return reduce(add, items)


def _unique(items: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(items))


_NUMBER = re.compile(r"[-\u2212]?\d(?:[\d.,'\u2019\u00a0\u202f]*\d)?")


def number_after(label: str, text: str) -> Decimal | None:
    """The first number behind the first ``label`` in ``text``, or None.

    Both ways to write numbers are read. Where points and commas both occur, the last of them begins the decimals; one
    that occurs once is a decimal sign unless exactly three digits follow it ("1.234" is one thousand two hundred...);
    one that occurs more often groups thousands. Linear in the length of the text.
    """
    place = text.find(label)
    match = _NUMBER.search(text, place + len(label)) if place >= 0 else None
    return read_number(match.group()) if match else None


def first_number(text: str) -> Decimal | None:
    """The first number in ``text``, or None."""
    match = _NUMBER.search(text)
    return read_number(match.group()) if match else None


def numbers_in(texts: tuple[str, ...]) -> tuple[Decimal, ...]:
    """The first number in each text that is not empty; raises EffectError("value") where one has none."""
    found = []
    for text in texts:
        if text.strip() in ("", "-", "\u2013", "\u2014"):
            continue
        number = first_number(text)
        if number is None:
            raise EffectError(f'There is no number in "{text[:80]}".', "value")
        found.append(number)
    return tuple(found)


def _numbers(arguments: tuple[Type, ...]) -> Type | str:
    kind = arguments[0]
    return list_of(NUMBER) if kind == list_of(TEXT) else f"It works on a list of text, and this is a {kind}."


def read_number(written: str) -> Decimal:
    """The value of a number as people write it; see ``number_after``."""
    sign = -1 if written[0] in "-\u2212" else 1
    digits = re.sub(r"[^\d.,]", "", written)
    points, commas = digits.count("."), digits.count(",")
    decimal = ""
    if points and commas:
        decimal = max(".,", key=digits.rindex)
    elif points + commas == 1:
        candidate = "." if points else ","
        whole, _, rest = digits.partition(candidate)
        decimal = candidate if len(rest) != 3 or len(whole) > 3 or whole.startswith("0") else ""
    whole, _, rest = digits.rpartition(decimal) if decimal else (digits, "", "")
    return sign * Decimal(re.sub(r"[.,]", "", whole) + ("." + re.sub(r"[.,]", "", rest) if rest else ""))


def text_after(label: str, text: str) -> str | None:
    """What follows the first ``label`` on its line, without blanks around it, or None."""
    place = text.find(label)
    return text[place + len(label) :].partition("\n")[0].strip() if place >= 0 else None


def text_before(label: str, text: str) -> str | None:
    """What stands before the first ``label`` on its line, without blanks around it, or None."""
    place = text.find(label)
    return text[:place].rpartition("\n")[2].strip() if place >= 0 else None


FUNCTIONS: tuple[Function, ...] = (
    Function("count", ("of",), _element(lambda _: NUMBER), lambda items: Decimal(len(items)), "How many there are.", "count of filed"),
    Function("first", ("of",), _element(maybe), lambda items: items[0] if items else None, "The first of a list; missing where it is empty.", 'first of suppliers default "Other"'),
    Function("last", ("of",), _element(maybe), lambda items: items[-1] if items else None, "The last of a list; missing where it is empty.", 'last of suppliers default "Other"'),
    Function("sum", ("of",), _one_of(SUMMED, maybe), _sum, "All of a list together; missing where it is empty.", "sum of [1, 2, 3] default 0"),
    Function("average", ("of",), _one_of(SUMMED, maybe), rows.average, "The sum of a list, divided by how many there are; missing where it is empty.", "average of [1, 2, 3] default 0"),
    Function("lowest", ("of",), _one_of(ORDERED, maybe), lambda items: min(items, default=None), "The lowest of a list; missing where it is empty.", "lowest of [3, 1, 2] default 0"),
    Function("highest", ("of",), _one_of(ORDERED, maybe), lambda items: max(items, default=None), "The highest of a list; missing where it is empty.", "highest of [3, 1, 2] default 0"),
    Function("unique", ("of",), _element(list_of), _unique, "Each element once, in the order of their first places.", "unique of suppliers"),
    Function("lines", ("of",), _texts(list_of(TEXT)), lambda text: tuple(text.splitlines()), "The lines of a text.", "lines of file.text"),
    Function("words", ("of",), _texts(list_of(TEXT)), lambda text: tuple(text.split()), "The words of a text: what stands between blanks.", "words of file.stem"),
    Function("lowercase", ("of",), _texts(TEXT), str.lower, "The text in small letters.", "lowercase of file.name"),
    Function("uppercase", ("of",), _texts(TEXT), str.upper, "The text in capital letters.", "uppercase of file.stem"),
    Function("trimmed", ("of",), _texts(TEXT), str.strip, "The text without blanks at its ends.", "trimmed of file.stem"),
    Function("number", ("after", "in"), _texts(maybe(NUMBER)), number_after, "The first number behind a word in a text; missing where there is none.", 'number after "Total" in file.text default 0'),
    Function("text", ("after", "in"), _texts(maybe(TEXT)), text_after, "What follows a word on its line; missing where the word is not there.", 'text after "Invoice no." in file.text default "none"'),
    Function("text", ("before", "in"), _texts(maybe(TEXT)), text_before, "What stands before a word on its line; missing where the word is not there.", 'text before "GmbH" in file.text default "unknown"'),
    Function("number", ("in",), _texts(maybe(NUMBER)), first_number, "The first number in a text, as people write it; missing where there is none.", 'number in file.stem default 0'),
    Function("numbers", ("in",), _numbers, numbers_in, "The numbers of a column: the first in each text. Empty cells are left out; any other without a number is an error.", 'sum of numbers in ["12,50", "1,000.00"] default 0'),
    *wording.FUNCTIONS,
    *dates.FUNCTIONS,
)  # fmt: skip
PROPERTIES: tuple[Property, ...] = (*dates.PROPERTIES, *paths.PROPERTIES, *rows.PROPERTIES)
"""What values of the language's own types tell of themselves."""
