"""What could be wrong with any line, by what the parser expects: a misspelt word, a missing one, one too many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import pairwise

from klr.lexer import lexer
from klr.proposals import Proposal

_WORD = re.compile(r"[^\W\d]\w*")
_MISSING = {
    "TO": "to", "IN": "in", "OF": "of", "AT": "at", "AS": "as", "EQUAL": "=", "COMMA": ",",
    "COLON": ":", "NAMED": "named",
}  # fmt: skip
"""The words and signs that are tried where something seems to be missing."""
_CLOSING = {"RSQB": ("]", "["), "RPAR": (")", "("), "RBRACE": ("}", "{")}
MOST_CLOSED = 8


def guesses(line: str, stumbled: int, quote: int, kind: str, expected: frozenset[str]) -> Iterator[Proposal]:
    """Proposals for a line that can be read as far as ``stumbled``, where a token of ``kind`` stands.

    ``quote`` is the offset of the quote of a text that is open there, or -1; ``expected`` are the kinds that could follow.
    """
    yield from _misspelt(line, stumbled, expected)
    yield from _texts(line, quote)
    yield from _brackets(line, stumbled, expected)
    yield from _left_out(line, stumbled, expected)
    yield from _too_many(line, stumbled, kind)


def _misspelt(line: str, stumbled: int, expected: frozenset[str]) -> Iterator[Proposal]:
    """The word that stumbles, the one before it or the first of the line, near one of the language."""
    words = list(_WORD.finditer(line))
    here = [word for word in words if word.start() == stumbled]
    before = [word for word in words if word.end() <= stumbled][-2:]
    for word in dict.fromkeys((*here, *reversed(before), *words[:1])):
        is_known = word[0] in lexer().keywords.values()
        known = {text for kind, text in lexer().keywords.items() if word not in here or kind in expected}
        for near in get_close_matches(word[0].lower(), sorted(known), n=2, cutoff=0.6):
            if near != word[0]:
                message = f"`{word[0]}` is no word of the language."
                help = f"Did you mean `{near}`?"
                yield Proposal(word.start(), word.end(), near, "K101", message, help, last=is_known or word not in here)
    for first, second in pairwise(words):
        if second.end() < stumbled - 20 or first.start() > stumbled:
            continue
        pair = " ".join(line[first.start() : second.end()].split())
        phrases = [text for text in lexer().keywords.values() if " " in text]
        for near in get_close_matches(pair.lower(), phrases, n=1, cutoff=0.7):
            if near != pair:
                message = f"`{pair}` is no word of the language."
                help = f"Did you mean `{near}`?"
                yield Proposal(first.start(), second.end(), near, "K101", message, help, last=True)


def _texts(line: str, quote: int) -> Iterator[Proposal]:
    """A text that is not closed: its quote is missing at the end of the line, or before a word of the language."""
    if quote < 0:
        return
    message, help = "This text has no closing quote.", 'A text begins and ends with " on the same line.'
    for found in re.finditer(
        r"\s+(?=(?:to|named|on|as|with|shown|and|or|default)\b|#)|\s*(?:\bthen|\bdo|:)?\s*$", line[quote:]
    ):
        place = quote + found.start()
        yield Proposal(place, place, '"', "K103", message, help)


def _brackets(line: str, stumbled: int, expected: frozenset[str]) -> Iterator[Proposal]:
    for kind, (sign, opening) in _CLOSING.items():
        if kind not in expected:
            continue
        code, what = ("K103", "hole in a text") if sign == "}" else ("K101", f"`{opening}`")
        help = f"Write `{sign}` where it ends."
        if sign == "}":
            help = "A hole ends with `}`. Write `{{` for a brace that is part of the text."
        for place in dict.fromkeys(
            (stumbled, *(q.start() for q in re.finditer('"', line[:stumbled])), len(line.rstrip()))
        ):
            yield Proposal(place, place, sign, code, f"This {what} is not closed.", help)
    if line[stumbled : stumbled + 1] in ("]", ")", "}"):
        sign = line[stumbled]
        code = "K103" if sign == "}" else "K101"
        help = "Write `}}` for a brace that is part of the text." if sign == "}" else "Remove it, or open it before."
        new = "}}" if sign == "}" and "TEXT" in expected else ""
        yield Proposal(stumbled, stumbled + 1, new, code, f"This `{sign}` closes nothing.", help, last=True)


def _left_out(line: str, stumbled: int, expected: frozenset[str]) -> Iterator[Proposal]:
    for kind, word in _MISSING.items():
        if kind in expected:
            new = f"{word} " if word.isalpha() or word == "=" else word
            blank = "" if stumbled == 0 or line[stumbled - 1].isspace() or not word.isalpha() else " "
            message = f"`{word}` is missing here."
            at = stumbled
            if word in ":,":
                at, new = len(line[:stumbled].rstrip()), word if line[stumbled - 1 : stumbled].isspace() else f"{word} "
            yield Proposal(at, at, blank + new, "K101", message, f"Write `{word}` before what follows.", last=True)


def _too_many(line: str, stumbled: int, kind: str) -> Iterator[Proposal]:
    """What stumbles, taken out: a word, or a sign."""
    if kind == "NEWLINE" or stumbled >= len(line) or line[stumbled] in '"[](){}=<>':
        return
    word = _WORD.match(line, stumbled)
    end = word.end() if word else stumbled + 1
    if line[stumbled - 1 : stumbled].isalnum() and line[end : end + 1].isalnum():
        return  # what is at its sides would become one word
    blank = re.compile(r"[ \t]+").match(line, end)
    behind = blank.end() if blank and blank.end() < len(line) else end
    start = stumbled if behind > end else len(line[:stumbled].rstrip())
    old = line[stumbled:end]
    yield Proposal(start, behind, "", "K101", f"`{old}` does not belong here.", "Remove it.", last=True)
