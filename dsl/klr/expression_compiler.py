"""From checked expressions to the nodes of Python's own syntax tree, one rule at a time.

The only door to the world is the ``yield`` of an ``Ask``. What a rule's function needs besides its own names is put
into ``globals``. A *traced* rule tells, besides, the values that led to each decision.
"""

from __future__ import annotations

import ast
from typing import Any

from klr import addresses, patterns, rows, runtime
from klr import syntax as s
from klr.bounds import Steps
from klr.checker import Checked
from klr.effects import Act, Ask, EffectError, Ending
from klr.formats import formatted
from klr.python_nodes import asks, at, attribute, call, constant, load
from klr.source import Source
from klr.types import ATTACHMENT, DATE, ERROR, FILE, GONE, MAIL, PATHS, SECRET, TEXT, WORD, element_of
from klr.vocabulary import Attribute, Vocabulary

COMPARISONS: dict[str, ast.cmpop] = {
    "is": ast.Eq(), "is not": ast.NotEq(), "<": ast.Lt(), ">": ast.Gt(), "<=": ast.LtE(), ">=": ast.GtE(),
}  # fmt: skip
DATES = ("+", "-", "<", ">", "<=", ">=")
ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
RUNTIME = {
    name: getattr(runtime, name)
    for name in (*ARITHMETIC.values(), "negate", "from_home", "later", "earlier", "difference", "is_before", "is_after", "contains_any", "contains_all", "caseless", "each", "where", "sorted_by", "grouped_by", "row_of", "show", "component", "name_part", "all_below")
} | {name: getattr(patterns, name) for name in ("found", "first", "every", "captured", "each_captured", "group", "groups")} | {"formatted": formatted, "cell": rows.cell, "cells": rows.cells, "addressed": addresses.addressed, "address_part": addresses.address_part}  # fmt: skip
RUNTIME["Steps"] = Steps
RUNTIME["like"] = rows.like


