"""python -m tests.fuzz.mutants: breaks the proof on purpose, one way at a time, and looks whether the fuzzing finds it.

    python -m tests.fuzz.mutants                    each mutant, until it is found, at most 400 lots
    python -m tests.fuzz.mutants "told by hosts"    one of them

A mutant is a piece of the proof put in place of the right one while lots of one kind are played. It is killed where a lot
fails. One that survives is a law that nobody holds, or programs that nobody writes; it ends with 1 then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from klr import flows
from tests.fuzz.campaign import prepare, work

MOST_LOTS = 400


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


MUTANTS: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "what is stored": (flows._Closure, "_behind", _of_hosts_only),
    "told by hosts": (flows._Closure, "_behind", _of_places_only),
    "what decided": (flows._Walk, "_sent", _without_control),
    "contents as names": (flows._Walk, "_of_file", _names_alone),
}
"""By name: whose, which method, and what is made of it."""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The proof, broken in one way."""
    owner, method, made = MUTANTS[name]
    with patch.object(owner, method, made(getattr(owner, method))):
        yield


def killed_after(name: str, lots: int = MOST_LOTS, seed: int = 0) -> int:
    """The number of lots after which a mutant is found; 0 where it is not."""
    with planted(name):
        for number in range(lots):
            if any(failure.law == "flow" for failure in work("flows", seed, number).failures):
                return number + 1
    return 0


def main() -> int:
    """The command."""
    prepare()
    survive = 0
    for name in sys.argv[1:] or MUTANTS:
        lots = killed_after(name)
        survive += not lots
        print(f"{name}: " + (f"found in lot {lots}" if lots else f"not found in {MOST_LOTS} lots"), flush=True)
    return int(survive > 0)


if __name__ == "__main__":
    sys.exit(main())
