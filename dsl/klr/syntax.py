"""The syntax tree of a coworker: plain frozen data, equal when two texts mean the same, wherever they stand."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from klr.source import NOWHERE, Span
from klr.types import Type

MISSING = "__missing__"
"""The name that stands where something unreadable stood; the checker says nothing more about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything that stands somewhere; the place does not take part in comparisons."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


# -- expressions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, size, duration, date, time or yes/no. ``written`` is its one form, as the formatter prints it."""

    value: Any
    type: Type
    written: str


@dataclass(frozen=True, slots=True)
class Hole(Node):
    """``{expression:format}`` in a text."""

    value: Expression
    format: str = ""


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable, a setting, ``it``, ``now``, ``today``, or one of a slot's words."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Node):
    """``of.name``."""

    of: Expression
    name: str


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """``[a, b]``."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """``not x`` or ``-x``."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """``left operator right``; ``ignoring_case`` for comparisons of texts."""

    operator: str
    left: Expression
    right: Expression
    ignoring_case: bool = False


@dataclass(frozen=True, slots=True)
class Between(Node):
    """``value between low and high``, both ends included."""

    value: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class Where(Node):
    """``items where condition``; the condition calls each element ``it``."""

    items: Expression
    condition: Expression


@dataclass(frozen=True, slots=True)
class SortedBy(Node):
    """``items sorted by key [descending]``; the key calls each element ``it``."""

    items: Expression
    key: Expression
    descending: bool = False


@dataclass(frozen=True, slots=True)
class GroupedBy(Node):
    """``items grouped by key``; the key calls each element ``it``."""

    items: Expression
    key: Expression


@dataclass(frozen=True, slots=True)
class Field(Node):
    """``of."column"``."""

    of: Expression
    column: Template


@dataclass(frozen=True, slots=True)
class RowOf(Node):
    """``["column": value, ...]``."""

    cells: tuple[tuple[Template, Expression], ...]


@dataclass(frozen=True, slots=True)
class Call(Node):
    """``name preposition argument preposition argument``, flat as written: ``number after "Total" in file.text``."""

    name: str
    arguments: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Matches(Node):
    """``value matches "pattern"``."""

    value: Expression
    pattern: str
    ignoring_case: bool = False


@dataclass(frozen=True, slots=True)
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


_PARTS: dict[type[Node], tuple[str, ...]] = {}


def names_of_parts(node: Node) -> tuple[str, ...]:
    """The names of what a node of this kind is made of, looked up once; where it stands is none of it."""
    names = _PARTS.get(type(node))
    if names is None:
        names = _PARTS[type(node)] = tuple(each.name for each in fields(node) if each.name != "span")
    return names


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


@dataclass(frozen=True, slots=True)
class Let(Node):
    """``let name = value``."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class If(Node):
    """``if`` with its ``else if`` branches in order; ``otherwise`` is None without an ``else``."""

    branches: tuple[tuple[Expression, Block], ...]
    otherwise: Block | None


@dataclass(frozen=True, slots=True)
class ForEach(Node):
    """``for each name in items``; ``on_error`` is what happens for an element where its body fails."""

    name: str
    items: Expression
    body: Block
    on_error: Block | None = None


@dataclass(frozen=True, slots=True)
class Attempt(Node):
    """``try`` something, and what happens where that fails; or ``ACTION on error ACTION``, on one line."""

    body: Block
    on_error: Block
    on_one_line: bool = False


@dataclass(frozen=True, slots=True)
class Action(Node):
    """``verb object slot value ...``; ``words`` are the verb as written, such as ("make", "folder")."""

    words: tuple[str, ...]
    object: Expression | None
    slots: tuple[tuple[str, Expression], ...]


Statement = Let | If | ForEach | Attempt | Action


@dataclass(frozen=True, slots=True)
class Block(Node):
    """Statements in order; ``span`` ends with the line that closes the block."""

    statements: tuple[Statement, ...]


# -- parts of a coworker ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class May(Node):
    """``may permission patterns``, or ``may send source of patterns to hosts``: the permission is "send source"."""

    permission: str
    patterns: tuple[Template, ...]
    to: tuple[Template, ...] = ()


