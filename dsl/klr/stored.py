"""What became of a text, as bytes: so that a coworker that was proved once need not be proved at every start.

The bytes say everything but the code, which is compiled when a rule first runs. They are believed as they are read:
whoever keeps them must be sure that they come back unchanged (``klapp.coworkers.cache`` keeps them sealed). As a second
line, reading them makes nothing but this language's own data.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from klr.loader import Loaded, compiled
from klr.program import Program, Rule, Tracer
from klr.source import Source
from klr.vocabulary import Vocabulary

_PLAIN = {
    ("builtins", "frozenset"), ("builtins", "set"), ("builtins", "complex"), ("collections", "OrderedDict"),
    ("datetime", "date"), ("datetime", "datetime"), ("datetime", "time"), ("datetime", "timedelta"), ("datetime", "timezone"),
    ("decimal", "Decimal"),
}  # fmt: skip
"""What is data and not of this language."""


class Unreadable(ValueError):
    """These bytes are not what ``stored`` gives, or of another version."""


def stored(loaded: Loaded) -> bytes:
    """All that is known of a text, but for the text itself and its code."""
    program = loaded.program
    parts: Any = None
    if program is not None:
        rules = [(rule.index, rule.line, rule.trigger, rule.waits, rule.needs) for rule in program.rules]
        rest = (program.settings, program.tests, program.limits, program.secrets)
        parts = (program.name, program.about, program.grants, rules, rest)
    return pickle.dumps((loaded.diagnostics, loaded.needs, loaded.grants, parts), protocol=5)


def restored(data: bytes, text: str, vocabulary: Vocabulary, name: str = "coworker") -> Loaded:
    """The opposite of ``stored``, for the same text. Raises Unreadable."""
    try:
        diagnostics, needs, grants, parts = _Reader(io.BytesIO(data)).load()
        source = Source(text.replace("\r\n", "\n"), name)
        program = _program(parts, source.text, vocabulary, name) if parts else None
        return Loaded(source, program, diagnostics, needs, grants)
    except Exception as error:  # unpickling what was not pickled raises what it likes
        raise Unreadable(type(error).__name__) from None


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Classes of the language, and plain data; nothing else can be named."""
        if (module, name) not in _PLAIN and not (module.startswith("klr.") and name[:1].isupper() and "." not in name):
            raise Unreadable(f"{module}.{name}")
        found = super().find_class(module, name)
        if not isinstance(found, type):
            raise Unreadable(f"{module}.{name}")
        return found


class _Code:
    """The code of a program's rules, compiled when the first of them is to run."""

    def __init__(self, text: str, vocabulary: Vocabulary, name: str) -> None:
        self._make: Callable[[], Program | None] = partial(compiled, text, vocabulary, name)

    @cached_property
    def _rules(self) -> tuple[Rule, ...]:
        program = self._make()
        assert program is not None, "the text was accepted before"
        return program.rules

    def start(self, index: int, inputs: Any) -> Any:
        """A fresh run of a rule."""
        return self._rules[index].start(inputs)

    def traced(self, index: int, inputs: Any, trace: Tracer) -> Any:
        """A fresh run of a rule that tells its decisions."""
        return self._rules[index].traced(inputs, trace)


def _program(parts: Any, text: str, vocabulary: Vocabulary, name: str) -> Program:
    title, about, grants, rules, (settings, tests, limits, secrets) = parts
    code = _Code(text, vocabulary, name)
    made = tuple(
        Rule(index, line, trigger, partial(code.start, index), partial(code.traced, index), waits, needs)
        for index, line, trigger, waits, needs in rules
    )
    return Program(title, about, text, grants, made, settings, tests, limits, secrets)
