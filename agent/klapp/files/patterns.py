"""Path globs: which paths a pattern such as ``/home/eva/Documents/**/*.pdf`` matches, decided component by component.

``*``, ``?``, ``[...]`` and ``[!...]`` stand for characters of one component, dotfiles included; ``**`` as a whole
component stands for one or more components at the end of a pattern and for zero or more elsewhere. Case counts.

A pattern is a small nondeterministic automaton over components (Thompson, "Regular expression search algorithm", 1968):
state ``i`` means that the first ``i`` parts are matched. So no pattern, however many ``**`` it has, backtracks.
"""

from __future__ import annotations

import fnmatch
import re
import sys
from collections.abc import Callable
from functools import lru_cache

Matcher = Callable[[str], object]
"""Tells by the truth of its answer whether one component matches."""

_MAGIC = re.compile(r"[*?\[]")
_ESCAPED = re.compile(r"\[([*?\[])\]")
_DEEP = "**"


_WINDOWS = sys.platform == "win32"
_MEANS_MORE = re.compile(
    r"[\x00-\x1f\\:]|[. ]\Z|\A(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])[ ]*(?:\.|\Z)",
    re.IGNORECASE,
)
_DRIVE = re.compile(r"[A-Za-z]:")


def means_more(name: str) -> bool:
    """Whether Windows takes a name for more than the name of a file: a way (``\\``), a drive or a stream of a file (``:``),
    a device (``nul.txt``), or another name (``a.`` for ``a``)."""
    return _MEANS_MORE.search(name) is not None


def is_no_name(name: str) -> bool:
    """Whether this system takes a component of a path for more than a name."""
    return _WINDOWS and means_more(name)


def is_plain(path: str) -> bool:
    """Whether a path is absolute and has no empty, ``.`` or ``..`` component and no NUL: it says what it means. On
    Windows no component may mean more than a name, either, but for a drive at the beginning."""
    if _WINDOWS and not _is_plain_there(path):
        return False
    if path[:1] != "/" or path[-1] == "/" or "\0" in path or "//" in path:
        return False
    if "/." not in path:
        return True
    return not ("/./" in path or "/../" in path or path.endswith(("/.", "/..")))


def _is_plain_there(path: str) -> bool:
    first, *rest = path[1:].split("/")
    return not (means_more(first) and not _DRIVE.fullmatch(first)) and not any(map(means_more, rest))


def escape(path: str) -> str:
    """A pattern that matches exactly this path, such as a home folder whose name holds a glob character."""
    return _MAGIC.sub(r"[\g<0>]", path)


def from_home(pattern: str, home: str) -> str:
    """A pattern with ``~`` in first place written out; ``home``, an absolute path, is taken literally."""
    return escape(home.rstrip("/")) + pattern[1:] if pattern.startswith("~/") else pattern


@lru_cache(maxsize=1024)
def _matcher(part: str) -> Matcher:
    """Decide one component that holds glob characters; ``fnmatch.translate`` guarantees linear time since 3.9."""
    if not part.strip("*"):
        return bool
    if part[0] == "*" and not _MAGIC.search(part, 1):
        ending = part[1:]
        return lambda name: name.endswith(ending)
    return re.compile(fnmatch.translate(part)).match


def _literal(part: str) -> str | None:
    """The one text that a part stands for, or None where it may stand for several."""
    return None if _MAGIC.search(_ESCAPED.sub("", part)) else _ESCAPED.sub(r"\1", part)


class Pattern:
    """One compiled path glob.

    Attributes:
        prefix: the longest folder path that every match lies in, ``""`` for the root folder.
        literal: the one path that the pattern matches, or None where it has glob characters.
    """

    __slots__ = ("_deep", "_last", "_matchers", "_start", "literal", "matches", "prefix")

    def __init__(self, text: str, home: str | None = None) -> None:
        """Compile a glob that begins with ``/`` or, where ``home`` (an absolute path, taken literally) is given, ``~/``.

        Raises ValueError for a pattern that is relative or has an empty, ``.`` or ``..`` component or a NUL.
        """
        if home is not None:
            text = from_home(text, home)
        if not is_plain(text):
            raise ValueError("a path pattern begins with / or ~/ and has no empty, '.' or '..' part")
        parts = text[1:].split("/")
        literals = [_literal(part) for part in parts]
        fixed = next((i for i, literal in enumerate(literals) if literal is None), len(parts))
        whole = "".join(f"/{literal}" for literal in literals[:fixed])
        self.literal = whole if fixed == len(parts) else None
        self.prefix = whole.rpartition("/")[0] if self.literal is not None else whole
        tail = parts[self.prefix.count("/") :]
        self._start = f"{self.prefix}/"
        self._deep = tuple(part == _DEEP for part in tail)
        self._matchers = tuple(
            _matcher(part) if literal is None else literal.__eq__
            for part, literal in zip(tail, literals[-len(tail) :], strict=True)
        )
        self._last = len(tail) - 1
        self.matches: Callable[[str], bool] = self._fastest()

    def _fastest(self) -> Callable[[str], bool]:
        """The quickest way to decide this pattern for a plain path. ``matches`` may be called with plain paths only."""
        start, length, last = self._start, len(self._start), self._matchers[-1]
        if self._deep == (True,):
            return lambda path: path.startswith(start)
        if self._deep == (False,):
            return lambda path: path.startswith(start) and "/" not in path[length:] and bool(last(path[length:]))
        if self._deep == (True, False):
            return lambda path: path.startswith(start) and bool(last(path[path.rfind("/") + 1 :]))
        return lambda path: bool(self.after(path) >> (self._last + 1))

    def first(self) -> int:
        """The automaton's states, one bit each, at ``prefix``."""
        return self._close(1)

    def _close(self, states: int) -> int:
        """Add the states that are reached without a component: a ``**`` that is not last may stand for none."""
        for i in range(self._last):
            if states >> i & 1 and self._deep[i]:
                states |= 2 << i
        return states

    def step(self, states: int, name: str) -> int:
        """The states after one more component."""
        after = 0
        for i, matcher in enumerate(self._matchers):
            if states >> i & 1:
                if self._deep[i]:
                    after |= 3 << i if i == self._last else 1 << i
                elif matcher(name):
                    after |= 2 << i
        return self._close(after)

    def after(self, path: str) -> int:
        """The states after a plain path, 0 where no match lies at it or below it and it does not lie in ``prefix``."""
        if not path.startswith(self._start):
            return 0
        states = self.first()
        for name in path[len(self._start) :].split("/"):
            states = self.step(states, name)
        return states

    def is_open(self, states: int) -> bool:
        """Whether some match lies below the folder at which the automaton is in these states."""
        return bool(states & ((2 << self._last) - 1))

    def leads(self, folder: str) -> bool:
        """Whether a plain path (or ``/``) is a folder on the way to something that may match."""
        if folder == "/" or self._start.startswith(f"{folder}/"):
            return True
        return self.is_open(self.after(folder))

    def endings(self, states: int) -> Matcher:
        """What decides for the name of a file in the folder with these states whether the whole path matches."""
        if not states >> self._last & 1:
            return lambda name: False
        return bool if self._deep[-1] else self._matchers[-1]


@lru_cache(maxsize=1024)
def compiled(text: str) -> Pattern:
    """A pattern that begins with ``/``, compiled once: a run asks for the same listing again and again."""
    return Pattern(text)
