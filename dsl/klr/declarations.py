"""What a coworker gives names to outside its rules' lines: settings, definitions, and what a person is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from klr import synonyms
from klr import syntax as s
from klr.diagnostics import did_you_mean, instead, listing
from klr.expressions import Expressions
from klr.operators import ORDERED, a
from klr.program import Setting
from klr.scope import RESERVED, Scope, Variable
from klr.settings import bounds_problem
from klr.source import Source, Span
from klr.syntax import MISSING
from klr.types import BY_NAME, OF_PARAMETERS, PATH, PATHS, UNKNOWN, Type, element_of, fits, list_of


class Declarations:
    """The names of one coworker as they are given; ``settings`` holds those that it has, by name."""

    def __init__(self, source: Source, expressions: Expressions) -> None:
        self.source = source
        self.expressions = expressions
        self.error = expressions.error
        self.settings: dict[str, Setting] = {}

    def setting(self, line: s.SettingLine, root: Scope) -> None:
        """Give a setting its name, and find out its value and its bounds."""
        self.new_name(line.name, line.span, root)
        declared = self._type(line)
        value = self._written_out(line.value, declared, f"The setting `{line.name}`")
        label = line.label.constant if line.label else ""
        if label is None and line.label:
            self.error("K309", "A label takes a text without holes.", line.label.span)
        root.add(Variable(line.name, declared, line.span, "setting", used=True))
        setting = Setting(line.name, value, label or line.name, declared)
        self.settings[line.name] = self._bounded(line, setting) if line.bounds else setting

    def _bounded(self, line: s.SettingLine, setting: Setting) -> Setting:
        """A setting with its bounds, within which its value must lie."""
        assert line.bounds is not None
        kind = element_of(setting.type) or setting.type
        what = f"The values that `{line.name}` may have"
        if len(line.bounds.values) == 1:
            choices = self._written_out(line.bounds.values[0], list_of(kind), what)
            setting = replace(setting, choices=choices or ())
        elif kind not in ORDERED and kind != UNKNOWN:
            self.error("K302", f"{a(kind).capitalize()} has no order, so it is between nothing.", line.bounds.span)
        else:
            low, high = (self._written_out(value, kind, what) for value in line.bounds.values)
            setting = replace(setting, low=low, high=high)
        problem = bounds_problem(setting)
        if problem and type(setting.value) in (tuple, type(setting.low), *map(type, setting.choices)):
            self.error("K212", problem, line.value.span, "Change the value, or what it may be.")
        return setting

    def definitions(self, defines: Sequence[s.Define], root: Scope) -> None:
        """Put the definitions down, each to be read when it is first used."""
        calls = self.expressions.calls
        calls.later = {define.name for define in defines}
        for define in defines:
            if define.key in calls.functions or define.key == ("files", ("in",)):
                self.error(
                    "K202", f"`{define.name}` means something already.", define.span, "Choose another name for it."
                )
            scope = Scope(root)
            types = []
            for parameter in define.parameters:
                types.append(self._type(parameter, OF_PARAMETERS))
                self.new_name(parameter.name, parameter.span, scope)
                scope.add(Variable(parameter.name, types[-1], parameter.span))
            wanted = PATH if is_path(define.value) else None
            calls.define(define, tuple(types), partial(self.expressions.of, define.value, scope, wanted))
            self.unused(scope)

    def _type(self, line: s.SettingLine | s.Parameter | s.Answer, by_name: Mapping[str, Type] = BY_NAME) -> Type:
        *lists, name = line.type
        known = by_name.get(name)
        if known is None:
            if name == MISSING:
                return UNKNOWN
            help = (
                did_you_mean(name, by_name, synonyms.TYPES)
                or f"Types are {listing(sorted(by_name), 'and')}, and `list of` one of them."
            )
            behind_name = Span(
                self.source.text.find(":", line.span.start), self.source.text.find("\n", line.span.start)
            )
            repair = instead(behind_name, name, by_name, synonyms.TYPES)
            self.error("K207", f"There is no type `{name}`.", line.span, help, repair)
            return UNKNOWN
        for _ in range(len(lists) // 2):
            known = list_of(known)
        return known

    def new_name(self, name: str, span: Span, scope: Scope) -> bool:
        """Whether a name can be given here; where not, that is told."""
        before = scope.has(name)
        if name in RESERVED and name != MISSING:
            self.error(
                "K202",
                f"`{name}` is a word of the language, so nothing else can be called that.",
                span,
                "Choose another name.",
            )
        elif before is not None and name != MISSING:
            line = self.source.place(before.span.start)[0]
            where = f"in line {line}" if before.span.end else "by klapp"
            self.error(
                "K202",
                f"`{name}` is taken already, {where}.",
                span,
                "Choose another name; a value never changes once it is there.",
            )
        return before is None or name == MISSING

    def answers(self, answers: tuple[s.Answer, ...], scope: Scope) -> tuple[Setting, ...]:
        """What a person is asked for: names of the rule."""
        asked = []
        for answer in answers:
            self.new_name(answer.name, answer.span, scope)
            declared = self._type(answer)
            if declared.name == "list" or declared in PATHS:
                message = f"A person can not be asked for {'a list' if declared.name == 'list' else f'a {declared}'}."
                self.error("K509", message, answer.span, "Ask for a text, a number, a date or a time.")
            value = None
            if answer.value is not None:
                value = self._written_out(answer.value, declared, f"The answer `{answer.name}`")
            label = answer.label.constant if answer.label else ""
            if label is None and answer.label:
                self.error("K309", "A label takes a text without holes.", answer.label.span)
            scope.add(Variable(answer.name, declared, answer.span, "answer"))
            asked.append(Setting(answer.name, value, label or answer.name, declared))
        return tuple(asked)

    def _written_out(self, node: s.Expression, declared: Type, what: str) -> Any:
        """The value of a constant of that type; None where it is wrong."""
        found = self.expressions.of(node, Scope(), declared)
        if declared != UNKNOWN and not fits(found, declared):
            self.error("K301", f"{what} is of type {declared}, and this is of type {found}.", node.span)
        try:
            value = s.constant(node)
            return value.rstrip("/") if declared in PATHS and isinstance(value, str) and len(value) > 2 else value
        except ValueError:
            if found != UNKNOWN:
                self.error("K309", "A setting's value is written out: it can not be computed.", node.span)
        return None

    def unused(self, scope: Scope) -> None:
        """Report the names of a scope that is left which nothing used."""
        for variable in scope.variables.values():
            if variable.kind == "variable" and not variable.used and variable.type != UNKNOWN:
                self.error(
                    "K603", f"`{variable.name}` is never used.", variable.span, "Remove the line, or use the name."
                )


def is_path(value: s.Expression) -> bool:
    """Whether a text that could be anything is meant as a path."""
    first = value.parts[0] if isinstance(value, s.Template) and value.parts else ""
    return isinstance(first, str) and first.startswith("~/")
