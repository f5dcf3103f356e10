"""What is wrong with a coworker, where, why, and what to write instead; as text for people and as data for tools."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

from klr.source import Source, Span

Severity = Literal["error", "warning", "advice"]


@dataclass(frozen=True, slots=True)
class Edit:
    """One change that would mend a finding: within ``span`` the first ``old`` becomes ``new``.

    ``old`` is all that ``span`` covers, or whole words within it, apart by any blanks. Where ``old`` is empty, ``new`` is
    inserted at the start of ``span``.
    """

    span: Span
    old: str
    new: str

    def place(self, source: Source) -> Span | None:
        """What ``new`` takes the place of; None where ``old`` does not stand in ``span``."""
        if not self.old:
            return Span(self.span.start, self.span.start)
        if source.cut(self.span) == self.old:
            return self.span
        return source.words_in(self.span, self.old)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    Attributes:
        code: stable, such as "K401"; the first digit tells the family (1 syntax, 2 names, 3 types, 4 permissions,
            5 triggers, 6 advice).
        message: what is wrong, in a plain sentence.
        help: why, and what to write instead; may be empty.
        span: where in the source.
        repair: what ``help`` says to write, as changes of the text, where that is mechanical.
    """

    code: str
    message: str
    span: Span
    help: str = ""
    repair: tuple[Edit, ...] = ()

    @property
    def severity(self) -> Severity:
        """ "advice" for the K6xx family, "error" for all others."""
        return "advice" if self.code.startswith("K6") else "error"

    def to_json(self, source: Source) -> dict[str, Any]:
        """The form of ``klapp check --format json``; lines and columns from 1, the end not included."""
        line, column = source.place(self.span.start)
        end_line, end_column = source.place(max(self.span.end, self.span.start))
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "help": self.help,
            "file": source.name,
            "line": line,
            "column": column,
            "end_line": end_line,
            "end_column": end_column,
            "repair": [self._change(edit, source) for edit in self.repair],
        }

    @staticmethod
    def _change(edit: Edit, source: Source) -> dict[str, Any]:
        """One change as data: what stands from one place to another becomes ``new``."""
        span = edit.place(source) or edit.span
        (line, column), (end_line, end_column) = source.place(span.start), source.place(span.end)
        return {"line": line, "column": column, "end_line": end_line, "end_column": end_column, "new": edit.new}

    def render(self, source: Source) -> str:
        """The finding as lines for a terminal: code and message, the line with the place underlined, the help."""
        line, column = source.place(self.span.start)
        end_line, end_column = source.place(max(self.span.end, self.span.start))
        shown = source.line(line)
        stop = end_column - 1 if end_line == line else len(shown)
        before, marked = shown[: column - 1], shown[column - 1 : stop]
        margin = " " * len(str(line))
        pad = "".join("\t" if c == "\t" else " " * width(c) for c in before)
        lines = [
            f"{self.code} {self.severity}: {self.message}",
            f"{margin}--> {source.name}:{line}:{column}",
            f"{margin} |",
            f"{line} | {visible(shown)}",
            f"{margin} | {pad}{'^' * max(1, sum(map(width, marked)))}",
        ]
        if self.help:
            first, *rest = self.help.splitlines()
            lines.append(f"{margin} = {first}")
            lines.extend(f"{margin}   {more}" for more in rest)
        return "\n".join(lines)


def width(character: str) -> int:
    """How many terminal columns a character takes."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def visible(text: str) -> str:
    """``text`` with control characters made harmless, so that a hostile file can not steer the terminal."""
    return "".join(
        c if c == "\t" or (c.isprintable() and not "\ud800" <= c <= "\udfff") else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )


MOST_FINDINGS = 100
"""How many findings are told of one text; who has more mends these first."""


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """In the order of the text, each said once, and no more than ``MOST_FINDINGS``, errors before advice."""
    found = sorted(dict.fromkeys(diagnostics), key=lambda d: (d.span.start, d.code, d.message))
    if len(found) <= MOST_FINDINGS:
        return tuple(found)
    errors = [one for one in found if one.severity == "error"]
    if len(errors) < MOST_FINDINGS:
        return tuple(errors or found[:MOST_FINDINGS])
    kept = errors[: MOST_FINDINGS - 1]
    more = Diagnostic("K100", "There are more mistakes below.", errors[len(kept)].span, "Mend these first.")
    return (*kept, more)


def did_you_mean(word: str, known: Iterable[str], others: Mapping[str, str] = MappingProxyType({})) -> str:
    """ "Did you mean `move`?" for the nearest of the known words, or "".

    ``others`` are words that are used elsewhere for known ones, or for what is written with them.
    """
    close = _closest(word, known, others)
    return f"Did you mean `{close}`?" if close else ""


def instead(
    span: Span, word: str, known: Iterable[str], others: Mapping[str, str] = MappingProxyType({})
) -> tuple[Edit, ...]:
    """The repair that ``did_you_mean`` speaks of: the nearest of the known words in place of ``word`` in ``span``."""
    close = _closest(word, known, others)
    return (Edit(span, word, close),) if close else ()


def _closest(word: str, known: Iterable[str], others: Mapping[str, str]) -> str:
    words = tuple(sorted(set(known)))
    if word.lower() in words:
        return word.lower() if word.lower() != word else ""
    other = others.get(word) or others.get(word.lower(), "")
    return other if other in words or (other and not other.isalpha()) else _nearest(word, words)


@lru_cache(maxsize=1024)
def _nearest(word: str, words: tuple[str, ...]) -> str:
    from difflib import get_close_matches  # only those who make mistakes need it

    return next(iter(get_close_matches(word[:100], words, n=1, cutoff=0.65)), "")


def listing(words: Sequence[str], last: str = "or") -> str:
    """The words in a row, for people: "`a`, `b` or `c`"."""
    quoted = [f"`{word}`" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"
