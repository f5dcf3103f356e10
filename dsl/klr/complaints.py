"""Syntax errors in plain words: what a parser's trouble means to the person who wrote the line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from klr.diagnostics import Diagnostic, did_you_mean, instead, visible
from klr.source import Source, Span

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
LINE_STARTS = ("coworker", "about", "may", "setting", "limit", "define", "when", "every", "cron", "test")
STATEMENT_STARTS = ("let", "if", "else", "for each", "try", "end", "on error")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the parser met: the text and kind of the token, and the kinds that could have stood there."""

    found: str
    kind: str
    expected: frozenset[str]


def unclosed(source: Source, line: int) -> Diagnostic:
    """The block that begins on ``line`` has no ``end``."""
    word = source.line(line).strip().split(" ")[0]
    shown = "for each" if word == "for" else word
    message = f"This `{shown}` is not closed."
    return Diagnostic(
        "K102", message, source.line_span(line), "Write `end` on a line of its own where the block stops."
    )


def complain(source: Source, offset: int, trouble: Trouble) -> Diagnostic:
    """The diagnostic for one error at ``offset``."""
    length = 1 if trouble.kind in ("character", "NEWLINE", "$END") else max(1, len(trouble.found))
    span = Span(offset, min(offset + length, len(source.text)))
    line = source.place(offset)[0]
    return (
        _about_texts(source, line, span, trouble)
        or _about_signs(source, offset, span)
        or _about_blocks(span, trouble)
        or _about_lines(source, line, span, trouble)
        or _about_the_rest(span, trouble)
    )


def _about_texts(source: Source, line: int, span: Span, trouble: Trouble) -> Diagnostic | None:
    if trouble.found[:1] in ("'", "“", "”", "„", "‘", "’", "«", "»"):
        return Diagnostic(
            "K103", f"A text stands in straight double quotes, not in {trouble.found[:1]}.", span, 'Write "like this".'
        )
    if "TEXT" not in trouble.expected and not ("RBRACE" in trouble.expected and trouble.kind in ("NEWLINE", "QUOTE")):
        return None
    if trouble.found == "}":
        return Diagnostic("K103", "This `}` closes nothing.", span, "Write `}}` for a brace that is part of the text.")
    if trouble.kind in ("NEWLINE", "$END"):
        start = source.line_span(line)
        return Diagnostic(
            "K103", "This text has no closing quote.", start, 'A text begins and ends with " on the same line.'
        )
    if "RBRACE" in trouble.expected:
        help = "A hole ends with `}`. Write `{{` for a brace that is part of the text."
        return Diagnostic("K103", "This hole in a text is not closed.", span, help)
    return None


def _about_signs(source: Source, offset: int, span: Span) -> Diagnostic | None:
    for sign, words in SIGNS.items():
        if source.text.startswith(sign, offset):
            return Diagnostic(
                "K101", f"klapp does not know the sign `{sign}`.", Span(offset, offset + len(sign)), words
            )
    return None


SIGNS = {
    "==": "Write `is` to compare: `if x is 3`.",
    "!=": "Write `is not` to compare: `if x is not 3`.",
    "<>": "Write `is not` to compare: `if x is not 3`.",
    "&&": "Write `and`.",
    "||": "Write `or`.",
    "!": "Write `not`.",
    ";": "One statement stands on one line, with nothing at its end.",
    "//": "A comment begins with `#`.",
    "/*": "A comment begins with `#`.",
}


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


def _about_lines(source: Source, line: int, span: Span, trouble: Trouble) -> Diagnostic | None:
    first = source.line(line).strip().split(" ")[0] if source.line(line).strip() else ""
    at_start = source.line_span(line).start == span.start
    if at_start and "MAY" in trouble.expected and "LET" not in trouble.expected:
        guess = did_you_mean(first, LINE_STARTS)
        known = "A line out here begins with `coworker`, `about`, `may`, `setting`, `limit`, `define`, `when`, `every`, `cron` or `test`."
        message = f"A coworker has no line that begins with `{visible(first)}`."
        return Diagnostic("K101", message, span, f"{guess} {known}".strip(), instead(span, first, LINE_STARTS))
    if "EQUAL" in trouble.expected and first in ("let", "setting"):
        return Diagnostic(
            "K101",
            f"This `{first}` gives no value.",
            span,
            f"Write `{first} name{': text' * (first == 'setting')} = value`.",
        )
    if trouble.found == "=" and "IS" in trouble.expected:
        return Diagnostic("K101", "A comparison is written with `is`.", span, "Write `is` in place of `=`.")
    if trouble.kind == "NEWLINE" and VALUE & trouble.expected:
        return Diagnostic(
            "K101",
            "Something is missing at the end of this line.",
            source.line_span(line),
            f"Here could stand {_choices(trouble.expected)}.",
        )
    return None


def _about_the_rest(span: Span, trouble: Trouble) -> Diagnostic:
    found = "The end of the line" if trouble.kind == "NEWLINE" else f"`{visible(trouble.found)}`"
    if trouble.kind == "$END":
        found = "The end of the file"
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
