"""The tokens of a text, by what the parser expects at each place.

As in Lark's contextual lexer, only what can come next is looked for: so a word of the language can be a name where no
such word can stand, and the fixed text of a template is one token. Where nothing that could come next is found, the
token that is there is told all the same, for the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, cached_property
from typing import Final

from klr.tables import Tables, first_characters, tables

Match = Callable[..., "re.Match[str] | None"]
NAME: Final = "NAME"
CHARACTER: Final = "character"
"""The kind of what is no token at all: one character."""
NEEDS_CONTEXT = frozenset(("TEXT", "PATTERN", "FORMAT"))
"""Kinds that nearly anything can be: never told where they were not expected."""


class Token(str):
    """A piece of the text. ``start_pos`` and ``end_pos`` are offsets in the person's text."""

    __slots__ = ("end_pos", "start_pos", "type")
    type: str
    start_pos: int
    end_pos: int

    @classmethod
    def of(cls, kind: str, text: str, start: int, end: int) -> Token:
        """A token of that kind and text, at that place."""
        token = cls(text)
        token.type, token.start_pos, token.end_pos = kind, start, end
        return token


class Lexer:
    """Finds one token at a time. Patterns are compiled when they are first needed, since that takes its time."""

    def __init__(self, made: Tables) -> None:
        self.ignored = made.ignored
        self.words = {t.pattern: t.name for t in made.terminals if t.literal and t.pattern.isalpha()}
        signs = [t for t in made.terminals if t.literal and not t.pattern.isalpha()]
        self.signs = {t.pattern: t.name for t in signs}
        self.longest = max(map(len, self.signs))
        self._patterns = [(t.name, t.pattern, first_characters(t.pattern)) for t in made.terminals if not t.literal]
        self._by_character: dict[str, tuple[str, ...]] = {}
        self._compiled: dict[str, Match] = {}
        self._source = {name: pattern for name, pattern, _ in self._patterns}
        self._known: dict[tuple[int, str], tuple[tuple[str, Match], ...]] = {}

    def at(self, text: str, place: int, end: int, expected: dict[str, int]) -> tuple[str, int]:
        """(kind, where it ends) of what stands at ``place``; ``expected`` is a state of the tables, read by its keys."""
        for kind, match in self._candidates(text[place], expected):
            found = match(text, place, end)
            if found is not None:
                if kind == NAME:
                    word = self.words.get(found[0])
                    if word is not None and word in expected:
                        return word, found.end()
                return kind, found.end()
        found = self._match(NAME)(text, place, end)
        if found is not None:
            return self.words.get(found[0], NAME), found.end()
        for length in range(min(self.longest, end - place), 0, -1):
            kind = self.signs.get(text[place : place + length], "")
            if kind in expected:
                return kind, place + length
        return self._unexpected(text, place, end)

    def _unexpected(self, text: str, place: int, end: int) -> tuple[str, int]:
        """What stands there, whether or not it can."""
        for kind in self._beginning_with(text[place]):
            if kind not in NEEDS_CONTEXT and (found := self._match(kind)(text, place, end)) is not None:
                return kind, found.end()
        for length in range(min(self.longest, end - place), 0, -1):
            kind = self.signs.get(text[place : place + length], "")
            if kind:
                return kind, place + length
        return CHARACTER, place + 1

    def _candidates(self, character: str, expected: dict[str, int]) -> tuple[tuple[str, Match], ...]:
        key = id(expected), character
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = tuple(
                (kind, self._match(kind))
                for kind in self._beginning_with(character)
                if kind in expected or kind in self.ignored
            )
        return known

    def _beginning_with(self, character: str) -> tuple[str, ...]:
        """The kinds with a pattern that can begin with a character, those that are looked for first at the front."""
        known = self._by_character.get(character)
        if known is None:
            known = tuple(
                name for name, _, first in self._patterns if not first or re.match(first, character) is not None
            )
            if len(self._by_character) < 1_000:
                self._by_character[character] = known
        return known

    def _match(self, kind: str) -> Match:
        match = self._compiled.get(kind)
        if match is None:
            match = self._compiled[kind] = re.compile(self._source[kind]).match
        return match

    @cached_property
    def keywords(self) -> dict[str, str]:
        """The words of the language by the kinds of their tokens, as written, several words one blank apart."""
        known = {kind: word for word, kind in self.words.items()}
        for kind, pattern in self._source.items():
            words = pattern.removesuffix(r"(?!\w)").replace(r"[ \t]+", " ").replace("[ \t]+", " ")
            if re.fullmatch("[a-z]+(?: [a-z]+)+", words):
                known[kind] = words
        return known

    def pattern(self, kind: str) -> str:
        """The regular expression of a kind of token."""
        return self._source[kind]


@cache
def lexer() -> Lexer:
    """The lexer of the grammar in force."""
    return Lexer(tables())