class ExpressionCompiler:
    """Builds the expressions of one rule. Names of the coworker get a prefix, so that none meets one of ours.

    ``asking`` holds the definitions that ask the world; ``caught`` how many ``on error`` blocks are around the place.
    """

    def __init__(self, source: Source, checked: Checked, vocabulary: Vocabulary, traced: bool) -> None:
        self.source = source
        self.facts = checked.facts
        self.vocabulary = vocabulary
        self.traced = traced
        self.asking: set[tuple[str, tuple[str, ...]]] = set()
        self.betweens = self.caught = 0
        self.globals: dict[str, Any] = {**RUNTIME, "Act": Act, "Ask": Ask, "Ending": Ending, "EffectError": EffectError}

    def line_of(self, node: s.Node) -> int:
        """The line of the coworker's text on which something begins."""
        return self.source.place(node.span.start)[0]

    # -- tracing ------------------------------------------------------------------------------------------------------

    def tell(self, node: s.Node, text: str, value: ast.expr) -> ast.expr:
        return call(load("trace"), constant(self.line_of(node)), constant(text), value)

    def of(self, node: s.Expression) -> ast.expr:
        made = self._plain(node)
        if self.traced and self._tells(node):
            made = self.tell(node, self.source.cut(node.span), made)
        return at(made, self.line_of(node))

    def _tells(self, node: s.Expression) -> bool:
        """Whether the value of an expression is worth telling: not what is written out, nor a file itself."""
        if isinstance(node, s.Template):
            return node.constant is None
        return not isinstance(node, (s.Literal, s.ListOf, s.RowOf, s.Unary)) and self.facts.type_of(node) not in (
            FILE,
            MAIL,
            ATTACHMENT,
        )

    # -- expressions --------------------------------------------------------------------------------------------------

    def _plain(self, node: s.Expression) -> ast.expr:
        match node:
            case s.Literal():
                return self._value(node.value)
            case s.Template():
                return self._template(node)
            case s.Name(name="it"):
                return load("it")
            case s.Name(name="error"):
                return load(f"v_error_{self.caught}")
            case s.Name() if self.facts.type_of(node) == SECRET:
                # The program knows a secret by its name; whoever makes the request knows the rest.
                return constant(node.name)
            case s.Name():
                return load(f"v_{node.name}")
            case s.Member():
                return self._member(node)
            case s.ListOf():
                return ast.Tuple([self.of(item) for item in node.items], ast.Load())
            case s.Unary(operator="not"):
                return ast.UnaryOp(ast.Not(), self.of(node.operand))
            case s.Unary():
                return call(load("negate"), self.of(node.operand))
            case s.Between():
                return self._between(node)
            case s.Matches():
                return call(load("found"), self._pattern(node), self.of(node.value))
            case s.Match():
                kind = self.facts.type_of(node)
                if (element_of(kind) or kind).name == "match":
                    name = "each_captured" if node.every else "captured"
                else:
                    name = "every" if node.every else "first"
                return call(load(name), self._pattern(node), self.of(node.value))
            case s.Where():
                return self._through("where", node.items, self.of(node.condition))
            case s.SortedBy():
                return self._through("sorted_by", node.items, self.of(node.key), constant(node.descending))
            case s.GroupedBy():
                return self._through("grouped_by", node.items, self.of(node.key))
            case s.Field():
                helper = "cells" if element_of(self.facts.type_of(node.of)) else "cell"
                return call(load(helper), self.of(node.of), self.of(node.column))
            case s.RowOf():
                columns = ast.Tuple([constant(column.constant) for column, _ in node.cells], ast.Load())
                return call(load("row_of"), columns, *(self.of(value) for _, value in node.cells))
            case s.Call():
                return self._call_function(node)
            case s.Binary():
                return self._binary(node)

    def _between(self, node: s.Between) -> ast.expr:
        """The value, its low end, its high end: asked for in the order in which they stand."""
        self.betweens += 1
        name = f"within_{self.betweens}"
        value = ast.NamedExpr(ast.Name(name, ast.Store()), self.of(node.value))
        low, high = self.of(node.low), self.of(node.high)
        if self.facts.type_of(node.value) != DATE:
            above, below = ast.Compare(value, [ast.GtE()], [low]), ast.Compare(load(name), [ast.LtE()], [high])
            return ast.BoolOp(ast.And(), [above, below])
        early = call(load("is_before"), load("zone"), value, low)
        late = call(load("is_after"), load("zone"), load(name), high)
        return ast.UnaryOp(ast.Not(), ast.BoolOp(ast.Or(), [early, late]))

    def _value(self, value: Any) -> ast.expr:
        """A constant; those that Python has no notation for become globals."""
        if isinstance(value, (str, bool, int)):
            return constant(value)
        name = f"c_{len(self.globals)}"
        self.globals[name] = value
        return load(name)

    def _pattern(self, node: s.Matches | s.Match) -> ast.expr:
        return self._value(patterns.compiled(node.pattern, node.ignoring_case))

    def _template(self, node: s.Template) -> ast.expr:
        if self.facts.host_of(node) is not None:
            return self._address(node)
        path = self.facts.is_path(node)
        if node.constant is not None and not (path and node.constant.startswith("~/")):
            return constant(node.constant)
        pieces: list[ast.expr] = []
        for index, part in enumerate(node.parts):
            if isinstance(part, s.Hole):
                pieces.append(self._hole(part, path))
            elif path and index == 0 and part.startswith("~/"):
                pieces.extend((load("home"), constant(part[1:])))
            else:
                pieces.append(constant(part))
        if not any(isinstance(part, s.Hole) for part in node.parts):
            return call(attribute(constant(""), "join"), ast.Tuple(pieces, ast.Load()))
        return call(attribute(load("steps"), "text"), ast.Tuple(pieces, ast.Load()))

    def _address(self, node: s.Template) -> ast.expr:
        """A web address: pieces as they are written at even places, what its holes hold, encoded, at odd ones."""
        pieces: list[ast.expr] = []
        for part in node.parts:
            hole = isinstance(part, s.Hole)
            if hole == (len(pieces) % 2 == 0):
                pieces.append(constant(""))
            text = self._hole(part, in_path=False) if isinstance(part, s.Hole) else constant(part)
            pieces.append(call(load("address_part"), text) if hole else text)
        return call(load("addressed"), ast.Tuple(pieces, ast.Load()))

    def _hole(self, hole: s.Hole, in_path: bool) -> ast.expr:
        value = self.of(hole.value)
        kind = self.facts.type_of(hole.value)
        if hole.format:
            text: ast.expr = call(load("formatted"), value, constant(hole.format))
        else:
            text = value if kind in (TEXT, *PATHS) else call(load("show"), value)
        if not in_path or kind in PATHS:
            return text
        real = self.facts.is_real_name(hole.value) and not hole.format
        return call(load("name_part" if real else "component"), text)

    def _member(self, node: s.Member) -> ast.expr:
        kind = self.facts.type_of(node.of)
        if (element_of(kind) or kind).name == "match":
            return call(load("group" if kind.name == "match" else "groups"), self.of(node.of), constant(node.name))
        if kind.name == "list":
            return self._through("each", node.of, self._property(node, load("it")))
        return self._property(node, self.of(node.of))

    def _property(self, node: s.Member, of: ast.expr) -> ast.expr:
        kind = self.facts.type_of(node.of)
        if kind == ERROR:
            return attribute(of, "message")
        if kind.name == "group":
            return attribute(of, "key" if node.name == "key" else "items")
        kind = kind.element if kind.name == "list" and kind.element else kind
        known = self.vocabulary.property_of(FILE if kind == GONE else kind, node.name)
        assert known is not None
        if known.pure is None:
            return ast.Yield(call(load("Ask"), constant(node.name), of, constant(self.line_of(node))))
        if isinstance(known.pure, Attribute):
            return attribute(of, known.pure.name)
        name = f"p_{known.of.name}_{node.name}"
        self.globals[name] = known.pure
        return call(load(name), of, *([load("v_now"), load("zone")] if known.uses_now else []))

    def _call_function(self, node: s.Call) -> ast.expr:
        resolved = self.facts.calls[id(node)]
        if resolved.asked:
            path = self.of(resolved.arguments[0])
            return ast.Yield(call(load("Ask"), constant(resolved.asked), path, constant(self.line_of(node))))
        if resolved.question is not None:
            arguments = ast.Tuple(list(map(self.of, resolved.arguments)), ast.Load())
            line = constant(self.line_of(node))
            return ast.Yield(call(load("Ask"), constant(resolved.question.name), arguments, line))
        if resolved.function is None:
            place = resolved.arguments[0]
            if isinstance(place, s.Template):
                pattern: ast.expr = constant(place.constant)
            else:
                pattern = call(load("all_below"), self.of(place))
            return ast.Yield(call(load("Ask"), constant("files"), pattern, constant(self.line_of(node))))
        if resolved.definition is not None:
            made = call(load(defined(resolved.definition)), *map(self.of, resolved.arguments))
            return ast.YieldFrom(made) if resolved.definition.key in self.asking else made
        name = f"f_{resolved.function.name}_{'_'.join(resolved.function.prepositions)}"
        self.globals[name] = resolved.function.call
        zone = [load("zone")] if resolved.function.uses_zone else []
        return call(load(name), *zone, *map(self._argument, resolved.arguments))

    def _argument(self, node: s.Expression) -> ast.expr:
        """An argument of a function: a value, or one of the words that it chooses from."""
        if isinstance(node, s.Name) and self.facts.type_of(node) == WORD:
            return constant(node.name)
        return self.of(node)

    def _through(self, helper: str, items: s.Expression, made: ast.expr, *more: ast.expr) -> ast.expr:
        """``items`` filtered, sorted or told by an expression over ``it``, which may itself ask the world."""
        if helper in ("where", "each") and not asks(made) and not self.traced:
            return self._comprehended(self.gone_through(items), made, keeps=helper == "where")
        argument = ast.arguments([], [ast.arg("it")], None, [], [], None, [])
        if not asks(made):
            # The helper runs every test as a generator; one that asks for nothing is made into one.
            made = ast.IfExp(constant(True), made, ast.Yield(constant(None)))
        return ast.YieldFrom(call(load(helper), self.gone_through(items), ast.Lambda(argument, made), *more))

    def gone_through(self, items: s.Expression) -> ast.expr:
        """A list that is about to be gone through: its elements are counted first."""
        return call(attribute(load("steps"), "over"), self.of(items))

    @staticmethod
    def _comprehended(items: ast.expr, made: ast.expr, *, keeps: bool) -> ast.expr:
        """The same where nothing is asked of the world: a comprehension, which costs a quarter of a generator for each.

        The elements are bound to a name of their own first, since Python allows no ``:=`` where a comprehension takes
        its elements from.
        """
        target, whole = ast.Name("it", ast.Store()), load("items")
        loop = ast.comprehension(target, whole, [made] if keeps else [], 0)
        kept = ast.ListComp(load("it") if keeps else made, [loop])
        parameters = ast.arguments([], [ast.arg("items")], None, [], [], None, [])
        # Some rows of a table are a table, whose columns are there also where no row is.
        result = call(load("like"), whole, kept) if keeps else ast.Tuple([ast.Starred(kept, ast.Load())], ast.Load())
        return call(ast.Lambda(parameters, result), items)

    def _binary(self, node: s.Binary) -> ast.expr:
        left, right = self.of(node.left), self.of(node.right)
        operator = node.operator
        if operator in ("and", "or"):
            return ast.BoolOp(ast.And() if operator == "and" else ast.Or(), [left, right])
        if self.facts.type_of(node.left) == DATE and operator in DATES:
            return self._with_date(node, left, right)
        if operator in ARITHMETIC:
            return call(load(ARITHMETIC[operator]), left, right)
        if operator == "default":
            test = ast.Compare(ast.NamedExpr(ast.Name("maybe", ast.Store()), left), [ast.IsNot()], [constant(None)])
            return ast.IfExp(test, load("maybe"), right)
        if node.ignoring_case:
            left, right = call(load("caseless"), left), call(load("caseless"), right)
        if operator in COMPARISONS:
            return ast.Compare(left, [COMPARISONS[operator]], [right])
        match operator:
            case "is any of":
                return ast.Compare(left, [ast.In()], [right])
            case "contains":
                return call(attribute(left, "__contains__"), right)
            case "contains any of":
                return call(load("contains_any"), left, right)
            case "contains all of":
                return call(load("contains_all"), left, right)
            case "starts with":
                return call(attribute(left, "startswith"), right)
        return call(attribute(left, "endswith"), right)

    def _with_date(self, node: s.Binary, left: ast.expr, right: ast.expr) -> ast.expr:
        """Arithmetic and comparisons of a date, whose outcome depends on when the clocks of the zone change."""
        if node.operator in "+-":
            both = self.facts.type_of(node.right) == DATE
            name = "difference" if both else "later" if node.operator == "+" else "earlier"
            return call(load(name), load("zone"), left, right)
        # `a >= b` is `not a < b`; the left side is found out first, whatever the right one asks.
        name = "is_before" if node.operator in ("<", ">=") else "is_after"
        made: ast.expr = call(load(name), load("zone"), left, right)
        return ast.UnaryOp(ast.Not(), made) if node.operator in ("<=", ">=") else made


def defined(define: s.Define) -> str:
    """The name of the local function that a definition becomes."""
    return f"d_{'_'.join((define.name, *define.key[1]))}"
