"""Settings: their values in force, put into the text of a coworker, and into its patterns.

A value that a person chose takes the place of the one in the ``setting`` line before anything is checked. So the proof,
the compiled program, the log and every replay see one text, and none of them needs to know that it was changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from klr import answers, runtime
from klr import syntax as s
from klr.parser import parse
from klr.program import Setting
from klr.recipients import is_mail
from klr.shapes import escaped
from klr.source import Source
from klr.types import PATHS, TEXT
from klr.values import Months

_NAME_LINE = re.compile(r'^coworker[ \t]+"((?:[^"\\\r\n]|\\.)*)"', re.MULTILINE)


def written(value: Any) -> str:
    """A value of a setting as the language writes it."""
    match value:
        case str():
            return f'"{s.escaped(value)}"'
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return f"{value:f}"
        case int():
            return f"{value} bytes"
        case datetime():
            return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value:%Y-%m-%d %H:%M:%S}"
        case time():
            return f"{value:%H:%M:%S}"
        case timedelta():
            return f"{Decimal(value // timedelta(microseconds=1)).scaleb(-6).normalize():f} seconds"
        case Months():
            return f"{value.count} months"
        case tuple():
            return f"[{', '.join(map(written, value))}]"
    raise TypeError(f"a {type(value).__name__} is no value of a setting")


def name_in(text: str) -> str:
    """The name that a coworker's text gives it; "" where none can be read."""
    line = _NAME_LINE.search(text)
    if line and not set(line[1]) & {"\\", "{", "}"}:
        return line[1]  # nearly every name, told at once
    tree = parse(Source(text)).tree
    return (tree.name.constant or "") if tree else ""


def with_values(text: str, values: Mapping[str, str]) -> str:
    """A coworker's text in which settings have other values, each as the language writes it; lines keep their numbers.

    Settings that the text does not have, or that can not be read, stay out.
    """
    if not values:
        return text
    tree = parse(Source(text)).tree
    lines = [part for part in tree.parts if isinstance(part, s.SettingLine)] if tree else []
    for line in sorted(lines, key=lambda line: -line.span.start):
        if (new := values.get(line.name)) is not None:
            start, end = line.value.span.start, line.value.span.end
            breaks = "\n" * text.count("\n", start, end)
            if breaks:
                new = f"{new[:-1]}{breaks}]" if new.endswith("]") else f"({breaks}{new})"
            text = text[:start] + new + text[end:]
    return text


def read(setting: Setting, typed: Sequence[str]) -> Any:
    """The value that a person typed for a setting: one word of the command line, or one for each element of a list.

    Raises ValueError with a sentence for them.
    """
    kind = setting.type
    if kind.name == "list" and kind.element is not None:
        element = replace(setting, type=kind.element)
        return tuple(read(element, [one]) for one in typed)
    if len(typed) != 1:
        raise ValueError(f"`{setting.name}` takes one value. Put quotation marks around one that holds blanks.")
    value = answers.read(TEXT if kind in PATHS else kind, typed[0])
    if kind in PATHS and not value.startswith(("~/", "/")):
        raise ValueError("A path begins with `~/` (your own folder) or `/`.")
    return value


def bounds_problem(setting: Setting) -> str:
    """Why the value of a setting is none that it may have, or ""."""
    values = setting.value if isinstance(setting.value, tuple) else (setting.value,)
    for value in values:
        if value is None:
            continue
        if setting.choices and value not in setting.choices:
            return f"`{setting.name}` is one of {', '.join(map(written, setting.choices))}, and not {written(value)}."
        if setting.low is not None and setting.high is not None and not setting.low <= value <= setting.high:
            low, high = written(setting.low), written(setting.high)
            return f"`{setting.name}` lies from {low} to {high}, and {written(value)} does not."
    return ""


