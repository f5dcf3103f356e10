"""The syntax tree of a coworker: plain frozen data, equal when two texts mean the same, wherever they stand."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

from klr.source import NOWHERE, Span
from klr.types import Type

_Kind = TypeVar("_Kind")

MISSING = "__missing__"
"""The name that stands where something unreadable stood; the checker says nothing more about it."""


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def node(kind: type[_Kind]) -> type[_Kind]:
    """A kind of node, which nobody changes once it is made.

    ``dataclass`` makes no more of it than what creates it. What compares and shows nodes is the same for all kinds: code
    of their own for each of forty, made at every start, took longer than to parse a usual file.
    """
    return dataclass(slots=True, eq=False, repr=False)(kind)


@node
class Node:
    """Anything that stands somewhere; the place does not take part in comparisons."""

    span: Span = field(default=NOWHERE, kw_only=True)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _parts_of(self) == _parts_of(other)

    def __hash__(self) -> int:
        return hash((type(self), *_parts_of(self)))

    def __repr__(self) -> str:
        parts = (f"{name}={getattr(self, name)!r}" for name in names_of_parts(self))
        return f"{type(self).__name__}({', '.join(parts)})"


_PARTS: dict[type[Node], tuple[str, ...]] = {}


def names_of_parts(node: Node) -> tuple[str, ...]:
    """The names of what a node of this kind is made of, looked up once; where it stands is none of it."""
    names = _PARTS.get(type(node))
    if names is None:
        names = _PARTS[type(node)] = tuple(each.name for each in fields(node) if each.name != "span")
    return names


def _parts_of(node: Node) -> list[Any]:
    return [getattr(node, name) for name in names_of_parts(node)]


# -- expressions ------------------------------------------------------------------------------------------------------


@node
class Literal(Node):
    """A number, size, duration, date, time or yes/no. ``written`` is its one form, as the formatter prints it."""

    value: Any
    type: Type
    written: str


@node
class Hole(Node):
    """``{expression:format}`` in a text."""

    value: Expression
    format: str = ""


@node
class Template(Node):
    """A text: pieces as they read (escapes resolved) and holes; never two pieces in a row, nor an empty one."""

    parts: tuple[str | Hole, ...]

    @property
    def constant(self) -> str | None:
        """The whole text where it has no hole, else None."""
        if not self.parts:
            return ""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], str) else None


_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "{": "{{", "}": "}}"})


def escaped(text: str) -> str:
    """``text`` as it is written between the quotes of a text without holes."""
    return text.translate(_ESCAPES)


@node
class Name(Node):
    """A variable, a setting, ``it``, ``now``, ``today``, or one of a slot's words."""

    name: str


@node
class Member(Node):
    """``of.name``."""

    of: Expression
    name: str


@node
class ListOf(Node):
    """``[a, b]``."""

    items: tuple[Expression, ...]


@node
class Unary(Node):
    """``not x`` or ``-x``."""

    operator: str
    operand: Expression


@node
class Binary(Node):
    """``left operator right``; ``ignoring_case`` for comparisons of texts."""

    operator: str
    left: Expression
    right: Expression
    ignoring_case: bool = False


@node
class Between(Node):
    """``value between low and high``, both ends included."""

    value: Expression
    low: Expression
    high: Expression


@node
class Where(Node):
    """``items where condition``; the condition calls each element ``it``."""

    items: Expression
    condition: Expression


@node
class SortedBy(Node):
    """``items sorted by key [descending]``; the key calls each element ``it``."""

    items: Expression
    key: Expression
    descending: bool = False


@node
class GroupedBy(Node):
    """``items grouped by key``; the key calls each element ``it``."""

    items: Expression
    key: Expression


@node
class Field(Node):
    """``of."column"``."""

    of: Expression
    column: Template


@node
class RowOf(Node):
    """``["column": value, ...]``."""

    cells: tuple[tuple[Template, Expression], ...]


@node
class Call(Node):
    """``name preposition argument preposition argument``, flat as written: ``number after "Total" in file.text``."""

    name: str
    arguments: tuple[tuple[str, Expression], ...]


@node
class Matches(Node):
    """``value matches "pattern"``."""

    value: Expression
    pattern: str
    ignoring_case: bool = False


@node
class Match(Node):
    """``match of "pattern" in value``, or, where ``every`` is set, ``matches of "pattern" in value``."""

    pattern: str
    value: Expression
    every: bool = False
    ignoring_case: bool = False


Expression = (
    Matches | Match | Literal | Template | Name | Member | ListOf | Unary | Binary | Between | Where | SortedBy | GroupedBy
    | Field | RowOf | Call
)  # fmt: skip


def constant(node: Expression) -> Any:
    """The value of an expression that has no variable in it; raises ValueError for every other."""
    match node:
        case Literal():
            return node.value
        case Template() if node.constant is not None:
            return node.constant
        case ListOf():
            return tuple(map(constant, node.items))
        case Unary(operator="-", operand=Literal(value=value)) if not isinstance(value, bool):
            return -value
    raise ValueError("not a constant")


def children(node: Expression) -> tuple[Expression, ...]:
    """The expressions that an expression is made of, but for those with an ``it`` of their own."""
    match node:
        case Template():
            return tuple(part.value for part in node.parts if isinstance(part, Hole))
        case ListOf():
            return node.items
        case Unary():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Between():
            return (node.value, node.low, node.high)
        case Matches() | Match():
            return (node.value,)
        case Field():
            return (node.of, node.column)
        case RowOf():
            return tuple(value for _, value in node.cells)
    return ()


