"""Where a file, the files of a list, or a path can be: what is known of an expression's value when a coworker is checked."""

from __future__ import annotations

from collections.abc import Callable

from klr import runtime
from klr import syntax as s
from klr.checker import Checked
from klr.narrowing import narrowed
from klr.proof import Language, concat, extensions, glob, last_component, literal, name_hole, parent, stems, text_hole
from klr.scope import Resolved
from klr.shapes import ANYWHERE, Environment, Shape, crossed, either, escaped
from klr.types import FILE, PATHS, Type

_PARTS_OF_NAMES: dict[str, Callable[[Language], Language]] = {
    "name": lambda names: names,
    "stem": stems,
    "extension": extensions,
}


class Whereabouts:
    """Tells of the expressions of one coworker where their values can be, in an environment.

    ``settings`` are the paths among its settings, with the values in force.
    """

    def __init__(self, checked: Checked) -> None:
        self.facts = checked.facts
        self.values = checked.settings
        self.settings: Environment = {
            name: Shape(literal(setting.value), (escaped(setting.value),))
            for name, setting in checked.settings.items()
            if setting.type in PATHS
        }
        self._listings: dict[str, Shape] = {}

    def name(self, value: s.Expression, environment: Environment) -> tuple[Language, str]:
        """The names that a text can be, and a pattern for them. No path, so it may hold what only a path may not."""
        if not isinstance(value, s.Template):
            return name_hole(), "*"
        language, patterns = self.pieces(value.parts, environment, name_hole())
        return language, patterns[0]

    def of(self, node: s.Expression, environment: Environment) -> Shape | None:
        """Where a file, a list's files, or a path can be; None for every other kind of value."""
        match node:
            case s.Template() if self.facts.is_path(node):
                return self._path(node, environment)
            case s.Name():
                return environment.get(node.name)
            case s.Member() if self._is_path(node):
                return self._folder(node, environment)
            case s.Member() if self.facts.type_of(node.of).name == "group" and node.name != "key":
                return self.of(node.of, environment)
            case s.Where():
                items = self.of(node.items, environment)
                return narrowed(node.condition, True, {"it": items})["it"] if items else None
            case s.SortedBy() | s.GroupedBy():
                return self.of(node.items, environment)
            case s.ListOf():
                return either(self.of(item, environment) for item in node.items)
            case s.Binary(operator="default"):
                return either((self.of(node.left, environment), self.of(node.right, environment)))
            case s.Call():
                resolved = self.facts.calls[id(node)]
                if resolved.asked or resolved.question is not None:
                    return None
                if resolved.function is None:
                    return self.files(resolved, environment)
                if resolved.definition is not None:
                    return self.of(resolved.definition.value, self.handed(resolved, environment))
                return either(self.of(argument, environment) for argument in resolved.arguments)
        return None

    def _is_path(self, node: s.Expression) -> bool:
        kind: Type | None = self.facts.type_of(node)
        return (kind.element if kind and kind.name == "list" else kind) in PATHS

    def handed(self, resolved: Resolved, environment: Environment) -> Environment:
        """Where the files and paths are that a call hands to a definition."""
        assert resolved.definition is not None
        given = zip(resolved.definition.parameters, resolved.arguments, strict=True)
        handed = {p.name: shape for p, value in given if (shape := self.of(value, environment)) is not None}
        return {**self.settings, **handed}

    def _folder(self, node: s.Member, environment: Environment) -> Shape:
        shape = self.of(node.of, environment) or ANYWHERE
        if node.name == "folder" and not shape.can_be_the_top():
            return Shape(parent(shape.language), shape.folders())
        return shape if node.name == "path" else ANYWHERE

    def files(self, resolved: Resolved, environment: Environment) -> Shape:
        pattern = resolved.arguments[0]
        if not isinstance(pattern, s.Template):
            folder = self.of(pattern, environment)
            if folder is None or folder.can_be_the_top():
                return ANYWHERE
            return Shape(concat(folder.language, glob("/**")), tuple(f"{one}/**" for one in folder.patterns))
        assert pattern.constant is not None
        return self._listings.setdefault(pattern.constant, Shape(glob(pattern.constant), (pattern.constant,)))

    def _path(self, node: s.Template, environment: Environment) -> Shape:
        return Shape(*self.pieces(node.parts, environment, text_hole()))

    def pieces(
        self, parts: tuple[str | s.Hole, ...], environment: Environment, text: Language
    ) -> tuple[Language, tuple[str, ...]]:
        """The texts that a template can be, and patterns for them; ``text`` is what any text can be in its place."""
        languages: list[Language] = []
        patterns: tuple[str, ...] = ("",)
        for part in parts:
            known = part if isinstance(part, str) else self.known(part)
            if known is not None:
                languages.append(literal(known))
                patterns = crossed(patterns, (escaped(known),))
                continue
            assert isinstance(part, s.Hole)
            shape = self.of(part.value, environment) if self._is_path(part.value) else None
            if shape is not None:
                languages.append(shape.language)
                patterns = crossed(patterns, shape.patterns)
                continue
            languages.append(self._hole(part, environment, text))
            patterns = tuple(pattern if pattern.endswith("*") else pattern + "*" for pattern in patterns)
        return concat(*languages) if languages else literal(""), patterns

    def known(self, hole: s.Hole) -> str | None:
        """The text of a hole for a setting, whose value is in force for all that is proved here; None for others."""
        setting = self.values.get(hole.value.name) if isinstance(hole.value, s.Name) else None
        if setting is None or hole.format or setting.type in PATHS or setting.value is None:
            return None
        return runtime.show(setting.value)

    def _hole(self, hole: s.Hole, environment: Environment, text: Language) -> Language:
        value = hole.value
        if hole.format or not self.facts.is_real_name(value):
            return text
        if isinstance(value, s.Member) and self.facts.type_of(value.of) == FILE:
            names = last_component((self.of(value.of, environment) or ANYWHERE).language)
            return _PARTS_OF_NAMES[value.name](names) if value.name in _PARTS_OF_NAMES else name_hole()
        return name_hole()
