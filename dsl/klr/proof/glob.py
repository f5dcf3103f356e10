"""Path patterns, as people write them in ``may`` lines, and the languages that they stand for."""

from __future__ import annotations

from functools import lru_cache

from klr.proof.language import (
    LAST,
    NOT_SLASH,
    SLASH,
    Language,
    Ranges,
    any_of,
    concat,
    literal,
    one_of,
    optional,
    ranges,
    repeated,
    without,
)


class GlobError(ValueError):
    """A pattern that can not be read; ``offset`` is where in it."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


_COMPONENT = concat(literal("/"), one_of(NOT_SLASH), any_of(NOT_SLASH))


@lru_cache(maxsize=4096)
def glob(pattern: str) -> Language:
    """The paths that a pattern matches.

    It begins with ``~/`` or ``/``. Within a component ``*`` stands for any text, ``?`` for one character, ``[a-z]`` for
    one of these and ``[!a-z]`` for one of all others. A component ``**`` stands for one or more components at the end
    of the pattern, and for any number of them elsewhere. Raises GlobError.
    """
    if not pattern.startswith(("~/", "/")):
        raise GlobError("A pattern begins with `~/` (your own folder) or `/`.", 0)
    root, _, rest = pattern.partition("/")
    parts: list[Language] = [literal(root)]
    offset = len(root) + 1
    components = rest.split("/")
    for number, component in enumerate(components):
        last = number == len(components) - 1
        if component == "**":
            parts.append(repeated(_COMPONENT) if last else optional(repeated(_COMPONENT)))
        else:
            _check(component, offset, last)
            parts.extend((literal("/"), _component(component, offset)))
        offset += len(component) + 1
    return concat(*parts)


def glob_component(pattern: str) -> Language:
    """The names that a pattern for a single component matches, such as ``*.pdf``. Raises GlobError."""
    if "/" in pattern:
        raise GlobError("A pattern for names holds no `/`.", pattern.index("/"))
    if pattern == "**":
        pattern = "*"
    _check(pattern, 0, last=False)
    return _component(pattern, 0)


def _check(component: str, offset: int, last: bool) -> None:
    if component == "" and last:
        raise GlobError(
            "A pattern does not end with `/`. Write `/*` for what is in a folder, `/**` for all below it.", offset
        )
    if component == "":
        raise GlobError("A pattern holds nothing between two `/`.", offset)
    if component in (".", ".."):
        raise GlobError(f"A pattern holds no `{component}`. Write the whole path, from the top down.", offset)
    if "**" in component:
        raise GlobError(
            "`**` stands alone between two `/`: it means any folders. Write `*` for any part of a name.", offset
        )


def _component(pattern: str, offset: int) -> Language:
    parts: list[Language] = []
    at = 0
    while at < len(pattern):
        match pattern[at]:
            case "*":
                parts.append(any_of(NOT_SLASH))
            case "?":
                parts.append(one_of(NOT_SLASH))
            case "[":
                end = pattern.find("]", at + (3 if pattern[at + 1 : at + 2] == "!" else 2))
                if end < 0:
                    raise GlobError("This `[` has no `]`. Write `[[]` for the character itself.", offset + at)
                parts.append(one_of(_characters(pattern[at + 1 : end])))
                at = end
            case "\0":
                raise GlobError("A pattern holds no NUL.", offset + at)
            case plain:
                parts.append(literal(plain))
        at += 1
    return concat(*parts)


def _characters(written: str) -> Ranges:
    """The characters that ``[written]`` stands for; a backward range such as ``z-a`` stands for none."""
    negated = written.startswith("!")
    body = written[negated:]
    parts: list[tuple[int, int]] = []
    at = 0
    while at < len(body):
        if body[at + 1 : at + 2] == "-" and at + 2 < len(body):
            parts.append((ord(body[at]), ord(body[at + 2])))
            at += 3
        else:
            parts.append((ord(body[at]), ord(body[at])))
            at += 1
    chosen = ranges(*parts)
    return without(((1, LAST),), ranges(*chosen, (SLASH, SLASH))) if negated else without(chosen, ((SLASH, SLASH),))
