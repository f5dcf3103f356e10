"""The lines of a text and its blocks: which lines go on with the one before, and where an ``end`` is missing or too many.

Blocks are counted, as the language has it: indentation means nothing. Only where a part of the file does not add up does
indentation tell which of its blocks was meant. What comes out adds up always, so that one bad line or a forgotten
``end`` never hides what is wrong elsewhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property

from klr.diagnostics import Diagnostic, Edit, listing
from klr.lexer import lexer
from klr.source import Source, Span, first_word
from klr.synonyms import LINES

RULES = frozenset(("when", "every", "cron"))
OPENERS = RULES | {"rule", "test", "if", "for", "try"}
INNER = frozenset(("else", "on", "end"))
PLAIN_PARTS = frozenset(("may", "setting", "secret", "limit", "define", "coworker", "about"))
TOP_WORDS = RULES | {"test"} | PLAIN_PARTS
LINE_WORDS = {word: word.upper() for word in (*TOP_WORDS, "else", "end", "if", "let", "try")} | {"on": "ON_ERROR"}
"""What begins a line is never a name: these words are words of the language there. The kinds of their tokens."""
MOST_DEPTH = 60
"""How many blocks may stand in each other."""


@dataclass(slots=True)
class Line:
    """A statement with all the lines that it goes on for: its place in the text, and the word that says what it is.

    ``word`` is the language's word where another one was plainly meant (``endif``: "end"); ``indent`` is in characters.
    ``end`` lines that nobody wrote have an empty span where they belong. "rule" is a line that begins a rule with none of
    the words for that, "step" any line of a test.
    """

    span: Span
    word: str
    indent: int
    written: bool = True


def arranged(source: Source, findings: list[Diagnostic]) -> list[Line]:
    """The lines of a text, with the ``end`` lines that are missing and without those that are too many.

    Every ``end`` that comes out closes a block, every block is closed, and nothing that can not stand in a block is in one.
    What had to be mended is added to ``findings``.
    """
    made: list[Line] = []
    for part in _parts(source, list(lines_of(source))):
        made.extend(_Blocks(source, findings).balanced(part))
    return made


# -- lines ------------------------------------------------------------------------------------------------------------

_BRACKET = re.compile(r"[\[(]")
_SCANNED = re.compile(r'\b(?:matches|match[ \t]+of|matches[ \t]+of)[ \t]*"[^"]*"|\\.|\{\{|\}\}|["{}()\[\]#]')


@cache
def continuation() -> re.Pattern[str]:
    """What a line break is followed by where the next line goes on with this one."""
    return re.compile(lexer().pattern("CONTINUATION"))


def lines_of(source: Source) -> Iterator[Line]:
    """The statements of a text in order; lines that are blank or hold only a comment are part of none."""
    text, length = source.text, len(source.text)
    goes_on = continuation().match
    brackets = _Brackets(source)
    place = 1 if text.startswith("\ufeff") else 0
    while place < length:
        end = _line_end(text, place)
        stripped = text[place:end].strip()
        if not stripped or stripped[0] == "#":
            place = end + 1
            continue
        end = brackets.closed(place, end)
        while stripped not in _COMPLETE and end < length and (found := goes_on(text, end)):
            end = brackets.closed(found.end(), _line_end(text, found.end()))
        start = place + len(text[place:end]) - len(text[place:end].lstrip())
        stop = start + len(text[start:end].rstrip())
        yield Line(Span(start, stop), _word(text[start:stop]), start - place)
        place = end + 1


_COMPLETE = frozenset(("end", "else", "try", "on error"))
"""Lines that no other goes on for, whatever that begins with."""


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


class _Brackets:
    """Where the brackets that a line opens are closed, for each line at once, so that no line is gone through twice."""

    def __init__(self, source: Source) -> None:
        self.source = source

    @cached_property
    def _last(self) -> list[int]:
        """For each line, from 1, the one where its brackets are closed; itself where that is never."""
        count = self.source.line_count()
        last = list(range(count + 1))
        waiting: list[tuple[int, int]] = []  # lines with open brackets, and how many were open before them
        depth = 0
        for number in range(1, count + 1):
            line = self.source.line(number)
            if waiting and first_word(line.strip()) in LINE_WORDS:
                waiting.clear()
            before = depth
            depth += _depth(line)
            while waiting and depth <= waiting[-1][1]:
                last[waiting.pop()[0]] = number
            if depth > before:
                waiting.append((number, before))
        return last

    def closed(self, start: int, end: int) -> int:
        """Where the line from ``start`` to ``end`` is at an end, its brackets closed.

        A bracket that nothing closes before the next line of the language ends with its own line.
        """
        if _BRACKET.search(self.source.text, start, end) is None:
            return end
        number = self._last[self.source.place(start)[0]]
        return self.source.line_end(number)


def _depth(line: str) -> int:
    """How many more brackets a line opens than it closes; those within texts do not count."""
    if _BRACKET.search(line) is None and "]" not in line and ")" not in line:
        return 0
    depth = 0
    inside: list[str] = []  # a quote for a text, a brace for a hole in one
    place = 0
    while found := _SCANNED.search(line, place):
        place, sign = found.end(), found[0]
        in_text = bool(inside) and inside[-1] == '"'
        if sign == '"':
            inside.pop() if in_text else inside.append(sign)
        elif in_text:
            if sign == "{":
                inside.append(sign)
        elif sign[0] == "}":
            if inside:
                inside.pop()
                place = found.start() + 1
        elif sign == "#":
            break
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
    return depth


_ON = re.compile(r"on[ \t]*(?:$|error|fail|exception|problem|conflict|mistake)")


def _word(statement: str) -> str:
    word = first_word(statement)
    if word == "for" or (word in LINE_WORDS and not (word == "on" and not _ON.match(statement))):
        return word
    for pattern, meant in LINES:
        if pattern.match(statement):
            return meant
    return "" if word == "on" else word


# -- blocks -----------------------------------------------------------------------------------------------------------


def _parts(source: Source, lines: Sequence[Line]) -> Iterator[list[Line]]:
    """The lines from each that begins a part of a coworker up to the next one."""
    part: list[Line] = []
    test: Line | None = None
    for index, line in enumerate(lines):
        step = test is not None and line.word in RULES and line.indent >= test.indent
        if line.word == "if" and line.indent == 0 and _WAITS.match(source.cut(line.span)):
            line.word = "rule"
        if (line.word in (*TOP_WORDS, "rule") and not step) or _seems_to_begin(
            part, line, lines[index + 1 : index + 2]
        ):
            if part:
                yield part
            part = []
            test = line if line.word == "test" else None
        elif line.word == "end":
            test = None
        part.append(line)
    if part:
        yield part


_WAITS = re.compile(r"if[ \t]+(?:\w+[ \t]+)*?(?:file|folder|mail)s?[ \t]+\w+[ \t]+(?:in|from)\b")


def _seems_to_begin(part: list[Line], line: Line, following: Sequence[Line]) -> bool:
    """Whether a line looks like a misspelt ``when``: it stands where parts do, behind an ``end``, and lines stand below it."""
    if not part or part[-1].word != "end" or line.word in LINE_WORDS or line.word == "for":
        return False
    return line.indent <= part[0].indent and any(below.indent > line.indent for below in following)


class _Blocks:
    """Brings the blocks of the parts of a file to add up."""

    def __init__(self, source: Source, findings: list[Diagnostic]) -> None:
        self.source = source
        self.findings = findings

    def balanced(self, part: list[Line]) -> list[Line]:
        """The lines of a part, with every block closed once."""
        head = part[0]
        if head.word not in OPENERS:
            return self._plain(part)
        behind = _closed(part)
        if behind < len(part) and part[behind].indent <= head.indent and part[behind].word not in INNER:
            return [*self.balanced(part[:behind]), *self._plain(part[behind:])]
        in_test = head.word == "test"
        for line in part[1:] if in_test else ():
            line.word = line.word if line.word == "end" else "step"
        opened = sum(line.word in OPENERS for line in part)
        missing = opened - sum(line.word == "end" for line in part)
        missing -= self._ends(part, missing)
        if missing < 0 and not in_test:
            missing += self._openers(part[1:], -missing)
        if missing == 0 and self._adds_up(part):
            return self._not_too_deep(part)
        return self._not_too_deep(self._mended(part, missing))

    def _plain(self, part: list[Line]) -> list[Line]:
        """A part without a block: an unknown line with lines below it is meant as one; an ``end`` closes nothing here."""
        made: list[Line] = []
        index = 0
        while index < len(part):
            line = part[index]
            behind = index + 1
            if line.word in OPENERS:
                behind = index + _closed(part[index:])
                message = f"This `{_shown(line)}` stands outside of any rule."
                help = "It belongs into a rule, between `when ...` or `every ...` and its `end`."
                self.findings.append(Diagnostic("K101", message, _first_line(self.source, line), help))
                index = behind
                continue
            if self._guess(line, part, index, ("rule", "test")):
                while behind < len(part) and (part[behind].indent > line.indent or part[behind].word in INNER):
                    behind += 1
            block = part[index:behind]
            if any(other.word == "end" for other in block[1:]):
                line.word = self._guess(line, part, index, ("rule", "test"))
                made.extend(self.balanced(block))
                index = behind
                continue
            if line.word == "end":
                self._too_many(line)
            else:
                made.append(line)
            index += 1
        return made

    def _guess(self, line: Line, lines: list[Line], index: int, known: Sequence[str]) -> str:
        """The opener that a line was meant as, by what it looks like; "" for one that has no lines below it."""
        if line.word in LINE_WORDS or line.word == "for":
            return ""
        if index + 1 >= len(lines) or lines[index + 1].indent <= line.indent:
            return ""
        word = first_word(self.source.cut(line.span))
        return next(iter(get_close_matches(word.lower(), known, n=1, cutoff=0.6)), known[0])

    def _ends(self, lines: list[Line], most: int) -> int:
        """Take lines of one word that is nearly "end" for that, no more than ``most``; how many there were."""
        found = 0
        for line in lines if most > 0 else ():
            written = self.source.cut(line.span)
            if found < most and line.word != "end" and len(written) < 6 and get_close_matches(written, ["end"]):
                line.word = "end"
                found += 1
        return found

    def _openers(self, lines: list[Line], most: int) -> int:
        """Take unknown lines that others stand below for openers of blocks, no more than ``most``; how many there were."""
        found = 0
        for index, line in enumerate(lines):
            if found < most and (meant := self._guess(line, lines, index, ("if", "for", "try"))):
                line.word = meant
                found += 1
        return found

    @staticmethod
    def _adds_up(part: list[Line]) -> bool:
        depth = 0
        for index, line in enumerate(part):
            depth += (line.word in OPENERS) - (line.word == "end")
            if depth == 0 and index < len(part) - 1:
                return False
        return depth == 0

    def _mended(self, part: list[Line], missing: int) -> list[Line]:
        """The part with ``missing`` ends put in, or taken out where that is less than 0."""
        made: list[Line] = []
        opened: list[Line] = []
        indents: Counter[int] = Counter()
        extra = max(0, -missing)
        missing = max(0, missing)
        last = max((index for index, line in enumerate(part) if line.word != "end"), default=0)
        for index, line in enumerate(part):
            while missing and len(opened) > 1 and _stands_outside(line, opened[-1].indent, indents):
                indents[opened[-1].indent] -= 1
                made.append(self._insert(opened.pop(), line, part[-1]))
                missing -= 1
            if line.word == "end":
                too_soon = opened and (line.indent > opened[-1].indent or (len(opened) == 1 and index < last))
                if not opened or (extra > 0 and too_soon):
                    self._too_many(line)
                    extra -= 1
                    continue
                indents[opened.pop().indent] -= 1
            elif line.word in OPENERS:
                opened.append(line)
                indents[line.indent] += 1
            made.append(line)
        while opened:
            made.append(self._insert(opened.pop(), None, part[-1]))
        return made

    def _insert(self, opener: Line, before: Line | None, last: Line) -> Line:
        """The ``end`` that a block lacks, before a line, or behind the last one of its part."""
        blanks = self.source.text[opener.span.start - opener.indent : opener.span.start]
        if before is not None:
            place, new = before.span.start - before.indent, f"{blanks}end\n"
        else:
            place, new = last.span.end, f"\n{blanks}end"
        self.findings.append(
            Diagnostic(
                "K102",
                f"This `{_shown(opener)}` is not closed.",
                _first_line(self.source, opener),
                "Write `end` on a line of its own where the block stops.",
                (Edit(Span(place, place), "", new),),
            )
        )
        return Line(Span(place, place), "end", opener.indent, written=False)

    def _too_many(self, line: Line) -> None:
        written = self.source.cut(line.span)
        shown = first_word(written) or written[:1]
        span = Span(line.span.start, line.span.start + len(shown))
        help = f"Remove it, or open its block with {listing(('when', 'if', 'for each'))}."
        self.findings.append(
            Diagnostic("K102", f"This `{shown}` closes nothing.", span, help, (Edit(span, shown, ""),))
        )

    def _not_too_deep(self, part: list[Line]) -> list[Line]:
        """The part without the blocks that stand in too many others."""
        depth, told = 0, False
        made = []
        for line in part:
            depth += line.word in OPENERS
            if depth <= MOST_DEPTH:
                made.append(line)
            elif not told:
                told = True
                message = f"More than {MOST_DEPTH} blocks stand in each other here."
                self.findings.append(
                    Diagnostic(
                        "K100", message, _first_line(self.source, line), "Give the inner part a rule of its own."
                    )
                )
            depth -= line.word == "end"
        return made


def _closed(part: list[Line]) -> int:
    """The index behind the ``end`` that closes the first block, or behind all lines where it stays open."""
    depth = 0
    for index, line in enumerate(part):
        depth += (line.word in OPENERS and (index == 0 or part[0].word != "test")) - (line.word == "end")
        if depth == 0:
            return index + 1
    return len(part)


def _shown(line: Line) -> str:
    return "for each" if line.word == "for" else line.word


def _stands_outside(line: Line, inner: int, indents: Counter[int]) -> bool:
    """Whether a line is not in the innermost open block, by its indentation."""
    if line.word == "end":
        return line.indent < inner and indents[line.indent] > 0
    return line.indent < inner or (line.indent == inner and line.word not in INNER)


def _first_line(source: Source, line: Line) -> Span:
    """The place of a line without those that it goes on for, nor blanks and a comment at its end."""
    end = min(line.span.end, _line_end(source.text, line.span.start))
    written = source.text[line.span.start : end]
    bare = written if '"' in written else written.split("#")[0]
    return Span(line.span.start, line.span.start + len(bare.rstrip()))