def filled(tree: s.Coworker, settings: Mapping[str, Setting]) -> s.Coworker:
    """A tree in which settings stand written out in patterns: those of ``may`` lines, triggers and ``files in``.

    What does not change is the same object as before.
    """
    if not settings:
        return tree
    parts = tuple(_part(part, settings) for part in tree.parts)
    same = all(new is old for new, old in zip(parts, tree.parts, strict=True))
    return tree if same else replace(tree, parts=parts)


def _part(part: s.Part, settings: Mapping[str, Setting]) -> s.Part:
    if isinstance(part, s.May):
        patterns = tuple(_pattern(pattern, settings) for pattern in part.patterns)
        to = tuple(_recipient(template, settings) for template in part.to)
        same = _same(patterns, part.patterns) and _same(to, part.to)
        return part if same else replace(part, patterns=patterns, to=to)
    if isinstance(part, (s.RuleBlock, s.Define)):
        made: s.Part = _within(part, settings)
        return made
    return part


def _recipient(template: s.Template, settings: Mapping[str, Setting]) -> s.Template:
    """To whom something may go, written out; a host is written out by whoever writes the line."""
    filled: s.Template = _pattern(template, settings)
    return filled if is_mail(filled.constant or "") else template


def _within(node: Any, settings: Mapping[str, Setting]) -> Any:
    """A node in which every pattern is written out."""
    if isinstance(node, tuple):
        made = tuple(_within(item, settings) for item in node)
        return node if _same(made, node) else made
    if not isinstance(node, s.Node):
        return node
    if isinstance(node, s.When):
        slots = tuple((word, _pattern(value, settings)) for word, value in node.slots)
        return node if _same([v for _, v in slots], [v for _, v in node.slots]) else replace(node, slots=slots)
    if isinstance(node, s.Call) and node.arguments[-1][0] == "in" and "files" in (node.name, _last_name(node)):
        word, pattern = node.arguments[-1]
        if isinstance(pattern, s.Template) and (new := _pattern(pattern, settings)) is not pattern:
            return replace(node, arguments=(*_within(node.arguments[:-1], settings), (word, new)))
    changed = {}
    for name in s.names_of_parts(node):
        before = getattr(node, name)
        if before and isinstance(before, (tuple, s.Node)) and (after := _within(before, settings)) is not before:
            changed[name] = after
    return replace(node, **changed) if changed else node


def _last_name(call: s.Call) -> str:
    """The name before the last preposition: that of the inner call in ``count of files in "..."``."""
    last = call.arguments[-2][1] if len(call.arguments) > 1 else None
    return last.name if isinstance(last, s.Name) else ""


def _pattern(node: Any, settings: Mapping[str, Setting]) -> Any:
    """A pattern with the values of settings in place of their names; others stay as they are."""
    if isinstance(node, s.Name) and (setting := settings.get(node.name)) and setting.type in PATHS:
        return s.Template((escaped(setting.value),), span=node.span) if isinstance(setting.value, str) else node
    if not isinstance(node, s.Template) or node.constant is not None:
        return node
    text = ""
    for place, part in enumerate(node.parts):
        shown = part if isinstance(part, str) else _shown(part, settings, at_start=place == 0)
        if shown is None:
            return node
        text += shown
    return s.Template((text,), span=node.span)


def _shown(hole: s.Hole, settings: Mapping[str, Setting], *, at_start: bool) -> str | None:
    """What a hole stands for in a pattern; None where that is not one setting, or no name of a file."""
    setting = settings.get(hole.value.name) if isinstance(hole.value, s.Name) and not hole.format else None
    if setting is None or setting.value is None or setting.type.name == "list":
        return None
    if setting.type in PATHS:
        return escaped(setting.value) if at_start else None
    shown = runtime.show(setting.value)
    return escaped(shown) if shown and "/" not in shown and shown not in (".", "..") and shown.isprintable() else None


def _same(new: Sequence[Any], old: Sequence[Any]) -> bool:
    return all(one is other for one, other in zip(new, old, strict=True))
