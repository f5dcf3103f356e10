"""Names and types of a whole coworker; permissions follow in ``klr.permissions``, on what is found out here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from klr import synonyms
from klr import syntax as s
from klr.addresses import AddressError, host_of
from klr.diagnostics import Diagnostic, Edit, did_you_mean, instead, listing
from klr.expressions import Expressions
from klr.limits import limits_of
from klr.mistaken import unknown_verb
from klr.operators import ORDERED, a
from klr.program import Grant, Limits, Secret, Setting, TestCase, TriggerUse
from klr.proof import GlobError, glob
from klr.recipients import address_problem, is_mail, pattern_of
from klr.scope import RESERVED, Facts, Scope, Variable
from klr.secrets import Secrets, account_problem, app_problem
from klr.settings import bounds_problem, filled
from klr.source import Source, Span
from klr.starts import Starts
from klr.syntax import MISSING
from klr.trials import Trials
from klr.types import (
    ATTACHMENT,
    BY_NAME,
    DATE,
    ERROR,
    FILE,
    FOLDER,
    GONE,
    MAIL,
    OF_PARAMETERS,
    PATH,
    PATHS,
    RECIPIENT,
    SECRET,
    UNKNOWN,
    WORD,
    YES_NO,
    Type,
    element_of,
    fits,
    list_of,
)
from klr.vocabulary import PERMISSIONS, PermissionKind, Slot, Verb, Vocabulary

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


def _patterns_of(may: s.May) -> tuple[s.Template, ...]:
    """The patterns of a ``may`` line, wherever they stand."""
    kind = PERMISSIONS.get(may.permission)
    return may.to if kind is not None and kind.joins == "to" else may.patterns


def verb_of(action: s.Action, vocabulary: Vocabulary) -> Verb | None:
    """The declared verb of an action, or None."""
    return vocabulary.verbs.get(" ".join(action.words))


class _Checker:
    def __init__(self, source: Source, tree: s.Coworker, vocabulary: Vocabulary, diagnostics: list[Diagnostic]) -> None:
        self.source = source
        self.vocabulary = vocabulary
        self.diagnostics = diagnostics
        self.checked = Checked(tree, Facts())
        self.expressions = Expressions(vocabulary, self.checked.facts, diagnostics)
        self.starts = Starts(vocabulary, diagnostics)

    def error(self, code: str, message: str, span: Span, help: str = "", repair: tuple[Edit, ...] = ()) -> None:
        self.expressions.error(code, message, span, help, repair)

    def check(self) -> Checked:
        tree = self.checked.tree
        for template, word in ((tree.name, "coworker"), (tree.about, "about")):
            if template is not None and template.constant is None:
                self.error("K309", f"The `{word}` line takes a text without holes.", template.span)
        root = Scope()
        for name in ("now", "today"):
            root.add(Variable(name, DATE, kind="builtin", used=True))
        for setting in self._parts(s.SettingLine):
            self._setting(setting, root)
        secrets = Secrets(self.error)
        for secret in self._parts(s.SecretLine):
            self._new_name(secret.name, secret.span, root)
            root.add(Variable(secret.name, SECRET, secret.span, "secret"))
            self.checked.secrets[secret.name] = secrets.of(secret)
        self.expressions.secrets = self.checked.secrets
        self.checked.tree = filled(tree, self.checked.settings)
        self._definitions(root)
        self.checked.limits = limits_of(self._parts(s.LimitLine), self.diagnostics)
        self.checked.grants = tuple(grant for may in self._parts(s.May) for grant in self._may(may))
        for rule in self._parts(s.RuleBlock):
            self._rule(rule, root)
        for key, define in self.expressions.calls.definitions.items():
            if key not in self.expressions.calls.used:
                self.error("K603", f"`{define.name}` is never used.", define.span, "Remove the line, or use it.")
        if not self.checked.triggers and not self.diagnostics:
            self.error(
                "K505",
                "This coworker waits for nothing, so it never runs.",
                tree.name.span,
                'Add a rule, such as `when file arrives in "~/Downloads"`.',
            )
        trials = Trials(
            self.source,
            self.vocabulary,
            self.starts,
            self.checked.settings,
            [use for _, use in self.checked.triggers],
            self.diagnostics,
        )
        for secret in self._parts(s.SecretLine):
            known = root.variables.get(secret.name)
            if known is not None and not known.used:
                self.error("K603", f"`{secret.name}` is never used.", secret.span, "Remove the line, or use the name.")
        self.checked.tests = tuple(trials.of(test) for test in self._parts(s.TestBlock))
        return self.checked

    def _parts(self, kind: type[_Kind]) -> list[_Kind]:
        return [part for part in self.checked.tree.parts if isinstance(part, kind)]

    # -- may and setting lines ----------------------------------------------------------------------------------------

    def _may(self, may: s.May) -> Iterable[Grant]:
        kind = PERMISSIONS.get(may.permission)
        if kind is None:
            help = (
                did_you_mean(may.permission, PERMISSIONS, synonyms.PERMISSIONS)
                or f"Permissions are {listing(sorted(PERMISSIONS), 'and')}."
            )
            repair = instead(may.span, may.permission, PERMISSIONS, synonyms.PERMISSIONS)
            span = self.source.words_in(may.span, may.permission) or may.span
            self.error("K208", f"There is no permission `{may.permission}`.", span, help, repair)
            return
        if may.to and not may.patterns and not kind.leaves and kind.joins != "to":
            written = f"{kind.name} to"
            span = self.source.words_in(may.span, written) or may.span
            repair = (Edit(may.span, written, kind.name),)
            self.error("K208", f"There is no permission `{written}`.", span, f"Did you mean `{kind.name}`?", repair)
            return
        problem = _may_problem(kind, may)
        if problem:
            self.error("K208", f"`may {kind.name}` {problem}.", may.span, f"Write, for example, `{kind.example}`.")
            return
        hosts = [self._goal(template) for template in may.to] if kind.leaves else []
        if None in hosts:
            return
        patterns = []
        for template in _patterns_of(may):
            pattern = template.constant
            if pattern is None:
                self.error(
                    "K402",
                    "A permission takes a pattern without holes.",
                    template.span,
                    'Write `*` for any name: "~/Invoices/*/*.pdf".',
                )
                continue
            if kind.takes == "hosts":
                if (host := self._host(template)) is not None:
                    patterns.append(host)
                    self.checked.grant_spans[len(self.checked.grant_spans)] = template.span
                continue
            if kind.takes == "recipients":
                if (recipients := self._goal(template, mail=True)) is not None:
                    patterns.append(recipients)
                    self.checked.grant_spans[len(self.checked.grant_spans)] = template.span
                continue
            if kind.takes == "accounts":
                if problem := account_problem(pattern):
                    self.error("K418", problem, template.span, f"For example: `{kind.example}`.")
                    continue
                patterns.append(pattern)
                self.checked.grant_spans[len(self.checked.grant_spans)] = template.span
                continue
            if kind.takes == "apps" and (problem := app_problem(pattern)):
                self.error("K417", problem, template.span, f"For example: `{kind.example}`.")
                continue
            try:
                glob(pattern)
            except GlobError as error:
                self.error(
                    "K402", str(error), template.span, 'A pattern looks like "~/Downloads/*.pdf" or "~/Documents/**".'
                )
                continue
            patterns.append(pattern)
            self.checked.grant_spans[len(self.checked.grant_spans)] = template.span
        if not _patterns_of(may):
            self.checked.grant_spans[len(self.checked.grant_spans)] = may.span
        line = self.source.place(may.span.start)[0]
        yield Grant(kind.name, tuple(patterns), line, tuple(host for host in hosts if host))

    def _goal(self, template: s.Template, mail: bool = False) -> str | None:
        """The host, or the pattern for mail addresses, to which a line lets something go; None for neither."""
        text = template.constant or ""
        if not mail and not is_mail(text):
            return self._host(template)
        try:
            return pattern_of(text)
        except AddressError as error:
            help = 'For example: "ann@example.com", or "*@example.com" for everybody there.'
            self.error("K419", str(error), template.span, help)
            return None

    def _host(self, template: s.Template) -> str | None:
        """The host that a line names, in its one form; None for what is none, which is reported."""
        try:
            return host_of(template.constant or "")
        except AddressError as error:
            self.error("K410", str(error), template.span, 'A host is written "https://api.example.com".')
            return None

    def _setting(self, line: s.SettingLine, root: Scope) -> None:
        self._new_name(line.name, line.span, root)
        declared = self._type(line)
        value = self._written_out(line.value, declared, f"The setting `{line.name}`")
        label = line.label.constant if line.label else ""
        if label is None and line.label:
            self.error("K309", "A label takes a text without holes.", line.label.span)
        root.add(Variable(line.name, declared, line.span, "setting", used=True))
        setting = Setting(line.name, value, label or line.name, declared)
        self.checked.settings[line.name] = self._bounded(line, setting) if line.bounds else setting

    def _bounded(self, line: s.SettingLine, setting: Setting) -> Setting:
        """A setting with its bounds, within which its value must lie."""
        assert line.bounds is not None
        kind = element_of(setting.type) or setting.type
        what = f"The values that `{line.name}` may have"
        if len(line.bounds.values) == 1:
            choices = self._written_out(line.bounds.values[0], list_of(kind), what)
            setting = replace(setting, choices=choices or ())
        elif kind not in ORDERED and kind != UNKNOWN:
            self.error("K302", f"{a(kind).capitalize()} has no order, so it is between nothing.", line.bounds.span)
        else:
            low, high = (self._written_out(value, kind, what) for value in line.bounds.values)
            setting = replace(setting, low=low, high=high)
        problem = bounds_problem(setting)
        if problem and type(setting.value) in (tuple, type(setting.low), *map(type, setting.choices)):
            self.error("K212", problem, line.value.span, "Change the value, or what it may be.")
        return setting

    def _definitions(self, root: Scope) -> None:
        calls = self.expressions.calls
        defines = self._parts(s.Define)
        calls.later = {define.name for define in defines}
        for define in defines:
            if define.key in calls.functions or define.key == ("files", ("in",)):
                self.error(
                    "K202", f"`{define.name}` means something already.", define.span, "Choose another name for it."
                )
            scope = Scope(root)
            types = []
            for parameter in define.parameters:
                types.append(self._type(parameter, OF_PARAMETERS))
                self._new_name(parameter.name, parameter.span, scope)
                scope.add(Variable(parameter.name, types[-1], parameter.span))
            wanted = PATH if _is_path(define.value) else None
            calls.define(define, tuple(types), partial(self.expressions.of, define.value, scope, wanted))
            self._unused(scope)

    def _type(self, line: s.SettingLine | s.Parameter | s.Answer, by_name: Mapping[str, Type] = BY_NAME) -> Type:
        *lists, name = line.type
        known = by_name.get(name)
        if known is None:
            if name == MISSING:
                return UNKNOWN
            help = (
                did_you_mean(name, by_name, synonyms.TYPES)
                or f"Types are {listing(sorted(by_name), 'and')}, and `list of` one of them."
            )
            behind_name = Span(
                self.source.text.find(":", line.span.start), self.source.text.find("\n", line.span.start)
            )
            repair = instead(behind_name, name, by_name, synonyms.TYPES)
            self.error("K207", f"There is no type `{name}`.", line.span, help, repair)
            return UNKNOWN
        for _ in range(len(lists) // 2):
            known = list_of(known)
        return known

    def _new_name(self, name: str, span: Span, scope: Scope) -> bool:
        """Whether a name can be given here; where not, that is told."""
        before = scope.has(name)
        if name in RESERVED and name != MISSING:
            self.error(
                "K202",
                f"`{name}` is a word of the language, so nothing else can be called that.",
                span,
                "Choose another name.",
            )
        elif before is not None and name != MISSING:
            line = self.source.place(before.span.start)[0]
            where = f"in line {line}" if before.span.end else "by klapp"
            self.error(
                "K202",
                f"`{name}` is taken already, {where}.",
                span,
                "Choose another name; a value never changes once it is there.",
            )
        return before is None or name == MISSING

    # -- rules --------------------------------------------------------------------------------------------------------

    def _rule(self, rule: s.RuleBlock, root: Scope) -> None:
        start = self.starts.of(rule)
        scope = Scope(root)
        if start.gives:
            name = start.gives.rpartition(" ")[2]
            scope.add(Variable(name, GIVEN_TYPES[start.gives], kind="builtin", used=True))
        asked = self._answers(rule.trigger.answers if isinstance(rule.trigger, s.When) else (), scope)
        use = replace(start.use, answers=asked) if start.use else None
        self.checked.triggers.append((rule, use))
        self._block(rule.body, Scope(scope))
        self._on_error(rule.on_error, scope)

    def _answers(self, answers: tuple[s.Answer, ...], scope: Scope) -> tuple[Setting, ...]:
        """What a person is asked for: names of the rule."""
        asked = []
        for answer in answers:
            self._new_name(answer.name, answer.span, scope)
            declared = self._type(answer)
            if declared.name == "list" or declared in PATHS:
                message = f"A person can not be asked for {'a list' if declared.name == 'list' else f'a {declared}'}."
                self.error("K509", message, answer.span, "Ask for a text, a number, a date or a time.")
            value = None
            if answer.value is not None:
                value = self._written_out(answer.value, declared, f"The answer `{answer.name}`")
            label = answer.label.constant if answer.label else ""
            if label is None and answer.label:
                self.error("K309", "A label takes a text without holes.", answer.label.span)
            scope.add(Variable(answer.name, declared, answer.span, "answer"))
            asked.append(Setting(answer.name, value, label or answer.name, declared))
        return tuple(asked)

    def _written_out(self, node: s.Expression, declared: Type, what: str) -> Any:
        """The value of a constant of that type; None where it is wrong."""
        found = self.expressions.of(node, Scope(), declared)
        if declared != UNKNOWN and not fits(found, declared):
            self.error("K301", f"{what} is of type {declared}, and this is of type {found}.", node.span)
        try:
            value = s.constant(node)
            return value.rstrip("/") if declared in PATHS and isinstance(value, str) and len(value) > 2 else value
        except ValueError:
            if found != UNKNOWN:
                self.error("K309", "A setting's value is written out: it can not be computed.", node.span)
        return None

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
        self._unused(scope)

    def _unused(self, scope: Scope) -> None:
        for variable in scope.variables.values():
            if variable.kind == "variable" and not variable.used and variable.type != UNKNOWN:
                self.error(
                    "K603", f"`{variable.name}` is never used.", variable.span, "Remove the line, or use the name."
                )

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
                self._new_name(statement.name, statement.span, scope)
                inner.add(Variable(statement.name, element_of(items) or UNKNOWN, statement.items.span, "element"))
                self._block(statement.body, inner)
                self._on_error(statement.on_error, inner)
            case s.Attempt():
                self._block(statement.body, Scope(scope))
                self._on_error(statement.on_error, scope)
            case s.Action():
                self._action(statement, scope)

    def _let(self, let: s.Let, scope: Scope) -> None:
        found = self.expressions.of(let.value, scope, PATH if _is_path(let.value) else None)
        free = self._new_name(let.name, let.span, scope)
        if found.name == "maybe":
            self.error(
                "K303", "This value may be missing.", let.value.span, "Say what stands in for it: add `default ...`."
            )
            found = UNKNOWN
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


def _may_problem(kind: PermissionKind, may: s.May) -> str:
    """What is wrong with the parts of a ``may`` line, or ""."""
    if kind.takes == "apps":
        return "" if not may.to else "goes to no host"
    if kind.takes == "recipients":
        return "" if may.to and not may.patterns else "says to whom, and nothing else"
    if kind.takes and not may.patterns:
        return {"hosts": "does not say which host", "accounts": "does not say which account"}.get(
            kind.takes, "does not say where"
        )
    if may.patterns and not kind.takes:
        return "takes no path"
    if kind.leaves and not may.to:
        return "does not say to which host"
    return "goes to no host" if may.to and not kind.leaves else ""


def _words(verb: Verb) -> set[str]:
    """The slots of a verb that take one of their own words."""
    return {slot.word for slot in verb.slots if slot.type == WORD}


def _is_path(value: s.Expression) -> bool:
    """Whether a text that could be anything is meant as a path."""
    first = value.parts[0] if isinstance(value, s.Template) and value.parts else ""
    return isinstance(first, str) and first.startswith("~/")


def _keeps_name(verb: Verb, slot: Slot) -> bool:
    """Whether a path that ends with ``/`` means "into that folder, under its own name"."""
    return slot.word == "to" and bool(verb.slots) and verb.slots[0].type in (FILE, ATTACHMENT)
