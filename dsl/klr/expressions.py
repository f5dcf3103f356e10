"""Types of expressions: what each is, and whether its parts fit together."""

from __future__ import annotations

from collections.abc import Mapping

from klr import syntax as s
from klr.bounds import MOST_NESTED
from klr.calls import Calls
from klr.diagnostics import Diagnostic, Edit, did_you_mean, instead
from klr.mailboxes import EXAMPLE
from klr.members import Members
from klr.operators import ARITHMETIC, ORDERED, a, comparison_problem
from klr.patterns import PatternError, compiled, names
from klr.program import Secret
from klr.scope import Facts, Scope, Variable
from klr.source import Span
from klr.synonyms import VALUES
from klr.syntax import MISSING
from klr.templates import Templates
from klr.typer import may_be_missing
from klr.types import (
    ADDRESS,
    ATTACHMENT,
    DURATION,
    ERROR,
    FILE,
    MAIL,
    MAILBOX,
    MONTHS,
    NOTHING,
    NUMBER,
    PATH,
    PATHS,
    RECIPIENT,
    ROW,
    SECRET,
    SENDABLE,
    SIZE,
    TEXT,
    UNKNOWN,
    WORD,
    YES_NO,
    Type,
    element_of,
    fits,
    group_of,
    list_of,
    match_of,
    maybe,
)  # fmt: skip
from klr.vocabulary import Vocabulary


