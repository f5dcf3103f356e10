"""Functions of texts: replacing, splitting and joining, parts, padding, and names that files may have anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from klr.bounds import LONGEST_TEXT, too_long
from klr.effects import EffectError
from klr.types import NUMBER, TEXT, Type, list_of, maybe
from klr.vocabulary import Function

_UNSAFE = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f-\x9f]+')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
LONGEST_NAME = 200
"""Bytes; file systems take 255, and an extension and a number may follow."""


def replacing(old: str, text: str, new: str) -> str:
    """``text`` with ``new`` in each place of ``old``."""
    _known(old)
    if len(text) + text.count(old) * (len(new) - len(old)) > LONGEST_TEXT:
        raise too_long()
    return text.replace(old, new)


def parts(text: str, mark: str) -> tuple[str, ...]:
    """What stands between the marks."""
    _known(mark)
    return tuple(text.split(mark))


def joined(texts: tuple[str, ...], mark: str) -> str:
    """The texts as one, with the mark between them."""
    if sum(map(len, texts)) + len(mark) * max(0, len(texts) - 1) > LONGEST_TEXT:
        raise too_long()
    return mark.join(texts)


def beginning(count: Decimal, text: str) -> str:
    """The first letters, or the whole text where it has not so many."""
    return text[: _whole(count)]


def ending(count: Decimal, text: str) -> str:
    """The last letters, or the whole text where it has not so many."""
    return text[max(0, len(text) - _whole(count)) :]


def between(start: str, end: str, text: str) -> str | None:
    """What stands between the first ``start`` and the first ``end`` behind it, or None."""
    _, found, rest = text.partition(_known(start))
    inner, closed, _ = rest.partition(_known(end))
    return inner.strip() if found and closed else None


def padded_before(width: Decimal, text: str, sign: str) -> str:
    """The text with as many signs in front as make it ``width`` letters long."""
    return _padding(width, text, sign) + text


def padded_after(width: Decimal, text: str, sign: str) -> str:
    """The text with as many signs behind it as make it ``width`` letters long."""
    return text + _padding(width, text, sign)


def capitalised(text: str) -> str:
    """Each word with a capital letter first; the others stay as they are."""
    return re.sub(r"\S+", lambda word: word[0][0].upper() + word[0][1:], text)


def filename(text: str) -> str:
    """A text as a name that a file can have on every system: Windows' rules, which hold all others."""
    name = _UNSAFE.sub("-", text.encode("utf-8", "ignore").decode("utf-8")).strip().rstrip(". ")
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    return name.encode("utf-8")[:LONGEST_NAME].decode("utf-8", "ignore").rstrip(". ") or "_"


def _known(mark: str) -> str:
    if not mark:
        raise EffectError("An empty text can not be looked for.", "value")
    return mark


def _whole(count: Decimal) -> int:
    if count < 0 or count != int(count):
        raise EffectError("A number of letters is whole, and not below zero.", "value")
    return min(int(count), LONGEST_TEXT + 1)


def _padding(width: Decimal, text: str, sign: str) -> str:
    if len(sign) != 1:
        raise EffectError("A text is padded with one letter or sign.", "value")
    if _whole(width) > LONGEST_TEXT:
        raise too_long()
    return sign * (_whole(width) - len(text))


def _taking(wanted: tuple[Type, ...], result: Type) -> Callable[[tuple[Type, ...]], Type | str]:
    def of(given: tuple[Type, ...]) -> Type | str:
        wrong = next(((w, g) for w, g in zip(wanted, given, strict=True) if w != g), None)
        return f"It takes a {wrong[0]} here, and this is a {wrong[1]}." if wrong else result

    return of


FUNCTIONS: tuple[Function, ...] = (
    Function("length", ("of",), _taking((TEXT,), NUMBER), lambda text: Decimal(len(text)), "How many letters, blanks and signs a text has.", "length of file.stem"),
    Function("capitalised", ("of",), _taking((TEXT,), TEXT), capitalised, "The text with a capital letter at the beginning of each word.", "capitalised of file.stem"),
    Function("filename", ("of",), _taking((TEXT,), TEXT), filename, "The text as a name that a file can have on every system: what can not stand in one becomes a `-`.", 'filename of "A/S: 2026?"'),
    Function("replacing", ("of", "in", "using"), _taking((TEXT, TEXT, TEXT), TEXT), replacing, "A text with something else in each place of a word or sign.", 'replacing of "_" in file.stem using " "'),
    Function("parts", ("of", "using"), _taking((TEXT, TEXT), list_of(TEXT)), parts, "What stands between the places of a mark.", 'parts of file.stem using "_"'),
    Function("text", ("of", "using"), _taking((list_of(TEXT), TEXT), TEXT), joined, "The texts of a list as one, with something between them.", 'text of ["Acme", "Globex"] using ", "'),
    Function("beginning", ("of", "in"), _taking((NUMBER, TEXT), TEXT), beginning, "So many letters from the beginning of a text; all of it where it has no more.", "beginning of 4 in file.stem"),
    Function("ending", ("of", "in"), _taking((NUMBER, TEXT), TEXT), ending, "So many letters from the end of a text; all of it where it has no more.", "ending of 4 in file.stem"),
    Function("text", ("after", "before", "in"), _taking((TEXT, TEXT, TEXT), maybe(TEXT)), between, "What stands between two marks, without blanks around it; missing where they are not there.", 'text after "(" before ")" in file.stem default ""'),
    Function("padded", ("of", "before", "using"), _taking((NUMBER, TEXT, TEXT), TEXT), padded_before, "A text made so long with a sign in front.", 'padded of 8 before file.stem using "0"'),
    Function("padded", ("of", "after", "using"), _taking((NUMBER, TEXT, TEXT), TEXT), padded_after, "A text made so long with a sign behind it.", 'padded of 8 after file.stem using "."'),
)  # fmt: skip
