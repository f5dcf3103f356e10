"""Expressions of every type, as texts that are right by construction; what they stand among is in ``programs``."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from klr.syntax import escaped
from tests.fuzz.lists import Lists, Names
from tests.fuzz.samples import (
    DATED,
    DATES,
    FILES_IN,
    FORMATS,
    FORMS,
    HOSTS,
    LITERALS,
    MARKS,
    MONTHS,
    NUMBERS,
    ORDERED,
    PATTERNS,
    PLACES,
    PROPERTIES,
    REAL,
    SHOWN,
    TIMES,
    WORDS,
)


class Expressions(Lists):
    """Makes expressions; ``definitions`` are (name, parameters as (preposition, type), type), in their order."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.reaches = False
        """Whether hosts are asked."""
        self.definitions: list[tuple[str, tuple[tuple[str, str], ...], str]] = []
        self.made: dict[str, Callable[[Names, int], str]] = {
            "text": self._text,
            "number": self._number,
            "yes/no": self._yes_no,
            "size": self._amount("size"),
            "duration": self._duration,
            "months": self._months,
            "date": self._date,
            "time": self._time,
            "path": self._path,
            "file": self._file,
            "row": self._row,
        }

    def of(self, kind: str, names: Names, depth: int = 3) -> str:
        """An expression of a type."""
        known = names.of(kind)
        if known and self.random.random() < 0.35:
            return self.random.choice(known)
        if kind.startswith("list of "):
            return self._list(kind[len("list of ") :], names, depth)
        if depth <= 0 and kind in LITERALS:
            return self.random.choice(LITERALS[kind])
        if depth > 0 and self.random.random() < 0.12 and (called := self._defined(kind, names, depth)):
            return called
        return self.made[kind](names, depth - 1)

    def value(self, kind: str, names: Names, depth: int) -> str:
        """An expression that can stand where only a value can: in brackets unless it is a single word."""
        made = self.of(kind, names, depth)
        return (
            made
            if made.isidentifier() or (made[:1] == "[" and made[-1:] == "]" and made.count("[") == 1)
            else f"({made})"
        )

    def _defined(self, kind: str, names: Names, depth: int) -> str:
        has_file = bool(names.of("file"))
        fitting = [
            one for one in self.definitions if one[2] == kind and (has_file or "file" not in dict(one[1]).values())
        ]
        if not fitting:
            return ""
        name, parameters, _ = self.random.choice(fitting)
        return name + "".join(f" {word} {self.value(type_, names, depth - 1)}" for word, type_ in parameters)

    # -- texts and paths ----------------------------------------------------------------------------------------------

    def template(self, names: Names, depth: int, pieces: int = 3) -> str:
        """A text between quotes, with holes."""
        parts = [self.piece(names, depth) for _ in range(self.random.randint(0, pieces))]
        return '"' + "".join(parts) + '"'

    def piece(self, names: Names, depth: int) -> str:
        if depth < 0 or self.random.random() < 0.4:
            return escaped(self.random.choice(WORDS))
        return self.hole(self.random.choice(SHOWN), names, depth)

    def hole(self, kind: str, names: Names, depth: int) -> str:
        form = f":{self.random.choice(FORMATS[kind])}" if kind in FORMATS and self.random.random() < 0.4 else ""
        return "{" + self.of(kind, names, depth) + form + "}"

    def _text(self, names: Names, depth: int) -> str:
        d, roll = depth, self.random.random()
        file = names.of("file")
        if names.of("row") and roll < 0.3:
            return self.column(self.random.choice(names.of("row")))
        if names.of("attachment") and roll < 0.3:
            return f"{self.random.choice(names.of('attachment'))}.{self.random.choice((*REAL, 'kind', 'text'))}"
        if names.of("mail") and roll < 0.35:
            return f"mail.{self.pick('subject', 'sender', 'sender_name', 'text', 'account')}"
        if names.of("gone file") and roll < 0.25:
            return f"file.{self.random.choice(REAL)}"
        if file and roll < 0.35:
            return f"{self.random.choice(file)}.{self.random.choice(PROPERTIES['text'])}"
        if roll < 0.5 or d < 0:
            return f'"{escaped(self.random.choice(WORDS))}"'
        if self.reaches and roll < 0.58:
            if self.random.random() < 0.3:
                return f"(answer of {self.address(names, d, HOSTS[0])} using token)"
            return f"(answer of {self.address(names, d)})"
        if names.of("error") and roll < 0.6:
            return "error.message"
        if roll < 0.7:
            return self.template(names, d)
        return self.random.choice(
            (
                lambda: f"{self.pick('lowercase', 'uppercase', 'trimmed')} of {self.value('text', names, d)}",
                lambda: (
                    f"(text {self.pick('after', 'before')} {self.value('text', names, d)} in {self.value('text', names, d)} default {self.value('text', names, d)})"
                ),
                lambda: (
                    f"({self.pick('first', 'last', 'lowest', 'highest')} of {self.value('list of text', names, d)} default {self.value('text', names, d)})"
                ),
                lambda: (
                    f'(match of "{self.random.choice(PATTERNS)}"{self.pick("", " ignoring case")} in {self.value("text", names, d)} default {self.value("text", names, d)})'
                ),
                lambda: self._worded(names, d),
                lambda: self._worded(names, d),
            )
        )()

    def address(self, names: Names, d: int, host: str = "") -> str:
        """A web address with holes."""
        parts = [
            self.pick("a", "x.y", "%20", "{" + self.of("text", names, min(d, 1)) + "}")
            for _ in range(self.random.randint(0, 2))
        ]
        query = (
            f"?q={{{self.of(self.pick('text', 'number', 'date'), names, min(d, 1))}}}"
            if self.random.random() < 0.3
            else ""
        )
        return f'"{host or self.random.choice(HOSTS)}{"".join("/" + part for part in parts)}{query}"'

    def _worded(self, names: Names, d: int) -> str:
        """A text made of texts."""
        text, mark = self.value("text", names, d), f'"{escaped(self.random.choice(MARKS))}"'
        return self.random.choice(
            (
                lambda: f"{self.pick('capitalised', 'filename')} of {text}",
                lambda: f"replacing of {mark} in {text} using {self.value('text', names, d)}",
                lambda: f"replacing of {self.value('text', names, d)} in {text} using {mark}",
                lambda: f"text of {self.value('list of text', names, d)} using {mark}",
                lambda: f"{self.pick('beginning', 'ending')} of {self._letters(names, d)} in {text}",
                lambda: f"(text after {mark} before {self.value('text', names, d)} in {text} default {mark})",
                lambda: f"padded of {self._letters(names, d)} {self.pick('before', 'after')} {text} using {mark}",
            )
        )()

    def _letters(self, names: Names, d: int) -> str:
        """How many letters: mostly a number that can be one."""
        if self.random.random() < 0.8:
            return self.pick("0", "1", "2", "3", "12", "300")
        return self.value("number", names, d)

    def _path(self, names: Names, depth: int) -> str:
        """Asked for only where there is a file, or a path that has a name."""
        return f"{self.random.choice(names.of('file'))}.{self.random.choice(PROPERTIES['path'])}"

    def _file(self, names: Names, depth: int) -> str:
        files = names.of("file")
        assert files, "a file is asked for only where there is one"
        if depth > 0 and self.random.random() < 0.3:
            return f"({self.pick('first', 'last')} of {self.value('list of file', names, depth)} default {self.random.choice(files)})"
        return self.random.choice(files)

    # -- amounts ------------------------------------------------------------------------------------------------------

    def _number(self, names: Names, depth: int) -> str:
        d, files = depth, names.of("file")
        if names.of("mail") and self.random.random() < 0.1:
            return "count of mail.attachments"
        if files and self.random.random() < 0.1:
            return f"{self.random.choice(files)}.{self.random.choice(PROPERTIES['number'])}"
        if d < 0 or self.random.random() < 0.25:
            return self.random.choice(NUMBERS)
        return self.random.choice(
            (
                lambda: (
                    f"{self.value('number', names, d)} {self.pick('+', '-', '*', '/')} {self.value('number', names, d)}"
                ),
                lambda: f"(-{self.value('number', names, d)})",
                lambda: f"count of {self.value(self.pick('list of text', 'list of file', 'list of number'), names, d)}",
                lambda: f'count of files in "{self.random.choice(FILES_IN)}"',
                lambda: (
                    f"(number after {self.value('text', names, d)} in {self.value('text', names, d)} default {self.value('number', names, d)})"
                ),
                lambda: (
                    f"({self.pick('sum', 'lowest', 'highest', 'first')} of {self.value('list of number', names, d)} default {self.value('number', names, d)})"
                ),
                lambda: f"{self.value('size', names, d)} / {self.value('size', names, d)}",
                lambda: (
                    f"(average of {self.value('list of number', names, d)} default {self.value('number', names, d)})"
                ),
                lambda: f"(number in {self.value('text', names, d)} default {self.value('number', names, d)})",
                lambda: f"(sum of (numbers in {self.value('list of text', names, d)}) default 0)",
                lambda: f"count of {self.value('list of row', names, d)}",
                lambda: f"length of {self.value('text', names, d)}",
                lambda: (
                    f"{self.pick('days', 'months', 'years', 'workdays')} after {self.value('date', names, d)} before {self.value('date', names, d)}"
                ),
                lambda: (
                    f"{self.value('date', names, d)}.{self.pick('year', 'quarter', 'month', 'week', 'day', 'hour', 'minute')}"
                ),
                lambda: f"{self.value('time', names, d)}.{self.pick('hour', 'minute')}",
                lambda: f"{self.value('duration', names, d)}.{self.pick('days', 'hours', 'minutes', 'seconds')}",
                lambda: f"{self.value('duration', names, d)} / {self.value('duration', names, d)}",
            )
        )()

    def _amount(self, kind: str) -> Callable[[Names, int], str]:
        """Sizes and durations are computed with alike."""

        def make(names: Names, depth: int) -> str:
            d, roll = depth, self.random.random()
            files = names.of("file")
            if kind == "size" and names.of("attachment") and roll < 0.4:
                return f"{self.random.choice(names.of('attachment'))}.size"
            if files and roll < 0.4:
                return f"{self.random.choice(files)}.{self.random.choice(PROPERTIES[kind])}"
            if d < 0 or roll < 0.55:
                return self.random.choice(LITERALS[kind])
            return self.random.choice(
                (
                    lambda: f"{self.value(kind, names, d)} {self.pick('+', '-')} {self.value(kind, names, d)}",
                    lambda: f"{self.value(kind, names, d)} {self.pick('*', '/')} {self.value('number', names, d)}",
                    lambda: f"{self.value('number', names, d)} * {self.value(kind, names, d)}",
                    lambda: f"(-{self.value(kind, names, d)})",
                    lambda: (
                        f"({self.pick('sum', 'lowest', 'highest', 'last')} of {self.value(f'list of {kind}', names, d)} default {self.value(kind, names, d)})"
                    ),
                )
            )()

        return make

    def _duration(self, names: Names, depth: int) -> str:
        if depth > 0 and self.random.random() < 0.2:
            return f"{self.value('date', names, depth)} - {self.value('date', names, depth)}"
        return self._amount("duration")(names, depth)

    def _months(self, names: Names, depth: int) -> str:
        if depth > 0 and self.random.random() < 0.3:
            return f"{self.value('months', names, depth)} {self.pick('+', '-')} {self.value('months', names, depth)}"
        return self.random.choice(MONTHS)

    def _date(self, names: Names, depth: int) -> str:
        files, roll = names.of("file"), self.random.random()
        if names.of("mail") and roll < 0.2:
            return "mail.date"
        if files and roll < 0.3:
            return f"{self.random.choice(files)}.{self.random.choice(PROPERTIES['date'])}"
        if depth < 0 or roll < 0.6:
            return self.pick("now", "today", *DATES)
        d = depth
        return self.random.choice(
            (
                lambda: (
                    f"{self.value('date', names, d)} {self.pick('+', '-')} {self.value(self.pick('duration', 'months'), names, d)}"
                ),
                lambda: (
                    f"{self.value('date', names, d)} {self.pick('+', '-')} {self.value(self.pick('duration', 'months'), names, d)}"
                ),
                lambda: (
                    f"{self.pick('start', 'end')} of {self.pick('day', 'week', 'month', 'quarter', 'year')} of {self.value('date', names, d)}"
                ),
                lambda: f"workday of {self.value('number', names, d)} after {self.value('date', names, d)}",
                lambda: f"(date in {self.dated(names, d)} default {self.value('date', names, d)})",
                lambda: (
                    f"(date after {self.value('text', names, d)} in {self.dated(names, d)} default {self.value('date', names, d)})"
                ),
                lambda: (
                    f'(date of {self.dated(names, d)} in "{self.random.choice(FORMS)}" default {self.value("date", names, d)})'
                ),
                lambda: (
                    f'{self.pick("day", "moment")} of {self.value("date", names, d)} in "{self.random.choice(PLACES)}"'
                ),
            )
        )()

    def dated(self, names: Names, depth: int) -> str:
        """A text that may well hold a date."""
        return f'"{self.random.choice(DATED)}"' if self.random.random() < 0.7 else self.value("text", names, depth)

    def _time(self, names: Names, depth: int) -> str:
        if depth > 0 and self.random.random() < 0.2:
            return f"({self.pick('lowest', 'highest', 'first')} of {self.value('list of time', names, depth)} default {self.random.choice(TIMES)})"
        if depth > 0 and self.random.random() < 0.2:
            if self.random.random() < 0.5:
                return f"{self.value('date', names, depth)}.time"
            return f'time of {self.value("date", names, depth)} in "{self.random.choice(PLACES)}"'
        return self.random.choice(TIMES)

    # -- conditions ---------------------------------------------------------------------------------------------------

    def _yes_no(self, names: Names, depth: int) -> str:
        d = depth
        if d < 0:
            return self.pick("yes", "no")
        if names.of("mail") and self.random.random() < 0.15:
            return "mail.has_attachments"
        named = names.of("file") + names.of("attachment")
        if named and self.random.random() < 0.4:
            return self.about_name(self.random.choice(named))
        kind = self.random.choice(ORDERED)
        return self.random.choice(
            (
                lambda: f"not {self.value('yes/no', names, d)}",
                lambda: f"{self.value('yes/no', names, d)} {self.pick('and', 'or')} {self.value('yes/no', names, d)}",
                lambda: (
                    f"{self.value(kind, names, d)} {self.pick('<', '>', '<=', '>=', 'is', 'is not')} {self.value(kind, names, d)}"
                ),
                lambda: (
                    f"{self.value(kind, names, d)} between {self.value(kind, names, d)} and {self.value(kind, names, d)}"
                ),
                lambda: (
                    f"{self.value('text', names, d)} {self.pick('is', 'is not', 'contains', 'starts with', 'ends with')} {self.value('text', names, d)}{self.pick('', ' ignoring case')}"
                ),
                lambda: f"{self.value(kind, names, d)} is any of {self.value(f'list of {kind}', names, d)}",
                lambda: (
                    f"{self.value('text', names, d)} {self.pick('contains any of', 'contains all of')} {self.value('list of text', names, d)}{self.pick('', ' ignoring case')}"
                ),
                lambda: f"{self.value(f'list of {kind}', names, d)} contains {self.value(kind, names, d)}",
                lambda: (
                    f"{self.value(f'list of {kind}', names, d)} {self.pick('contains any of', 'contains all of', 'is')} {self.value(f'list of {kind}', names, d)}"
                ),
                lambda: (
                    f'{self.value("text", names, d)} matches "{self.random.choice(PATTERNS)}"{self.pick("", " ignoring case")}'
                ),
            )
        )()

    # -- lists --------------------------------------------------------------------------------------------------------
