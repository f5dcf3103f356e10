"""Which names can be used where, and what the checker has found out about each."""

from __future__ import annotations

from dataclasses import dataclass, field

from klr import syntax as s
from klr.source import NOWHERE, Span
from klr.types import Type
from klr.vocabulary import Function, Question

RESERVED = frozenset(
    [
        "about",
        "after",
        "and",
        "as",
        "at",
        "before",
        "between",
        "by",
        "contains",
        "coworker",
        "cron",
        "default",
        "define",
        "descending",
        "each",
        "else",
        "end",
        "ends",
        "error",
        "every",
        "expect",
        "for",
        "from",
        "given",
        "if",
        "ignoring",
        "in",
        "is",
        "it",
        "let",
        "limit",
        "list",
        "may",
        "named",
        "no",
        "not",
        "now",
        "of",
        "on",
        "or",
        "saying",
        "setting",
        "shown",
        "sorted",
        "starts",
        "test",
        "to",
        "today",
        "try",
        "using",
        "when",
        "where",
        "with",
        "yes",
    ]
)
"""Words that no variable may take; each has its own meaning somewhere in the language."""


@dataclass(slots=True)
class Variable:
    """A name and its type. ``real_name`` tells a text that is part of a real file's name (see ``Property.names``)."""

    name: str
    type: Type
    span: Span = NOWHERE
    kind: str = "variable"
    real_name: bool = False
    used: bool = False


@dataclass(slots=True)
class Scope:
    """Variables by name, over those of the block around."""

    around: Scope | None = None
    variables: dict[str, Variable] = field(default_factory=dict)

    def find(self, name: str) -> Variable | None:
        """The variable of that name, here or further out; it counts as used from now on."""
        variable = self.variables.get(name)
        if variable:
            variable.used = True
            return variable
        return self.around.find(name) if self.around else None

    def add(self, variable: Variable) -> None:
        """Make a variable known in this block."""
        self.variables[variable.name] = variable

    def has(self, name: str) -> Variable | None:
        """As ``find``, without counting as use."""
        return self.variables.get(name) or (self.around.has(name) if self.around else None)

    def names(self) -> set[str]:
        """Every name that can be used here."""
        return set(self.variables) | (self.around.names() if self.around else set())


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a call means: a function and its arguments; without a function, a question to a host, the question ``files
    in pattern`` or, with ``asked``, the property of that name of the file at a path.

    ``definition`` is where the function is defined, if the coworker does it itself.
    """

    function: Function | None
    arguments: tuple[s.Expression, ...]
    definition: s.Define | None = None
    asked: str = ""
    question: Question | None = None


@dataclass(slots=True)
class Facts:
    """What the checker found out about the nodes of one tree, each looked up by the node itself, not by its value."""

    types: dict[int, Type] = field(default_factory=dict)
    calls: dict[int, Resolved] = field(default_factory=dict)
    paths: set[int] = field(default_factory=set)
    into_folder: set[int] = field(default_factory=set)
    real_names: set[int] = field(default_factory=set)
    hosts: dict[int, str] = field(default_factory=dict)

    def type_of(self, node: s.Expression) -> Type:
        """The type of an expression that was checked."""
        return self.types[id(node)]

    def is_path(self, template: s.Template) -> bool:
        """Whether a text was written where a path is wanted."""
        return id(template) in self.paths

    def goes_into_folder(self, template: s.Template) -> bool:
        """Whether a path ends with ``/``: the file keeps its name within that folder."""
        return id(template) in self.into_folder

    def host_of(self, node: s.Expression) -> str | None:
        """The host of a web address that is written there; None for every other expression."""
        return self.hosts.get(id(node))

    def is_real_name(self, node: s.Expression) -> bool:
        """Whether an expression is part of a real file's name."""
        return id(node) in self.real_names
