"""Reads lines into the parser, one at a time; what is wrong with a line is told, mended, and never hides another line.

A line that can not be read is tried once more with each change that a habit proposes (``klr.habits``), and taken as the
change that gets furthest has it: so the rest of the line still counts, and so do the names that it gives. Where nothing
helps, a harmless line of the same shape takes its place (a bad ``if`` stays an ``if``).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from klr.complaints import Trouble, complain
from klr.diagnostics import Diagnostic, Edit
from klr.layout import LINE_WORDS, Line
from klr.lexer import NAME, Lexer, Token
from klr.machine import Machine, Unexpected
from klr.proposals import Proposal
from klr.source import Source, Span
from klr.syntax import MISSING

MOST_REPAIRS = 6
"""How many mistakes of one line are told apart, before the rest of it is given up."""
LONGEST_TRIED = 2_000
"""How long a line may be, in characters, for changes of it to be tried."""


@dataclass(frozen=True, slots=True)
class Change:
    """``new`` in place of what stands from ``start`` to ``end`` in the person's text."""

    start: int
    end: int
    new: str


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of a line with some changes made, and where each part of it came from."""

    text: str
    places: tuple[int, ...]
    """Offsets within ``text`` where a piece begins, and under the same index in ``origins`` where that is in the source."""
    origins: tuple[int, ...]
    changes: tuple[Change, ...] = ()

    def origin(self, offset: int) -> int:
        """An offset in ``text`` as one of the source; within a change, the start of what it replaces."""
        index = bisect_right(self.places, offset) - 1
        place, origin = self.places[index], self.origins[index]
        after = self.origins[index + 1] if index + 1 < len(self.origins) else None
        moved = origin + offset - place
        return moved if after is None else min(moved, after)


def drafted(source: Source, span: Span, changes: tuple[Change, ...]) -> Draft:
    """A line with changes made, which must not overlap."""
    pieces: list[str] = []
    places, origins = [], []
    length, at = 0, span.start
    for change in sorted(changes, key=lambda one: (one.start, one.end)):
        for text, origin in ((source.text[at : change.start], at), (change.new, change.start)):
            places.append(length)
            origins.append(origin)
            pieces.append(text)
            length += len(text)
        at = change.end
    places.append(length)
    origins.append(at)
    pieces.append(source.text[at : span.end])
    return Draft("".join(pieces), tuple(places), tuple(origins), changes)


@dataclass(frozen=True, slots=True)
class Stumble:
    """Where a line can not be read further: the token, what could have stood there, and the offset in the line's text.

    ``quote`` is where the text begins, in that line's text, that is not closed yet; -1 where none is.
    """

    token: Token
    expected: frozenset[str]
    offset: int
    quote: int = -1


_KINDS = {
    "if": {"IF"}, "for": {"FOR_EACH"}, "try": {"TRY"}, "else": {"ELSE", "ELSE_IF"}, "on": {"ON_ERROR"}, "end": {"END"},
    "when": {"WHEN"}, "every": {"EVERY"}, "cron": {"CRON"}, "test": {"TEST"}, "rule": {"WHEN", "EVERY", "CRON", "TEST"}, "step": {"WHEN", "EVERY", "CRON", "GIVEN", "EXPECT"},
}  # fmt: skip
_STRUCTURE = frozenset().union(*_KINDS.values())


class Reader:
    """Feeds the lines of a text to the machine. Findings go to ``diagnostics``, comments to ``comments``."""

    def __init__(self, source: Source, machine: Machine, lexer: Lexer) -> None:
        self.source = source
        self.machine = machine
        self.lexer = lexer
        self.diagnostics: list[Diagnostic] = []
        self.comments: list[tuple[int, str]] = []
        self._astray = False  # whether the line before stood outside of all rules

    def line(self, line: Line) -> None:
        """Read one line, whatever is wrong with it."""
        if not line.written:
            self._harmless(line)
            return
        draft = Draft(self.source.text, (0,), (0,))
        stumble = self._read(draft, line.span, line)
        if stumble is not None:
            self._mend(line, stumble)
        else:
            self._astray = False

    # -- reading ------------------------------------------------------------------------------------------------------

    def _tokens(self, draft: Draft, span: Span) -> Iterator[tuple[Token, int]]:
        """The tokens of a line, by what the machine expects when each is asked for, and the end of the line."""
        text, end, place = draft.text, span.end, span.start
        machine, at, ignored = self.machine, self.lexer.at, self.lexer.ignored
        moved = draft.origin if draft.changes else None
        first = True
        while place < end:
            kind, behind = at(text, place, end, machine.expected)
            if kind not in ignored and kind != "NEWLINE":
                written = text[place:behind]
                if first and (kind == NAME or kind not in machine.expected):
                    kind = LINE_WORDS.get(written, kind)
                first = False
                if moved is None:
                    yield Token.of(kind, written, place, behind), place
                else:
                    yield Token.of(kind, written, moved(place), moved(behind)), place
            elif kind == "COMMENT":
                self.comments.append((moved(place) if moved else place, text[place:behind]))
            place = behind
        if not first:
            stop = moved(end) if moved else end
            yield Token.of("NEWLINE", "\n", stop, stop), end

    def _read(self, draft: Draft, span: Span, line: Line) -> Stumble | None:
        """Read a line; where that can not be, what it stumbles over is returned, and nothing of the line is kept."""
        machine = self.machine
        height = 0
        heard = len(self.comments)
        quotes: list[int] = []
        for token, place in self._tokens(draft, span):
            if not height and not (machine.can(token.type) and self._may_begin(line, token.type)):
                del self.comments[heard:]
                return Stumble(token, machine.accepts(), place - span.start)
            try:
                machine.feed(token)
            except Unexpected:
                expected = machine.accepts()
                machine.cut(height)
                del self.comments[heard:]
                quote = quotes[-1] if len(quotes) % 2 and "TEXT" in expected else -1
                return Stumble(token, expected, place - span.start, quote)
            height = height or len(machine.states) - 1
            if token.type == "QUOTE":
                quotes.append(place - span.start)
        return None

    @staticmethod
    def _may_begin(line: Line, kind: str) -> bool:
        """Whether a line of the shape that was found for it can begin so: blocks stay as they were found."""
        return kind in _KINDS[line.word] if line.word in _KINDS else kind not in _STRUCTURE

    def _probe(self, draft: Draft, line: Line) -> Stumble | None:
        """Whether a line can be read, and if not, where it stumbles; nothing of it is kept."""
        machine, heard = self.machine, len(self.comments)
        with machine.trying():
            stumble = self._read(draft, Span(0, len(draft.text)), line)
        del self.comments[heard:]
        return stumble

    # -- mending ------------------------------------------------------------------------------------------------------

    def _mend(self, line: Line, stumble: Stumble) -> None:
        draft = drafted(self.source, line.span, ())
        astray, self._astray = self._astray, False
        for _ in range(MOST_REPAIRS if len(draft.text) <= LONGEST_TRIED else 0):
            best = self._best(line, draft, stumble)
            if best is None:
                break
            found, draft, left = best
            self.diagnostics.append(found)
            if left is None:
                self._read(draft, Span(0, len(draft.text)), line)
                return
            stumble = left
        if draft.changes and stumble.token.type == "NEWLINE":
            self._harmless(line)  # what is missing at its end may well be a part of what was told already
            return
        outside = stumble.offset == 0 and line.word not in _KINDS and "MAY" in stumble.expected
        self._astray = outside
        if not (outside and astray):
            offset = draft.origin(stumble.offset)
            trouble = Trouble(str(stumble.token), stumble.token.type, stumble.expected)
            self.diagnostics.append(complain(self.source, line.span, offset, trouble))
        self._harmless(line)

    def _best(self, line: Line, draft: Draft, stumble: Stumble) -> tuple[Diagnostic, Draft, Stumble | None] | None:
        """The change that lets a line be read furthest: told as a finding, made, and where the line stumbles then."""
        best: tuple[Diagnostic, Draft, Stumble | None] | None = None
        least = len(draft.text) - stumble.offset
        for proposal in self._proposals(draft, stumble):
            change = self._change(draft, proposal)
            if change is None:
                continue
            changed = drafted(self.source, line.span, (*draft.changes, change))
            left = self._probe(changed, line)
            remains = -1 if left is None else len(changed.text) - left.offset
            if remains < least and (left is None or not proposal.last):
                best, least = (self._told(proposal, change), changed, left), remains
                if left is None:
                    break
        return best

    @staticmethod
    def _proposals(draft: Draft, stumble: Stumble) -> Iterator[Proposal]:
        from klr.guesses import guesses
        from klr.habits import proposals  # some hundred patterns, which a text without mistakes never needs

        yield from proposals(draft.text, stumble.offset)
        yield from guesses(draft.text, stumble.offset, stumble.quote, stumble.token.type, stumble.expected)

    def _change(self, draft: Draft, proposal: Proposal) -> Change | None:
        """A proposal as a change of the source; None where it is about what was changed before."""
        start, end = draft.origin(proposal.start), draft.origin(proposal.end)
        if self.source.text[start:end] != draft.text[proposal.start : proposal.end]:
            return None
        if any(start < other.end and other.start < end for other in draft.changes):
            return None
        return Change(start, end, proposal.new)

    def _told(self, proposal: Proposal, change: Change) -> Diagnostic:
        old = self.source.text[change.start : change.end]
        start = change.start + len(old) - len(old.lstrip())
        span = Span(min(start, change.end), max(start, change.start + len(old.rstrip())))
        repair = (Edit(Span(change.start, change.end), old, change.new),) if proposal.repair else ()
        return Diagnostic(proposal.code, proposal.message, span, proposal.help, repair)

    def _harmless(self, line: Line) -> None:
        """Read, in place of a line, one of the same shape that holds nothing that could be wrong."""
        written = self.source.cut(line.span) if line.written else ""
        text = harmless(line.word, written)
        if line.word == "end" and not self.machine.can("END") and self.machine.can("ON_ERROR"):
            text = "on error\nend"
        for piece in text.split("\n"):
            draft = Draft(piece, (0, len(piece)), (line.span.start, line.span.end), (Change(0, 0, ""),))
            self._read(draft, Span(0, len(piece)), Line(line.span, _shape(line.word, piece), 0))


def _shape(word: str, piece: str) -> str:
    """What a harmless line is, in place of one that is ``word``: any that begins a rule is a `when` then."""
    if piece == "on error":
        return "on"
    return "rule" if word in ("when", "every", "cron") else word


_NAME = r"[^\W\d]\w*"


def harmless(word: str, written: str) -> str:
    """A line that opens, closes and names what ``written`` does; ``word`` says what it is. "" for what does neither."""
    match word:
        case "if":
            return f"if {MISSING}"
        case "else":
            return f"else if {MISSING}" if re.match(r"el\w*\s*if|else\W+\w|elif", written, re.I) else "else"
        case "for":
            found = re.match(rf"\w+(?:\s+each)?\s+({_NAME})\s+\w", written)
            return f"for each {found[1] if found else MISSING} in {MISSING}"
        case "step" if written[:1] == "g":
            return ""
        case "step" if written[:2] == "ex":
            return f"expect {MISSING}"
        case "when" | "every" | "cron" | "rule" | "step":
            return f"when {MISSING}"
        case "test" | "coworker":
            return f'{word} "?"'
        case "end" | "try":
            return word
        case "on":
            return "on error"
    for pattern, shape in _SHAPES:
        if found := re.match(pattern, written):
            return found.expand(shape)
    return ""


_SHAPES = (
    (rf"let\s+({_NAME})", rf"let \1 = {MISSING}"),
    (rf"setting\s+({_NAME})", rf"setting \1: {MISSING} = {MISSING}"),
    (rf"(define\s+{_NAME}(?:\s+(?:of|in|after|before)\s+{_NAME}\s*:\s*[^\W\d][\w/ ]*?)+)(?=\s*=)", rf"\1 = {MISSING}"),
    (rf"define\s+({_NAME})", rf"define \1 of {MISSING}: {MISSING} = {MISSING}"),
)
