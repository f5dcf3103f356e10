"""What expressions mean: the value of each, found by walking over it as it stands in the syntax tree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from klr import syntax as s
from tests.reference import dates, hosts, showing, tables
from tests.reference.functions import functions
from tests.reference.mails import OF_ATTACHMENT, OF_MAIL, Attachment, Mail
from tests.reference.operators import (
    LONGEST_TEXT,
    MOST_STEPS,
    NOT_EXACT,
    SPENT,
    TOO_LONG,
    Failure,
    add,
    arithmetic,
    caseless,
    compare,
    literal,
    negate,
    unfit,
)
from tests.reference.properties import OF_PATH, REAL_NAMES, TOLD, Path
from tests.reference.world import AT_PATHS

CHOSEN = {("start", ("of", "of")): (0,), ("end", ("of", "of")): (0,)}
"""Where a function takes one of its own words."""


class Spent(Exception):
    """A run wanted more than it may; nothing catches it."""


class Groups:
    """What the named groups of a pattern hold."""

    def __init__(self, held: dict[str, str | None]) -> None:
        self.held = held

    def __getitem__(self, name: str) -> str | None:
        return self.held[name]


@dataclass
class Scope:
    """Names and their values, over those further out; ``real`` are the names of pieces of real file names."""

    around: Scope | None = None
    values: dict[str, Any] = field(default_factory=dict)
    real: set[str] = field(default_factory=set)
    labels: dict[str, frozenset[Any]] = field(default_factory=dict)

    def home_of(self, name: str) -> Scope:
        """The scope that has a name."""
        if name in self.values:
            return self
        assert self.around is not None, f"{name} has no value"
        return self.around.home_of(name)

    def __getitem__(self, name: str) -> Any:
        return self.home_of(name).values[name]

    def is_real(self, name: str) -> bool:
        return name in self.home_of(name).real


class Evaluator:
    """The names of one run and what they hold, and the values of expressions over them. Whoever carries the run out says
    what comes of a question to the world: ``_ask``, ``_text_of``.

    ``home`` is the folder that ``~`` stands for.
    """

    def __init__(self, tree: s.Coworker, home: str, now: datetime, zone: str, settings: Mapping[str, Any]) -> None:
        self.home, self.now, self.zone = home, now, zone
        self.steps = 0
        self.definitions = {part.key: part for part in tree.parts if isinstance(part, s.Define)}
        self.functions = functions(add) | dates.functions(zone)
        today = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        self.root = Scope(None, {**settings, "now": now, "today": today})
        for part in tree.parts:
            if isinstance(part, s.SettingLine) and part.type in (("path",), ("folder",)):
                self.root.values[part.name] = self._home_path(self.root.values[part.name])

    def _ask(self, name: str, of: Any) -> Any:
        """What the world answers."""
        raise NotImplementedError

    def _text_of(self, paper: Attachment) -> Any:
        """The text of what came with a mail."""
        raise NotImplementedError

    def _home_path(self, written: str) -> Path:
        return Path(self.home + written[1:] if written == "~" or written.startswith("~/") else written)

    # -- texts and paths ----------------------------------------------------------------------------------------------

    def path(self, node: s.Expression, scope: Scope) -> Any:
        """A value where a path is wanted: a text that is written there is one."""
        if not isinstance(node, s.Template):
            return self.value(node, scope)
        return Path(self._checked(self.pieces(node, scope)))

    def pieces(self, node: s.Template, scope: Scope) -> str:
        """A text whose holes each stand for a name or a part of one."""
        text = ""
        for index, part in enumerate(node.parts):
            if isinstance(part, str):
                text += self.home + part[1:] if index == 0 and part.startswith("~/") else part
                continue
            value = self.value(part.value, scope)
            shown = showing.show_formatted(value, part.format) if part.format else showing.show(value)
            if not isinstance(value, Path):
                shown = self._name(shown, real=not part.format and self._is_real(part.value, scope))
            text += shown
        return text

    @staticmethod
    def _name(shown: str, real: bool) -> str:
        """A text as part of one name in a path."""
        if real:
            return shown
        for character in shown:
            if character == "/" or ord(character) < 32 or 127 <= ord(character) <= 159:
                raise Failure("value", unfit(shown, character))
        return shown

    def _text(self, node: s.Template, scope: Scope) -> str:
        text = ""
        for part in node.parts:
            if isinstance(part, str):
                text += part
            else:
                value = self.value(part.value, scope)
                text += showing.show_formatted(value, part.format) if part.format else showing.show(value)
        return self._checked(text)

    def _checked(self, text: str) -> str:
        if len(text) > LONGEST_TEXT:
            raise Failure("value", TOO_LONG)
        self._step(len(text) // 1000)
        return text

    def _over(self, items: tuple[Any, ...]) -> tuple[Any, ...]:
        """A list that is about to be gone through."""
        self._step(len(items) + 1)
        return items

    def _step(self, count: int) -> None:
        self.steps += count
        if self.steps > MOST_STEPS:
            raise Spent(SPENT)

    @staticmethod
    def _is_real(node: s.Expression, scope: Scope) -> bool:
        """Whether an expression is written as a piece of one real file's name."""
        if isinstance(node, s.Name):
            return scope.is_real(node.name)
        return isinstance(node, s.Member) and node.name in REAL_NAMES and not is_listing(node.of, scope)

    # -- expressions --------------------------------------------------------------------------------------------------

    def value(self, node: s.Expression, scope: Scope) -> Any:
        """The value of an expression."""
        match node:
            case s.Literal(value=value):
                return literal(value)
            case s.Template():
                return self._text(node, scope)
            case s.Name(name=name):
                return scope[name]
            case s.Member():
                of = self.value(node.of, scope)
                if isinstance(of, tables.Table) and node.name == "columns":
                    return of.columns
                if isinstance(of, Mail):
                    return OF_MAIL[node.name](of)
                if isinstance(of, tuple) and of and isinstance(of[0], Groups):
                    return tuple(one[node.name] for one in of if one[node.name] is not None)
                if isinstance(of, tuple):
                    return tuple(self._property(item, node.name) for item in self._over(of))
                return self._property(of, node.name)
            case s.ListOf(items=items):
                return tuple(self.value(item, scope) for item in items)
            case s.Unary(operator="not"):
                return not self.value(node.operand, scope)
            case s.Unary():
                return negate(self.value(node.operand, scope))
            case s.Between():
                value = self.value(node.value, scope)
                within = self._compared(">=", value, self.value(node.low, scope))
                return within and self._compared("<=", value, self.value(node.high, scope))
            case s.Matches():
                return pattern(node).search(self.value(node.value, scope)) is not None
            case s.Match():
                looked_for = pattern(node)
                matches = list(looked_for.finditer(self.value(node.value, scope)))
                if names := looked_for.groupindex:
                    named = tuple(Groups(one.groupdict()) for one in matches)
                    nothing = Groups(dict.fromkeys(names))
                    return named if node.every else named[0] if named else nothing
                found = [held(one) for one in matches]
                if node.every:
                    return tuple(one for one in found if one is not None)
                return found[0] if found else None
            case s.Where():
                items = self.value(node.items, scope)
                kept = [i for i in self._over(items) if self.value(node.condition, Scope(scope, {"it": i}))]
                return tables.some_of(items, kept)
            case s.SortedBy():
                items = self._over(self.value(node.items, scope))
                pairs = [(self.value(node.key, Scope(scope, {"it": i})), i) for i in items]
                ordered = sorted(pairs, key=lambda pair: pair[0], reverse=node.descending)
                return tables.some_of(items, [item for _, item in ordered])
            case s.GroupedBy():
                items = self._over(self.value(node.items, scope))
                return tables.grouped(items, [self.value(node.key, Scope(scope, {"it": i})) for i in items])
            case s.Field():
                return tables.field(self.value(node.of, scope), self._text(node.column, scope))
            case s.RowOf():
                names = tuple(column.constant or "" for column, _ in node.cells)
                return tables.Row(names, tuple(showing.show(self.value(value, scope)) for _, value in node.cells))
            case s.Call():
                return self._call(node.name, node.arguments, scope)
            case s.Binary():
                return self._binary(node, scope)
        raise AssertionError(f"no meaning for {type(node).__name__}")

    def _property(self, of: Any, name: str) -> Any:
        match of:
            case Groups():
                return of[name]
            case Attachment():
                return self._text_of(of) if name == "text" else OF_ATTACHMENT[name](of)
            case tables.Group():
                return of.key if name == "key" else of.items
            case Failure():
                assert name == "message"
                return of.message
            case Path():
                return OF_PATH[name](of)
            case datetime():
                return dates.OF_DATE[name](of)
            case time():
                return dates.OF_TIME[name](of)
            case timedelta():
                return dates.whole(name, of)
        if name == "age":
            return dates.between(self.now, of.modified, self.zone)
        return TOLD[name](of) if name in TOLD else self._ask(name, of)

    def _call(self, name: str, arguments: Sequence[tuple[str, s.Expression]], scope: Scope) -> Any:
        words = tuple(word for word, _ in arguments)
        values = [value for _, value in arguments]
        if (name, words) == ("files", ("in",)):
            if isinstance(values[0], s.Template):
                return self._ask("files", values[0].constant)
            below = "".join(f"[{c}]" if c in "*?[" else c for c in self.value(values[0], scope))
            return self._ask("files", f"{below}/**")
        if name == "answer" and (name, words) not in self.definitions:
            return self._ask(name, tuple(self._reaching(value, scope) for value in values))
        if words == ("in",) and name in AT_PATHS:
            return self._ask(name, self.path(values[0], scope))
        if (name, words) in self.definitions:
            define = self.definitions[name, words]
            inner = self._handed(define, values, scope)
            return self.path(define.value, inner) if is_path(define.value) else self.value(define.value, inner)
        if (name, words) in self.functions:
            chosen = CHOSEN.get((name, words), ())
            return self.functions[name, words](
                *(
                    v.name if i in chosen and isinstance(v, s.Name) else self.value(v, scope)
                    for i, v in enumerate(values)
                )
            )
        for cut in range(len(words) - 1, 0, -1):
            last = values[cut - 1]
            known = (name, words[:cut]) in self.functions or (name, words[:cut]) in self.definitions
            if known and isinstance(last, s.Name):
                inner_call = s.Call(last.name, tuple(arguments[cut:]))
                return self._call(name, (*arguments[: cut - 1], (words[cut - 1], inner_call)), scope)
        raise AssertionError(f"no function {name} {words}")

    def _handed(self, define: s.Define, values: Sequence[s.Expression], scope: Scope) -> Scope:
        """The scope of a definition that is called."""
        handed = {p.name: self.value(v, scope) for p, v in zip(define.parameters, values, strict=True)}
        return Scope(self.root, handed)

    def _binary(self, node: s.Binary, scope: Scope) -> Any:
        match node.operator:
            case "and":
                return self.value(node.left, scope) and self.value(node.right, scope)
            case "or":
                return self.value(node.left, scope) or self.value(node.right, scope)
            case "default":
                left = self._beside(node.left, node.right, scope)
                return self._beside(node.right, node.left, scope) if left is None else left
        left, right = self._beside(node.left, node.right, scope), self._beside(node.right, node.left, scope)
        if node.operator in ("+", "-", "*", "/"):
            return self._arithmetic(node.operator, left, right)
        if node.ignoring_case:
            left, right = caseless(left), caseless(right)
        return self._compared(node.operator, left, right)

    def _compared(self, operator: str, left: Any, right: Any) -> bool:
        if not isinstance(left, datetime) or operator not in ("<", ">", "<=", ">="):
            return compare(operator, left, right)
        if operator in ("<", ">="):
            return dates.is_before(left, right, self.zone) == (operator == "<")
        return dates.is_before(right, left, self.zone) == (operator == ">")

    def _arithmetic(self, operator: str, left: Any, right: Any) -> Any:
        try:
            if isinstance(left, datetime) and isinstance(right, timedelta):
                return dates.later(left, right if operator == "+" else -right, self.zone)
            if isinstance(left, datetime) and isinstance(right, datetime):
                return dates.between(left, right, self.zone)
        except OverflowError:
            raise Failure("value", NOT_EXACT) from None
        return arithmetic(operator, left, right)

    def _beside(self, node: s.Expression, other: s.Expression, scope: Scope) -> Any:
        """One side of an operator: a text that is written beside a path is a path itself."""
        beside_path = isinstance(node, s.Template) and self._gives_path(other, scope)
        return self.path(node, scope) if beside_path else self.value(node, scope)

    def _gives_path(self, node: s.Expression, scope: Scope) -> bool:
        match node:
            case s.Name(name=name):
                return isinstance(scope[name], Path)
            case s.Member(name="path" | "folder"):
                return not is_listing(node.of, scope)
            case s.Call(name=name, arguments=arguments):
                define = self.definitions.get((name, tuple(word for word, _ in arguments)))
                return define is not None and is_path(define.value)
        return False

    def _reaching(self, node: s.Expression, scope: Scope) -> str:
        """An address with its holes, or the name of a secret, which is all that is ever known of it here."""
        if isinstance(node, s.Name):
            return node.name
        assert isinstance(node, s.Template)
        pieces = [(part, False) if isinstance(part, str) else (self._shown(part, scope), True) for part in node.parts]
        return hosts.address(pieces)

    def _shown(self, part: s.Hole, scope: Scope) -> str:
        value = self.value(part.value, scope)
        return showing.show_formatted(value, part.format) if part.format else showing.show(value)


# -- what is written ----------------------------------------------------------------------------------------------------


def is_path(node: s.Expression) -> bool:
    """Whether a text that could be anything is meant as a path."""
    if not isinstance(node, s.Template) or not node.parts:
        return False
    first = node.parts[0]
    return isinstance(first, str) and first.startswith("~/")


def is_listing(node: s.Expression, scope: Scope) -> bool:
    """Whether an expression gives a list of files rather than one."""
    match node:
        case s.Name(name=name):
            return isinstance(scope[name], tuple)
        case s.Where() | s.SortedBy() | s.GroupedBy() | s.ListOf():
            return True
        case s.Member():
            return is_listing(node.of, scope)
        case s.Call(name=name):
            return name in ("files", "unique")
    return False


def pattern(node: s.Matches | s.Match) -> re.Pattern[str]:
    """A pattern as Python has it; the fuzzing writes only those that mean the same to RE2."""
    # The end of a text is its very end, also where a line break stands there.
    return re.compile(node.pattern.replace("$", r"\Z"), re.IGNORECASE if node.ignoring_case else 0)


def held(found: re.Match[str]) -> str | None:
    return found.group(1 if found.re.groups else 0)
