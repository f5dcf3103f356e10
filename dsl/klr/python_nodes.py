"""Short ways to build the nodes of Python's own syntax tree, from which the compiler puts a rule together."""

from __future__ import annotations

import ast
from typing import TypeVar

_Made = TypeVar("_Made", ast.expr, ast.stmt, ast.FunctionDef)


def at(node: _Made, line: int) -> _Made:
    """Let Python take a node for one that stands on a line of the coworker's text."""
    node.lineno = node.end_lineno = line
    node.col_offset = node.end_col_offset = 0
    return node


def asks(made: ast.AST) -> bool:
    """Whether an expression asks the world itself; what a function within it asks, it asks when it is called."""
    if isinstance(made, ast.Lambda):
        return False
    if isinstance(made, (ast.Yield, ast.YieldFrom)):
        return True
    return any(map(asks, ast.iter_child_nodes(made)))


def load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def constant(value: str | bool | int | None) -> ast.Constant:
    return ast.Constant(value)


def attribute(of: ast.expr, name: str) -> ast.Attribute:
    return ast.Attribute(of, name, ast.Load())


def call(function: ast.expr, *arguments: ast.expr, **named: ast.expr) -> ast.Call:
    return ast.Call(function, list(arguments), [ast.keyword(name, value) for name, value in named.items()])


def assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value)
