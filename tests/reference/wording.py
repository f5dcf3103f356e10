"""The functions of texts, letter by letter."""

from __future__ import annotations

from typing import Any

from tests.reference.numbers import Number
from tests.reference.operators import LONGEST_TEXT, TOO_LONG, Failure

UNSAFE = '/\\:*?"<>|'
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10))}


def bounded(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise Failure("value", TOO_LONG)
    return text


def pieces(text: str, mark: str) -> list[str]:
    """The text cut at each place of a mark, from left to right."""
    if mark == "":
        raise Failure("value", "An empty text can not be looked for.")
    found, start, at = [], 0, 0
    while at <= len(text) - len(mark):
        if text[at : at + len(mark)] == mark:
            found.append(text[start:at])
            start = at = at + len(mark)
        else:
            at += 1
    return [*found, text[start:]]


def joined(texts: Any, mark: str) -> str:
    made = ""
    for index, text in enumerate(texts):
        made += (mark if index else "") + text
    return bounded(made)


def letters(count: Number) -> int:
    whole = int(count.value)
    if count.value < 0 or whole != count.value:
        raise Failure("value", "A number of letters is whole, and not below zero.")
    return whole


def between(start: str, end: str, text: str) -> str | None:
    rest = pieces(text, start)
    inner = pieces(text[len(rest[0]) + len(start) :], end)
    return inner[0].strip() if len(rest) > 1 and len(inner) > 1 else None


def padding(width: Number, text: str, sign: str) -> str:
    if len(sign) != 1:
        raise Failure("value", "A text is padded with one letter or sign.")
    if letters(width) > LONGEST_TEXT:
        raise Failure("value", TOO_LONG)
    return sign * max(0, letters(width) - len(text))


def capitalised(text: str) -> str:
    made = ""
    for at, letter in enumerate(text):
        made += letter.upper() if at == 0 or text[at - 1].isspace() else letter
    return made


def filename(text: str) -> str:
    made = ""
    for letter in text:
        bad = letter in UNSAFE or ord(letter) < 32 or 127 <= ord(letter) <= 159
        if not bad and not 0xD800 <= ord(letter) <= 0xDFFF:
            made += letter
        elif bad and not made.endswith("\0"):
            made += "\0"
    made = without_end(made.replace("\0", "-").strip())
    if made.split(".")[0].lower() in RESERVED:
        made = "_" + made
    kept = ""
    for letter in made:
        if len((kept + letter).encode()) > 200:
            break
        kept += letter
    return without_end(kept) or "_"


def without_end(name: str) -> str:
    while name.endswith((".", " ")):
        name = name[:-1]
    return name


FUNCTIONS: dict[tuple[str, tuple[str, ...]], Any] = {
    ("length", ("of",)): lambda text: Number(len(text)),
    ("capitalised", ("of",)): capitalised,
    ("filename", ("of",)): filename,
    ("replacing", ("of", "in", "using")): lambda old, text, new: joined(pieces(text, old), new),
    ("parts", ("of", "using")): lambda text, mark: tuple(pieces(text, mark)),
    ("text", ("of", "using")): joined,
    ("beginning", ("of", "in")): lambda count, text: text[: letters(count)],
    ("ending", ("of", "in")): lambda count, text: text[max(0, len(text) - letters(count)) :],
    ("text", ("after", "before", "in")): between,
    ("padded", ("of", "before", "using")): lambda width, text, sign: bounded(padding(width, text, sign) + text),
    ("padded", ("of", "after", "using")): lambda width, text, sign: bounded(text + padding(width, text, sign)),
}
