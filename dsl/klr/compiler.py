"""From checked syntax tree to Python code objects.

Each rule becomes one generator function, built as a Python syntax tree and compiled; line numbers are those of the
``.klr`` text. Its only doors to the world are the ``yield`` of an ``Ask`` or ``Act``; its globals hold the functions
that the vocabulary declares and nothing else: no builtins, no imports.

The *traced* compilation of a rule does the same and tells, besides, each decision and the values that led to it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import CodeType
from typing import Any, TypeVar

from klr import addresses, patterns, rows, runtime
from klr import syntax as s
from klr.bounds import Steps
from klr.checker import Checked, verb_of
from klr.effects import MAIL_GIVEN, Act, Ask, EffectError, Ending
from klr.formats import formatted
from klr.source import Source
from klr.types import ATTACHMENT, DATE, ERROR, FILE, GONE, MAIL, PATHS, SECRET, TEXT, WORD, element_of
from klr.vocabulary import Attribute, Slot, Verb, Vocabulary

COMPARISONS: dict[str, ast.cmpop] = {
    "is": ast.Eq(), "is not": ast.NotEq(), "<": ast.Lt(), ">": ast.Gt(), "<=": ast.LtE(), ">=": ast.GtE(),
}  # fmt: skip
DATES = ("+", "-", "<", ">", "<=", ">=")
ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
RUNTIME = {
    name: getattr(runtime, name)
    for name in (*ARITHMETIC.values(), "negate", "from_home", "later", "earlier", "difference", "is_before", "contains_any", "contains_all", "caseless", "each", "where", "sorted_by", "grouped_by", "row_of", "show", "component", "name_part", "all_below")
} | {name: getattr(patterns, name) for name in ("found", "first", "every", "captured", "each_captured", "group", "groups")} | {"formatted": formatted, "cell": rows.cell, "cells": rows.cells, "addressed": addresses.addressed, "address_part": addresses.address_part}  # fmt: skip
RUNTIME["Steps"] = Steps
RUNTIME["like"] = rows.like


def compile_rule(
    rule: s.RuleBlock, source: Source, checked: Checked, vocabulary: Vocabulary, *, traced: bool
) -> Callable[..., Any]:
    """The generator function of a rule: called with an ``Inputs`` and, if ``traced``, a ``Tracer``."""
    builder = _Compiler(source, checked, vocabulary, traced)
    module = ast.fix_missing_locations(ast.Module([builder.function(rule)], []))
    code: CodeType = compile(module, source.name, "exec")
    space: dict[str, Any] = {**builder.globals, "__builtins__": {}}
    exec(code, space)  # noqa: S102 - the code is built node by node above, from a checked tree
    function: Callable[..., Any] = space["rule"]
    return function


class _Compiler:
    """Builds the Python syntax tree of one rule. Names of the coworker get a prefix, so that none meets one of ours."""

    def __init__(self, source: Source, checked: Checked, vocabulary: Vocabulary, traced: bool) -> None:
        self.source = source
        self.facts = checked.facts
        self.settings = checked.settings
        self.definitions = [part for part in checked.tree.parts if isinstance(part, s.Define)]
        self.asking: set[tuple[str, tuple[str, ...]]] = set()
        self.vocabulary = vocabulary
        self.traced = traced
        self.betweens = self.errors = 0
        self.globals: dict[str, Any] = {**RUNTIME, "Act": Act, "Ask": Ask, "Ending": Ending, "EffectError": EffectError}

    # -- the rule -----------------------------------------------------------------------------------------------------

    def function(self, rule: s.RuleBlock) -> ast.FunctionDef:
        """``def rule(inputs[, trace])``, a generator."""
        parameters = ["inputs", *(["trace"] if self.traced else [])]
        arguments = ast.arguments([], [ast.arg(name) for name in parameters], None, [], [], None, [])
        start: list[ast.stmt] = [
            # A rule that asks for nothing must be a generator nevertheless.
            ast.If(_constant(False), [ast.Expr(ast.Yield(_constant(None)))], []),
            _assign("steps", _call(_load("Steps"))),
            _assign("v_now", _attribute(_load("inputs"), "now")),
            _assign("v_file", _attribute(_load("inputs"), "file")),
            _assign("home", _attribute(_load("inputs"), "home")),
            _assign("zone", _attribute(_load("inputs"), "zone")),
            _assign(
                "v_today",
                _call(
                    _attribute(_load("v_now"), "replace"),
                    **dict.fromkeys(("hour", "minute", "second", "microsecond", "fold"), _constant(0)),
                ),
            ),
        ]
        for name, setting in self.settings.items():
            value: ast.expr = ast.Subscript(_attribute(_load("inputs"), "settings"), _constant(name), ast.Load())
            if setting.type in PATHS:
                value = _call(_load("from_home"), value, _load("home"))
            start.append(_assign(f"v_{name}", value))
        for answer in rule.trigger.answers if isinstance(rule.trigger, s.When) else ():
            value = ast.Subscript(_attribute(_load("inputs"), "settings"), _constant(answer.name), ast.Load())
            start.append(_assign(f"v_{answer.name}", value))
        if isinstance(rule.trigger, s.When) and "folder" in rule.trigger.words:
            start.append(_assign("v_folder", _attribute(_load("v_file"), "path")))
        if isinstance(rule.trigger, s.When) and rule.trigger.words[0] == "mail":
            given = ast.Subscript(_attribute(_load("inputs"), "settings"), _constant(MAIL_GIVEN), ast.Load())
            start.append(_assign("v_mail", given))
        start.extend(self._definition(define) for define in self.definitions)
        body = self._guarded(rule.body, rule.on_error, looping=False)
        end = ast.Return(_call(_load("Ending"), _constant("done")))
        definition = ast.FunctionDef("rule", arguments, [*start, *body, end], [], None)
        return _at(definition, self._line_of(rule))

    def _definition(self, define: s.Define) -> ast.stmt:
        """A definition as a local function; one that asks the world is a generator."""
        value = self._expression(define.value)
        parameters = [ast.arg(f"v_{parameter.name}") for parameter in define.parameters]
        if _asks(value):
            self.asking.add(define.key)
        made = ast.Lambda(ast.arguments([], parameters, None, [], [], None, []), value)
        return _at(_assign(_defined(define), made), self._line_of(define))

    def _line_of(self, node: s.Node) -> int:
        return self.source.place(node.span.start)[0]

    # -- statements ---------------------------------------------------------------------------------------------------

    def _block(self, block: s.Block, looping: bool) -> list[ast.stmt]:
        statements: list[ast.stmt] = []
        for statement in block.statements:
            for made in self._statement(statement, looping):
                statements.append(_at(made, self._line_of(statement)))
        return statements or [ast.Pass()]

    def _guarded(self, block: s.Block, on_error: s.Block | None, looping: bool) -> list[ast.stmt]:
        """A block, and what happens where something in it can not be done."""
        body = self._block(block, looping)
        if on_error is None:
            return body
        # What is caught within does not take the place of what was caught around it.
        self.errors += 1
        caught = [_assign(f"v_error_{self.errors}", _load("caught")), *self._block(on_error, looping)]
        self.errors -= 1
        handler = ast.ExceptHandler(_load("EffectError"), "caught", caught)
        return [ast.Try(body, [handler], [], [])]

    def _statement(self, statement: s.Statement, looping: bool) -> list[ast.stmt]:
        match statement:
            case s.Let():
                return [_assign(f"v_{statement.name}", self._expression(statement.value))]
            case s.If():
                return [self._if(statement, looping)]
            case s.ForEach():
                variable = ast.Name(f"v_{statement.name}", ast.Store())
                body = self._guarded(statement.body, statement.on_error, looping=True)
                if self.traced:
                    body.insert(
                        0, ast.Expr(self._tell(statement, f"for each {statement.name}", _load(f"v_{statement.name}")))
                    )
                return [ast.For(variable, self._gone_through(statement.items), body, [])]
            case s.Attempt():
                return self._guarded(statement.body, statement.on_error, looping)
            case s.Action():
                return self._action(statement, looping)

    def _if(self, statement: s.If, looping: bool) -> ast.stmt:
        otherwise = self._block(statement.otherwise, looping) if statement.otherwise else []
        for condition, body in reversed(statement.branches):
            made = ast.If(self._expression(condition), self._block(body, looping), otherwise)
            otherwise = [_at(made, self._line_of(condition))]
        return otherwise[0]

    def _action(self, action: s.Action, looping: bool) -> list[ast.stmt]:
        verb = verb_of(action, self.vocabulary)
        assert verb is not None
        if verb.control:
            return self._control(verb, action, looping)
        given = {"": action.object, **dict(action.slots)}
        arguments = [self._slot(slot, given.get(slot.word)) for slot in verb.slots]
        if any(isinstance(value, s.Template) and self.facts.goes_into_folder(value) for value in given.values()):
            arguments[0] = ast.NamedExpr(ast.Name("thing", ast.Store()), arguments[0])
        act = ast.Yield(
            _call(
                _load("Act"), _constant(verb.name), ast.Tuple(arguments, ast.Load()), _constant(self._line_of(action))
            )
        )
        if verb.follows and isinstance(action.object, s.Name):
            return [_assign(f"v_{action.object.name}", act)]
        return [ast.Expr(act)]

    def _slot(self, slot: Slot, value: s.Expression | None) -> ast.expr:
        if slot.type == WORD:
            return _constant(value.name if isinstance(value, s.Name) else slot.words[0])
        if value is None:
            return _constant(None)
        made = self._expression(value)
        if isinstance(value, s.Template) and self.facts.goes_into_folder(value):
            # "into that folder, under its own name": the object of the verb is a file, in the first slot.
            return ast.BinOp(made, ast.Add(), _call(_load("name_part"), _attribute(_load("thing"), "name")))
        return made

    def _control(self, verb: Verb, action: s.Action, looping: bool) -> list[ast.stmt]:
        reason = self._expression(action.object) if action.object is not None else _constant("")
        match verb.control:
            case "skip" if looping:
                told = [ast.Expr(reason)] if action.object is not None else []
                return [*told, ast.Continue()]
            case "skip" | "stop":
                outcome = "skipped" if verb.control == "skip" else "stopped"
                return [ast.Return(_call(_load("Ending"), _constant(outcome), reason))]
        return [ast.Raise(_call(_load("EffectError"), reason, _constant("failed")), None)]

    # -- tracing ------------------------------------------------------------------------------------------------------

    def _tell(self, node: s.Node, text: str, value: ast.expr) -> ast.expr:
        return _call(_load("trace"), _constant(self._line_of(node)), _constant(text), value)

    def _expression(self, node: s.Expression) -> ast.expr:
        made = self._plain(node)
        if self.traced and self._tells(node):
            made = self._tell(node, self.source.cut(node.span), made)
        return _at(made, self._line_of(node))

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
                return _load("it")
            case s.Name(name="error"):
                return _load(f"v_error_{self.errors}")
            case s.Name() if self.facts.type_of(node) == SECRET:
                # The program knows a secret by its name; whoever makes the request knows the rest.
                return _constant(node.name)
            case s.Name():
                return _load(f"v_{node.name}")
            case s.Member():
                return self._member(node)
            case s.ListOf():
                return ast.Tuple([self._expression(item) for item in node.items], ast.Load())
            case s.Unary(operator="not"):
                return ast.UnaryOp(ast.Not(), self._expression(node.operand))
            case s.Unary():
                return _call(_load("negate"), self._expression(node.operand))
            case s.Between():
                return self._between(node)
            case s.Matches():
                return _call(_load("found"), self._pattern(node), self._expression(node.value))
            case s.Match():
                kind = self.facts.type_of(node)
                if (element_of(kind) or kind).name == "match":
                    name = "each_captured" if node.every else "captured"
                else:
                    name = "every" if node.every else "first"
                return _call(_load(name), self._pattern(node), self._expression(node.value))
            case s.Where():
                return self._through("where", node.items, self._expression(node.condition))
            case s.SortedBy():
                return self._through("sorted_by", node.items, self._expression(node.key), _constant(node.descending))
            case s.GroupedBy():
                return self._through("grouped_by", node.items, self._expression(node.key))
            case s.Field():
                helper = "cells" if element_of(self.facts.type_of(node.of)) else "cell"
                return _call(_load(helper), self._expression(node.of), self._expression(node.column))
            case s.RowOf():
                columns = ast.Tuple([_constant(column.constant) for column, _ in node.cells], ast.Load())
                return _call(_load("row_of"), columns, *(self._expression(value) for _, value in node.cells))
            case s.Call():
                return self._call_function(node)
            case s.Binary():
                return self._binary(node)

    def _between(self, node: s.Between) -> ast.expr:
        """The value, its low end, its high end: asked for in the order in which they stand."""
        self.betweens += 1
        name = f"within_{self.betweens}"
        value = ast.NamedExpr(ast.Name(name, ast.Store()), self._expression(node.value))
        low, high = self._expression(node.low), self._expression(node.high)
        if self.facts.type_of(node.value) != DATE:
            above, below = ast.Compare(value, [ast.GtE()], [low]), ast.Compare(_load(name), [ast.LtE()], [high])
            return ast.BoolOp(ast.And(), [above, below])
        early = _call(_load("is_before"), _load("zone"), value, low)
        late = _call(_load("is_before"), _load("zone"), high, _load(name))
        return ast.UnaryOp(ast.Not(), ast.BoolOp(ast.Or(), [early, late]))

    def _value(self, value: Any) -> ast.expr:
        """A constant; those that Python has no notation for become globals."""
        if isinstance(value, (str, bool, int)):
            return _constant(value)
        name = f"c_{len(self.globals)}"
        self.globals[name] = value
        return _load(name)

    def _pattern(self, node: s.Matches | s.Match) -> ast.expr:
        return self._value(patterns.compiled(node.pattern, node.ignoring_case))

    def _template(self, node: s.Template) -> ast.expr:
        if self.facts.host_of(node) is not None:
            return self._address(node)
        path = self.facts.is_path(node)
        if node.constant is not None and not (path and node.constant.startswith("~/")):
            return _constant(node.constant)
        pieces: list[ast.expr] = []
        for index, part in enumerate(node.parts):
            if isinstance(part, s.Hole):
                pieces.append(self._hole(part, path))
            elif path and index == 0 and part.startswith("~/"):
                pieces.extend((_load("home"), _constant(part[1:])))
            else:
                pieces.append(_constant(part))
        if not any(isinstance(part, s.Hole) for part in node.parts):
            return _call(_attribute(_constant(""), "join"), ast.Tuple(pieces, ast.Load()))
        return _call(_attribute(_load("steps"), "text"), ast.Tuple(pieces, ast.Load()))

    def _address(self, node: s.Template) -> ast.expr:
        """A web address: pieces as they are written at even places, what its holes hold, encoded, at odd ones."""
        pieces: list[ast.expr] = []
        for part in node.parts:
            hole = isinstance(part, s.Hole)
            if hole == (len(pieces) % 2 == 0):
                pieces.append(_constant(""))
            text = self._hole(part, in_path=False) if isinstance(part, s.Hole) else _constant(part)
            pieces.append(_call(_load("address_part"), text) if hole else text)
        return _call(_load("addressed"), ast.Tuple(pieces, ast.Load()))

    def _hole(self, hole: s.Hole, in_path: bool) -> ast.expr:
        value = self._expression(hole.value)
        kind = self.facts.type_of(hole.value)
        if hole.format:
            text: ast.expr = _call(_load("formatted"), value, _constant(hole.format))
        else:
            text = value if kind in (TEXT, *PATHS) else _call(_load("show"), value)
        if not in_path or kind in PATHS:
            return text
        real = self.facts.is_real_name(hole.value) and not hole.format
        return _call(_load("name_part" if real else "component"), text)

    def _member(self, node: s.Member) -> ast.expr:
        kind = self.facts.type_of(node.of)
        if (element_of(kind) or kind).name == "match":
            return _call(
                _load("group" if kind.name == "match" else "groups"), self._expression(node.of), _constant(node.name)
            )
        if kind.name == "list":
            return self._through("each", node.of, self._property(node, _load("it")))
        return self._property(node, self._expression(node.of))

    def _property(self, node: s.Member, of: ast.expr) -> ast.expr:
        kind = self.facts.type_of(node.of)
        if kind == ERROR:
            return _attribute(of, "message")
        if kind.name == "group":
            return _attribute(of, "key" if node.name == "key" else "items")
        kind = kind.element if kind.name == "list" and kind.element else kind
        known = self.vocabulary.property_of(FILE if kind == GONE else kind, node.name)
        assert known is not None
        if known.pure is None:
            return ast.Yield(_call(_load("Ask"), _constant(node.name), of, _constant(self._line_of(node))))
        if isinstance(known.pure, Attribute):
            return _attribute(of, known.pure.name)
        name = f"p_{known.of.name}_{node.name}"
        self.globals[name] = known.pure
        return _call(_load(name), of, *([_load("v_now"), _load("zone")] if known.uses_now else []))

    def _call_function(self, node: s.Call) -> ast.expr:
        resolved = self.facts.calls[id(node)]
        if resolved.asked:
            path = self._expression(resolved.arguments[0])
            return ast.Yield(_call(_load("Ask"), _constant(resolved.asked), path, _constant(self._line_of(node))))
        if resolved.question is not None:
            arguments = ast.Tuple(list(map(self._expression, resolved.arguments)), ast.Load())
            line = _constant(self._line_of(node))
            return ast.Yield(_call(_load("Ask"), _constant(resolved.question.name), arguments, line))
        if resolved.function is None:
            place = resolved.arguments[0]
            if isinstance(place, s.Template):
                pattern: ast.expr = _constant(place.constant)
            else:
                pattern = _call(_load("all_below"), self._expression(place))
            return ast.Yield(_call(_load("Ask"), _constant("files"), pattern, _constant(self._line_of(node))))
        if resolved.definition is not None:
            made = _call(_load(_defined(resolved.definition)), *map(self._expression, resolved.arguments))
            return ast.YieldFrom(made) if resolved.definition.key in self.asking else made
        name = f"f_{resolved.function.name}_{'_'.join(resolved.function.prepositions)}"
        self.globals[name] = resolved.function.call
        zone = [_load("zone")] if resolved.function.uses_zone else []
        return _call(_load(name), *zone, *map(self._argument, resolved.arguments))

    def _argument(self, node: s.Expression) -> ast.expr:
        """An argument of a function: a value, or one of the words that it chooses from."""
        if isinstance(node, s.Name) and self.facts.type_of(node) == WORD:
            return _constant(node.name)
        return self._expression(node)

    def _through(self, helper: str, items: s.Expression, made: ast.expr, *more: ast.expr) -> ast.expr:
        """``items`` filtered, sorted or told by an expression over ``it``, which may itself ask the world."""
        if helper in ("where", "each") and not _asks(made) and not self.traced:
            return self._comprehended(self._gone_through(items), made, keeps=helper == "where")
        argument = ast.arguments([], [ast.arg("it")], None, [], [], None, [])
        if not _asks(made):
            # The helper runs every test as a generator; one that asks for nothing is made into one.
            made = ast.IfExp(_constant(True), made, ast.Yield(_constant(None)))
        return ast.YieldFrom(_call(_load(helper), self._gone_through(items), ast.Lambda(argument, made), *more))

    def _gone_through(self, items: s.Expression) -> ast.expr:
        """A list that is about to be gone through: its elements are counted first."""
        return _call(_attribute(_load("steps"), "over"), self._expression(items))

    @staticmethod
    def _comprehended(items: ast.expr, made: ast.expr, *, keeps: bool) -> ast.expr:
        """The same where nothing is asked of the world: a comprehension, which costs a quarter of a generator for each.

        The elements are bound to a name of their own first, since Python allows no ``:=`` where a comprehension takes
        its elements from.
        """
        target, whole = ast.Name("it", ast.Store()), _load("items")
        loop = ast.comprehension(target, whole, [made] if keeps else [], 0)
        kept = ast.ListComp(_load("it") if keeps else made, [loop])
        parameters = ast.arguments([], [ast.arg("items")], None, [], [], None, [])
        # Some rows of a table are a table, whose columns are there also where no row is.
        result = _call(_load("like"), whole, kept) if keeps else ast.Tuple([ast.Starred(kept, ast.Load())], ast.Load())
        return _call(ast.Lambda(parameters, result), items)

    def _binary(self, node: s.Binary) -> ast.expr:
        left, right = self._expression(node.left), self._expression(node.right)
        operator = node.operator
        if operator in ("and", "or"):
            return ast.BoolOp(ast.And() if operator == "and" else ast.Or(), [left, right])
        if self.facts.type_of(node.left) == DATE and operator in DATES:
            return self._with_date(node, left, right)
        if operator in ARITHMETIC:
            return _call(_load(ARITHMETIC[operator]), left, right)
        if operator == "default":
            test = ast.Compare(ast.NamedExpr(ast.Name("maybe", ast.Store()), left), [ast.IsNot()], [_constant(None)])
            return ast.IfExp(test, _load("maybe"), right)
        if node.ignoring_case:
            left, right = _call(_load("caseless"), left), _call(_load("caseless"), right)
        if operator in COMPARISONS:
            return ast.Compare(left, [COMPARISONS[operator]], [right])
        match operator:
            case "is any of":
                return ast.Compare(left, [ast.In()], [right])
            case "contains":
                return _call(_attribute(left, "__contains__"), right)
            case "contains any of":
                return _call(_load("contains_any"), left, right)
            case "contains all of":
                return _call(_load("contains_all"), left, right)
            case "starts with":
                return _call(_attribute(left, "startswith"), right)
        return _call(_attribute(left, "endswith"), right)

    def _with_date(self, node: s.Binary, left: ast.expr, right: ast.expr) -> ast.expr:
        """Arithmetic and comparisons of a date, whose outcome depends on when the clocks of the zone change."""
        if node.operator in "+-":
            both = self.facts.type_of(node.right) == DATE
            name = "difference" if both else "later" if node.operator == "+" else "earlier"
            return _call(_load(name), _load("zone"), left, right)
        # `a > b` is `b < a`, and `a >= b` is `not a < b`.
        sides = (left, right) if node.operator in ("<", ">=") else (right, left)
        made: ast.expr = _call(_load("is_before"), _load("zone"), *sides)
        return ast.UnaryOp(ast.Not(), made) if node.operator in ("<=", ">=") else made


# -- short ways to build Python's nodes -------------------------------------------------------------------------------


_Made = TypeVar("_Made", ast.expr, ast.stmt, ast.FunctionDef)


def _at(node: _Made, line: int) -> _Made:
    """Let Python take a node for one that stands on a line of the coworker's text."""
    node.lineno = node.end_lineno = line
    node.col_offset = node.end_col_offset = 0
    return node


def _asks(made: ast.AST) -> bool:
    """Whether an expression asks the world itself; what a function within it asks, it asks when it is called."""
    if isinstance(made, ast.Lambda):
        return False
    if isinstance(made, (ast.Yield, ast.YieldFrom)):
        return True
    return any(map(_asks, ast.iter_child_nodes(made)))


def _defined(define: s.Define) -> str:
    """The name of the local function that a definition becomes."""
    return f"d_{'_'.join((define.name, *define.key[1]))}"


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _constant(value: str | bool | int | None) -> ast.Constant:
    return ast.Constant(value)


def _attribute(of: ast.expr, name: str) -> ast.Attribute:
    return ast.Attribute(of, name, ast.Load())


def _call(function: ast.expr, *arguments: ast.expr, **named: ast.expr) -> ast.Call:
    return ast.Call(function, list(arguments), [ast.keyword(name, value) for name, value in named.items()])


def _assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value)
