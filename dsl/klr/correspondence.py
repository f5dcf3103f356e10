"""To whom a statement can write mail: what is known, when a coworker is checked, of a text that is used as an address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from klr import syntax as s
from klr.addresses import AddressError
from klr.program import Setting, TriggerUse
from klr.proof import Language, concat, escape, intersection, literal
from klr.recipients import ANYONE, EVERY_ADDRESS, PART, among_names, pattern_of, recipients

MOST = 50
"""Recipients that are told apart; where there are more, they count as anybody."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """Some addresses: exactly, and by a pattern that says it to people and holds them all."""

    language: Language
    pattern: str


EVERYBODY = Recipients(EVERY_ADDRESS, ANYONE)


class Correspondence:
    """Follows addresses through one rule. ``known`` gives the text of a hole that is in force for all, or None."""

    def __init__(
        self, settings: Mapping[str, Setting], use: TriggerUse | None, known: Callable[[s.Hole], str | None]
    ) -> None:
        self._settings = settings
        self._sender = use.arguments.get("from") if use is not None and use.gives == "mail" else None
        self._known = known
        self._named: dict[str, tuple[Recipients, ...]] = {}
        self._found: list[tuple[s.Expression, bool]] = []
        """The conditions that were found to hold, or not to, on the way here. What they are about never changes."""

    def name(self, name: str, value: s.Expression) -> None:
        """Remember what a name stands for: a text, or each text of a list. A name means one thing where it is known."""
        self._named[name] = self.of(value)

    def found(self, condition: s.Expression, holds: bool) -> None:
        """From here on, a condition is known to hold, or not to."""
        self._found.append((condition, holds))

    @property
    def depth(self) -> int:
        """How much is known here; ``back_to`` forgets what was found since."""
        return len(self._found)

    def back_to(self, depth: int) -> None:
        """Forget what was found since, at the end of the statements for which it holds."""
        del self._found[depth:]

    def of(self, node: s.Expression) -> tuple[Recipients, ...]:
        """Everybody who can be meant by a text, or by a text of a list."""
        found = tuple(dict.fromkeys(self._of(node)))
        found = found if 0 < len(found) <= MOST else (EVERYBODY,)
        for condition, holds in self._found:
            told = self._told(condition, holds, node)
            if told is not None and len(told) <= MOST:
                found = _in_both(found, told)
        return found if len(found) <= MOST else (EVERYBODY,)

    def _told(self, condition: s.Expression, holds: bool, node: s.Expression) -> tuple[Recipients, ...] | None:
        """The recipients among which a condition says that a text is; None where it says nothing for certain."""
        match condition:
            case s.Unary(operator="not"):
                return self._told(condition.operand, not holds, node)
            case s.Binary(operator="and" | "or"):
                both = [self._told(side, holds, node) for side in (condition.left, condition.right)]
                known = [told for told in both if told is not None]
                if (condition.operator == "and") is holds:
                    return _in_both(*known) if len(known) == 2 else next(iter(known), None)
                return tuple(dict.fromkeys(known[0] + known[1])) if len(known) == 2 else None
            case s.Binary(operator="is not") if not holds:
                return self._compared("is", condition.left, condition.right, node)
            case s.Binary() if holds:
                return self._compared(condition.operator, condition.left, condition.right, node)
        return None

    def _compared(
        self, operator: str, left: s.Expression, right: s.Expression, node: s.Expression
    ) -> tuple[Recipients, ...] | None:
        if operator == "is" and _is_same(right, node):
            left, right = right, left
        if not _is_same(left, node):
            return None
        if operator in ("is", "is any of"):
            among = tuple(self._of(right))
            return None if EVERYBODY in among else among
        if operator == "ends with" and isinstance(right, s.Template) and (right.constant or "").count("@") == 1:
            ending = (right.constant or "").lower()
            language = intersection(concat(literal("/"), PART, literal(ending)), EVERY_ADDRESS)
            return (Recipients(language, _readable(f"*{ending}")),)
        return None

    def _of(self, node: s.Expression) -> Iterable[Recipients]:
        match node:
            case s.Template():
                return (self._template(node),)
            case s.Name():
                if node.name in self._named:
                    return self._named[node.name]
                return self._setting(node.name)
            case s.Member(name="sender", of=s.Name(name="mail")) if self._sender is not None:
                return (_of_pattern(self._sender),)
            case s.ListOf():
                return [one for item in node.items for one in self._of(item)]
            case s.Where() | s.SortedBy():
                return self._of(node.items)
            case s.Binary(operator="default"):
                return (*self._of(node.left), *self._of(node.right))
        return (EVERYBODY,)

    def _setting(self, name: str) -> Iterable[Recipients]:
        setting = self._settings.get(name)
        value = setting.value if setting is not None else None
        texts: Sequence[object] = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(text, str) for text in texts):
            return (EVERYBODY,)
        return [_exactly(str(text)) for text in texts]

    def _template(self, node: s.Template) -> Recipients:
        pieces = [part if isinstance(part, str) else self._known(part) for part in node.parts]
        written = "".join(piece for piece in pieces if piece is not None).lower()
        if None not in pieces:
            return _exactly(written)
        if written.count("@") != 1:
            return EVERYBODY
        parts = [PART if piece is None else literal(piece.lower()) for piece in pieces]
        pattern = "".join("*" if piece is None else piece.lower() for piece in pieces)
        return Recipients(intersection(concat(literal("/"), *parts), EVERY_ADDRESS), _readable(pattern))


def _is_same(one: s.Expression, other: s.Expression) -> bool:
    """Whether two expressions are the same name, or the same of the same name: they have one value then."""
    match one, other:
        case s.Name(), s.Name():
            return one.name == other.name
        case s.Member(), s.Member():
            return one.name == other.name and _is_same(one.of, other.of)
    return False


def _in_both(ones: Sequence[Recipients], others: Sequence[Recipients]) -> tuple[Recipients, ...]:
    """Who is among both; () for nobody."""
    return tuple(dict.fromkeys(both for one in ones for other in others if (both := _meeting(one, other))))


def _meeting(one: Recipients, other: Recipients) -> Recipients | None:
    if escape(one.language, [other.language]) is None:
        return one
    if escape(other.language, [one.language]) is None:
        return other
    language = intersection(one.language, other.language)
    return Recipients(language, one.pattern) if escape(language, []) is not None else None


def _exactly(text: str) -> Recipients:
    return Recipients(recipients(text.lower()), text.lower())


def _of_pattern(pattern: str) -> Recipients:
    """Whoever can have sent a mail for which a rule waits."""
    return Recipients(among_names(pattern), _readable(pattern.lower()))


def _readable(pattern: str) -> str:
    """A pattern that a ``may`` line can take, which holds at least what this one does."""
    for one in (pattern, f"*@{pattern.rpartition('@')[2]}", f"{pattern.rpartition('@')[0]}@*"):
        try:
            return pattern_of(one)
        except AddressError:
            continue
    return ANYONE
