"""What can be written at a place, each with its documentation: from the vocabulary, the grammar and the names in scope."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from klapp.lsp import manual
from klapp.lsp.context import Context
from klapp.lsp.study import Study, words
from klr import syntax as s
from klr.members import GROUP_MEMBERS
from klr.options import EXAMPLES as OPTION_EXAMPLES
from klr.options import OF_CLOCK
from klr.parser import choices, keywords
from klr.schedules import WEEKDAYS
from klr.timing import GROUPS, INTERVALS
from klr.trials import EXPECTED, GIVEN, details
from klr.types import BY_NAME, DATE, ERROR, FILE, FOLDER, MAIL, OF_PARAMETERS, TEXT, UNKNOWN, WORD, Type, match_of
from klr.vocabulary import PERMISSIONS, Slot, Trigger, Verb

Kind = Literal["verb", "slot", "property", "function", "name", "trigger", "permission", "type", "word", "keyword"]
ORDER: tuple[Kind, ...] = (
    "slot", "word", "property", "trigger", "permission", "type", "name", "verb", "function", "keyword",
)  # fmt: skip
"""In which order they are offered."""
_FIELD = re.compile(r"\(\?P<(\w+)>")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Words that can stand at a place: ``text`` is what is written, ``label`` what is shown, ``page`` Markdown."""

    kind: Kind
    text: str
    label: str
    detail: str = ""
    page: str = ""


def candidates(study: Study, context: Context) -> list[Candidate]:
    """What can stand at a place, the best first; nothing where the statement before it is wrong."""
    if not context.next:
        return []
    found = dict.fromkeys(_at(study, context))
    return sorted(found, key=lambda one: (ORDER.index(one.kind), one.label))


def _at(study: Study, context: Context) -> Iterator[Candidate]:
    kinds = context.kinds
    if not kinds:
        if "NAME" in context.next:
            yield from _verbs(())
        yield from _keywords(context.next)
    elif kinds[-1] == "DOT":
        yield from _members(study, context)
    elif kinds[0] == "DEFINE" and "EQUAL" not in kinds:
        yield from _of_define(context)
    elif kinds[0] in _LINES:
        yield from _LINES[kinds[0]](context)
    elif kinds[-1] not in ("LET", "FOR_EACH"):
        yield from _in_statement(study, context)


def _keywords(kinds: Iterable[str]) -> Iterator[Candidate]:
    for kind in kinds:
        if kind in keywords():
            yield Candidate("keyword", keywords()[kind], keywords()[kind], "keyword")


def _phrases(phrases: Iterable[tuple[str, Candidate]], before: tuple[str, ...]) -> Iterator[Candidate]:
    """Of phrases that begin with the words before, the words that are left."""
    for phrase, candidate in phrases:
        parts = tuple(phrase.split())
        if parts[: len(before)] == before and len(parts) > len(before):
            rest = " ".join(parts[len(before) :])
            yield Candidate(candidate.kind, rest, rest if before else candidate.label, candidate.detail, candidate.page)


# -- lines outside of rules, and in tests -----------------------------------------------------------------------------


def _of_may(context: Context) -> Iterator[Candidate]:
    known = (
        (kind.name, Candidate("permission", kind.name, kind.name, kind.plain, manual.page(kind)))
        for kind in PERMISSIONS.values()
    )
    if "NAME" in context.next:
        yield from _phrases(known, _names(context.tokens[1:]))


def _of_when(context: Context) -> Iterator[Candidate]:
    said = _names(context.tokens[1:])
    trigger = words().triggers.get(" ".join(said))
    if trigger is not None:
        yield from _slots(trigger, trigger.phrase, context)
        yield from _options(trigger.options, trigger.phrase, context)
    elif "NAME" in context.next:
        known = (
            (one.phrase, Candidate("trigger", one.phrase, one.phrase, "trigger", manual.page(one)))
            for one in words().triggers.values()
        )
        yield from _phrases(known, said)


def _of_every(context: Context) -> Iterator[Candidate]:
    if "NAME" in context.next and context.kinds[-1] == "ON":
        yield Candidate("word", "last day", "last day", "day of the month")
    elif "NAME" in context.next and len(context.tokens) == 1 + 2 * context.kinds.count("COMMA"):
        for word in (*INTERVALS, *GROUPS, *WEEKDAYS, "month"):
            yield Candidate("word", word, word, "time")
    yield from _options(OF_CLOCK, "every", context)
    yield from _keywords(kind for kind in context.next if not _option(keywords().get(kind, ""), OPTION_EXAMPLES))


def _options(taken: frozenset[str], name: str, context: Context) -> Iterator[Candidate]:
    """The options behind a trigger, such as ``between``, that are not there yet."""
    used = {_option(keywords().get(kind, ""), taken) for kind in context.kinds}
    for kind in context.next:
        word = keywords().get(kind, "")
        option = _option(word, taken)
        if option and option not in used:
            example = OPTION_EXAMPLES[option]
            yield Candidate("slot", word, word, f"option of `{name}`", f"For example: `{example}`")


