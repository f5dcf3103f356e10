"""How the parts that check expressions ask each other for types, and report what is wrong."""

from __future__ import annotations

from typing import Protocol

from klr import syntax as s
from klr.diagnostics import Edit
from klr.scope import Scope
from klr.source import Span
from klr.types import Type


class Report(Protocol):
    """Records a finding, and gives the type of what is wrong."""

    def __call__(
        self, code: str, message: str, span: Span, help: str = "", repair: tuple[Edit, ...] = (), /
    ) -> Type: ...


class Typer(Protocol):
    """Gives the type of an expression, checked as what is wanted where it stands."""

    def __call__(self, node: s.Expression, scope: Scope, wanted: Type | None = None, /) -> Type: ...


def may_be_missing(node: s.Expression, error: Report) -> Type:
    """Report a value that may be missing where one must be there."""
    help = "Say what stands in for it: add `default ...`."
    return error("K303", "This value may be missing.", node.span, help)