class Expressions:
    """Checks expressions; findings go to ``diagnostics``, what it finds out to ``facts``."""

    def __init__(self, vocabulary: Vocabulary, facts: Facts, diagnostics: list[Diagnostic]) -> None:
        self.vocabulary = vocabulary
        self.facts = facts
        self.diagnostics = diagnostics
        self.calls = Calls(vocabulary, facts, self.of, self.error)
        self.templates = Templates(facts, self.of, self.error)
        self.members = Members(vocabulary, facts, self.of, self.error)
        self.secrets: Mapping[str, Secret] = {}

    def error(self, code: str, message: str, span: Span, help: str = "", repair: tuple[Edit, ...] = ()) -> Type:
        """Record a finding; the type of what it is about is unknown from then on."""
        self.diagnostics.append(Diagnostic(code, message, span, help, repair))
        return UNKNOWN

    def want(self, node: s.Expression, wanted: Type, scope: Scope, what: str) -> Type:
        """Check that an expression is of a type; ``what`` names its place, as in "`to` of `move`"."""
        found = self.of(node, scope, wanted)
        if not (fits(found, wanted) or (wanted == SENDABLE and _sendable(found))):
            self._mismatch(node, found, wanted, what)
        return found

    def _mismatch(self, node: s.Expression, found: Type, wanted: Type, what: str) -> None:
        if found.name == "maybe" and found.element and fits(found.element, wanted):
            may_be_missing(node, self.error)
            return
        help = ""
        if wanted == ADDRESS:
            help = 'A web address is written out where it is used, with holes: "https://api.example.com/{file.stem}".'
        elif wanted == MAILBOX:
            help = f"A mail folder is written out where it is used, with holes. {EXAMPLE}"
        elif wanted == SENDABLE:
            help = "What can be sent is a text, a number, yes or no, a date, a file, or a list of these."
        elif found == MAIL and wanted == RECIPIENT:
            help = "Write `.sender` behind it, to answer who says to have sent it."
        elif wanted == RECIPIENT and found != FILE:
            help = (
                "A mail goes to one address. To write to several people, go through a list: `for each person in team`."
            )
        elif found == FILE and wanted in (TEXT, *PATHS):
            help = "Write `.name` or `.path` behind it."
        elif wanted == TEXT:
            help = 'To make a text of a value, put it into a hole: "{value}".'
        self.error("K301", f"{what} takes {a(wanted)}, and this is {a(found)}.", node.span, help)

    def of(self, node: s.Expression, scope: Scope, wanted: Type | None = None) -> Type:
        """The type of an expression. A text where a path is wanted is checked as a path."""
        found = self._of(node, scope, wanted)
        self.facts.types[id(node)] = found
        return found

    def _of(self, node: s.Expression, scope: Scope, wanted: Type | None) -> Type:
        match node:
            case s.Literal():
                return node.type
            case s.Template():
                if wanted == MAILBOX:
                    return self.templates.mailbox(node, scope)
                if wanted == ADDRESS:
                    return self.templates.address(node, scope)
                return self.templates.path(node, scope, wanted) if wanted in PATHS else self.templates.text(node, scope)
            case s.Name():
                found = self._name(node, scope)
                return found if found != SECRET or wanted == SECRET else self._secret(node)
            case s.Member():
                return self.members.of(node, scope)
            case s.ListOf():
                return self._list(node, scope, wanted)
            case s.Unary():
                return self._unary(node, scope)
            case s.Binary():
                return self._binary(node, scope)
            case s.Between():
                return self._between(node, scope)
            case s.Matches():
                self._pattern(node, scope, "`matches`")
                return YES_NO
            case s.Match():
                fields = self._pattern(node, scope, "`match of`")
                found = match_of(fields) if fields else TEXT
                return list_of(found) if node.every else found if fields else maybe(TEXT)
            case s.Where():
                items = self._items(node.items, scope)
                self.want(node.condition, YES_NO, self._with_it(items, scope), "`where`")
                return items
            case s.SortedBy():
                items = self._items(node.items, scope)
                key = self.of(node.key, self._with_it(items, scope))
                if key not in (*ORDERED, UNKNOWN):
                    self.error("K302", f"{a(key).capitalize()} has no order to sort by.", node.key.span)
                return items
            case s.GroupedBy():
                return self._grouped(node, scope)
            case s.Field():
                return self._field(node, scope)
            case s.RowOf():
                return self._row(node, scope)
            case s.Call():
                found = self.calls.of(node, scope)
                self._asked(node)
                return found

    # -- hosts and secrets --------------------------------------------------------------------------------------------

    def _secret(self, node: s.Name) -> Type:
        return self.error(
            "K414",
            f"`{node.name}` is a secret, so it can only stand behind `using`.",
            node.span,
            "klapp itself adds it to the request, to its own host: it never becomes a text, nor is it compared.",
        )

    def _asked(self, node: s.Call) -> None:
        resolved = self.facts.calls.get(id(node))
        if resolved is not None and resolved.question is not None:
            for argument in resolved.arguments[1:]:
                self.held_to_its_host(argument, resolved.arguments[0])

    def held_to_its_host(self, key: s.Expression, address: s.Expression) -> None:
        """Report a secret that would go to another host than its own."""
        secret = self.secrets.get(key.name) if isinstance(key, s.Name) else None
        host = self.facts.host_of(address)
        if secret is not None and host is not None and secret.host not in ("", host):
            self.error(
                "K415",
                f"The secret `{secret.name}` belongs to {secret.host}, and this goes to {host}.",
                key.span,
                f'Remove `using {secret.name}`, or add a secret of that host: `secret ... for "{host}"`.',
            )

    # -- names and members --------------------------------------------------------------------------------------------

    def _name(self, node: s.Name, scope: Scope) -> Type:
        if node.name == MISSING:
            return UNKNOWN
        variable = scope.find(node.name)
        if variable is None:
            return self._unknown_name(node, scope)
        if variable.real_name:
            self.facts.real_names.add(id(node))
        return variable.type

    def _unknown_name(self, node: s.Name, scope: Scope) -> Type:
        name = node.name
        help = {
            "file": "Only a rule that waits for a file (`when file arrives in ...`) has a `file`.",
            "mail": "Only a rule that waits for mail (`when mail arrives in ...`) has a `mail`.",
            "folder": "Only a rule that waits for a folder (`when folder arrives in ...`) has a `folder`.",
            "it": "`it` stands for each element within `where` and `sorted by`.",
            "error": "Only the lines under `on error` have an `error`.",
        }.get(name)
        known, others = scope.names(), self._other_names(name, scope)
        repair = () if help else instead(node.span, name, known, others)
        help = (
            help
            or did_you_mean(name, known, others)
            or f"A name is made with `let {name} = ...` or `setting {name}: ... = ...` before it is used."
        )
        return self.error("K201", f"Nothing here is called `{name}`.", node.span, help, repair)

    def _other_names(self, name: str, scope: Scope) -> dict[str, str]:
        """What a name that is none may stand for: a property of the thing at hand, or a value."""
        known = scope.names()
        owner = next((thing for thing in ("it", "file") if thing in known), "")
        if name in self.vocabulary.properties and owner:
            return {name: f"{owner}.{name}"}
        meant = VALUES.get(name, "")
        return {name: meant} if meant and meant.split(".")[0].split(" ")[0] in {*known, "yes", "no", '""'} else {}

    # -- rows and groups ----------------------------------------------------------------------------------------------

    def _grouped(self, node: s.GroupedBy, scope: Scope) -> Type:
        items = self._items(node.items, scope)
        key = self.of(node.key, self._with_it(items, scope))
        if key.name == "maybe":
            key = may_be_missing(node.key, self.error)
        elif key not in (*ORDERED, YES_NO, *PATHS, UNKNOWN):
            self.error("K302", f"Nothing can be grouped by {a(key)}.", node.key.span, "Group by a text or a number.")
        return list_of(group_of(element_of(items) or UNKNOWN, key))

    def _field(self, node: s.Field, scope: Scope) -> Type:
        of = self.of(node.of, scope)
        self.of(node.column, scope)
        if of == UNKNOWN:
            return UNKNOWN
        if of == ROW:
            return TEXT
        if element_of(of) == ROW:
            return list_of(TEXT)
        if of.name == "maybe" and of.element == ROW:
            return may_be_missing(node.of, self.error)
        help = "A table is read with `file.table` or `table in ...`."
        return self.error("K204", f"Only rows and tables have columns, and this is {a(of)}.", node.of.span, help)

    def _row(self, node: s.RowOf, scope: Scope) -> Type:
        seen: set[str | None] = set()
        for column, value in node.cells:
            name = column.constant
            self.facts.types[id(column)] = TEXT
            if name is None:
                self.error("K309", "The name of a column is written out, without holes.", column.span)
            elif name in seen:
                self.error("K206", f'There are two columns "{name}".', column.span, "Keep one of them.")
            seen.add(name)
            self.templates.shown(value, self.of(value, scope), value.span)
        return ROW

    # -- operators ----------------------------------------------------------------------------------------------------

    def _list(self, node: s.ListOf, scope: Scope, wanted: Type | None) -> Type:
        element = element_of(wanted) if wanted else None
        found = [self.of(item, scope, element) for item in node.items]
        kinds = [kind for kind in found if kind != UNKNOWN]
        if not kinds:
            return list_of(UNKNOWN if node.items else NOTHING)
        for item, kind in zip(node.items, found, strict=True):
            if not fits(kind, kinds[0]):
                self._mismatch(item, kind, kinds[0], "This list, by its first element,")
        if _depth(kinds[0]) >= MOST_NESTED:
            return self.error("K302", "This is a list of lists of lists of lists, which is too deep.", node.span)
        return list_of(kinds[0])

    def _items(self, node: s.Expression, scope: Scope) -> Type:
        found = self.of(node, scope)
        if found == UNKNOWN or element_of(found):
            return found
        return self.error(
            "K308",
            f"This must be a list, and it is {a(found)}.",
            node.span,
            'For example `files in "~/Documents/**"`.',
        )

    @staticmethod
    def _with_it(items: Type, scope: Scope) -> Scope:
        inner = Scope(scope)
        inner.add(Variable("it", element_of(items) or UNKNOWN, kind="it", used=True))
        return inner

    def _unary(self, node: s.Unary, scope: Scope) -> Type:
        if node.operator == "not":
            self.want(node.operand, YES_NO, scope, "`not`")
            return YES_NO
        found = self.of(node.operand, scope)
        if found in (NUMBER, SIZE, DURATION, UNKNOWN):
            return found
        return self.error("K302", f"{a(found).capitalize()} can not be negative.", node.span)

    def _binary(self, node: s.Binary, scope: Scope) -> Type:
        operator = node.operator
        if operator in ("and", "or"):
            self.want(node.left, YES_NO, scope, f"`{operator}`")
            self.want(node.right, YES_NO, scope, f"`{operator}`")
            return YES_NO
        wanted = self._path_wanted(node, scope)
        left, right = self.of(node.left, scope, wanted), self.of(node.right, scope, wanted)
        if operator == "default":
            return self._default(node, left, right)
        for side, found in ((node.left, left), (node.right, right)):
            if found.name == "maybe":
                return may_be_missing(side, self.error)
        if UNKNOWN in (left, right):
            return ARITHMETIC.get((operator, left, right), UNKNOWN if operator in "+-*/" else YES_NO)
        if operator in ("+", "-", "*", "/"):
            return self._arithmetic(node, left, right)
        problem = comparison_problem(operator, left, right)
        if problem:
            self.error("K302", problem, node.span)
        elif node.ignoring_case and TEXT not in (left, left.element):
            self.error("K302", "Only texts have a case to ignore.", node.span, "Remove `ignoring case`.")
        return YES_NO

    def _path_wanted(self, node: s.Binary, scope: Scope) -> Type | None:
        """A text beside a path is a path: `file.folder is "~/Downloads"`."""
        sides = ((node.left, node.right), (node.right, node.left))
        for one, other in sides:
            if isinstance(one, s.Template) and not isinstance(other, s.Template) and self.of(other, scope) in PATHS:
                return PATH
        return None

    def _default(self, node: s.Binary, left: Type, right: Type) -> Type:
        if left == UNKNOWN:
            return right
        if left.name != "maybe" or left.element is None:
            return self.error(
                "K302",
                "This is never missing, so it needs no `default`.",
                node.span,
                "Remove `default` and what follows it.",
            )
        if right.name == "maybe" and right.element and fits(right.element, left.element):
            return right
        if not fits(right, left.element):
            self._mismatch(node.right, right, left.element, "`default` here")
        return left.element

    def _arithmetic(self, node: s.Binary, left: Type, right: Type) -> Type:
        result = ARITHMETIC.get((node.operator, left, right))
        if result:
            return result
        help = (
            'Texts are joined in a text with holes: "{a} {b}".'
            if TEXT in (left, right) and node.operator == "+"
            else ""
        )
        if MONTHS in (left, right) and DURATION in (left, right):
            help = "A month has no fixed length. Add months to a date: `today - 3 months`."
        return self.error("K302", f"`{node.operator}` does not work between {a(left)} and {a(right)}.", node.span, help)

    def _pattern(self, node: s.Matches | s.Match, scope: Scope, what: str) -> tuple[str, ...]:
        """Check a pattern and what it is looked for in; gives the names of its groups."""
        self.want(node.value, TEXT, scope, what)
        try:
            return names(compiled(node.pattern, node.ignoring_case))
        except PatternError as error:
            self.error(
                "K106",
                f"This pattern can not be read: {error}.",
                node.span,
                "A pattern is a regular expression, such as `INV-[0-9]+`.",
            )
            return ()

    def _between(self, node: s.Between, scope: Scope) -> Type:
        found = self.of(node.value, scope)
        if found not in (*ORDERED, UNKNOWN):
            self.error("K302", f"{a(found).capitalize()} has no order, so it is between nothing.", node.value.span)
            found = UNKNOWN
        for end in (node.low, node.high):
            self.want(end, found, scope, "`between` here")
        return YES_NO


def _sendable(found: Type) -> bool:
    """Whether a value can be sent to a host: a file, or what is data."""
    if found.name in ("list", "table") and found.element is not None:
        return found.element not in (FILE, MAIL, ATTACHMENT) and _sendable(found.element)
    return found not in (ADDRESS, ERROR, SECRET, WORD, MAIL, ATTACHMENT) and found.name not in ("maybe", "match")


def _depth(kind: Type) -> int:
    """How many lists are around the innermost elements."""
    return 1 + _depth(kind.element) if kind.name == "list" and kind.element else 0
