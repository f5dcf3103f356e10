"""Declarations: what a verb, a property, a trigger or a function *is*, as data.

The checker, the formatter, the guard, the reference page and the generated tests read these; nothing else in the
language knows a verb by name. ``klr`` declares only pure functions; everything that touches the world is declared by
whoever touches it, and handed in as one ``Vocabulary``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from klr.types import FILE, MAIL, Type

Permission = Literal[
    "read",
    "write",
    "remove",
    "erase",
    "notify",
    "open",
    "receive mail",
    "contact",
    "send names",
    "send contents",
    "send answers",
    "send mails",
    "send mail",
    "move mail",
    "mark mail",
]


@dataclass(frozen=True, slots=True)
class PermissionKind:
    """One kind of ``may`` line.

    Attributes:
        takes: what its patterns are: "paths", "apps" (paths of programs), "hosts", "accounts" (names of mail accounts),
            "recipients" (patterns for mail addresses), "mailboxes" (patterns for folders of a mail account, which it names
            as well), or "" where it takes none.
        plain: completes "it may ...".
        example: a whole line that grants it.
        leaves: whether it says what may leave the machine: the line goes on with ``to`` and hosts or mail addresses.
        joins: the word between its name and its patterns: ``receive mail from "work"``.
    """

    name: Permission
    takes: Literal["paths", "apps", "hosts", "accounts", "recipients", "mailboxes", ""]
    plain: str
    example: str
    leaves: bool = False
    joins: Literal["", "of", "from", "in", "to"] = ""

    @property
    def takes_paths(self) -> bool:
        """Whether its patterns are path globs, of which each can be held against another."""
        return self.takes == "paths"

    @property
    def behind_to(self) -> bool:
        """Whether its patterns stand behind ``to``; what stands before that is a mail account."""
        return self.takes in ("recipients", "mailboxes")

    @property
    def joins_first(self) -> str:
        """The word behind its name where something stands before ``to``: ``from`` an account, for mail that is sent."""
        return "from" if self.takes == "recipients" else self.joins


PERMISSIONS: Mapping[str, PermissionKind] = {
    kind.name: kind
    for kind in (
        PermissionKind("read", "paths", "read", 'may read "~/Documents/**"'),
        PermissionKind("write", "paths", "create and change", 'may write "~/Documents/**"'),
        PermissionKind("remove", "paths", "move away or trash", 'may remove "~/Documents/**"'),
        PermissionKind("erase", "paths", "delete for good", 'may erase "~/Documents/**"'),
        PermissionKind("notify", "", "show you notices", "may notify"),
        PermissionKind("open", "apps", "open files with", 'may open "/usr/bin/evince"'),
        PermissionKind("receive mail", "accounts", "read the mail of", 'may receive mail from "work"', joins="from"),
        PermissionKind(
            "contact", "hosts", "ask and reach, with nothing of yours,", 'may contact "https://api.example.com"'
        ),
        PermissionKind(
            "send names",
            "paths",
            "send the names, sizes and dates of",
            'may send names of "~/Invoices/**" to "https://api.example.com"',
            leaves=True,
            joins="of",
        ),
        PermissionKind(
            "send contents",
            "paths",
            "send all that is in, and the names of,",
            'may send contents of "~/Invoices/**" to "https://api.example.com"',
            leaves=True,
            joins="of",
        ),
        PermissionKind(
            "send answers",
            "hosts",
            "send on what it was answered by",
            'may send answers of "https://rates.example.com" to "https://api.example.com"',
            leaves=True,
            joins="of",
        ),
        PermissionKind(
            "send mails",
            "accounts",
            "send all that is in the mail of",
            'may send mails of "work" to "https://api.example.com"',
            leaves=True,
            joins="of",
        ),
        PermissionKind("send mail", "recipients", "write mail to", 'may send mail to "ann@example.com"', joins="to"),
        PermissionKind("move mail", "mailboxes", "move mail", 'may move mail in "work" to "Archive/**"', joins="in"),
        PermissionKind("mark mail", "accounts", "mark the mail of", 'may mark mail in "work"', joins="in"),
    )
}
SOURCES: Mapping[str, Permission] = {
    "names": "send names",
    "contents": "send contents",
    "answers": "send answers",
    "mail": "send mails",
}
"""The permission that lets a value of each source leave the machine."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a verb or trigger for a value.

    Attributes:
        word: the slot word that introduces it (``"to"``), or ``""`` for the object right behind the verb.
        type: what may stand there.
        needs: the permissions that the verb needs for the path or file in this slot.
        required: whether leaving it out is an error.
        words: for type WORD, the words to choose from; the first is the default.
        doc: one line for the reference.
    """

    word: str
    type: Type
    needs: tuple[Permission, ...] = ()
    required: bool = True
    words: tuple[str, ...] = ()
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Verb:
    """A statement that acts.

    Attributes:
        name: one or two words, as written: ``"move"``, ``"make folder"``.
        slots: the object first (if there is one), then the others in the formatter's order.
        needs: permissions of the verb itself, such as ``notify``.
        doc: what it does, in plain sentences; ``example`` is a statement that uses it.
        plan: called by the agent to turn values into an operation on the world; opaque to the language.
        control: "skip", "stop" or "fail" for the verbs that end a run.
        follows: the file in the object slot is afterwards at this verb's answer, as after a move.
        consumes: the file in the object slot is gone afterwards.
        numbered: a path in slot ``to`` may be numbered ("a (2).pdf") when the name is taken.
        sibling: slot ``to`` holds a name, which is taken within the folder of the object.
        sends: the slot word of the web address, or of whom a mail is for, to which everything else in the statement
            goes; or "".
        problem: says what is wrong with the types and words of its slots together, or gives "".
        fetches: its plan is given the world outside as well, for what is not in a value itself.
    """

    name: str
    slots: tuple[Slot, ...]
    doc: str
    example: str
    needs: tuple[Permission, ...] = ()
    plan: Callable[..., Any] | None = None
    control: Literal["skip", "stop", "fail"] | None = None
    follows: bool = False
    consumes: bool = False
    numbered: bool = False
    sibling: bool = False
    sends: str = ""
    problem: Callable[[Mapping[str, Type], Mapping[str, str]], str] | None = None
    fetches: bool = False


def of_mail(verb: Verb) -> bool:
    """Whether a verb changes the mail that started the rule, on its server."""
    return bool(verb.slots) and verb.slots[0].type == MAIL


@dataclass(frozen=True, slots=True)
class Attribute:
    """What a value holds under a name of its own: the ``pure`` of a property that a program can read without a call."""

    name: str

    def __call__(self, value: object) -> Any:
        return getattr(value, self.name)


@dataclass(frozen=True, slots=True)
class Property:
    """Something that a value of type ``of`` tells of itself, written ``file.NAME``.

    ``pure`` computes it from the value (and the run's ``now`` and time zone, if ``uses_now``) without asking the world;
    otherwise it is asked by effect, ``ask`` is what the agent calls, and reading the file must be permitted.
    ``at_path`` tells that it can be asked of a path, too: ``table in "~/a.csv"``.
    ``names`` tells that the text is part of a real file name: it may hold what names may hold, but no separator.
    ``source`` is what somebody who is told it learns: the file's "contents", or what a listing shows (its "names").
    """

    name: str
    type: Type
    doc: str
    example: str
    pure: Callable[..., Any] | None = None
    uses_now: bool = False
    ask: Callable[..., Any] | None = None
    names: bool = False
    of: Type = FILE
    at_path: bool = False
    source: Literal["names", "contents"] = "names"


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is asked of a host, written like a function: ``answer of "https://..." using token``.

    Its first slot is the web address; ``slots`` hold one for each preposition. ``ask`` is called by the agent with the
    values of the slots; opaque to the language.
    """

    name: str
    slots: tuple[Slot, ...]
    result: Type
    doc: str
    example: str
    ask: Callable[..., Any] | None = None

    @property
    def prepositions(self) -> tuple[str, ...]:
        """The prepositions, in order."""
        return tuple(slot.word for slot in self.slots)


@dataclass(frozen=True, slots=True)
class Function:
    """A pure function in words: ``number after X in Y`` has name "number" and prepositions ("after", "in").

    ``result`` maps the argument types to the result's type, or to a sentence that says what is wrong with them.
    ``words`` are the words to choose from where an argument, by its index, is one (of type WORD). With ``uses_zone``,
    ``call`` is given the run's time zone first.
    """

    name: str
    prepositions: tuple[str, ...]
    result: Callable[[tuple[Type, ...]], Type | str]
    call: Callable[..., Any]
    doc: str
    example: str
    words: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    uses_zone: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts a rule. ``phrase`` is as written after ``when``; "every" and "cron" are triggers of the clock.

    Attributes:
        phrase, slots, doc, example: as for verbs.
        gives: the rule gets a "file", a "gone file" (called ``file``, of which only what is known of it is left) or a
            "folder"; it lies in the folder of slot "in" under the glob of "named". Or it gets a "mail" of the account of
            slot "in". "" for none.
        options: the first words of the options that it takes, as in ``klr.options``.
        asks: it can ask a person for answers, ``when PHRASE for name: type``.
        of_coworker: another coworker's name stands before its phrase.
    """

    phrase: str
    slots: tuple[Slot, ...]
    doc: str
    example: str
    gives: Literal["", "file", "gone file", "folder", "mail"] = ""
    options: frozenset[str] = frozenset()
    asks: bool = False
    of_coworker: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """Everything that a coworker can say, by name."""

    verbs: Mapping[str, Verb] = field(default_factory=dict)
    properties: Mapping[str, Property] = field(default_factory=dict)
    functions: Mapping[tuple[str, tuple[str, ...]], Function] = field(default_factory=dict)
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    members: Mapping[tuple[str, str], Property] = field(default_factory=dict)
    """The properties of what is no file, by type and name; those of a file are in ``properties``."""
    questions: Mapping[tuple[str, tuple[str, ...]], Question] = field(default_factory=dict)

    def property_of(self, kind: Type, name: str) -> Property | None:
        """The declaration of ``.name`` behind a value of some type, or None."""
        return self.properties.get(name) if kind == FILE else self.members.get((kind.name, name))

    def properties_of(self, kind: Type) -> Mapping[str, Property]:
        """Everything that a value of some type tells of itself, by name."""
        if kind == FILE:
            return self.properties
        return {name: known for (of, name), known in self.members.items() if of == kind.name}

    @classmethod
    def of(
        cls,
        verbs: Iterable[Verb] = (),
        properties: Sequence[Property] = (),
        functions: Iterable[Function] = (),
        triggers: Iterable[Trigger] = (),
        questions: Iterable[Question] = (),
    ) -> Vocabulary:
        """Index declarations by name; raises ValueError where two of a kind share one."""
        of_files = [p for p in properties if p.of == FILE]
        of_others = [p for p in properties if p.of != FILE]
        vocabulary = cls(
            {v.name: v for v in verbs},
            {p.name: p for p in of_files},
            {(f.name, f.prepositions): f for f in functions},
            {t.phrase: t for t in triggers},
            {(p.of.name, p.name): p for p in of_others},
            {(q.name, q.prepositions): q for q in questions},
        )
        counts = (
            (list(verbs), vocabulary.verbs),
            (of_files, vocabulary.properties),
            (of_others, vocabulary.members),
            (list(functions), vocabulary.functions),
            (list(triggers), vocabulary.triggers),
            (list(questions), vocabulary.questions),
        )
        if any(len(given) != len(kept) for given, kept in counts):
            raise ValueError("two declarations share a name")
        return vocabulary