# -- statements -------------------------------------------------------------------------------------------------------


@node
class Let(Node):
    """``let name = value``."""

    name: str
    value: Expression


@node
class If(Node):
    """``if`` with its ``else if`` branches in order; ``otherwise`` is None without an ``else``."""

    branches: tuple[tuple[Expression, Block], ...]
    otherwise: Block | None


@node
class ForEach(Node):
    """``for each name in items``; ``on_error`` is what happens for an element where its body fails."""

    name: str
    items: Expression
    body: Block
    on_error: Block | None = None


@node
class Attempt(Node):
    """``try`` something, and what happens where that fails; or ``ACTION on error ACTION``, on one line."""

    body: Block
    on_error: Block
    on_one_line: bool = False


@node
class Action(Node):
    """``verb object slot value ...``; ``words`` are the verb as written, such as ("make", "folder")."""

    words: tuple[str, ...]
    object: Expression | None
    slots: tuple[tuple[str, Expression], ...]


Statement = Let | If | ForEach | Attempt | Action


@node
class Block(Node):
    """Statements in order; ``span`` ends with the line that closes the block."""

    statements: tuple[Statement, ...]


# -- parts of a coworker ----------------------------------------------------------------------------------------------


@node
class May(Node):
    """``may permission patterns``, or ``may send source of patterns to hosts``: the permission is "send source"."""

    permission: str
    patterns: tuple[Template, ...]
    to: tuple[Template, ...] = ()


@node
class Bounds(Node):
    """``from low to high``, two values, or ``one of list``, one."""

    values: tuple[Expression, ...]


@node
class SettingLine(Node):
    """``setting name: type = value [bounds] shown as label``; ``type`` as written, such as ("list", "of", "text")."""

    name: str
    type: tuple[str, ...]
    value: Expression
    label: Template | None
    bounds: Bounds | None = None


@node
class SecretLine(Node):
    """``secret name for "https://host" as "Header: prefix" shown as label``."""

    name: str
    host: Template
    header: Template | None
    label: Template | None


@node
class LimitLine(Node):
    """``limit 500 files``, ``limit 1 GB``, ``limit 5 minutes``; ``what`` is the word behind a plain number."""

    amount: Literal
    what: str = ""


@node
class Parameter(Node):
    """``preposition name: type`` of a definition; ``type`` as written."""

    preposition: str
    name: str
    type: tuple[str, ...]


@node
class Define(Node):
    """``define name preposition parameter: type ... = value``: a function, used as it is written."""

    name: str
    parameters: tuple[Parameter, ...]
    value: Expression

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What tells it from other functions: its name and prepositions."""
        return self.name, tuple(parameter.preposition for parameter in self.parameters)


@node
class Answer(Node):
    """``name: type = value shown as label``: what a person is asked for; ``type`` as written."""

    name: str
    type: tuple[str, ...]
    value: Expression | None = None
    label: Template | None = None


@node
class When(Node):
    """``when words slot value ...``, ``when words for answers``, or, with another coworker, ``when "other" words``."""

    words: tuple[str, ...]
    slots: tuple[tuple[str, Expression], ...] = ()
    answers: tuple[Answer, ...] = ()
    other: Template | None = None


@node
class Every(Node):
    """``every what [on days] [at times]``: ``what`` holds an interval, or words such as weekday names or "month".

    Each of the ``days`` is its words as written, such as ("15",), ("last", "friday") or ("24", "december").
    """

    what: Literal | tuple[str, ...]
    days: tuple[tuple[str, ...], ...] = ()
    times: tuple[Literal, ...] = ()


@node
class Cron(Node):
    """``cron "minute hour day month weekday"``."""

    text: Template


@node
class Option(Node):
    """How a rule starts: ``kind`` is its first words, such as "between" or "at most"; the values are in their order.

    A time, number or duration is a literal, a word such as "once" or "skip" a plain text, a zone a template.
    """

    kind: str
    values: tuple[Literal | Template | str, ...]


@node
class RuleBlock(Node):
    """A trigger, how it starts, what it does, and what happens where that goes wrong."""

    trigger: When | Every | Cron
    body: Block
    on_error: Block | None
    options: tuple[Option, ...] = ()


@node
class Given(Node):
    """``given file "path" with text "..." modified 2026-03-09``, ``given now DATE``, ``given setting name = value``,
    ``given answer name = value``; a name stands in the details."""

    what: str
    value: Expression
    details: tuple[tuple[str, Expression], ...] = ()


@node
class Event(Node):
    """``when file arrives "path"``, ``when asked``, or the clock line of a rule, in a test."""

    trigger: When | Every | Cron
    value: Expression | None = None


@node
class Expect(Node):
    """``expect file "path" with text "..."``, ``expect no notice``, ``expect skip "reason"``."""

    what: str
    value: Expression | None
    details: tuple[tuple[str, Expression], ...] = ()
    absent: bool = False


@node
class TestBlock(Node):
    """``test "name"`` with its lines in order."""

    __test__ = False

    name: Template
    steps: tuple[Given | Event | Expect, ...]


Part = May | SettingLine | SecretLine | LimitLine | Define | RuleBlock | TestBlock


@node
class Coworker(Node):
    """A whole file. ``about`` is None where the line is missing."""

    name: Template
    about: Template | None
    parts: tuple[Part, ...]
