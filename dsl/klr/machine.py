"""The LALR(1) automaton that reads tokens and builds Lark's kind of tree, and can go back to the start of a line.

The algorithm is the usual one (DeRemer, "Practical translators for LR(k) languages", 1969); the tables are Lark's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from klr.lexer import Token
from klr.tables import Production, Tables

END = "$END"


class Tree:
    """A rule that was read: its name, and what it is made of. An empty one has no place: ``start_pos`` is -1."""

    __slots__ = ("children", "data", "end_pos", "start_pos")

    def __init__(self, data: str, children: list[Tree | Token], start_pos: int, end_pos: int) -> None:
        self.data = data
        self.children = children
        self.start_pos = start_pos
        self.end_pos = end_pos

    def __repr__(self) -> str:
        return f"Tree({self.data!r}, {self.children!r})"


class Unexpected(Exception):
    """A token that can not follow; ``state`` is the number of the state that met it."""

    def __init__(self, token: Token, state: int) -> None:
        super().__init__(token.type)
        self.token = token
        self.state = state


class Machine:
    """One reading of a text, token by token."""

    __slots__ = ("keeps", "productions", "states", "tables", "transitions", "values")

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.transitions = tables.states
        self.productions = tables.productions
        self.states = [tables.start]
        self.keeps = False  # whether lists that were built must stay as they are, since reading goes back behind them
        self.values: list[Any] = []

    @property
    def expected(self) -> dict[str, int]:
        """What the state that was reached has a step for; some of it may turn out to be wrong: see ``can``."""
        return self.transitions[self.states[-1]]

    def feed(self, token: Token) -> None:
        """Read one token; raises Unexpected where it can not follow."""
        states, transitions, kind = self.states, self.transitions, token.type
        while True:
            step = transitions[states[-1]].get(kind)
            if step is None:
                raise Unexpected(token, states[-1])
            if step >= 0:
                states.append(step)
                self.values.append(token)
                return
            production = self.productions[-1 - step]
            if production.passes:  # most do, since each level of the operators has such a rule
                states[-1] = transitions[states[-2]][production.origin]
            else:
                self._reduce(production)

    def finish(self, place: int) -> Tree:
        """The whole tree; raises Unexpected where the text can not end here."""
        token = Token.of(END, "", place, place)
        while self.states[-1] != self.tables.end or len(self.values) != 1:
            step = self.expected.get(END)
            if step is None or step >= 0:
                raise Unexpected(token, self.states[-1])
            self._reduce(self.productions[-1 - step])
        tree: Tree = self.values[0]
        return tree

    def _reduce(self, production: Production) -> None:
        states, values = self.states, self.values
        size = production.size
        if size:
            parts = values[-size:]
            del values[-size:], states[-size:]
        else:
            parts = []
        values.append(_made(production, parts, self.keeps))
        states.append(self.transitions[states[-1]][production.origin])

    def can(self, kind: str) -> bool:
        """Whether a token of that kind can follow. Nothing is read."""
        below = len(self.states)
        above: list[int] = []  # what stands on the first ``below`` states
        while True:
            step = self.transitions[above[-1] if above else self.states[below - 1]].get(kind)
            if step is None:
                return False
            if step >= 0:
                return True
            production = self.productions[-1 - step]
            size = production.size
            if size <= len(above):
                del above[len(above) - size :]
            else:
                below -= size - len(above)
                above.clear()
            top = above[-1] if above else self.states[below - 1]
            above.append(self.transitions[top][production.origin])
            if kind == END and above[-1] == self.tables.end:
                return True

    def accepts(self) -> frozenset[str]:
        """The kinds of tokens that can follow."""
        return frozenset(kind for kind in self.expected if kind.isupper() and self.can(kind))

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Whatever is read within is forgotten behind it."""
        states, values = list(self.states), list(self.values)
        self.keeps = True
        try:
            yield
        finally:
            self.states, self.values, self.keeps = states, values, False

    def cut(self, height: int) -> None:
        """Forget what was read since the stack was ``height`` high; all of it must still stand on its own."""
        del self.states[height:], self.values[height - 1 :]


def _made(production: Production, parts: list[Any], keeps: bool) -> Tree | Token:
    children: list[Any] = []
    inlined = production.inlined
    if not inlined:
        children = parts if len(production.kept) == len(parts) else [parts[i] for i in production.kept]
    else:
        for i in production.kept:
            if i not in inlined:
                children.append(parts[i])
            elif children or keeps:
                children.extend(parts[i].children)
            else:
                children = parts[i].children  # the list of a helper rule is nobody else's: a long one grows in place
    if production.transparent and len(children) == 1:
        only: Tree | Token = children[0]
        return only
    start = end = -1
    for part in parts:
        if part.start_pos >= 0:
            start = part.start_pos
            break
    for part in reversed(parts):
        if part.start_pos >= 0:
            end = part.end_pos
            break
    return Tree(production.name, children, start, end)
