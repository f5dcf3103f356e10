"""python -m tests.fuzz.mutants: breaks the proof and the guard on purpose, one way at a time, and looks whether the fuzzing finds it.

    python -m tests.fuzz.mutants                    each mutant, until it is found, at most 400 lots
    python -m tests.fuzz.mutants "told by hosts"    one of them

A mutant is a piece of the proof, or of the guard, put in place of the right one while lots of one kind are played. It is killed where a lot
fails. One that survives is a law that nobody holds, or programs that nobody writes; it ends with 1 then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from klapp.files.patterns import Pattern
from klr import flows, origins
from klr import syntax as s
from tests.fuzz.campaign import prepare, work

MOST_LOTS = 400
LAWS = ("flow", "interference")
"""What kills a mutant: the labels of a run, or two runs that somebody can tell apart."""


def _of_places_only(real: Any) -> Any:
    def behind(self: Any, origin: Any) -> Iterator[Any]:
        return iter(()) if origin.place is None else real(self, origin)

    return behind


def _of_hosts_only(real: Any) -> Any:
    def behind(self: Any, origin: Any) -> Iterator[Any]:
        return real(self, origin) if origin.place is None else iter(())

    return behind


def _without_control(real: Any) -> Any:
    def request(self: Any, node: Any, *rest: Any) -> Any:
        before, self.pc = self.pc, flows.PUBLIC
        try:
            return real(self, node, *rest)
        finally:
            self.pc = before

    return request


def _names_alone(real: Any) -> Any:
    return lambda self, source, node: real(self, "names", node)


def _forgets(asked: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """A method in which the label of an expression of its node is forgotten: of those that ``asked`` gives, which is
    handed the proof and the node."""

    def made(real: Any) -> Any:
        def method(self: Any, node: Any, labels: Any) -> Any:
            forgotten = {id(one) for one in asked(self, node)}
            told, label = self._told, self._label

            def nothing(of: Callable[..., Any]) -> Callable[..., Any]:
                return lambda one, *rest: flows.PUBLIC if id(one) in forgotten else of(one, *rest)

            self._told, self._label = nothing(told), nothing(label)
            try:
                return real(self, node, labels)
            finally:
                self._told, self._label = told, label

        return method

    return made


def _arguments(self: Any, node: Any) -> list[Any]:
    resolved = self.facts.calls[id(node)]
    return list(resolved.arguments) if resolved.definition is not None else []


def _all_but_first(_: Any, node: Any) -> list[Any]:
    return list(s.children(node))[1:] if isinstance(node, (s.Binary, s.ListOf, s.Template)) else []


def _never(real: Any) -> Any:
    return lambda self, *block, **ways: False


def _without_faults(real: Any) -> Any:
    def attempt(self: Any, body: Any, on_error: Any, labels: Any) -> Any:
        block = self._block

        def quietly(*given: Any) -> Any:
            end = block(*given)
            self.touched = flows.PUBLIC
            return end

        self._block = quietly
        try:
            return real(self, body, on_error, labels)
        finally:
            self._block = block

    return attempt


MUTANTS: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "what is stored": (origins.Closure, "_behind", _of_hosts_only),
    "told by hosts": (origins.Closure, "_behind", _of_places_only),
    "what decided": (flows._Walk, "_sent", _without_control),
    "contents as names": (flows._Walk, "_of_file", _names_alone),
    "a condition": (flows._Walk, "_if", _forgets(lambda self, node: [condition for condition, _ in node.branches])),
    "a loop": (flows._Walk, "_for_each", _forgets(lambda self, node: [node.items])),
    "a choice": (
        flows._Walk,
        "_through",
        _forgets(lambda self, node: [node.condition if isinstance(node, s.Where) else node.key]),
    ),
    "a call": (flows._Walk, "_call", _forgets(_arguments)),
    "a join": (flows._Walk, "_label", _forgets(_all_but_first)),
    "an early end": (flows._Walk, "_leaves", _never),
    "what failed": (flows._Walk, "_attempt", _without_faults),
}
"""By name: whose, which method, and what is made of it."""
GUARD: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "the guard below a folder": (Pattern, "_fastest", lambda real: lambda self: lambda path: path.startswith(self._start)),
    "the guard at **": (Pattern, "_close", lambda real: lambda self, states: states),
}  # fmt: skip
"""The same of what is enforced while a run is carried out; the readers hold it against the matcher that tries everything."""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The proof, broken in one way."""
    owner, method, made = (MUTANTS | GUARD)[name]
    with patch.object(owner, method, made(getattr(owner, method))):
        yield


def killed_after(name: str, lots: int = MOST_LOTS, seed: int = 0) -> int:
    """The number of lots after which a mutant is found; 0 where it is not."""
    kind = "readers" if name in GUARD else "flows"
    with planted(name):
        for number in range(lots):
            if any(_kills(name, failure.law) for failure in work(kind, seed, number).failures):
                return number + 1
    return 0


def _kills(name: str, law: str) -> bool:
    return law.startswith("guard ") if name in GUARD else law in LAWS


def main() -> int:
    """The command."""
    prepare()
    survive = 0
    for name in sys.argv[1:] or (*MUTANTS, *GUARD):
        lots = killed_after(name)
        survive += not lots
        print(f"{name}: " + (f"found in lot {lots}" if lots else f"not found in {MOST_LOTS} lots"), flush=True)
    return int(survive > 0)


if __name__ == "__main__":
    sys.exit(main())
