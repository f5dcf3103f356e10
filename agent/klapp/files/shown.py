"""How a path is shown to a person: nothing in a name can hide, reorder or break the line it stands in."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that are not written as themselves: controls, direction marks, surrogates, line separators."""


def shown(path: str) -> str:
    """The path with every character that does not show made visible as an escape, and each backslash doubled.

    A byte that was not UTF-8 (a surrogate escape) is shown as ``\\xNN``. Two different paths never give the same text.
    """
    if path.isascii() and path.isprintable() and "\\" not in path:
        return path
    return "".join(_visible(character) for character in path)


def at_home(text: str, home: str) -> str:
    """A text for a person, the paths in it that lie in their ``home`` written with "~/", as coworkers write them.

    For the eye alone: what was so written can not always be told from a folder of that name.
    """
    home = shown(home.rstrip("/"))
    return _paths_in(home).sub("~/", text) if home else text


@lru_cache(4)
def _paths_in(home: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\s\"'(\N{{LEFT DOUBLE QUOTATION MARK}}]){re.escape(home)}/")


def _visible(character: str) -> str:
    code = ord(character)
    if character == "\\":
        return "\\\\"
    if unicodedata.category(character) not in _HIDDEN:
        return character
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\u{code:04x}"
