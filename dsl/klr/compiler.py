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
from typing import Any

from klr import syntax as s
from klr.checker import Checked, verb_of
from klr.effects import MAIL_GIVEN
from klr.expression_compiler import ExpressionCompiler, defined
from klr.python_nodes import asks, assign, at, attribute, call, constant, load
from klr.source import Source
from klr.types import PATHS, WORD
from klr.vocabulary import Slot, Verb, Vocabulary


def compile_rule(
    rule: s.RuleBlock, source: Source, checked: Checked, vocabulary: Vocabulary, *, traced: bool
) -> Callable[..., Any]:
    """The generator function of a rule: called with an ``Inputs`` and, if ``traced``, a ``Tracer``."""
    builder = _Compiler(source, checked, vocabulary, traced)
    module = ast.fix_missing_locations(ast.Module([builder.function(rule)], []))
    code: CodeType = compile(module, source.name, "exec")
    space: dict[str, Any] = {**builder.expressions.globals, "__builtins__": {}}
    exec(code, space)  # noqa: S102 - the code is built node by node above, from a checked tree
    function: Callable[..., Any] = space["rule"]
    return function


class _Compiler:
    """Builds the function of one rule: its statements, around what ``ExpressionCompiler`` makes of its expressions."""

    def __init__(self, source: Source, checked: Checked, vocabulary: Vocabulary, traced: bool) -> None:
        self.settings = checked.settings
        self.facts = checked.facts
        self.definitions = [part for part in checked.tree.parts if isinstance(part, s.Define)]
        self.vocabulary = vocabulary
        self.expressions = ExpressionCompiler(source, checked, vocabulary, traced)
        self.line_of = self.expressions.line_of

    # -- the rule -----------------------------------------------------------------------------------------------------

    def function(self, rule: s.RuleBlock) -> ast.FunctionDef:
        """``def rule(inputs[, trace])``, a generator."""
        parameters = ["inputs", *(["trace"] if self.expressions.traced else [])]
        arguments = ast.arguments([], [ast.arg(name) for name in parameters], None, [], [], None, [])
        start: list[ast.stmt] = [
            # A rule that asks for nothing must be a generator nevertheless.
            ast.If(constant(False), [ast.Expr(ast.Yield(constant(None)))], []),
            assign("steps", call(load("Steps"))),
            assign("v_now", attribute(load("inputs"), "now")),
            assign("v_file", attribute(load("inputs"), "file")),
            assign("home", attribute(load("inputs"), "home")),
            assign("zone", attribute(load("inputs"), "zone")),
            assign(
                "v_today",
                call(
                    attribute(load("v_now"), "replace"),
                    **dict.fromkeys(("hour", "minute", "second", "microsecond", "fold"), constant(0)),
                ),
            ),
        ]
        for name, setting in self.settings.items():
            value: ast.expr = ast.Subscript(attribute(load("inputs"), "settings"), constant(name), ast.Load())
            if setting.type in PATHS:
                value = call(load("from_home"), value, load("home"))
            start.append(assign(f"v_{name}", value))
        for answer in rule.trigger.answers if isinstance(rule.trigger, s.When) else ():
            value = ast.Subscript(attribute(load("inputs"), "settings"), constant(answer.name), ast.Load())
            start.append(assign(f"v_{answer.name}", value))
        if isinstance(rule.trigger, s.When) and "folder" in rule.trigger.words:
            start.append(assign("v_folder", attribute(load("v_file"), "path")))
        if isinstance(rule.trigger, s.When) and rule.trigger.words[0] == "mail":
            given = ast.Subscript(attribute(load("inputs"), "settings"), constant(MAIL_GIVEN), ast.Load())
            start.append(assign("v_mail", given))
        start.extend(self._definition(define) for define in self.definitions)
        body = self._guarded(rule.body, rule.on_error, looping=False)
        end = ast.Return(call(load("Ending"), constant("done")))
        definition = ast.FunctionDef("rule", arguments, [*start, *body, end], [], None)
        return at(definition, self.line_of(rule))

    def _definition(self, define: s.Define) -> ast.stmt:
        """A definition as a local function; one that asks the world is a generator."""
        value = self.expressions.of(define.value)
        parameters = [ast.arg(f"v_{parameter.name}") for parameter in define.parameters]
        if asks(value):
            self.expressions.asking.add(define.key)
        made = ast.Lambda(ast.arguments([], parameters, None, [], [], None, []), value)
        return at(assign(defined(define), made), self.line_of(define))

    # -- statements ---------------------------------------------------------------------------------------------------

    def _block(self, block: s.Block, looping: bool) -> list[ast.stmt]:
        statements: list[ast.stmt] = []
        for statement in block.statements:
            for made in self._statement(statement, looping):
                statements.append(at(made, self.line_of(statement)))
        return statements or [ast.Pass()]

    def _guarded(self, block: s.Block, on_error: s.Block | None, looping: bool) -> list[ast.stmt]:
        """A block, and what happens where something in it can not be done."""
        body = self._block(block, looping)
        if on_error is None:
            return body
        # What is caught within does not take the place of what was caught around it.
        self.expressions.caught += 1
        caught = [assign(f"v_error_{self.expressions.caught}", load("caught")), *self._block(on_error, looping)]
        self.expressions.caught -= 1
        handler = ast.ExceptHandler(load("EffectError"), "caught", caught)
        return [ast.Try(body, [handler], [], [])]

    def _statement(self, statement: s.Statement, looping: bool) -> list[ast.stmt]:
        match statement:
            case s.Let():
                return [assign(f"v_{statement.name}", self.expressions.of(statement.value))]
            case s.If():
                return [self._if(statement, looping)]
            case s.ForEach():
                variable = ast.Name(f"v_{statement.name}", ast.Store())
                body = self._guarded(statement.body, statement.on_error, looping=True)
                if self.expressions.traced:
                    body.insert(
                        0,
                        ast.Expr(
                            self.expressions.tell(statement, f"for each {statement.name}", load(f"v_{statement.name}"))
                        ),
                    )
                return [ast.For(variable, self.expressions.gone_through(statement.items), body, [])]
            case s.Attempt():
                return self._guarded(statement.body, statement.on_error, looping)
            case s.Action():
                return self._action(statement, looping)

    def _if(self, statement: s.If, looping: bool) -> ast.stmt:
        otherwise = self._block(statement.otherwise, looping) if statement.otherwise else []
        for condition, body in reversed(statement.branches):
            made = ast.If(self.expressions.of(condition), self._block(body, looping), otherwise)
            otherwise = [at(made, self.line_of(condition))]
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
            call(load("Act"), constant(verb.name), ast.Tuple(arguments, ast.Load()), constant(self.line_of(action)))
        )
        if verb.follows and isinstance(action.object, s.Name):
            return [assign(f"v_{action.object.name}", act)]
        return [ast.Expr(act)]

    def _slot(self, slot: Slot, value: s.Expression | None) -> ast.expr:
        if slot.type == WORD:
            return constant(value.name if isinstance(value, s.Name) else slot.words[0])
        if value is None:
            return constant(None)
        made = self.expressions.of(value)
        if isinstance(value, s.Template) and self.facts.goes_into_folder(value):
            # "into that folder, under its own name": the object of the verb is a file, in the first slot.
            return ast.BinOp(made, ast.Add(), call(load("name_part"), attribute(load("thing"), "name")))
        return made

    def _control(self, verb: Verb, action: s.Action, looping: bool) -> list[ast.stmt]:
        reason = self.expressions.of(action.object) if action.object is not None else constant("")
        match verb.control:
            case "skip" if looping:
                told = [ast.Expr(reason)] if action.object is not None else []
                return [*told, ast.Continue()]
            case "skip" | "stop":
                outcome = "skipped" if verb.control == "skip" else "stopped"
                return [ast.Return(call(load("Ending"), constant(outcome), reason))]
        return [ast.Raise(call(load("EffectError"), reason, constant("failed")), None)]
