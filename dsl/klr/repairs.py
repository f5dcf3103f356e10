"""What mends a finding, as data: for those that were told without a change of the text beside them.

Each entry says for which findings it is (a code, and a pattern of the message), what has to stand in the line where the
finding begins (a pattern, which has to touch the finding), and what is written in its place. A repair is an offer: it
takes the finding away and brings no new error, which the golden files of all mistakes hold; what it means is for the
person to judge.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from klr.diagnostics import Diagnostic, Edit
from klr.source import Source, Span

_New = str | Callable[[re.Match[str], re.Match[str]], str]
"""What is written: a template of the groups in the text, or what is made of the message and the text that were matched."""


class _Entry(NamedTuple):
    code: str
    message: str
    text: str
    new: _New


LONGEST_LINE = 500
"""Characters of a line that is looked at: the patterns take their time with a long one."""
_VALUE = r"[\w.]+|\"[^\"{}]*\""
_WHOLE_LINE = r"^[^\n]*\n"


def _last_day(_: re.Match[str], text: re.Match[str]) -> str:
    year, month = int(text[1]), min(max(int(text[2]), 1), 12)
    return f"{year:04}-{month:02}-{min(max(int(text[3]), 1), monthrange(max(year, 1), month)[1]):02}"


def _within(message: re.Match[str], _: re.Match[str]) -> str:
    """The end of what is allowed that is nearest."""
    low, high, wrong = message["low"], message["high"], message["wrong"]
    return low if float(wrong) < float(low) else high


def _joined(_: re.Match[str], text: re.Match[str]) -> str:
    """Two values that were added, as one text with holes."""
    return '"' + "".join(one[1:-1] if one.startswith('"') else f"{{{one}}}" for one in (text[1], text[2])) + '"'


def _without_dots(_: re.Match[str], text: re.Match[str]) -> str:
    """A path with each `..` and the name before it left out."""
    names: list[str] = []
    for name in text[1].split("/"):
        if name == ".." and len(names) > 1:
            names.pop()
        elif name != "..":
            names.append(name)
    return f'"{"/".join(names)}"'


def _shown(_: re.Match[str], text: re.Match[str]) -> str:
    """A value as a text: what is written out in quotes, all else in a hole."""
    return f'"{text[1]}"' if re.fullmatch(r"[\d.]+|yes|no", text[1]) else f'"{{{text[1]}}}"'


def _of_message(name: str) -> Callable[[re.Match[str], re.Match[str]], str]:
    return lambda message, _: message[name]


ENTRIES: tuple[_Entry, ...] = (
    # -- signs and small words
    _Entry("K101", r"`,` does not", r"(\bbetween\s[^,\n]*),", r"\1 and"),
    _Entry("K101", r"`(?:from|on|of)` does not", r"\b(files)\s+(?:from|on)\b", r"\1 in"),
    _Entry("K101", r"`of` does not", r"\b(for each\s+\w+)\s+of\b", r"\1 in"),
    _Entry("K101", r"`and` does not", r"(^\s*may\s[^\n]*?\")\s+and\b", r"\1,"),
    _Entry("K101", r"`with` does not", r"(\bwhen file (?:arrives|changes)[^\n]*?\")\s+with\b", r"\1 named"),
    _Entry("K101", r"`:` does not", r"([\w.]+):([kMGT]i?B|bytes)(\s*[<>=]+\s*\d+)(?!\s*[\w.])", r"\1\3 \2"),
    _Entry("K101", r"`\}` does not", r"\s?\{\s*\}", ""),
    _Entry("K101", r"`\{` does not", r"=\s*\{([^{}\n]*)\}", r"= [\1]"),
    _Entry("K101", r"`,` does not", rf"=\s*((?:{_VALUE})(?:\s*,\s*(?:{_VALUE}))+)[ \t]*$", r"= [\1]"),
    _Entry("K101", r"`\[` does not", r"(^\s*may\s[\w ]+)\[([^\[\]\n]*)\]", r"\1\2"),
    _Entry("K101", r"`\(` does not", r"(^\s*define\s+\w+)\s*\(\s*(\w+\s*:\s*[\w/]+)\s*\)", r"\1 of \2"),
    _Entry("K101", r"`\w+` does not", r"\bmatches\s+([\w.*+^$-]+)(?=[ \t]*$)", r'matches "\1"'),
    _Entry("K101", r"`\"` does not", r"^(\s*)\"(\w+)\"", r"\1\2"),
    _Entry("K101", r"`\w+` does not", r"\blimit\s+(\w+)\s+(?:to|of|at)\s+(\d+)", r"limit \2 \1"),
    _Entry("K101", r"Only one statement", r"^(\s*)([^;\n]*?)\s*;\s*", r"\1\2\n\1"),
    _Entry("K101", r"Each permission has", r"^(\s*may\s+)(\w+)\s*(?:,|\band\b|&)\s*(\w+)(\s[^\n]*)", r"\1\2\4\n\1\3\4"),
    _Entry("K101", r"Something is missing", r"\bon conflict[ \t]*$", "on conflict rename"),
    _Entry("K101", r"Something is missing", r"^(\s*secret\s+\w+)[ \t]*$", r'\1 for "https://example.com"'),
    _Entry("K101", r"`=` does not", r"^(\s*secret\s+\w+)\s*=[^\n]*", r'\1 for "https://example.com"'),
    _Entry("K101", r"This `let` gives no name", r"\blet\s*(?==)", "let value "),
    _Entry("K101", r"gives no value", r"(:\s*(?:number|size))[ \t]*$", r"\1 = 0"),
    _Entry("K104", r"`\\(?P<sign>.)` means nothing", r"\\([^\\nt\"{}])", r"\\\\\1"),
    _Entry("K105", r"There is no date", r"\b(\d{4})-(\d\d)-(\d\d)\b", _last_day),
    _Entry("K105", r"There is no time", r"\b24:\d\d\b", "00:00"),
    _Entry("K105", r"There is no time", r"\b(?:2[5-9]|[3-9]\d):\d\d\b", "23:59"),
    # -- whole lines
    _Entry("K110", r"has no name", r"^(?=\S)(?!coworker\b)", 'coworker "New coworker"\n'),
    _Entry("K111", r"There is a second", _WHOLE_LINE, ""),
    _Entry("K211", r"There are two limits", _WHOLE_LINE, ""),
    _Entry("K602", r"This line is never reached", r"^\s*(?!if\b|for\b|try\b)[^\n]*\n", ""),
    _Entry("K603", r"is never used", r"^\s*let\s[^\n]*\n", ""),
    _Entry("K601", r"^`may [^`\n]*` is not needed", _WHOLE_LINE, ""),
    _Entry("K604", r"allows more than is done", r"^may\s[^\n,]*$", lambda message, _: message.string.rpartition("\n")[2].strip()),
    # -- names
    _Entry("K201", r"called `true`", r"\btrue\b", "yes"),
    _Entry("K201", r"called `false`", r"\bfalse\b", "no"),
    _Entry("K201", r"called `(?:zero|nil)`", r"\b(?:zero|nil)\b", "0"),
    _Entry("K202", r"is taken already|is a word of the language", r"\b(let|setting)\s+(\w+)", r"\1 my_\2"),
    _Entry("K203", r"how to `(?:please|now|then|just|also) ", r"\b(?:please|now|then|just|also)\s+", ""),
    _Entry("K204", r"has no `length`", r"\blength\b", "size"),
    _Entry("K205", r"know `(?P<name>\w+) (?P<a>\w+) \.\.\. of \.\.\.`[\s\S]*`(?P=name) (?P=a) \.\.\. in \.\.\.`", r"(?<=\s)of\b(?!.*\sof\s)", "in"),
    _Entry("K205", r"know `one of", r"\bone of\b", "any of"),
    # -- what is to be done
    _Entry("K206", r"^`send mail` (?:lacks `to`|takes nothing behind it)", r"(?<=\bsend mail )(?=\"[^\"\n]*@)", "to "),
    _Entry("K206", r"^`send mail` lacks `about`", r"(?<=\S)[ \t]*$", ' about "For you"'),
    _Entry("K206", r"^`send mail` lacks `saying`", r"(?<=\S)[ \t]*$", ' saying "Hello"'),
    _Entry("K419", r"nothing else", r"\"mailto:([^\"\n]+)\"", r'"\1"'),
    _Entry("K206", r"^`move mail` lacks `to`", r"(?<=\S)[ \t]*$", ' to "Archive"'),
    _Entry("K206", r"^`(?!send mail)[\w ]+` lacks `to`", r"(?<=\S)[ \t]*$", ' to "~/Documents/"'),
    _Entry("K206", r"There are two `(?P<word>\w+)` here", r"(\b(to|with|as|by)\s+\"[^\"\n]*\")\s+\2\s+\"[^\"\n]*\"", r"\1"),
    _Entry("K206", r"takes no `with`", r"\s+with\s+\"[^\"\n]*\"", ""),
    _Entry("K208", r"takes no path", r"(^\s*may\s+\w+)\s[^\n]*", r"\1"),
    _Entry("K208", r"does not say where", r"(^\s*may\s+\w+)[ \t]*$", r'\1 "~/Documents/**"'),
    _Entry("K211", r"A limit is a whole number", r"\b0?\.\d+\b", "1"),
    _Entry("K211", r"Did you mean `(?P<word>\w+)`", r"\b(limit\s+\d+)\s+\w+", lambda message, text: f"{text[1]} {message['word']}"),
    _Entry("K212", r"lies from (?P<low>[\d.]+) to (?P<high>[\d.]+), and (?P<wrong>[\d.]+) does not", r"(?<== )[\d.]+", _within),
    # -- types
    _Entry("K301", r"takes a (?:number|size|duration|date), and this is a text|is of type number, and this is of type text", r"\"(\d[\d.-]*)\"", r"\1"),
    _Entry("K301", r"takes a text, and this is a file", r"\bfile\b(?!\.)", "file.name"),
    _Entry("K301", r"This list, by its first element, takes a text", r"(?<=[\[,])(\s*)([\d.]+)(?=\s*[\],])", r'\1"\2"'),
    _Entry("K301", r"takes a text(?: here)?, and this is a (?:number|size|date|duration|time)", r"(?<![\w.\"{])(\d[\d.]*|[a-z]\w*\.\w+)(?![\w.\"])", _shown),
    _Entry("K302", r"between a date and a text", r"\"(today|now|\d{4}-\d\d-\d\d)\"", r"\1"),
    _Entry("K302", r"needs no `default`", r"\s+default\s+[^\n]*$", ""),
    _Entry("K302", r"between a size and a number", r"([<>=]\s*\d+)\b(?!\s*\w)", r"\1 MB"),
    _Entry("K302", r"between a duration and a number", r"([<>=]\s*\d+)\b(?!\s*\w)", r"\1 days"),
    _Entry("K302", r"`\+` does not work between a text and a text", rf"({_VALUE})\s*\+\s*({_VALUE})", _joined),
    _Entry("K303", r"may be missing", r"=\s*(number\s[^\n]*)$", r"= \1 default 0"),
    _Entry("K303", r"may be missing", r"=\s*((?:text|match)\s[^\n]*)$", r'= \1 default ""'),
    _Entry("K303", r"may be missing", r"\{(\((?:match)\s[^\n{}]*\)\.\w+)\}", r'{\1 default ""}'),
    _Entry("K304", r"A file can not be", r"\{\s*file\s*\}", "{file.name}"),
    _Entry("K305", r"`(?P<wrong>[^`]*)` is no format[\s\S]*Write, for example, `(?P<right>[^`]*)`", r"(?<=:)[^{}:\n]*(?=\})", _of_message("right")),
    # -- places
    _Entry("K306", r"can not hold `\.\.`", r"\"((?:~|)/[^\"\n{}]*)\"", _without_dots),
    _Entry("K306", r"can not hold an empty name", r"(?<=[\w~])//+(?=\w)", "/"),
    _Entry("K306", r"A path begins with", r"\"(?:\./|~)?(?!/)([^\"/:\n][^\":\n]*)\"", r'"~/\1"'),
    _Entry("K306", r"does not end with `/`", r"/\"", '/new.txt"'),
    _Entry("K306", r"takes a new name within", r"\"[^\"\n]*/([^\"/\n]+)\"", r'"\1"'),
    _Entry("K309", r"`in` takes a text without holes", r"\bin\s+([A-Z]\w*)(?=\s|$)", r'in "~/\1"'),
    _Entry("K402", r"A pattern begins with", r"\"(?!~/|/|\w:)(?:\./)?([^\"\n]+)\"", r'"~/\1"'),
    _Entry("K402", r"`\*\*` stands alone", r"(?<=[\w.-])\*\*(?=[\"/])", "*"),
    # -- when
    _Entry("K502", r"There are two `in` here", r"(\bin\s+\"[^\"\n]*\")\s+in\s+\"[^\"\n]*\"", r"\1"),
    _Entry("K502", r"does not say `in` what", r"(^\s*when \w+ \w+)[ \t]*$", r'\1 in "~/Downloads"'),
    _Entry("K503", r"is no day of a month", r"\bon\s+\d+", "on last day"),
    _Entry("K503", r"does not say on which day", r"\bevery month\b", "every month on 1"),
    _Entry("K503", r"does not say at what time", r"(?<=\S)[ \t]*$", " at 09:00"),
    _Entry("K503", r"takes `on` a day", r"(\bevery\s+\w+)\s+on\s+\w+", r"\1"),
    _Entry("K503", r"at most once a minute", r"\bevery\s+\d+\s+seconds?\b", "every 1 minute"),
    _Entry("K504", r"and this one has 4", r"(\bcron\s+\"[^\"\n]*)\"", r'\1 *"'),
    _Entry("K504", r"`(?P<wrong>\d+)` is no \w+: it goes from (?P<low>\d+) to (?P<high>\d+)", r"(?<![\d*/-])\d{2,}(?![\d])", _within),
    _Entry("K506", r"Here stands the whole path", r"\"(?!~/|/)([^\"\n]+)\"", r'"~/\1"'),
)  # fmt: skip


@cache
def _of_code(code: str) -> tuple[tuple[re.Pattern[str], re.Pattern[str], _New], ...]:
    return tuple((re.compile(e.message), re.compile(e.text, re.MULTILINE), e.new) for e in ENTRIES if e.code == code)


def with_repair(source: Source, found: Diagnostic) -> Diagnostic:
    """A finding, with what mends it where it came without and that is known."""
    if found.repair:
        return found
    told = f"{found.message}\n{found.help}"[: 4 * LONGEST_LINE]
    for message, text, new in _of_code(found.code):
        said = message.search(told)
        edit = _edit(source, found.span, said, text, new) if said else None
        if edit is not None:
            return replace(found, help=_told(found.help, edit), repair=(edit,))
    return found


def _told(help: str, edit: Edit) -> str:
    """What a finding says to do, and the repair in words where it is in none of them."""
    new, old = edit.new.strip(), edit.old.strip()
    is_plain = "\n" not in new and len(new or old) > 1
    if not is_plain or (new in help and (new or "remove" in help.lower())):
        return help
    offer = f"remove `{old}`" if not new else f"`{new}`" if old else f"add `{new}`"
    return f"{help} Here: {offer}." if help else f"Write {offer}."


def _edit(source: Source, span: Span, said: re.Match[str], text: re.Pattern[str], new: _New) -> Edit | None:
    """The change of the piece of the line that a finding touches; None where nothing of that kind stands there, or where
    the finding is about more than that line."""
    number, column = source.place(span.start)
    start, end = span.start - (column - 1), source.line_end(number)
    if span.end > end + 1 or end - start > LONGEST_LINE:
        return None
    for piece in text.finditer(source.text, start, min(end + 1, len(source.text))):
        if piece.start() > min(span.end, end) or piece.end() < span.start or piece.start() > end:
            continue
        written = piece.expand(new) if isinstance(new, str) else new(said, piece)
        if written != piece[0]:
            return Edit(Span(*piece.span()), piece[0], written)
    return None
