"""Names and types of a whole coworker; permissions follow in ``klr.permissions``, on what is found out here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

from klr import synonyms
from klr import syntax as s
from klr.declarations import Declarations, is_path
from klr.diagnostics import Diagnostic, did_you_mean, instead, listing
from klr.expressions import Expressions
from klr.grants import Grants
from klr.limits import limits_of
from klr.mistaken import unknown_verb
from klr.program import Grant, Limits, Secret, Setting, TestCase, TriggerUse
from klr.recipients import address_problem
from klr.scope import Facts, Scope, Variable
from klr.secrets import Secrets, account_problem
from klr.settings import filled
from klr.source import Source, Span
from klr.starts import Starts
from klr.syntax import MISSING
from klr.trials import Trials
from klr.typer import may_be_missing
from klr.types import (
    ACCOUNT,
    ATTACHMENT,
    DATE,
    ERROR,
    FILE,
    FOLDER,
    GONE,
    MAIL,
    PATH,
    RECIPIENT,
    SECRET,
    UNKNOWN,
    WORD,
    YES_NO,
    element_of,
)
from klr.vocabulary import Slot, Verb, Vocabulary, of_mail

_Kind = TypeVar("_Kind")
GIVEN_TYPES = {"file": FILE, "gone file": GONE, "folder": FOLDER, "mail": MAIL}
"""The type of what a trigger gives to its rule."""


@dataclass(slots=True)
class Checked:
    """A tree and everything that was found out about it. ``triggers`` holds None for a rule whose trigger is wrong."""

    tree: s.Coworker
    facts: Facts
    grants: tuple[Grant, ...] = ()
    grant_spans: dict[int, Span] = field(default_factory=dict)
    settings: dict[str, Setting] = field(default_factory=dict)
    triggers: list[tuple[s.RuleBlock, TriggerUse | None]] = field(default_factory=list)
    tests: tuple[TestCase, ...] = ()
    limits: Limits = field(default_factory=Limits)
    secrets: dict[str, Secret] = field(default_factory=dict)


def check(source: Source, tree: s.Coworker, vocabulary: Vocabulary, diagnostics: list[Diagnostic]) -> Checked:
    """Check a tree; findings are added to ``diagnostics``."""
    return _Checker(source, tree, vocabulary, diagnostics).check()


def verb_of(action: s.Action, vocabulary: Vocabulary) -> Verb | None:
    """The declared verb of an action, or None. What is done to ``mail`` is a verb of its own: ``move mail``."""
    words = " ".join(action.words)
    if isinstance(action.object, s.Name) and action.object.name == "mail":
        verb = vocabulary.verbs.get(f"{words} mail")
        if verb is not None and of_mail(verb):
            return verb
    return vocabulary.verbs.get(words)


class _Checker:
    def __init__(self, source: Source, tree: s.Coworker, vocabulary: Vocabulary, diagnostics: list[Diagnostic]) -> None:
        self.source = source
        self.vocabulary = vocabulary
        self.diagnostics = diagnostics
        self.checked = Checked(tree, Facts())
        self.expressions = Expressions(vocabulary, self.checked.facts, diagnostics)
        self.error = self.expressions.error
        self.declarations = Declarations(source, self.expressions)
        self.starts = Starts(vocabulary, diagnostics)

    def check(self) -> Checked:
        tree = self.checked.tree
        for template, word in ((tree.name, "coworker"), (tree.about, "about")):
            if template is not None and template.constant is None:
                self.error("K309", f"The `{word}` line takes a text without holes.", template.span)
        root = self._names()
        self.checked.limits = limits_of(self._parts(s.LimitLine), self.diagnostics)
        grants = Grants(self.source, self.error)
        self.checked.grants = tuple(grant for may in self._parts(s.May) for grant in grants.of(may))
        self.checked.grant_spans = grants.spans
        for rule in self._parts(s.RuleBlock):
            self._rule(rule, root)
        for key, define in self.expressions.calls.definitions.items():
            if key not in self.expressions.calls.used:
                self.error("K603", f"`{define.name}` is never used.", define.span, "Remove the line, or use it.")
        if not self.checked.triggers and not self.diagnostics:
            help = 'Add a rule, such as `when file arrives in "~/Downloads"`.'
            self.error("K505", "This coworker waits for nothing, so it never runs.", tree.name.span, help)
        uses = [use for _, use in self.checked.triggers]
        trials = Trials(self.source, self.vocabulary, self.starts, self.checked.settings, uses, self.diagnostics)
        for secret in self._parts(s.SecretLine):
            known = root.variables.get(secret.name)
            if known is not None and not known.used:
                self.error("K603", f"`{secret.name}` is never used.", secret.span, "Remove the line, or use the name.")
        self.checked.tests = tuple(trials.of(test) for test in self._parts(s.TestBlock))
        return self.checked

    def _names(self) -> Scope:
        """What every rule knows by a name: settings, secrets, definitions."""
        root = Scope()
        for name in ("now", "today"):
            root.add(Variable(name, DATE, kind="builtin", used=True))
        for setting in self._parts(s.SettingLine):
            self.declarations.setting(setting, root)
        secrets = Secrets(self.error)
        for secret in self._parts(s.SecretLine):
            self.declarations.new_name(secret.name, secret.span, root)
            root.add(Variable(secret.name, SECRET, secret.span, "secret"))
            self.checked.secrets[secret.name] = secrets.of(secret)
        self.expressions.secrets = self.checked.secrets
        self.checked.settings = self.declarations.settings
        self.checked.tree = filled(self.checked.tree, self.checked.settings)
        self.declarations.definitions(self._parts(s.Define), root)
        return root

    def _parts(self, kind: type[_Kind]) -> list[_Kind]:
        return [part for part in self.checked.tree.parts if isinstance(part, kind)]

    # -- rules --------------------------------------------------------------------------------------------------------

    def _rule(self, rule: s.RuleBlock, root: Scope) -> None:
        start = self.starts.of(rule)
        scope = Scope(root)
        if start.gives:
            name = start.gives.rpartition(" ")[2]
            scope.add(Variable(name, GIVEN_TYPES[start.gives], kind="builtin", used=True))
        asked = self.declarations.answers(rule.trigger.answers if isinstance(rule.trigger, s.When) else (), scope)
        use = replace(start.use, answers=asked) if start.use else None
        self.checked.triggers.append((rule, use))
        self._block(rule.body, Scope(scope))
        self._on_error(rule.on_error, scope)

    def _on_error(self, on_error: s.Block | None, scope: Scope) -> None:
        if on_error is not None:
            caught = Scope(scope)
            caught.add(Variable("error", ERROR, kind="builtin", used=True))
            self._block(on_error, caught)

    def _block(self, block: s.Block, scope: Scope) -> None:
        ended: s.Statement | None = None
        for statement in block.statements:
            if ended is not None:
                self.error(
                    "K602",
                    "This line is never reached.",
                    statement.span,
                    "The line before it ends the run. Remove one of them.",
                )
                ended = None
            self._statement(statement, scope)
            if isinstance(statement, s.Action) and (verb := verb_of(statement, self.vocabulary)) and verb.control:
                ended = statement
        self.declarations.unused(scope)

    def _statement(self, statement: s.Statement, scope: Scope) -> None:
        match statement:
            case s.Let():
                self._let(statement, scope)
            case s.If():
                for condition, body in statement.branches:
                    self.expressions.want(condition, YES_NO, scope, "`if`")
                    self._block(body, Scope(scope))
                if statement.otherwise is not None:
                    self._block(statement.otherwise, Scope(scope))
            case s.ForEach():
                items = self.expressions.of(statement.items, scope)
                if items != UNKNOWN and not element_of(items):
                    self.error(
                        "K308", f"`for each` goes through a list, and this is of type {items}.", statement.items.span
                    )
                    items = UNKNOWN
                inner = Scope(scope)
                self.declarations.new_name(statement.name, statement.span, scope)
                inner.add(Variable(statement.name, element_of(items) or UNKNOWN, statement.items.span, "element"))
                self._block(statement.body, inner)
                self._on_error(statement.on_error, inner)
            case s.Attempt():
                self._block(statement.body, Scope(scope))
                self._on_error(statement.on_error, scope)
            case s.Action():
                self._action(statement, scope)

    def _let(self, let: s.Let, scope: Scope) -> None:
        found = self.expressions.of(let.value, scope, PATH if is_path(let.value) else None)
        free = self.declarations.new_name(let.name, let.span, scope)
        if found.name == "maybe":
            found = may_be_missing(let.value, self.expressions.error)
        real = self.checked.facts.is_real_name(let.value)
        if free:  # what it hides is meant by the lines below as often as this
            scope.add(Variable(let.name, found, let.span, real_name=real))

    # -- actions ------------------------------------------------------------------------------------------------------

    def _action(self, action: s.Action, scope: Scope) -> None:
        verb = verb_of(action, self.vocabulary)
        if verb is None:
            self._unknown_verb(action, scope)
            return
        slots = {slot.word: slot for slot in verb.slots}
        given: list[tuple[str, s.Expression]] = [("", action.object)] if action.object is not None else []
        given.extend(action.slots)
        seen: set[str] = set()
        for word, value in given:
            what = f"`{word}` of `{verb.name}`" if word else f"`{verb.name}`"
            if word not in slots:
                shown = f"no `{word}`" if word else "nothing behind it"
                self.error("K206", f"`{verb.name}` takes {shown}.", value.span, f"For example: `{verb.example}`.")
            elif word in seen:
                self.error("K206", f"There are two `{word}` here.", value.span, "Keep one of them.")
            else:
                self._argument(verb, slots[word], value, scope, what)
            seen.add(word)
        self._together(verb, action)
        for slot in verb.slots:
            if slot.required and slot.word not in seen:
                missing = f"`{slot.word}`" if slot.word else f"its {slot.type}"
                self.error("K206", f"`{verb.name}` lacks {missing}.", action.span, f"For example: `{verb.example}`.")

    def _argument(self, verb: Verb, slot: Slot, value: s.Expression, scope: Scope, what: str) -> None:
        if slot.type == WORD:
            if not isinstance(value, s.Name) or value.name not in slot.words:
                help = did_you_mean(value.name, slot.words, synonyms.CHOICES) if isinstance(value, s.Name) else ""
                repair = (
                    instead(value.span, value.name, slot.words, synonyms.CHOICES) if isinstance(value, s.Name) else ()
                )
                self.error("K209", f"{what} is one of {listing(slot.words)}.", value.span, help, repair)
            return
        if slot.type == ACCOUNT:
            self.expressions.of(value, scope)
            name = value.constant if isinstance(value, s.Template) else None
            if problem := account_problem(name or ""):
                self.error("K418", problem, value.span, f'For example: `{what.partition(" of ")[0]} "work"`.')
            return
        self.expressions.want(value, slot.type, scope, what)
        if isinstance(value, s.Template) and self.checked.facts.goes_into_folder(value) and not _keeps_name(verb, slot):
            self.error(
                "K306", "A path to a file does not end with `/`.", value.span, "Write the file's name behind it."
            )
        self._sibling(verb, slot, value)
        whole = value.constant if slot.type == RECIPIENT and isinstance(value, s.Template) else None
        if whole is not None and (problem := address_problem(whole)):
            self.error("K419", problem, value.span, f"For example: `{verb.example}`.")

    def _together(self, verb: Verb, action: s.Action) -> None:
        """Whether the values of a statement fit together."""
        given = {"": action.object, **dict(action.slots)}
        if verb.problem is not None:
            types = {word: kind for word, value in given.items() if (kind := self.checked.facts.types.get(id(value)))}
            named = {word: value.name for word, value in given.items() if isinstance(value, s.Name)}
            problem = verb.problem(types, {word: name for word, name in named.items() if word in _words(verb)})
            if problem and UNKNOWN not in types.values():
                self.error("K206", problem, action.span, f"For example: `{verb.example}`.")
        address, key = given.get(verb.sends), given.get("using")
        if verb.sends and address is not None and key is not None:
            self.expressions.held_to_its_host(key, address)

    def _sibling(self, verb: Verb, slot: Slot, value: s.Expression) -> None:
        """A new name is one component: checked here as far as it is written out."""
        if verb.sibling and slot.word == "to" and isinstance(value, s.Template):
            written = "".join(part if isinstance(part, str) else "\0" for part in value.parts)
            if "/" in written or written in ("", ".", ".."):
                self.error(
                    "K306",
                    f"`{verb.name}` takes a new name within the same folder.",
                    value.span,
                    "Write a name without `/`; `move` takes a whole path.",
                )

    def _unknown_verb(self, action: s.Action, scope: Scope) -> None:
        name = " ".join(action.words)
        values = [action.object] if action.object is not None else []
        for value in [*values, *(value for _, value in action.slots)]:
            if not isinstance(value, s.Name):
                self.expressions.of(value, scope)
        if name != MISSING:
            self.diagnostics.append(unknown_verb(action, self.vocabulary.verbs, self.source))


def _words(verb: Verb) -> set[str]:
    """The slots of a verb that take one of their own words."""
    return {slot.word for slot in verb.slots if slot.type == WORD}


def _keeps_name(verb: Verb, slot: Slot) -> bool:
    """Whether a path that ends with ``/`` means "into that folder, under its own name"."""
    return slot.word == "to" and bool(verb.slots) and verb.slots[0].type in (FILE, ATTACHMENT)