def _option(word: str, known: Iterable[str]) -> str:
    """The option that a phrase of the grammar belongs to: ``never catch up`` is one of ``catch up``; "" for none."""
    return next((one for one in known if one in word), "")


def _of_setting(context: Context) -> Iterator[Candidate]:
    kinds = context.kinds
    if "EQUAL" in kinds:
        yield from _keywords(context.next & {"YES", "NO", "SHOWN_AS"})
    elif kinds[-1] in ("COLON", "LIST_OF"):
        for word in BY_NAME:
            yield Candidate("type", word, word, "type")
        yield from _keywords(context.next & {"LIST_OF"})


def _of_define(context: Context) -> Iterator[Candidate]:
    if context.kinds[-1] in ("COLON", "LIST_OF"):
        for word in OF_PARAMETERS:
            yield Candidate("type", word, word, "type")
    yield from _keywords(context.next & {"LIST_OF"} | context.next & choices("preposition"))


def _of_given(context: Context) -> Iterator[Candidate]:
    if len(context.tokens) == 1:
        for word in GIVEN:
            yield Candidate("word", word, word, "what a test is given")
    elif "WITH" in context.next or context.kinds[-1] == "WITH":
        yield from _details(context)


def _of_expect(context: Context) -> Iterator[Candidate]:
    if context.kinds[-1] in ("EXPECT", "NO"):
        for word in EXPECTED:
            yield Candidate("word", word, word, "what a test expects")
        yield from _keywords(context.next & {"NO"})
    elif "WITH" in context.next or context.kinds[-1] == "WITH":
        yield from _details(context)


def _details(context: Context) -> Iterator[Candidate]:
    for word, type in details(words()).items():
        yield Candidate("property", word, word, str(type), manual.page(words().properties[word]))
    yield from _keywords(context.next & {"WITH"})


_LINES = {
    "MAY": _of_may, "WHEN": _of_when, "EVERY": _of_every, "SETTING": _of_setting, "GIVEN": _of_given,
    "EXPECT": _of_expect,
}  # fmt: skip


# -- statements -------------------------------------------------------------------------------------------------------


def _verbs(before: tuple[str, ...]) -> Iterator[Candidate]:
    known = (
        (verb.name, Candidate("verb", verb.name, verb.name, "verb", manual.page(verb)))
        for verb in words().verbs.values()
    )
    return _phrases(known, before)


def _in_statement(study: Study, context: Context) -> Iterator[Candidate]:
    said = _names(context.tokens)
    verb = _verb(said)
    if len(said) == len(context.tokens):
        yield from _verbs(said)
    slot = _chosen(verb, context) if verb else None
    if slot is not None:
        for word in slot.words:
            yield Candidate("word", word, word, f"of `{slot.word}`", slot.doc)
        return
    if verb is not None:
        yield from _slots(verb, verb.name, context)
    if "NAME" in context.next and not (said and verb is None and len(said) == len(context.tokens)):
        yield from _values(study, context)
    yield from _keywords(context.next - choices("slot_word") - choices("preposition"))
    yield from _prepositions(context)


def _verb(said: tuple[str, ...]) -> Verb | None:
    """The verb that a statement begins with; the longest, where one begins with another."""
    for count in range(len(said), 0, -1):
        verb = words().verbs.get(" ".join(said[:count]))
        if verb is not None:
            return verb
    return None


def _chosen(verb: Verb, context: Context) -> Slot | None:
    """The slot whose words are to be chosen from at this place."""
    word = keywords().get(context.kinds[-1])
    return next((slot for slot in verb.slots if slot.type == WORD and slot.word == word), None)


def _slots(owner: Verb | Trigger, name: str, context: Context) -> Iterator[Candidate]:
    used = {keywords().get(kind) for kind in context.kinds}
    for kind in context.next & (choices("slot_word") | choices("trigger_slot")):
        word = keywords()[kind]
        slot = next((slot for slot in owner.slots if slot.word == word and word not in used), None)
        if slot is not None:
            yield Candidate("slot", word, word, f"{slot.type} of `{name}`", slot.doc or manual.page(owner))


def _prepositions(context: Context) -> Iterator[Candidate]:
    said = {text for kind, text in context.tokens if kind == "NAME"}
    fitting = {word for name, row in words().functions if name in said for word in row}
    if "files" in said or context.kinds[0] == "FOR_EACH":
        fitting.add("in")
    for kind in context.next & choices("preposition"):
        if keywords()[kind] in fitting:
            yield Candidate("keyword", keywords()[kind], keywords()[kind], "keyword")


# -- values -----------------------------------------------------------------------------------------------------------


def _values(study: Study, context: Context) -> Iterator[Candidate]:
    for name, (kind, type) in in_scope(study, context).items():
        yield Candidate("name", name, name, str(type), manual.name(name, kind, type))
    for function in words().functions.values():
        form = manual.form(function)
        yield Candidate("function", function.name, form, "function", manual.page(function))
    yield from _definitions(study, context)
    yield Candidate("function", "files", manual.FILES[0], "function", manual.FILES[1])


