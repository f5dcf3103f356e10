"""From Lark's parse tree to the syntax tree, with every literal read to its exact value."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from klr import syntax as s
from klr import types
from klr.diagnostics import Diagnostic, Edit
from klr.lexer import Token
from klr.machine import Tree
from klr.source import Source, Span
from klr.start_builder import StartBuilder
from klr.values import Months

UNITS_OF_SIZE = {
    "byte": 1, "bytes": 1, "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "kiB": 2**10, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
UNITS_OF_TIME = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
MOST_MONTHS = 12 * 9999
ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
_PIECE = re.compile(r"\\(.)|\{\{|\}\}|[^\\{}]+", re.DOTALL)


_ODD_DATE = re.compile(r"(\d{4})([/-])(\d{1,2})\2(\d{1,2})")
_OF_WINDOWS = re.compile(r'"(?:[A-Za-z]:\\|~\\|\.\.?\\)')


def slashed(path: str) -> str:
    """A path of Windows as klapp writes it: below the own folder where that can be told. Quotes around it stay."""
    plain = re.sub(r"\\+", "/", path)
    plain = re.sub(r'^("?)[A-Za-z]:/Users/[^/"]+(?=[/"]|$)', r"\1~", plain)
    return re.sub(r'^("?)[A-Za-z]:(?=/)', r"\1", plain)


class Builder(StartBuilder):
    """Builds syntax nodes bottom-up; what a literal gets wrong goes to ``diagnostics``."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []

    def build(self, tree: Tree) -> tuple[s.Node, ...]:
        """The parts of a whole file, in order; the ``coworker`` and ``about`` lines come as ("coworker", Template)."""
        return tuple(self._node(child) for child in tree.children)

    # -- plumbing -----------------------------------------------------------------------------------------------------

    def _node(self, item: Any) -> Any:
        if isinstance(item, Token):
            return item
        return getattr(self, "_" + item.data.lstrip("_"))(item)

    @staticmethod
    def _span(item: Tree | Token) -> Span:
        return Span(item.start_pos, item.end_pos) if item.start_pos >= 0 else Span(0, 0)

    def _line(self, item: Tree) -> Span:
        """The span of a line or block without the line break that ends it, nor a comment before that."""
        last = item.children[-1]
        if isinstance(last, Token) and last.type == "NEWLINE" and len(item.children) > 1:
            last = item.children[-2]
        return Span(self._span(item).start, self._span(last).end)

    def _error(self, code: str, message: str, span: Span, help: str = "") -> None:
        self.diagnostics.append(Diagnostic(code, message, span, help))

    @staticmethod
    def _parts(item: Tree) -> list[Any]:
        """The children that carry meaning."""
        return [c for c in item.children if not (isinstance(c, Token) and c.type in ("NEWLINE", "END"))]

    # -- parts of a coworker ------------------------------------------------------------------------------------------

    def _coworker_line(self, item: Tree) -> tuple[str, s.Template]:
        return "coworker", self._node(item.children[0])

    def _about_line(self, item: Tree) -> tuple[str, s.Template]:
        return "about", self._node(item.children[0])

    def _may_line(self, item: Tree) -> s.May:
        words = [str(c) for c in self._parts(item) if isinstance(c, Token) and c.type not in ("OF", "FROM", "IN")]
        trees = [c for c in item.children if isinstance(c, Tree)]
        patterns = tuple(self._node(c) for c in trees if c.data == "template")
        to = tuple(self._node(c) for tree in trees if tree.data == "to_hosts" for c in tree.children[1:])
        return s.May(" ".join(words), patterns, to, span=self._line(item))

    def _setting_line(self, item: Tree) -> s.SettingLine:
        name, written, value, *more = (c for c in self._parts(item) if getattr(c, "type", "") != "SHOWN_AS")
        bounds = self._node(more.pop(0)) if more and more[0].data.startswith("bounds") else None
        shown = self._node(more[0]) if more else None
        return s.SettingLine(str(name), self._type(written), self._node(value), shown, bounds, span=self._line(item))

    def _bounds_range(self, item: Tree) -> s.Bounds:
        _, low, _, high = item.children
        return s.Bounds((self._node(low), self._node(high)), span=self._span(item))

    def _bounds_choice(self, item: Tree) -> s.Bounds:
        return s.Bounds((self._node(item.children[1]),), span=self._span(item))

    def _secret_line(self, item: Tree) -> s.SecretLine:
        name, _, host, *rest = self._parts(item)
        given = {word.type: self._node(value) for word, value in zip(rest[::2], rest[1::2], strict=True)}
        return s.SecretLine(str(name), self._node(host), given.get("AS"), given.get("SHOWN_AS"), span=self._line(item))

    def _limit_line(self, item: Tree) -> s.LimitLine:
        amount, *words = self._parts(item)
        if isinstance(amount, Token):
            value = s.Literal(Decimal(str(amount)), types.NUMBER, str(amount), span=self._span(amount))
            return s.LimitLine(value, str(words[0]), span=self._line(item))
        return s.LimitLine(self._node(amount), span=self._line(item))

    def _define_line(self, item: Tree) -> s.Define:
        name, *parameters, value = self._parts(item)
        return s.Define(str(name), tuple(map(self._parameter, parameters)), self._node(value), span=self._line(item))

    def _parameter(self, item: Tree) -> s.Parameter:
        preposition, name, written = item.children
        word = str(preposition.children[0])  # type: ignore[union-attr]
        return s.Parameter(word, str(name), self._type(written), span=self._span(item))  # type: ignore[arg-type]

    def _type(self, item: Tree) -> tuple[str, ...]:
        if item.data == "yes_no_type":
            return ("yes/no",)
        first, *rest = item.children
        if isinstance(first, Token) and first.type == "LIST_OF":
            return ("list", "of", *self._type(rest[0]))  # type: ignore[arg-type]
        return ("/".join(map(str, item.children)),)

    def _rule_block(self, item: Tree) -> s.RuleBlock:
        trigger, *rest = self._parts(item)
        options = [one for one in rest if getattr(one, "data", "").startswith("option_")]
        body, *after = rest[len(options) :]
        on_error = self._node(after[1]) if after else None
        built = tuple(map(self._node, options))
        return s.RuleBlock(self._node(trigger), self._node(body), on_error, built, span=self._line(item))

    def _test_block(self, item: Tree) -> s.TestBlock:
        name, *steps = self._parts(item)
        return s.TestBlock(self._node(name), tuple(map(self._node, steps)), span=self._line(item))

    def _given(self, item: Tree) -> s.Given:
        what, value, *details = self._parts(item)
        return s.Given(str(what), self._node(value), tuple(map(self._node, details)), span=self._line(item))

    def _given_setting(self, item: Tree) -> s.Given:
        name, value = self._parts(item)
        named = s.Name(str(name), span=self._span(name))
        return s.Given("setting", self._node(value), (("name", named),), span=self._line(item))

    def _given_answer(self, item: Tree) -> s.Given:
        what, name, value = self._parts(item)
        named = s.Name(str(name), span=self._span(name))
        return s.Given(str(what), self._node(value), (("name", named),), span=self._line(item))

    def _detail(self, item: Tree) -> tuple[str, s.Expression]:
        *_, name, value = item.children
        return str(name), self._node(value)

    def _event_when(self, item: Tree) -> s.Event:
        words = [c for c in self._parts(item) if isinstance(c, Token)]
        value = next((self._node(c) for c in item.children if isinstance(c, Tree)), None)
        when = s.When(tuple(map(str, words)), (), span=self._span(words[0]).to(self._span(words[-1])))
        return s.Event(when, value, span=self._line(item))

    def _event_other(self, item: Tree) -> s.Event:
        other, *words = self._parts(item)
        when = s.When(tuple(map(str, words)), other=self._node(other), span=self._span(item))
        return s.Event(when, span=self._line(item))

    def _event_clock(self, item: Tree) -> s.Event:
        return s.Event(self._node(item.children[0]), span=self._line(item))

    def _expect(self, item: Tree) -> s.Expect:
        parts = self._parts(item)
        absent = parts[0].type == "NO" if isinstance(parts[0], Token) else False
        what, *rest = parts[1:] if absent else parts
        value, *details = map(self._node, rest) if rest else (None,)
        return s.Expect(str(what), value, tuple(details), absent, span=self._line(item))

    # -- statements ---------------------------------------------------------------------------------------------------

    def _block(self, item: Tree) -> s.Block:
        return s.Block(tuple(map(self._node, item.children)), span=self._span(item))

    def _let(self, item: Tree) -> s.Let:
        name, value = self._parts(item)
        return s.Let(str(name), self._node(value), span=self._line(item))

    def _if(self, item: Tree) -> s.If:
        condition, body, *rest = self._parts(item)
        branches = [(self._node(condition), self._node(body))]
        otherwise = None
        for branch in rest:
            if branch.data == "else_if":
                _, condition, body = self._parts(branch)
                branches.append((self._node(condition), self._node(body)))
            else:
                otherwise = self._node(branch.children[-1])
        return s.If(tuple(branches), otherwise, span=self._line(item))

    def _for_each(self, item: Tree) -> s.ForEach:
        _, name, _, items, body, *rest = self._parts(item)
        on_error = self._node(rest[1]) if rest else None
        return s.ForEach(str(name), self._node(items), self._node(body), on_error, span=self._line(item))

    def _attempt(self, item: Tree) -> s.Attempt:
        body, _, on_error = self._parts(item)
        return s.Attempt(self._node(body), self._node(on_error), span=self._line(item))

    def _attempted(self, item: Tree) -> s.Attempt:
        """``move file to "..." on error notify "..."``."""
        action, _, on_error = item.children
        one, other = self._node(action), self._node(on_error)
        body, handler = (s.Block((statement,), span=statement.span) for statement in (one, other))
        return s.Attempt(body, handler, on_one_line=True, span=self._line(item))

    def _action(self, item: Tree) -> s.Action:
        verb, *rest = self._parts(item)
        slots = tuple(slot for c in rest if c.data == "slot" for slot in _apart(*self._slot(c)))
        objects = [c for c in rest if c.data != "slot"]
        words = tuple(map(str, _leaves(verb)))
        return s.Action(words, self._node(objects[0]) if objects else None, slots, span=self._line(item))

    def _slot(self, item: Tree) -> tuple[str, s.Expression]:
        word, value = item.children
        return " ".join(str(word.children[0]).split()), self._node(value)  # type: ignore[union-attr]

    # -- expressions --------------------------------------------------------------------------------------------------

    def _where(self, item: Tree) -> s.Where:
        items, condition = map(self._node, item.children)
        return s.Where(items, condition, span=self._span(item))

    def _sorted_by(self, item: Tree) -> s.SortedBy:
        items, _, key, *descending = item.children
        return s.SortedBy(self._node(items), self._node(key), bool(descending), span=self._span(item))

    def _grouped_by(self, item: Tree) -> s.GroupedBy:
        items, _, key = item.children
        return s.GroupedBy(self._node(items), self._node(key), span=self._span(item))

    def _field(self, item: Tree) -> s.Field:
        of, column = map(self._node, item.children)
        return s.Field(of, column, span=self._span(item))

    def _row_of(self, item: Tree) -> s.RowOf:
        return s.RowOf(tuple(map(self._node, item.children)), span=self._span(item))

    def _cell(self, item: Tree) -> tuple[s.Template, s.Expression]:
        column, value = map(self._node, item.children)
        return column, value

    def _binary(self, item: Tree) -> s.Expression:
        left, operator, right = item.children
        span = self._span(item)
        if str(operator) in "/-" and (found := _ODD_DATE.fullmatch(self.source.cut(span))):
            return self._odd_date(item, span, f"{found[1]}-{int(found[3]):02d}-{int(found[4]):02d}")
        return s.Binary(str(operator), self._node(left), self._node(right), span=span)

    def _odd_date(self, item: Tree, span: Span, new: str) -> s.Literal:
        """``2026/03/09``: a division by its signs, a date by its digits."""
        old = self.source.cut(span)
        help = f"Write {new}. A date is year-month-day, such as 2026-03-09."
        message = f"klapp does not know the date `{old}`."
        self.diagnostics.append(Diagnostic("K105", message, span, help, (Edit(span, old, new),)))
        return self._literal(item, datetime(2000, 1, 1), types.DATE, new)

    def _compared(self, item: Tree) -> s.Binary:
        left, comparator, right, *ignoring = item.children
        operator = " ".join(str(comparator.children[0]).split())  # type: ignore[union-attr]
        return s.Binary(operator, self._node(left), self._node(right), bool(ignoring), span=self._span(item))

    def _matches(self, item: Tree) -> s.Matches:
        value, _, pattern, *ignoring = item.children
        return s.Matches(self._node(value), str(pattern)[1:-1], bool(ignoring), span=self._span(item))

    def _match(self, item: Tree) -> s.Match:
        word, pattern, *ignoring, _, value = item.children
        every = str(word).startswith("matches")
        return s.Match(str(pattern)[1:-1], self._node(value), every, bool(ignoring), span=self._span(item))

    def _between(self, item: Tree) -> s.Between:
        value, low, _, high = item.children
        return s.Between(self._node(value), self._node(low), self._node(high), span=self._span(item))

    def _negated(self, item: Tree) -> s.Unary:
        return s.Unary("not", self._node(item.children[0]), span=self._span(item))

    def _minus(self, item: Tree) -> s.Unary:
        return s.Unary("-", self._node(item.children[1]), span=self._span(item))

    def _call(self, item: Tree) -> s.Call:
        name, *rest = item.children
        pairs = zip(rest[::2], rest[1::2], strict=True)
        arguments = tuple((str(word.children[0]), self._node(value)) for word, value in pairs)  # type: ignore[union-attr]
        return s.Call(str(name), arguments, span=self._span(item))

    def _member(self, item: Tree) -> s.Member:
        of, name = item.children
        return s.Member(self._node(of), str(name), span=self._span(item))

    def _list_of(self, item: Tree) -> s.ListOf:
        return s.ListOf(tuple(map(self._node, item.children)), span=self._span(item))

    def _name(self, item: Tree) -> s.Name:
        return s.Name(str(item.children[0]), span=self._span(item))

    # -- literals -----------------------------------------------------------------------------------------------------

    def _literal(self, item: Tree, value: Any, kind: types.Type, written: str | None = None) -> s.Literal:
        return s.Literal(value, kind, written or str(item.children[0]), span=self._span(item))

    def _number(self, item: Tree) -> s.Literal:
        return self._literal(item, Decimal(str(item.children[0])), types.NUMBER)

    def _yes_no(self, item: Tree) -> s.Literal:
        return self._literal(item, str(item.children[0]) == "yes", types.YES_NO)

    def _size(self, item: Tree) -> s.Literal:
        number, unit = _amount(str(item.children[0]))
        size = number * UNITS_OF_SIZE[unit]
        if size != int(size):
            self._error("K105", f"`{number} {unit}` is not a whole number of bytes.", self._span(item))
        return self._literal(item, int(size), types.SIZE, f"{number:f} {unit}")

    def _duration(self, item: Tree) -> s.Literal:
        number, unit = _amount(str(item.children[0]))
        one = UNITS_OF_TIME[unit.removesuffix("s")]
        try:
            # In whole microseconds, so that no float comes near it.
            value = timedelta(microseconds=int(number * (one // timedelta(microseconds=1))))
        except OverflowError:
            self._error("K105", f"`{number} {unit}` is too long a time.", self._span(item))
            value = timedelta()
        return self._literal(item, value, types.DURATION, f"{number:f} {unit}")

    def _months(self, item: Tree) -> s.Literal:
        number, unit = _amount(str(item.children[0]))
        count = int(number) * (12 if unit.startswith("year") else 1)
        if count > MOST_MONTHS:
            self._error("K105", f"`{number} {unit}` is too long a time.", self._span(item))
            count = 0
        return self._literal(item, Months(count), types.MONTHS, f"{number:f} {unit}")

    def _date(self, item: Tree) -> s.Literal:
        written = " ".join(str(item.children[0]).split())
        day, _, clock = written.partition(" ")
        try:
            value = datetime.strptime(f"{day} {_padded(clock)}", "%Y-%m-%d %H:%M:%S")
        except ValueError:
            self._error(
                "K105",
                f"There is no date `{written}`.",
                self._span(item),
                "A date is year-month-day, such as 2026-03-09.",
            )
            value = datetime(2000, 1, 1)
        return self._literal(item, value, types.DATE, day if not clock else f"{day} {_shortest(value.time())}")

    def _time(self, item: Tree) -> s.Literal:
        return self._time_token(item.children[0])  # type: ignore[arg-type]

    def _time_token(self, token: Token) -> s.Literal:
        try:
            value = datetime.strptime(_padded(str(token)), "%H:%M:%S").time()
        except ValueError:
            self._error(
                "K105",
                f"There is no time `{token}`.",
                self._span(token),
                "A time is hours:minutes, from 00:00 to 23:59.",
            )
            value = time()
        return s.Literal(value, types.TIME, _shortest(value), span=self._span(token))

    def _template(self, item: Tree) -> s.Template:
        parts: list[str | s.Hole] = []
        windows = self._is_of_windows(item)
        for child in item.children[1:-1]:
            if not isinstance(child, Token):
                parts.append(self._hole(child))
            else:
                parts.append(slashed(str(child)) if windows else self._text(child))
        return s.Template(tuple(p for p in parts if p != ""), span=self._span(item))

    def _is_of_windows(self, item: Tree) -> bool:
        """Whether a text is a path as Windows has it; that is told."""
        span = self._span(item)
        written = self.source.cut(span)
        if not _OF_WINDOWS.match(written):
            return False
        new = slashed(written)
        help = f"Write {new}."
        message = "A path is written with `/`, and begins with `~/` or `/`."
        self.diagnostics.append(Diagnostic("K306", message, span, help, (Edit(span, written, new),)))
        return True

    def _hole(self, item: Tree) -> s.Hole:
        value, *form = item.children
        return s.Hole(self._node(value), str(form[0]) if form else "", span=self._span(item))

    def _text(self, token: Token) -> str:
        start = self._span(token).start
        pieces: list[str] = []
        for match in _PIECE.finditer(str(token)):
            piece, escaped = match.group(), match.group(1)
            if escaped is None:
                pieces.append(piece[0] if piece in ("{{", "}}") else piece)
            elif escaped in ESCAPES:
                pieces.append(ESCAPES[escaped])
            else:
                place = Span(start + match.start(), start + match.end())
                self._error(
                    "K104",
                    f"`\\{escaped}` means nothing in a text.",
                    place,
                    'Write `\\\\` for a backslash; there are also `\\n` (new line), `\\t` and `\\"`.',
                )
        return "".join(pieces)


def _apart(word: str, value: s.Expression) -> tuple[tuple[str, s.Expression], ...]:
    """`as upload using token`: a word of a slot, and then another slot; to the grammar it looks like a call."""
    match value:
        case s.Call(arguments=((("using", key)),)) if word in ("as", "by", "on conflict"):
            start = value.span.start
            name = s.Name(value.name, span=Span(start, start + len(value.name)))
            return (word, name), ("using", key)
    return ((word, value),)


def _leaves(verb: Any) -> list[Token]:
    return [leaf for child in verb.children for leaf in ([child] if isinstance(child, Token) else _leaves(child))]


def _amount(written: str) -> tuple[Decimal, str]:
    match = re.fullmatch(r"([\d.]+)[ \t]*(\w+)", written)
    assert match, written  # the grammar lets nothing else through
    return Decimal(match[1]), match[2]


def _padded(clock: str) -> str:
    """``"9:05"`` as ``"9:05:00"``."""
    return (clock or "0:00") + (":00" if clock.count(":") < 2 else "")


def _shortest(moment: time) -> str:
    return moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
