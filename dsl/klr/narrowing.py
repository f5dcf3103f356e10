"""What a condition tells of where a file is: under ``if file.extension is "pdf"``, its name ends so.

Only names are learned from: they are the same whether a path is written with ``~`` or in full. What a condition does
not tell for certain is not assumed, so a narrowed place always holds every path that the file can have there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from klr import syntax as s
from klr.proof import Language, any_of, concat, intersection, literal, one_of, union
from klr.proof.language import ANY, NOT_SLASH, NOT_SLASH_OR_DOT, Ranges, ranges
from klr.shapes import MOST_PATTERNS, Environment, Shape, escaped
from klr.values import split_name

_FOLDER = concat(any_of(ANY), literal("/"))
_NAME = any_of(NOT_SLASH)
_KELVIN = ord("\u212a")
"""The one character beyond ASCII whose small letter is of ASCII: ``k``."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names that a file can have: the language of them, and a glob for them."""

    language: Language
    pattern: str


def narrowed(condition: s.Expression, holds: bool, environment: Environment) -> Environment:
    """What is known where a condition was found to hold, or not to."""
    match condition:
        case s.Unary(operator="not"):
            return narrowed(condition.operand, not holds, environment)
        case s.Binary(operator="and" | "or") if (condition.operator == "and") is holds:
            return narrowed(condition.right, holds, narrowed(condition.left, holds, environment))
        case s.Binary(operator="and" | "or"):
            first = narrowed(condition.left, holds, environment)
            second = narrowed(condition.right, holds, narrowed(condition.left, not holds, environment))
            return {name: _one_or_other(first[name], second[name], environment[name]) for name in environment}
        case s.Binary(operator="is not", ignoring_case=False):
            return environment if holds else _compared("is", condition, environment)
        case s.Binary(ignoring_case=False) if holds:
            return _compared(condition.operator, condition, environment)
    return environment


def _one_or_other(first: Shape | None, second: Shape | None, before: Shape | None) -> Shape | None:
    if first is None or second is None or before is first or before is second:
        return before
    return Shape(union(first.language, second.language), (first if before is None else before).patterns, part_of=before)


def _compared(operator: str, comparison: s.Binary, environment: Environment) -> Environment:
    """What ``file.property operator constant`` tells, where it holds."""
    member = comparison.left
    if not isinstance(member, s.Member) or not isinstance(member.of, s.Name):
        return environment
    name, place = member.of.name, environment.get(member.of.name)
    texts = _texts(operator, comparison.right)
    learn = _LEARNED.get((member.name, "is" if operator == "is any of" else operator))
    if place is None or texts is None or learn is None or place.can_be_the_top():
        return environment
    learned = [names for text in texts if (names := learn(text))]
    return {**environment, name: _within(place, learned)} if len(learned) == len(texts) else environment


def _texts(operator: str, node: s.Expression) -> list[str] | None:
    """The texts that something is compared with; None where they are not written out."""
    items = node.items if operator == "is any of" and isinstance(node, s.ListOf) else (node,)
    texts = [item.constant for item in items if isinstance(item, s.Template)]
    written = [text for text in texts if text is not None]
    return written if len(written) == len(items) and written else None


def _within(place: Shape, choices: list[Names]) -> Shape:
    """The part of a place in which files have one of these names."""
    patterns: list[str] = []
    for pattern in place.patterns:
        folder, _, name = pattern.rpartition("/")
        if name == "**":
            patterns.extend(f"{pattern}/{choice.pattern}" for choice in choices)
        elif name == "*":
            patterns.extend(f"{folder}/{choice.pattern}" for choice in choices)
        else:
            patterns.append(pattern)
    names = union(*(choice.language for choice in choices))
    return Shape(intersection(place.language, concat(_FOLDER, names)), tuple(patterns[:MOST_PATTERNS]), part_of=place)


# -- what each comparison tells of the name ---------------------------------------------------------------------------


def _is(text: str) -> Names | None:
    return Names(literal(text), escaped(text)) if _in_a_name(text) and text not in (".", "..") else None


def _starts(text: str) -> Names | None:
    return Names(concat(literal(text), _NAME), f"{escaped(text)}*") if _in_a_name(text) else None


def _ends(text: str) -> Names | None:
    return Names(concat(_NAME, literal(text)), f"*{escaped(text)}") if _in_a_name(text) else None


def _stem(text: str) -> Names | None:
    """Names whose stem, as ``klr.values.split_name`` has it, is ``text``."""
    if not _in_a_name(text):
        return None
    extension = concat(literal("."), one_of(NOT_SLASH_OR_DOT), any_of(NOT_SLASH_OR_DOT))
    named = concat(literal(text), extension)
    if split_name(text)[1]:
        return Names(named, f"{escaped(text)}.*")
    return Names(union(literal(text), named), f"{escaped(text)}*")


def _contains(text: str) -> Names | None:
    return Names(concat(_NAME, literal(text), _NAME), f"*{escaped(text)}*") if _in_a_name(text) else None


def _extension(text: str) -> Names | None:
    """Names whose extension, as ``klr.values.split_name`` has it and in small letters, is ``text``."""
    if not text.isascii() or text != text.lower() or not _in_a_name(text) or "." in text:
        return None
    letters = [_spellings(letter) for letter in text]
    ending = concat(literal("."), *map(one_of, letters))
    return Names(concat(one_of(NOT_SLASH), _NAME, ending), "*." + "".join(map(_class, letters)))


def _spellings(letter: str) -> Ranges:
    """The characters whose small letter is this one of ASCII."""
    codes = {ord(letter), ord(letter.upper())} | ({_KELVIN} if letter == "k" else set())
    return ranges(*((code, code) for code in codes))


def _class(letters: Ranges) -> str:
    characters = "".join(chr(code) for low, high in letters for code in range(low, high + 1))
    return escaped(characters) if len(characters) == 1 else f"[{characters}]"


def _in_a_name(text: str) -> bool:
    return bool(text) and "/" not in text and "\0" not in text


_LEARNED: dict[tuple[str, str], Callable[[str], Names | None]] = {
    ("name", "is"): _is,
    ("name", "starts with"): _starts,
    ("name", "ends with"): _ends,
    ("name", "contains"): _contains,
    ("stem", "is"): _stem,
    ("stem", "starts with"): _starts,
    ("stem", "contains"): _contains,
    ("extension", "is"): _extension,
}
