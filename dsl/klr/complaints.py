"""Syntax errors in plain words: what a parser's trouble means to the person who wrote the line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from klr.diagnostics import Diagnostic, listing, visible
from klr.source import Source, Span, first_word

PLAIN = {
    "QUOTE": "a text in double quotes",
    "NUMBER": "a number",
    "SIZE": "a size such as 20 MB",
    "DURATION": "a time span such as 7 days",
    "DATE": "a date",
    "TIME": "a time such as 09:00",
    "PATTERN": "a pattern in double quotes",
    "NAME": "a name",
    "NEWLINE": "the end of the line",
    "LSQB": "a list in [ ]",
    "RSQB": "`]`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "RBRACE": "`}`",
    "EQUAL": "`=`",
    "COLON": "`:`",
    "COMMA": "`,`",
    "IN": "`in`",
    "END": "`end`",
}
VALUE = frozenset(("QUOTE", "NUMBER", "NAME", "SIZE"))
LINE_STARTS = ("coworker", "about", "may", "setting", "secret", "limit", "define", "when", "every", "cron", "test")
STATEMENT_STARTS = ("let", "if", "else", "for each", "try", "end", "on error")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the parser met: the text and kind of the token, and the kinds that could have stood there."""

    found: str
    kind: str
    expected: frozenset[str]


def complain(source: Source, whole: Span, offset: int, trouble: Trouble) -> Diagnostic:
    """The finding for a line, all of it at ``whole``, that can not be read further at ``offset``."""
    length = 1 if trouble.kind in ("character", "NEWLINE") else max(1, len(trouble.found))
    end = min(offset + length, whole.end)
    span = Span(offset, end) if end > offset else whole
    return (
        _about_texts(whole, span, trouble)
        or _about_blocks(span, trouble)
        or _about_lines(source, whole, span, trouble)
        or _about_the_rest(span, trouble)
    )


def _about_texts(whole: Span, span: Span, trouble: Trouble) -> Diagnostic | None:
    if "TEXT" not in trouble.expected:
        return None
    if trouble.kind == "NEWLINE":
        return Diagnostic(
            "K103", "This text has no closing quote.", whole, 'A text begins and ends with " on the same line.'
        )
    if trouble.found == "}":
        return Diagnostic("K103", "This `}` closes nothing.", span, "Write `}}` for a brace that is part of the text.")
    return None


def _about_blocks(span: Span, trouble: Trouble) -> Diagnostic | None:
    if trouble.kind == "END":
        return Diagnostic(
            "K102", "This `end` closes nothing.", span, "Remove it, or open its block with `when`, `if` or `for each`."
        )
    if trouble.kind in ("ELSE", "ELSE_IF"):
        return Diagnostic(
            "K102",
            f"This `{trouble.found}` belongs to no `if`.",
            span,
            "An `else` stands between an `if` and its `end`.",
        )
    if trouble.kind == "ON_ERROR":
        help = "`on error` stands once, at the end of a rule, a `for each` or a `try`, before its `end`."
        return Diagnostic("K102", "This `on error` belongs to nothing that could fail.", span, help)
    return None


def _about_lines(source: Source, whole: Span, span: Span, trouble: Trouble) -> Diagnostic | None:
    first = first_word(source.cut(whole))
    if whole.start == span.start and "MAY" in trouble.expected and "LET" not in trouble.expected:
        shown = first or visible(source.cut(whole)[:20])
        if first in STATEMENT_STARTS:
            help = "It belongs into a rule, between `when ...` or `every ...` and its `end`."
            return Diagnostic("K101", f"This `{first}` stands outside of any rule.", whole, help)
        help = f"A line out here begins with {listing(LINE_STARTS)}; what is to be done stands within a rule."
        return Diagnostic("K101", f"A coworker has no line that begins with `{shown}`.", span, help)
    if "EQUAL" in trouble.expected and first in ("let", "setting"):
        shape = f"{first} name{': text' * (first == 'setting')} = value"
        return Diagnostic("K101", f"This `{first}` gives no value.", whole, f"Write `{shape}`.")
    if "COLON" in trouble.expected and first in ("setting", "define"):
        example = "setting large: number = 2000" if first == "setting" else "define gross of net: number = net * 1.19"
        return Diagnostic("K101", "A colon and a type are missing here.", span, f"For example: `{example}`.")
    if trouble.kind == "NEWLINE":
        return Diagnostic(
            "K101",
            "Something is missing at the end of this line.",
            whole,
            f"Here could stand {_choices(trouble.expected)}.",
        )
    return None


def _about_the_rest(span: Span, trouble: Trouble) -> Diagnostic:
    found = "The end of the line" if trouble.kind == "NEWLINE" else f"`{visible(trouble.found)}`"
    help = f"Here could stand {_choices(trouble.expected)}." if trouble.expected else ""
    return Diagnostic("K101", f"{found} does not belong here.", span, help)


def _choices(expected: Iterable[str]) -> str:
    expected = frozenset(expected) - {"MONTHS", "MATCH_OF", "MATCHES_OF"}  # where these stand, other values do, too
    if expected >= VALUE:
        rest = expected - VALUE - {"DURATION", "DATE", "TIME", "YES", "NO", "LSQB", "LPAR", "MINUS", "NOT"}
        words = ["a value", *sorted(_plain(kind) for kind in rest)]
    else:
        words = sorted(_plain(kind) for kind in expected)
    if len(words) > 6:
        words = [*words[:5], "..."]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _plain(kind: str) -> str:
    return PLAIN.get(kind) or SYMBOLS.get(kind) or f"`{kind.lower().replace('_', ' ')}`"


SYMBOLS = {"PLUS": "`+`", "MINUS": "`-`", "TIMES": "`*`", "OVER": "`/`", "DOT": "`.`", "SLASH": "`/`",
           "MORETHAN": "`>`", "LESSTHAN": "`<`", "__ANON_0": "`<=`", "__ANON_1": "`>=`", "LBRACE": "`{`"}  # fmt: skip