def _definitions(study: Study, context: Context) -> Iterator[Candidate]:
    """The coworker's own functions; in a definition, those above it."""
    tree = study.examined.parsed.tree
    for part in tree.parts if tree is not None else ():
        if not isinstance(part, s.Define):
            continue
        binding = study.names.definitions.get(id(part))
        if binding is not None and not (context.kinds[:1] == ("DEFINE",) and part.span.end >= context.word.start):
            form = manual.definition(part)
            yield Candidate("function", part.name, form, "definition", manual.name(form, "definition", binding.type))


def in_scope(study: Study, context: Context) -> dict[str, tuple[str, Type]]:
    """(what it is, its type) of every name that can be used at a place."""
    found = {"now": ("the moment of the run", DATE), "today": ("the day of the run, at 00:00", DATE)}
    made = dict(study.outline.settings())
    for frame in context.frames:
        made.update(frame.names)
    for name, line in made.items():
        binding = study.names.made_in(line) if line else None
        if binding is not None:
            found[name] = (binding.kind, binding.type)
        elif line:
            found[name] = ("not understood yet", UNKNOWN)
        else:
            kinds = {"error": ERROR, "folder": FOLDER, "mail": MAIL}
            found[name] = ("given by the rule", kinds.get(name, FILE))
    found.update(_parameters(context))
    if {"WHERE", "SORTED_BY"} & set(context.kinds):
        found["it"] = ("each element of the list", _element(study, context))
    return found


def _parameters(context: Context) -> Iterator[tuple[str, tuple[str, Type]]]:
    """The parameters of the definition that is being written."""
    if context.kinds[:1] != ("DEFINE",):
        return
    for (kind, name), (after, _), (_, type) in zip(
        context.tokens, context.tokens[1:], context.tokens[2:], strict=False
    ):
        if kind == "NAME" and after == "COLON":
            yield name, ("parameter", OF_PARAMETERS.get(type, UNKNOWN))


def _element(study: Study, context: Context) -> Type:
    """The type of ``it``, as far as the statement tells before it is complete."""
    before = [text for kind, text in context.tokens[: _joint(context.kinds)] if kind == "NAME"]
    if "files" in before:
        return FILE
    for name in reversed(before):
        line = next((frame.names[name] for frame in context.frames if name in frame.names), 0)
        binding = study.names.made_in(line or study.outline.settings().get(name, 0))
        if binding is not None and binding.type.element is not None:
            return binding.type.element
    return UNKNOWN


def _joint(kinds: tuple[str, ...]) -> int:
    return max(index for index, kind in enumerate(kinds) if kind in ("WHERE", "SORTED_BY"))


def _members(study: Study, context: Context) -> Iterator[Candidate]:
    """What stands behind a dot: of the value before it, or, of a list, of each of its elements."""
    type = _owner(study, context)
    kind = (type.element or UNKNOWN) if type.name in ("list", "table") else type
    if kind == ERROR:
        yield Candidate("property", "message", "message", str(TEXT), "What could not be done, in a sentence.")
    elif kind.name == "match":
        for name in kind.fields:
            yield Candidate("property", name, name, "group of the pattern", "What this group of the pattern found.")
    elif kind.name == "group":
        yield Candidate("property", "key", "key", str(kind.key), "What all of this group have in common.")
        members = GROUP_MEMBERS.get(kind.element or UNKNOWN, "items")
        yield Candidate("property", members, members, f"list of {kind.element}", "All that belong to this group.")
    else:
        for known in words().properties_of(FILE if kind == UNKNOWN else kind).values():
            yield Candidate("property", known.name, known.name, str(known.type), manual.page(known))


def _owner(study: Study, context: Context) -> Type:
    """The type of what stands before the dot, as far as the words before it tell: ``file.modified``, or a pattern."""
    tokens = context.tokens[:-1]
    path: list[str] = []
    while tokens and tokens[-1][0] == "NAME":
        path.append(tokens[-1][1])
        if len(tokens) < 2 or tokens[-2][0] != "DOT":
            break
        tokens = tokens[:-2]
    if not path:
        looked_for = [_FIELD.findall(text) for kind, text in tokens if tokens[-1][0] == "RPAR" and kind == "PATTERN"]
        fields = next((tuple(names) for names in reversed(looked_for) if names), ())
        return match_of(fields) if fields else UNKNOWN
    known = in_scope(study, context).get(path.pop())
    type = known[1] if known else UNKNOWN
    while path:
        found = words().property_of(FILE if type == UNKNOWN else type, path.pop())
        type = found.type if found else UNKNOWN
    return type


def _names(tokens: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The names that tokens begin with."""
    said = []
    for kind, text in tokens:
        if kind != "NAME":
            break
        said.append(text)
    return tuple(said)
