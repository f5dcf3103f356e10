"""The one style of .klr: prints a syntax tree, with its comments in their places.

Laws, held by tests: ``parse(format(x)) == parse(x)``, and formatting twice changes nothing more. A line of more than
``WIDTH`` characters goes on, deeper, before the words that join its parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from klr import syntax as s
from klr.parser import Comment, Parsed
from klr.source import Source, Span
from klr.vocabulary import PERMISSIONS

WIDTH = 100
_JOINT = "\x00"  # a blank at which a long line may go on; no text can hold it, for texts are escaped

_LOOSENESS = {
    "where": 1, "sorted by": 1, "or": 2, "and": 3, "not": 4, "default": 6, "+": 7, "-": 7, "*": 8, "/": 8, "minus": 9,
    "call": 10, "value": 11,
}  # fmt: skip
_COMPARISON = 5


def format_source(source: Source, parsed: Parsed) -> str:
    """The text of a file in the one style. ``parsed`` must be free of errors and belong to ``source``."""
    assert parsed.tree is not None
    return "\n".join(_Printer(source, parsed.comments).coworker(parsed.tree)).strip("\n") + "\n"


class _Printer:
    """Prints line by line, letting out each comment at the line that it stood on."""

    def __init__(self, source: Source, comments: Sequence[Comment]) -> None:
        self.source = source
        self.alone = [c for c in comments if c.alone]
        self.trailing = {c.line: c.text for c in comments if not c.alone}
        self.lines: list[str] = []
        self.last = 0  # the line of the source that was printed last
        self._opened = False  # whether that line opened a block

    def coworker(self, tree: s.Coworker) -> list[str]:
        heads = [("coworker", tree.name), *([("about", tree.about)] if tree.about else [])]
        parts: list[tuple[Span, s.Part | str]] = [(part.span, part) for part in tree.parts]
        parts.extend((template.span, f"{word} {_template(template)}") for word, template in heads)
        before: s.Part | str | None = None
        for span, part in sorted(parts, key=lambda pair: pair[0].start):
            if before is not None and _apart(before, part):
                self._blank()
            if isinstance(part, str):
                self._line(part, 0, span)
            else:
                self._part(part)
            before = part
        self._comments(self.source.line_count() + 1, 0)
        return self.lines

    # -- lines --------------------------------------------------------------------------------------------------------

    def _blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def _comments(self, before: int, depth: int) -> None:
        while self.alone and self.alone[0].line < before:
            comment = self.alone.pop(0)
            self._keep_blank(comment.line)
            self.lines.append("  " * depth + comment.text)
            self.last = comment.line
            self._opened = False

    def _keep_blank(self, line: int) -> None:
        """One blank line stays where the person left one or more, but not right behind what opens a block."""
        if self.last and line > self.last + 1 and not self.source.line(line - 1).strip() and not self._opened:
            self._blank()

    def _line(self, text: str, depth: int, span: Span, *, opens: bool = False) -> None:
        first, last = self.source.place(span.start)[0], self.source.place(max(span.start, span.end - 1))[0]
        self._comments(first, depth)
        self._keep_blank(first)
        folded = _fold("  " * depth + text, depth)
        notes = [self.trailing.pop(n) for n in range(first, last + 1) if n in self.trailing]
        self.lines.append(folded + ("  " + " ".join(notes) if notes else ""))
        self.last = last
        self._opened = opens

    def _end(self, span: Span, depth: int) -> None:
        """The ``end`` of a block whose span stops with its ``end`` line."""
        end = Span(span.end - 1, span.end)
        self._comments(self.source.place(end.start)[0], depth + 1)
        self._opened = True
        self._line("end", depth, end)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _part(self, part: s.Part) -> None:
        match part:
            case s.May():
                self._line(_may(part), 0, part.span)
            case s.SettingLine():
                label = f"{_JOINT}shown as {_template(part.label)}" if part.label else ""
                bounds = _bounds(part.bounds)
                self._line(
                    f"setting {part.name}: {' '.join(part.type)} = {_text(part.value)}{bounds}{label}", 0, part.span
                )
            case s.SecretLine():
                header = f"{_JOINT}as {_template(part.header)}" if part.header else ""
                label = f"{_JOINT}shown as {_template(part.label)}" if part.label else ""
                self._line(f"secret {part.name} for {_template(part.host)}{header}{label}", 0, part.span)
            case s.LimitLine():
                self._line(f"limit {part.amount.written} {part.what}".rstrip(), 0, part.span)
            case s.Define():
                parameters = "".join(f" {p.preposition} {p.name}: {' '.join(p.type)}" for p in part.parameters)
                self._line(f"define {part.name}{parameters} = {_text(part.value)}", 0, part.span)
            case s.RuleBlock():
                self._line(
                    _start(part), 0, part.trigger.span.to((part.options or (part.trigger,))[-1].span), opens=True
                )
                self._block(part.body, 1)
                if part.on_error is not None:
                    self._on_error(part.body, part.on_error, part.span, 0)
                self._end(part.span, 0)
            case s.TestBlock():
                self._line(f"test {_template(part.name)}", 0, part.name.span, opens=True)
                for step in part.steps:
                    self._line(_step(step), 1, step.span)
                self._end(part.span, 0)

    def _word(self, word: str, after: Span, within: Span, depth: int) -> None:
        """A line that is one word (or two), found in the source behind a block."""
        number = self.source.place(max(after.end, within.start))[0]
        while number < self.source.line_count() and " ".join(_code(self.source.line(number)).split()) != word:
            number += 1
        self._comments(number, depth + 1)
        self._opened = True
        self._line(word, depth, self.source.line_span(number), opens=True)

    def _on_error(self, body: s.Block, on_error: s.Block, within: Span, depth: int) -> None:
        self._word("on error", body.span, within, depth)
        self._block(on_error, depth + 1)

    def _block(self, block: s.Block, depth: int) -> None:
        for statement in block.statements:
            self._statement(statement, depth)

    def _statement(self, statement: s.Statement, depth: int) -> None:
        span = statement.span
        match statement:
            case s.Let():
                self._line(f"let {statement.name} = {_text(statement.value)}", depth, span)
            case s.Action():
                self._line(_action(statement), depth, span)
            case s.ForEach():
                head = Span(span.start, statement.items.span.end)
                self._line(f"for each {statement.name} in {_text(statement.items)}", depth, head, opens=True)
                self._block(statement.body, depth + 1)
                if statement.on_error is not None:
                    self._on_error(statement.body, statement.on_error, span, depth)
                self._end(span, depth)
            case s.Attempt(on_one_line=True):
                # `on error` at the start of a line would begin the lines of a block, so this one is not broken.
                whole = f"{_one(statement.body)} on error {_one(statement.on_error)}"
                self._line(whole.replace(_JOINT, " "), depth, span)
            case s.Attempt():
                number = self.source.place(span.start)[0]
                self._line("try", depth, self.source.line_span(number), opens=True)
                self._block(statement.body, depth + 1)
                self._on_error(statement.body, statement.on_error, span, depth)
                self._end(span, depth)
            case s.If():
                start = span.start
                behind = span
                for index, (condition, body) in enumerate(statement.branches):
                    if index:
                        start = condition.span.start
                        self._comments(self.source.place(start)[0], depth + 1)
                        self._opened = True
                    word = "else if" if index else "if"
                    self._line(f"{word} {_text(condition)}", depth, Span(start, condition.span.end), opens=True)
                    self._block(body, depth + 1)
                    behind = body.span if body.statements else condition.span
                if statement.otherwise is not None:
                    self._word("else", behind, span, depth)
                    self._block(statement.otherwise, depth + 1)
                self._end(span, depth)


def _one(block: s.Block) -> str:
    """The one action of a block."""
    (action,) = block.statements
    assert isinstance(action, s.Action)
    return _action(action)


def _may(may: s.May) -> str:
    kind = PERMISSIONS.get(may.permission)
    joins = f" {kind.joins_first}" if kind and kind.joins and may.patterns else ""
    patterns = " " + ", ".join(map(_template, may.patterns)) if may.patterns else ""
    to = f"{_JOINT}to {', '.join(map(_template, may.to))}" if may.to else ""
    return f"may {may.permission}{joins}{patterns}{to}"


def _bounds(bounds: s.Bounds | None) -> str:
    if bounds is None:
        return ""
    if len(bounds.values) == 1:
        return f" one of {_inner(bounds.values[0], _LOOSENESS['value'])}"
    low, high = (_inner(value, _LOOSENESS["+"]) for value in bounds.values)
    return f"{_JOINT}from {low} to {high}"


def _apart(before: s.Part | str, part: s.Part | str) -> bool:
    """Whether a blank line always stands between two parts: around blocks, and between kinds of lines."""
    blocks = (s.RuleBlock, s.TestBlock)
    return isinstance(before, blocks) or isinstance(part, blocks) or type(before) is not type(part)


def _code(line: str) -> str:
    return line.split("#")[0]


def _fold(line: str, depth: int) -> str:
    if len(line) <= WIDTH:
        return line.replace(_JOINT, " ")
    return line.replace(_JOINT, "\n" + "  " * (depth + 2))


def _start(rule: s.RuleBlock) -> str:
    """The trigger, with one option on its line, or several each on a line of its own."""
    joint = f"\n{'  ' * 2}" if len(rule.options) > 1 else _JOINT
    return _trigger(rule.trigger) + "".join(joint + _option(option) for option in rule.options)


def _option(option: s.Option) -> str:
    values = [value if isinstance(value, str) else _text(value) for value in option.values]
    match option.kind, values:
        case "between", [first, last]:
            return f"between {first} and {last}"
        case "at most", [number, *otherwise]:
            return " ".join(("at most", number, "at a time", *(f"else {word}" for word in otherwise)))
        case "once quiet", [time]:
            return f"once quiet for {time}"
        case "retry", [number, time]:
            return f"retry {number} {'time' if number == '1' else 'times'} after {time}"
        case "catch up", ["never"]:
            return "never catch up"
    return f"{option.kind} {' '.join(values)}"


def _trigger(trigger: s.When | s.Every | s.Cron) -> str:
    match trigger:
        case s.When():
            other = f"{_template(trigger.other)} " if trigger.other else ""
            slots = "".join(f" {word} {_text(value)}" for word, value in trigger.slots)
            answers = f" for {', '.join(map(_answer, trigger.answers))}" if trigger.answers else ""
            return f"when {other}{' '.join(trigger.words)}{slots}{answers}"
        case s.Cron():
            return f"cron {_template(trigger.text)}"
        case s.Every():
            what = trigger.what.written if isinstance(trigger.what, s.Literal) else ", ".join(trigger.what)
            day = f" on {', '.join(map(' '.join, trigger.days))}" if trigger.days else ""
            times = f" at {', '.join(t.written for t in trigger.times)}" if trigger.times else ""
            return f"every {what}{day}{times}"


def _answer(answer: s.Answer) -> str:
    value = f" = {_text(answer.value)}" if answer.value is not None else ""
    label = f"{_JOINT}shown as {_template(answer.label)}" if answer.label else ""
    return f"{answer.name}: {' '.join(answer.type)}{value}{label}"


def _step(step: s.Given | s.Event | s.Expect) -> str:
    if isinstance(step, s.Event):
        return _trigger(step.trigger) + (f" {_text(step.value)}" if step.value else "")
    if isinstance(step, s.Given) and step.details[:1] and isinstance(name := step.details[0][1], s.Name):
        return f"given {step.what} {name.name} = {_text(step.value)}"
    details = "".join(map(_detail, range(len(step.details)), step.details))
    head = "given" if isinstance(step, s.Given) else "expect no" if step.absent else "expect"
    return f"{head} {step.what}{' ' + _text(step.value) if step.value else ''}{details}"


def _detail(index: int, detail: tuple[str, s.Expression]) -> str:
    """One detail of a file in a test; of the words that can begin one, only ``with`` lets a line go on."""
    word, value = detail
    leading = f"{_JOINT}with " if index == 0 and word not in ("modified", "created") else " "
    return f"{leading}{word} {_text(value)}"


def _action(action: s.Action) -> str:
    thing = _text(action.object) if action.object is not None else ""
    if thing.startswith("-"):  # behind a verb, a minus sign would be taken for a subtraction
        thing = f"({thing.replace(_JOINT, ' ')})"
    thing = f" {thing}" if thing else ""
    slots = "".join(
        # No line goes on with `about`, which begins a line of its own kind, too.
        f"{' ' if word == 'about' or (index == 0 and not thing) else _JOINT}{word} {_text(value)}"
        for index, (word, value) in enumerate(action.slots)
    )
    return f"{' '.join(action.words)}{thing}{slots}"


# -- expressions ------------------------------------------------------------------------------------------------------


def _text(expression: s.Expression) -> str:
    return _express(expression)[0]


def _inner(expression: s.Expression, tightness: int) -> str:
    """The expression as part of another: in brackets where it binds less tightly than ``tightness``."""
    text, own = _express(expression)
    return text if own >= tightness else f"({text.replace(_JOINT, ' ')})"


def _express(expression: s.Expression) -> tuple[str, int]:
    """(text, how tightly it binds)."""
    value = _LOOSENESS["value"]
    match expression:
        case s.Literal():
            return expression.written, value
        case s.Template():
            return _template(expression), value
        case s.Name():
            return expression.name, value
        case s.Member():
            return f"{_inner(expression.of, value)}.{expression.name}", value
        case s.ListOf():
            return f"[{', '.join(_flat(item) for item in expression.items)}]", value
        case s.Unary(operator="not"):
            return f"not {_inner(expression.operand, 4)}", 4
        case s.Unary():
            return f"-{_inner(expression.operand, 9)}", 9
        case s.Call():
            words = "".join(f" {word} {_inner(argument, value)}" for word, argument in expression.arguments)
            return f"{expression.name}{words}", _LOOSENESS["call"]
        case s.Matches():
            case = " ignoring case" if expression.ignoring_case else ""
            return f'{_inner(expression.value, 6)} matches "{expression.pattern}"{case}', _COMPARISON
        case s.Match():
            case = " ignoring case" if expression.ignoring_case else ""
            word = "matches" if expression.every else "match"
            return f'{word} of "{expression.pattern}"{case} in {_inner(expression.value, value)}', _LOOSENESS["call"]
        case s.Between():
            low, high = _inner(expression.low, 6), _inner(expression.high, 6)
            return f"{_inner(expression.value, 6)} between {low} and {high}", _COMPARISON
        case s.Where():
            return f"{_inner(expression.items, 1)}{_JOINT}where {_inner(expression.condition, 2)}", 1
        case s.SortedBy():
            down = " descending" if expression.descending else ""
            return f"{_inner(expression.items, 1)}{_JOINT}sorted by {_inner(expression.key, 2)}{down}", 1
        case s.GroupedBy():
            return f"{_inner(expression.items, 1)}{_JOINT}grouped by {_inner(expression.key, 2)}", 1
        case s.Field():
            return f"{_inner(expression.of, value)}.{_template(expression.column)}", value
        case s.RowOf():
            cells = ", ".join(f"{_template(column)}: {_flat(cell)}" for column, cell in expression.cells)
            return f"[{cells}]", value
        case s.Binary():
            return _binary(expression)


def _binary(node: s.Binary) -> tuple[str, int]:
    own = _LOOSENESS.get(node.operator, _COMPARISON)
    loose = own + 1 if own == _COMPARISON else own
    joint = _JOINT if own in (2, 3, 6) else " "
    case = " ignoring case" if node.ignoring_case else ""
    return f"{_inner(node.left, loose)}{joint}{node.operator} {_inner(node.right, own + 1)}{case}", own


def _flat(expression: s.Expression) -> str:
    return _text(expression).replace(_JOINT, " ")


def _template(template: s.Template) -> str:
    return '"' + "".join(_pieces(template)) + '"'


def _pieces(template: s.Template) -> Iterator[str]:
    for part in template.parts:
        if isinstance(part, str):
            yield s.escaped(part)
        else:
            value = _flat(part.value)
            if value[-1:].isdigit() and part.format[:1].isdigit():
                value = f"({value})"  # `0:00` would be a time
            yield f"{{{value}{':' + part.format if part.format else ''}}}"
