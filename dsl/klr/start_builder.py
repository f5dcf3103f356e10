"""From Lark's parse tree to the syntax tree, for what starts a rule: triggers, plans of times, options and answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from klr import syntax as s
from klr import types
from klr.lexer import Token
from klr.machine import Tree
from klr.source import Span


class StartBuilder:
    """The part of ``klr.builder.Builder`` that builds triggers."""

    def _node(self, item: Any) -> Any:
        raise NotImplementedError

    def _span(self, item: Any) -> Span:
        raise NotImplementedError

    def _type(self, item: Tree) -> tuple[str, ...]:
        raise NotImplementedError

    def _duration(self, item: Tree) -> s.Literal:
        raise NotImplementedError

    def _time_token(self, token: Token) -> s.Literal:
        raise NotImplementedError

    @staticmethod
    def _parts(item: Tree) -> list[Any]:
        raise NotImplementedError

    def _when(self, item: Tree) -> s.When:
        words = tuple(str(c) for c in item.children if isinstance(c, Token))
        rest = [c for c in item.children if isinstance(c, Tree)]
        slots = tuple(
            (str(word.children[0]), self._node(value)) for word, value in zip(rest[::2], rest[1::2], strict=True)
        )
        return s.When(words, slots, span=self._span(item))

    def _when_asked(self, item: Tree) -> s.When:
        words = tuple(str(c) for c in item.children if isinstance(c, Token))
        answers = tuple(self._node(c) for c in item.children if isinstance(c, Tree))
        return s.When(words, answers=answers, span=self._span(item))

    def _when_other(self, item: Tree) -> s.When:
        other, *words = self._parts(item)
        return s.When(tuple(map(str, words)), other=self._node(other), span=self._span(item))

    def _answer(self, item: Tree) -> s.Answer:
        parts = self._parts(item)
        shown = next((index for index, part in enumerate(parts) if getattr(part, "type", "") == "SHOWN_AS"), None)
        label = self._node(parts[shown + 1]) if shown is not None else None
        name, written, *value = parts[:shown]
        return s.Answer(
            str(name), self._type(written), self._node(value[0]) if value else None, label, span=self._span(item)
        )

    # -- how it starts ------------------------------------------------------------------------------------------------

    def _option(self, kind: str, item: Tree, *values: s.Literal | s.Template | str) -> s.Option:
        return s.Option(kind, values, span=self._span(item))

    def _count(self, token: Token) -> s.Literal:
        return s.Literal(Decimal(str(token)), types.NUMBER, str(token), span=self._span(token))

    def _option_between(self, item: Tree) -> s.Option:
        first, _, last = item.children
        return self._option("between", item, self._time_token(first), self._time_token(last))  # type: ignore[arg-type]

    def _option_at_most(self, item: Tree) -> s.Option:
        _, number, _, *otherwise = item.children
        return self._option("at most", item, self._count(number), *map(str, otherwise))  # type: ignore[arg-type]

    def _option_once_quiet(self, item: Tree) -> s.Option:
        return self._option("once quiet", item, self._node(item.children[-1]))

    def _option_retry(self, item: Tree) -> s.Option:
        number, *_, after = item.children
        return self._option("retry", item, self._count(number), self._node(after))  # type: ignore[arg-type]

    def _option_within(self, item: Tree) -> s.Option:
        return self._option("within", item, self._node(item.children[-1]))

    def _option_catch_up(self, item: Tree) -> s.Option:
        return self._option("catch up", item, str(item.children[-1]))

    def _option_never(self, item: Tree) -> s.Option:
        return self._option("catch up", item, "never")

    def _option_zone(self, item: Tree) -> s.Option:
        return self._option("in time zone", item, self._node(item.children[-1]))

    # -- the clock ----------------------------------------------------------------------------------------------------

    def _every_interval(self, item: Tree) -> s.Every:
        return s.Every(self._duration(item), self._days(item), span=self._span(item))

    @staticmethod
    def _days(item: Tree) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(map(str, c.children)) for c in item.children if isinstance(c, Tree))

    def _every_day(self, item: Tree) -> s.Every:
        words = tuple(str(c) for c in item.children if isinstance(c, Token) and c.type == "NAME")
        times = tuple(self._time_token(c) for c in item.children if isinstance(c, Token) and c.type == "TIME")
        return s.Every(words, self._days(item), times, span=self._span(item))

    def _cron(self, item: Tree) -> s.Cron:
        return s.Cron(self._node(item.children[0]), span=self._span(item))