@dataclass(frozen=True, slots=True)
class Bounds(Node):
    """``from low to high``, two values, or ``one of list``, one."""

    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class SettingLine(Node):
    """``setting name: type = value [bounds] shown as label``; ``type`` as written, such as ("list", "of", "text")."""

    name: str
    type: tuple[str, ...]
    value: Expression
    label: Template | None
    bounds: Bounds | None = None


@dataclass(frozen=True, slots=True)
class SecretLine(Node):
    """``secret name for "https://host" as "Header: prefix" shown as label``."""

    name: str
    host: Template
    header: Template | None
    label: Template | None


@dataclass(frozen=True, slots=True)
class LimitLine(Node):
    """``limit 500 files``, ``limit 1 GB``, ``limit 5 minutes``; ``what`` is the word behind a plain number."""

    amount: Literal
    what: str = ""


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """``preposition name: type`` of a definition; ``type`` as written."""

    preposition: str
    name: str
    type: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Define(Node):
    """``define name preposition parameter: type ... = value``: a function, used as it is written."""

    name: str
    parameters: tuple[Parameter, ...]
    value: Expression

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What tells it from other functions: its name and prepositions."""
        return self.name, tuple(parameter.preposition for parameter in self.parameters)


@dataclass(frozen=True, slots=True)
class Answer(Node):
    """``name: type = value shown as label``: what a person is asked for; ``type`` as written."""

    name: str
    type: tuple[str, ...]
    value: Expression | None = None
    label: Template | None = None


@dataclass(frozen=True, slots=True)
class When(Node):
    """``when words slot value ...``, ``when words for answers``, or, with another coworker, ``when "other" words``."""

    words: tuple[str, ...]
    slots: tuple[tuple[str, Expression], ...] = ()
    answers: tuple[Answer, ...] = ()
    other: Template | None = None


@dataclass(frozen=True, slots=True)
class Every(Node):
    """``every what [on days] [at times]``: ``what`` holds an interval, or words such as weekday names or "month".

    Each of the ``days`` is its words as written, such as ("15",), ("last", "friday") or ("24", "december").
    """

    what: Literal | tuple[str, ...]
    days: tuple[tuple[str, ...], ...] = ()
    times: tuple[Literal, ...] = ()


@dataclass(frozen=True, slots=True)
class Cron(Node):
    """``cron "minute hour day month weekday"``."""

    text: Template


@dataclass(frozen=True, slots=True)
class Option(Node):
    """How a rule starts: ``kind`` is its first words, such as "between" or "at most"; the values are in their order.

    A time, number or duration is a literal, a word such as "once" or "skip" a plain text, a zone a template.
    """

    kind: str
    values: tuple[Literal | Template | str, ...]


@dataclass(frozen=True, slots=True)
class RuleBlock(Node):
    """A trigger, how it starts, what it does, and what happens where that goes wrong."""

    trigger: When | Every | Cron
    body: Block
    on_error: Block | None
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Given(Node):
    """``given file "path" with text "..." modified 2026-03-09``, ``given now DATE``, ``given setting name = value``,
    ``given answer name = value``; a name stands in the details."""

    what: str
    value: Expression
    details: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class Event(Node):
    """``when file arrives "path"``, ``when asked``, or the clock line of a rule, in a test."""

    trigger: When | Every | Cron
    value: Expression | None = None


@dataclass(frozen=True, slots=True)
class Expect(Node):
    """``expect file "path" with text "..."``, ``expect no notice``, ``expect skip "reason"``."""

    what: str
    value: Expression | None
    details: tuple[tuple[str, Expression], ...] = ()
    absent: bool = False


@dataclass(frozen=True, slots=True)
class TestBlock(Node):
    """``test "name"`` with its lines in order."""

    __test__ = False

    name: Template
    steps: tuple[Given | Event | Expect, ...]


Part = May | SettingLine | SecretLine | LimitLine | Define | RuleBlock | TestBlock


@dataclass(frozen=True, slots=True)
class Coworker(Node):
    """A whole file. ``about`` is None where the line is missing."""

    name: Template
    about: Template | None
    parts: tuple[Part, ...]
