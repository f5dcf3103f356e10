"""Which paths a pattern matches, by trying everything: no automata, no compiled patterns."""

from __future__ import annotations

from functools import lru_cache


def is_path(path: str) -> bool:
    """Whether a text is a whole path: absolute, with no part that is empty, ``.`` or ``..``, and no NUL."""
    return path[:1] == "/" and "\0" not in path and all(part not in ("", ".", "..") for part in path[1:].split("/"))


@lru_cache(maxsize=100_000)
def matches(pattern: str, path: str, home: str) -> bool:
    """Whether a whole path matches a pattern; ``~`` in first place of the pattern is the folder ``home``, literally."""
    if not is_path(path):
        return False
    if pattern.startswith("~/"):
        if not path.startswith(home + "/"):
            return False
        pattern, path = pattern[1:], path[len(home) :]
    return _parts(pattern.split("/")[1:], path.split("/")[1:])


def _parts(patterns: list[str], names: list[str]) -> bool:
    if not patterns:
        return not names
    first, rest = patterns[0], patterns[1:]
    if first == "**" and not rest:
        return len(names) >= 1
    if first == "**":
        return any(_parts(rest, names[skipped:]) for skipped in range(len(names) + 1))
    return len(names) >= 1 and name_matches(first, names[0]) and _parts(rest, names[1:])


def name_matches(pattern: str, name: str) -> bool:
    """Whether one name matches a pattern for names: ``*`` any text, ``?`` one character, ``[a-z]``, ``[!a-z]``."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        rest = pattern.lstrip("*")
        return any(name_matches(rest, name[taken:]) for taken in range(len(name) + 1))
    if not name:
        return False
    if pattern[0] == "?":
        return name_matches(pattern[1:], name[1:])
    if pattern[0] == "[":
        end = pattern.index("]", 3 if pattern[1] == "!" else 2)
        return in_class(pattern[1:end], name[0]) and name_matches(pattern[end + 1 :], name[1:])
    return pattern[0] == name[0] and name_matches(pattern[1:], name[1:])


def in_class(written: str, character: str) -> bool:
    """Whether a character is one of ``[written]``."""
    if written.startswith("!"):
        return not in_class(written[1:], character)
    while written:
        if written[1:2] == "-" and len(written) > 2:
            if written[0] <= character <= written[2]:
                return True
            written = written[3:]
        else:
            if written[0] == character:
                return True
            written = written[1:]
    return False
