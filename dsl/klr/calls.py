"""What a call means: a function of the language, one that the coworker defines, or the question ``files in ...``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from klr import syntax as s
from klr.diagnostics import Edit, did_you_mean, instead, listing
from klr.operators import a
from klr.proof import GlobError, glob
from klr.scope import Facts, Resolved, Scope
from klr.synonyms import FUNCTIONS
from klr.typer import Report, Typer, may_be_missing
from klr.types import FILE, FOLDER, PATH, TEXT, UNKNOWN, WORD, Type, fits, list_of
from klr.vocabulary import Function, Property, Question, Vocabulary

MOST_STEPS = 10_000
"""How many calls of definitions one call may come to; a few lines could otherwise ask for more than a life's work."""


class Calls:
    """Checks calls. ``type_of`` and ``error`` are those of whoever checks expressions."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        facts: Facts,
        type_of: Typer,
        error: Report,
    ) -> None:
        self.vocabulary = vocabulary
        self.facts = facts
        self.type_of = type_of
        self.error = error
        self.properties = vocabulary.properties
        self.functions = dict(vocabulary.functions)
        self.definitions: dict[tuple[str, tuple[str, ...]], s.Define] = {}
        self.used: set[tuple[str, tuple[str, ...]]] = set()
        self.later: set[str] = set()
        self._steps: dict[tuple[str, tuple[str, ...]], int] = {}
        self._counted = 0

    # -- definitions --------------------------------------------------------------------------------------------------

    def define(self, define: s.Define, types: tuple[Type, ...], body: Callable[[], Type]) -> None:
        """Make a definition known. Its ``body`` is checked before it is, so it can only use those above it."""
        self._counted = 1
        result = body()
        self._steps[define.key] = self._counted
        if self._counted > MOST_STEPS:
            self.error(
                "K210", f"`{define.name}` would take far too many steps.", define.span, "Let it use fewer definitions."
            )
        self.functions[define.key] = Function(*define.key, _result(types, result), _no_call, "", _form(define.key))
        self.definitions[define.key] = define

    # -- calls --------------------------------------------------------------------------------------------------------

    def of(self, node: s.Call, scope: Scope) -> Type:
        """The type of a call."""
        words = tuple(word for word, _ in node.arguments)
        key = (node.name, words)
        if key == ("files", ("in",)):
            return self._files(node, scope)
        if words == ("in",) and (known := self.properties.get(node.name)) and known.at_path:
            return self._at_path(node, known, scope)
        if key in self.vocabulary.questions:
            return self._ask(node, self.vocabulary.questions[key], tuple(value for _, value in node.arguments), scope)
        if key in self.functions:
            return self._apply(node, key, tuple(value for _, value in node.arguments), scope)
        # `count of files in "..."`: the argument before a later preposition may itself begin a call.
        for cut in range(len(words) - 1, 0, -1):
            last = node.arguments[cut - 1][1]
            if (node.name, words[:cut]) in self.functions and isinstance(last, s.Name):
                inner = s.Call(last.name, node.arguments[cut:], span=last.span.to(node.span))
                arguments = (*(value for _, value in node.arguments[: cut - 1]), inner)
                return self._apply(node, (node.name, words[:cut]), arguments, scope)
        for _, value in node.arguments:
            self.type_of(value, scope)
        shown = f"{node.name} {' ... '.join(words)} ..."
        forms = any(node.name == name for name, _ in self._keys())
        if property_of := self._property_of(node):
            help = f"Write `{property_of.new}`."
            return self.error("K205", f"klapp does not know `{shown}`.", node.span, help, (property_of,))
        repair = () if forms or node.name in self.later else instead(node.span, node.name, self._names(), FUNCTIONS)
        return self.error("K205", f"klapp does not know `{shown}`.", node.span, self._help(node), repair)

    def _property_of(self, node: s.Call) -> Edit | None:
        """`size of file` as it is written: `file.size`."""
        (word, value), *more = node.arguments
        if more or word != "of" or not isinstance(value, s.Name) or node.name not in self.properties:
            return None
        return Edit(node.span, f"{node.name} of {value.name}", f"{value.name}.{node.name}")

    def _names(self) -> set[str]:
        return {name for name, _ in self._keys()}

    def _keys(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        yield from self.functions
        yield from self.vocabulary.questions
        yield from self._at_paths()

    def _at_paths(self) -> list[tuple[str, tuple[str, ...]]]:
        """The questions that are asked of a path: ``files in ...``, ``table in ...``."""
        return [(name, ("in",)) for name in ("files", *(n for n, known in self.properties.items() if known.at_path))]

    def _help(self, node: s.Call) -> str:
        if node.name in self.later:
            return "A definition can only use those above it, so that nothing goes around in circles."
        forms = sorted(_form(key) for key in self._keys() if key[0] == node.name)
        return f"Write {listing(forms)}." if forms else did_you_mean(node.name, self._names(), FUNCTIONS)

    def _apply(
        self, node: s.Call, key: tuple[str, tuple[str, ...]], arguments: tuple[s.Expression, ...], scope: Scope
    ) -> Type:
        function, definition = self.functions[key], self.definitions.get(key)
        self.facts.calls[id(node)] = Resolved(function, arguments, definition)
        self.used.add(key)
        self._counted += self._steps.get(key, 0)
        types = tuple(self._argument(function, index, value, scope) for index, value in enumerate(arguments))
        if UNKNOWN in types:
            return UNKNOWN
        for argument, found in zip(arguments, types, strict=True):
            if found.name == "maybe":
                return may_be_missing(argument, self.error)
        result = function.result(types)
        if isinstance(result, str):
            return self.error(
                "K301", f"`{node.name}` does not fit here. {result}", node.span, f"For example: `{function.example}`."
            )
        return result

    def _argument(self, function: Function, index: int, value: s.Expression, scope: Scope) -> Type:
        words = function.words.get(index)
        if words is None:
            return self.type_of(value, scope)
        if isinstance(value, s.Name) and value.name in words:
            self.facts.types[id(value)] = WORD
            return WORD
        given = value.name if isinstance(value, s.Name) else ""
        message = f"`{function.name} {function.prepositions[index]}` is followed by one of {listing(words)}."
        help = did_you_mean(given, words) or f"For example: `{function.example}`."
        return self.error("K209", message, value.span, help, instead(value.span, given, words))

    def _at_path(self, node: s.Call, known: Property, scope: Scope) -> Type:
        """``table in "~/a.csv"``: what the file at a path tells of itself."""
        path = node.arguments[0][1]
        self.facts.calls[id(node)] = Resolved(None, (path,), asked=known.name)
        found = self.type_of(path, scope, PATH)
        if not fits(found, PATH):
            message = f"`{known.name} in` takes the path of a file, and this is {a(found)}."
            help = f"Write `.{known.name}` behind a file." if found == FILE else 'For example: "~/Documents/a.csv".'
            return self.error("K301", message, path.span, help)
        return known.type

    def _ask(self, node: s.Call, question: Question, arguments: tuple[s.Expression, ...], scope: Scope) -> Type:
        self.facts.calls[id(node)] = Resolved(None, arguments, question=question)
        for slot, argument in zip(question.slots, arguments, strict=True):
            found = self.type_of(argument, scope, slot.type)
            if not fits(found, slot.type):
                message = f"`{slot.word}` of `{question.name}` takes {a(slot.type)}, and this is {a(found)}."
                return self.error("K301", message, argument.span, f"For example: `{question.example}`.")
        return question.result

    def _files(self, node: s.Call, scope: Scope) -> Type:
        pattern = node.arguments[0][1]
        self.facts.calls[id(node)] = Resolved(None, (pattern,))
        named = scope.has(pattern.name) if isinstance(pattern, s.Name) else None
        if named is not None and named.type == FOLDER:
            self.type_of(pattern, scope)
            return list_of(FILE)
        if not isinstance(pattern, s.Template) or pattern.constant is None:
            self.error(
                "K309",
                "`files in` takes a pattern without holes.",
                pattern.span,
                'Write, for example, files in "~/Documents/**", and narrow it down with `where`.',
            )
            return list_of(FILE)
        try:
            glob(pattern.constant)
        except GlobError as error:
            help = 'A pattern looks like "~/Downloads/*.pdf" or "~/Documents/**".'
            self.error("K402", str(error), pattern.span, help)
        self.facts.types[id(pattern)] = TEXT
        return list_of(FILE)


def _form(key: tuple[str, tuple[str, ...]]) -> str:
    """A function as it is called: ``number after ... in ...``."""
    return f"{key[0]} {' ... '.join(key[1])} ..."


def _result(wanted: tuple[Type, ...], result: Type) -> Callable[[tuple[Type, ...]], Type | str]:
    def of(given: tuple[Type, ...]) -> Type | str:
        for found, want in zip(given, wanted, strict=True):
            if not fits(found, want):
                return f"It takes {a(want)}, and this is {a(found)}."
        return result

    return of


def _no_call(*_: object) -> object:
    raise AssertionError("a definition is compiled, not called")
