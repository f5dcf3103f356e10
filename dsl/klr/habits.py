"""What people write by habit, from other programs or their own language, and how klapp writes it.

A habit is a pattern, and what would stand in its place. It counts as the mistake in a line only where the line can be
read further with that in place: so what is found is also what mends it, and a pattern may well be a broad one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from klr.builder import slashed
from klr.layout import LINE_WORDS
from klr.proposals import Proposal
from klr.synonyms import KEYWORDS

Write = Callable[["re.Match[str]"], "str | None"]


@dataclass(frozen=True, slots=True)
class Habit:
    """One thing that people write.

    Attributes:
        pattern: what it looks like; found anywhere in a line, and meant where the parser stumbles at or behind its start.
        write: what belongs there instead; None where this is not meant after all. It may be "".
        message, help: how it is told; "{old}" and "{new}" are what was found and what belongs there.
        far: whether the parser may stumble behind the end of what was found.
        repair: whether ``write`` says it all; else nothing is offered, since more of the text would have to change.
    """

    pattern: re.Pattern[str]
    write: Write
    message: str
    help: str
    code: str = "K101"
    far: bool = False
    repair: bool = True


def _habit(pattern: str, new: str | Write, message: str, help: str, code: str = "K101", **more: bool) -> Habit:
    write: Write = new if callable(new) else (lambda match: match.expand(new))
    return Habit(re.compile(pattern), write, message, help, code, **more)


_COMPARING = "klapp compares with words."
_ONE_LINE = "A statement ends with its line, and a block with `end`."
_DATE = "A date is year-month-day, such as 2026-03-09."
_CLOCK = "A time is hours:minutes, from 00:00 to 23:59."
_NUMBER = "A number has a point before its decimals and nothing between its thousands, as in 1234.50."
_QUOTES = 'A text stands in straight double quotes: "like this".'
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def _iso(year: str, month: str, day: str) -> str | None:
    number = _MONTHS.index(month[:3].lower()) + 1 if month[:3].lower() in _MONTHS else int(month)
    return f"{int(year):04d}-{number:02d}-{int(day):02d}" if 1 <= number <= 12 and 1 <= int(day) <= 31 else None


def _clock(match: re.Match[str]) -> str | None:
    hours, minutes, half = int(match["h"]), int(match["m"] or 0), (match["half"] or "").lower()[:1]
    if half and not 1 <= hours <= 12:
        return None
    hours = hours % 12 + 12 * (half == "p") if half else hours
    return f"{hours:02d}:{minutes:02d}" if hours < 24 and minutes < 60 else None


_UNITS = {
    **dict.fromkeys(("min", "mins", "m", "minuten", "minute"), "minutes"),
    **dict.fromkeys(("sec", "secs", "s", "sekunden", "secondes"), "seconds"),
    **dict.fromkeys(("h", "hr", "hrs", "std", "stunden", "heures"), "hours"),
    **dict.fromkeys(("d", "tage", "jours", "tag"), "days"),
    **dict.fromkeys(("w", "wk", "wks", "wochen", "semaines"), "weeks"),
    **dict.fromkeys(("mo", "mos", "monate", "mois"), "months"),
    **dict.fromkeys(("y", "yr", "yrs", "jahre", "ans"), "years"),
    **dict.fromkeys(("mb", "mo", "megabyte", "megabytes", "mbytes", "meg", "megs"), "MB"),
    **dict.fromkeys(("kb", "ko", "kilobyte", "kilobytes", "k"), "kB"),
    **dict.fromkeys(("gb", "go", "gigabyte", "gigabytes", "gig", "gigs", "g"), "GB"),
    **dict.fromkeys(("tb", "terabyte", "terabytes"), "TB"),
    **dict.fromkeys(("b", "octets"), "bytes"),
}


def _unit(match: re.Match[str]) -> str | None:
    unit = _UNITS.get(match[2].lower())
    if match[2] == "M":
        unit = "MB"
    return f"{match[1]} {unit}" if unit else None


def _keyword(match: re.Match[str]) -> str | None:
    return KEYWORDS.get(match[0].lower())


def _small(match: re.Match[str]) -> str | None:
    return match[0].lower() if match[0] != match[0].lower() else None


HABITS: tuple[Habit, ...] = (
    # Whole lines.
    _habit(r"^(?://|--|/\*|REM\b|;+|%|<!--|')[^\n]*", lambda m: "#" + m[0].lstrip("/-*;%<!'").removeprefix("REM").replace("*/", "").replace("-->", ""), "A comment begins with `#`.", "Write `#` in place of `{sign}`."),
    _habit(r"^(?:elif|elsif|elseif|elsf|else\s*,\s*if|ELSE\s+IF|Else\s+[Ii]f|ElseIf|sonst\s+wenn|sinon\s+si)\b", "else if", "`{old}` is written `else if` here.", "Write `else if` and the condition."),
    _habit(r"^\}\s*else\s+if\b([^{\n]*)\{?$", r"else if\1", "klapp has no braces for blocks.", _ONE_LINE),
    _habit(r"^\}\s*else\s*\{?$", "else", "klapp has no braces for blocks.", _ONE_LINE),
    _habit(r"^(?:end\s*(?:if|for|each|when|every|try|test|on|loop|rule)|endif|endfor|endwhen|endtry|endloop|fi|done|\}|END\w*|End\w*|ende|fin|fertig|esac|next|wend)[;.,]?$", "end", "A block ends with `end` alone, not with `{old}`.", "Write `end` on a line of its own."),
    _habit(r"^(?:foreach|forall|for\s+(?:all|every|any)|for|loop\s+(?:over|through|for)|pour\s+chaque|für\s+jede[sn]?)\s+(?:(?:the|var|let|every|a)\s+)?(?=\w)(?!each\b)", "for each ", "klapp goes through a list with `for each`.", 'Write `for each NAME in LIST`, such as `for each paper in files in "~/Inbox/*"`.', far=True),
    _habit(r"^(?:catch|except|rescue|onerror|bei\s+fehler|on\s+(?:fail|failure|exception))\b[^\n]*", "on error", "What is done when something goes wrong begins with `on error`.", "Write `on error` on a line of its own; `error.message` says what happened."),
    _habit(r"^(?:var|const|dim|my|local|set|sei|soit|let\s+(?:the|const|mut))\s+(\w+)\s*(?::?=|to\b|be\b)\s*", r"let \1 = ", "A value is named with `let`.", "Write `let name = value`.", far=True),
    _habit(r"^let\s*(?==)", "let __missing__ ", "This `let` gives no name.", "Write `let name = value`.", far=True, repair=False),
    _habit(r"^(\w+)\s+(\w+)\s*(?=\s=\s*[^\s=])", lambda m: f"let {m[2]}" if m[1] != "let" and get_close_matches(m[1].lower(), ["let"]) else None, "`{first}` is no word of the language.", "Did you mean `let`?", far=True),
    _habit(r"^may\s+(\w+)\s*(?:,|\band\b|&)\s*(\w+)", r"may \1", "Each permission has a line of its own.", 'For example: `may read "~/Documents/**"`.', far=True, repair=False),
    _habit(r"^expect\s+(?:that|the|a|an|one)\s+", "expect ", "`{old}` is one word too many.", 'Write, for example, `expect file "~/Done/a.pdf"`.', far=True),
    _habit(r"(?<=\")\s+(?:exists|exist|is\s+there|is\s+gone|appears)\s*$", "", "`{old}` is one word too many.", 'Write, for example, `expect file "~/Done/a.pdf"`.'),
    _habit(r"(?:\$HOME|\$\{HOME\}|%USERPROFILE%|%HOMEPATH%|%HOME%|\$env:USERPROFILE)([\\/][\w./\\*{}-]*)", lambda m: '"' + slashed("~" + m[1]) + '"', "Your own folder is written `~`, in a text.", "Write {new}.", "K103", far=True),
    _habit(r"^let\s+(\w+)\s*(?::=|\bbe\b|\bis\b|\bto\b|==|->|:)\s*", r"let \1 = ", "`let` and its value are joined by `=`.", "Write `let name = value`.", far=True),
    _habit(r"^let\s+(\w+)\s*:\s*[\w/]+(?:\s+of\s+\w+)?\s*=\s*", r"let \1 = ", "A `let` takes no type: klapp sees it in the value.", "Write `let name = value`.", far=True),
    _habit(r"^(\w+)\s*:?=\s*(?=[^\s=])", lambda m: None if m[1] in LINE_WORDS else f"let {m[1]} = ", "A value is named with `let`.", "Write `let name = value`; once it is there, it never changes.", far=True),
    _habit(r"^unless\b", "if not", "`{old}` is written `if not` here.", "Write `if not` and the condition."),
    _habit(r"^(?:while|until|repeat|switch|case|match)\b[^\n]*", "if __missing__", "klapp has no `{first}`.", "A list is gone through with `for each NAME in LIST`; `if`, `else if` and `else` choose.", repair=False),
    _habit(r"^(?:def|function|func|fn|sub)\b", "define", "A function begins with `define`.", "For example: `define gross of net: number = net * 1.19`."),
    _habit(r"^(?:import|include|require|use|using|from)\s+[^\n]*", "", "A coworker takes nothing in from elsewhere.", "Everything that it can do is there already; remove this line."),
    _habit(r"^(?:coworker|about|test)\s+([^\s\"'`“”„«‘’»:][^\"\n]*?)\s*$", lambda m: f'{m[0].split()[0]} "{m[1]}"', "A text stands in double quotes.", _QUOTES, "K103", far=True),
    _habit(r"^(?:name|title|agent|automation|bot)\s*:?\s*(?=\")", "coworker ", "A coworker's name stands behind `coworker`.", "Write `coworker` and the name."),
    _habit(r"^(?:description|summary|purpose|info|doc)\s*:?\s*(?=\")", "about ", "What a coworker is for stands behind `about`.", "Write `about` and a sentence."),
    _habit(r"^(?:coworker|about|test|may|setting|limit|when|every|cron|define)\s*:\s*", lambda m: m[0].rstrip(": \t") + " ", "No colon stands behind `{first}`.", "Remove the colon."),
    _habit(r"^may\s+(?:only\s+|also\s+)?(\w+)\s+(?:from|in|to|on|at|inside)\s+(?=\")", r"may \1 ", "The pattern stands right behind the permission.", 'Write, for example, `may read "~/Documents/**"`.', far=True),
    _habit(r"^(?:can|allow|allowed\s+to|permission|permit|grant|darf|peut)\s*:?\s+(?=\w)", "may ", "What a coworker is allowed begins with `may`.", 'Write, for example, `may read "~/Documents/**"`.', far=True),
    _habit(r"^(?:variable|option|parameter|config|param|var|const|input)\s+(?=\w+\s*:)", "setting ", "A value that can be changed begins with `setting`.", "For example: `setting large: number = 2000`.", far=True),
    _habit(r"^setting\s+(\w+)\s*=\s*(yes|no)\b", r"setting \1: yes/no = \2", "This `setting` does not say its type.", "For example: `setting large: number = 2000`.", far=True),
    _habit(r"^setting\s+(\w+)\s*=\s*(?=\")", r"setting \1: text = ", "This `setting` does not say its type.", "For example: `setting large: number = 2000`.", far=True),
    _habit(r"^setting\s+(\w+)\s*=\s*(?=[\d.]+\s*(?:$|shown))", r"setting \1: number = ", "This `setting` does not say its type.", "For example: `setting large: number = 2000`.", far=True),
    _habit(r"^setting\s+(\w+)\s*=\s*(?=[\d.]+\s*[kMG]i?B)", r"setting \1: size = ", "This `setting` does not say its type.", "For example: `setting large: size = 20 MB`.", far=True),
    _habit(r"^setting\s+(\w+)\s*=\s*(?=\[)", r"setting \1: list of text = ", "This `setting` does not say its type.", "For example: `setting large: number = 2000`.", far=True),
    _habit(r"^setting\s+(\w+)\s+(?:as\s+)?((?:list\s+of\s+)?(?:text|number|yes/no|date|time|size|duration))\s*=", r"setting \1: \2 =", "A colon stands between a setting's name and its type.", "For example: `setting large: number = 2000`.", far=True),
    _habit(r"^on\s+(?=file|mail|asked)|^(?:whenever|once|as\s+soon\s+as|wenn|sobald|quand|lorsque|if)\s+(?=(?:a\s+|the\s+|any\s+|new\s+)*(?:file|mail|asked)\b(?!\.))", "when ", "A rule begins with `when`.", 'For example: `when file arrives in "~/Downloads"`.', far=True),
    _habit(r"^when\s+(?:a|an|the|any|each|every|new)\s+(?:new\s+)?(?=file|mail|folder)", "when ", "`{old}` is one word too many.", 'For example: `when file arrives in "~/Downloads"`.', far=True),
    _habit(r"^(?:at|@)\s+(?=\d{1,2}:\d\d)", "every day at ", "A rule of the clock begins with `every`.", "For example: `every day at 09:00`."),
    _habit(r"^(?:on\s+|each\s+|jeden\s+|jede\s+|chaque\s+)(?=(?:mon|tues|wednes|thurs|fri|satur|sun|week)?days?\b|month|\d+\s|weekday|hour|minute)", "every ", "A rule of the clock begins with `every`.", "For example: `every monday at 09:00`.", far=True),
    _habit(r"^(?:run|repeat|schedule|do|execute)\s+every\b", "every", "A rule of the clock begins with `every`.", "For example: `every day at 09:00`.", far=True),
    _habit(r"^every\s+(?:(?:other|single|the|first)\s+)(?=\w)", "every ", "`{old}` can not be said here.", "For example: `every monday at 09:00` or `every 15 minutes`.", far=True, repair=False),
    _habit(r"^every\s+(minute|hour)s\b", r"every \1", "One {old} is said without an s.", "Write `every hour` or `every 2 hours`."),
    _habit(r"^(?:daily|nightly|every\s+night|every\s+morning)\b(?=\s+at)", "every day", "`{old}` is written `every day` here.", "For example: `every day at 09:00`."),
    _habit(r"^cron\s+(?!\")([-\d*/, ]+)$", lambda m: f'cron "{m[1].strip()}"', "A cron line stands in double quotes.", 'For example: `cron "30 16 * * 5"`.', "K103", far=True),
    _habit(r"^(?:log|print|echo|say)\s*(?=[^\s\"(])[^\n]*", lambda m: None, "", ""),
    _habit(r"^(\w+)\s+(to|into)\s+(\"[^\"\n]*\")\s+([a-z]\w*(?:\.\w+)?)\s*$", lambda m: f"{m[1]} {m[4]} to {m[3]}", "What is to be done with stands right behind the verb.", "The order is: the verb, the file, and then `to` with where it goes.", far=True),
    _habit(r"^(\w+)\s*\(\s*(\w+)\s*,\s*(\"[^\"\n]*\")\s*\)\s*;?$", r"\1 \2 to \3", "klapp calls with words, not with brackets and commas.", 'For example: `move file to "~/Documents/{file.name}"`.', far=True),
    _habit(r"^(?:please|just|then|so|do|also|now|and\s+then|and|bitte)\s+(?=[a-z])", "", "`{old}` is one word too many.", "A line begins with what is to be done."),
    # At the end of a line.
    _habit(r"(?<=\S)\s*\bthen\s*$|(?<=\S)\s*\bTHEN\s*$|(?<=\S)\s*\bdann\s*$|(?<=\S)\s*\balors\s*$", "", "No `then` stands at the end of a condition.", "What is done when it holds stands on the lines below, down to `end`."),
    _habit(r"(?<=\S)\s*\b(?:do|begin|DO|faire|loop)\s*$", "", "No `{old}` stands at the end of a line.", _ONE_LINE),
    _habit(r"(?<=\S)\s*\{\s*$", "", "klapp has no braces for blocks.", _ONE_LINE),
    _habit(r"(?<=\S)\s*:\s*$", "", "No colon stands at the end of a line.", _ONE_LINE),
    _habit(r"(?<=\S)\s*;+\s*$", "", "No `;` stands at the end of a line.", "One statement stands on one line, with nothing at its end."),
    _habit(r"(?<=\S)\s*[.,!]+\s*$", "", "No `{old}` stands at the end of a line.", "One statement stands on one line, with nothing at its end."),
    _habit(r"(?<=\S)\s*\\\s*$", "", "No backslash stands at the end of a line.", "A line that begins with `and`, `or`, `to` or the like goes on with the one before it."),
    _habit(r"(?<=\S)\s+(?://|/\*|--)[^\n]*$", lambda m: "  #" + m[0].strip().lstrip("/*-").replace("*/", ""), "A comment begins with `#`.", "Write `#` in place of `{sign}`."),
    _habit(r"\s+(?:then|THEN|dann|alors|do)\s+[^\n]*$", "", "What an `if` does stands on lines of its own.", "Write it on the line below, and `end` on one more line behind it.", repair=False),
    _habit(r";\s*\S[^\n]*$", "", "Only one statement stands on a line.", "Write each of them on a line of its own.", repair=False),
    # Texts.
    _habit(r"[“”„«»‟〝〞❝❞]([^“”„«»‟〝〞❝❞\"\n]*)[“”„«»‟〝〞❝❞\"]", r'"\1"', "A text stands in straight double quotes, not in {quote}.", "Write {new}; word processors bend the quotes.", "K103"),
    _habit(r"\"([^“”„«»\"\n]*)[“”»]", r'"\1"', "This text ends with a curly quote.", "Write {new}; word processors bend the quotes.", "K103", far=True),
    _habit(r"[‘’‚‹›]([^‘’‚‹›\"\n]*)[‘’‹›]", r'"\1"', "A text stands in straight double quotes, not in {quote}.", "Write {new}.", "K103"),
    _habit(r"'([^'\"\n]*)'", r'"\1"', "A text stands in straight double quotes, not in '.", "Write {new}.", "K103"),
    _habit(r"`([^`\"\n]*)`", r'"\1"', "A text stands in straight double quotes, not in `.", "Write {new}.", "K103"),
    _habit(r"\"\"\"([^\"\n]*)\"\"\"", r'"\1"', "A text stands in one pair of double quotes.", "Write {new}.", "K103", far=True),
    _habit(r"\bf(\"[^\"\n]*\")", r"\1", "A text needs no `f` before it.", "Holes in braces work in every text.", far=True),
    _habit(r"\br(\"[^\"\n]*\")", r"\1", "A text needs no `r` before it.", "Behind `matches`, a pattern is taken as it stands.", far=True),
    _habit(r"(?<![\w\"'])(?:~|[A-Za-z]:)?\\[\w .\\*~-]*\w(?=\s*$|\s+(?:on|named|to|with|as)\b|\s*,)", lambda m: '"' + slashed(m[0]) + '"', "A path is a text, and its parts are joined by `/`.", "Write {new}.", "K103"),
    _habit(r"(?<![\w\"'/.])(?:~|\.\.?)?/[\w.*?/{}%:-]*(?:\"(?=\s|$))?", lambda m: '"' + m[0].rstrip('"') + '"', "A path is a text, so it stands in double quotes.", "Write {new}.", "K103"),
    _habit(r"(?<![\w\"'/.])~", '"~"', "A path is a text, so it stands in double quotes.", "Write {new}.", "K103"),
    _habit(r"(?<=\bnamed )\*?[\w.*?-]+|(?<![\w\"'/])\*\.\w+", lambda m: f'"{m[0]}"', "A pattern for names stands in double quotes.", "Write {new}.", "K103"),
    _habit(r"(?<=\bin )(?:Downloads|Documents|Desktop|Pictures|Inbox)\b[\w/*]*", lambda m: f'"~/{m[0]}"', "A path is a text, so it stands in double quotes.", "Write {new}.", "K103"),
    _habit(r"(?<=^may read )[A-Z]\w*\b[\w/*]*|(?<=^may write )[A-Z]\w*\b[\w/*]*|(?<=^may remove )[A-Z]\w*\b[\w/*]*", lambda m: f'"~/{m[0]}"', "A path is a text, so it stands in double quotes.", "Write {new}.", "K103", far=True),
    # Comparing.
    _habit(r"={2,3}", "is", "klapp does not know the sign `{old}`.", "Write `is` to compare."),
    _habit(r"!==?|<>|=!|≠|\^=|~=", "is not", "klapp does not know the sign `{old}`.", "Write `is not` to compare."),
    _habit(r"=>", ">=", "klapp does not know the sign `{old}`.", "Write `>=` for at least as much."),
    _habit(r"=<", "<=", "klapp does not know the sign `{old}`.", "Write `<=` for at most as much."),
    _habit(r"≥", ">=", "klapp does not know the sign `{old}`.", "Write `>=` for at least as much."),
    _habit(r"≤", "<=", "klapp does not know the sign `{old}`.", "Write `<=` for at most as much."),
    _habit(r"=~", "matches", "klapp does not know the sign `{old}`.", "Write `matches` and a pattern."),
    _habit(r"(?<![=<>!:])=(?![=<>~])", "is", "A comparison is written with `is`.", "Write `is` in place of `=`."),
    _habit(r"&&|&", "and", "klapp does not know the sign `{old}`.", "Write `and`."),
    _habit(r"\|\||\|", "or", "klapp does not know the sign `{old}`.", "Write `or`."),
    _habit(r"!(?=[\w(])", "not ", "klapp does not know the sign `!`.", "Write `not`."),
    _habit(r"\?\?|\bor\s+else\b|\bdefaults\s+to\b|\belse\b(?=\s+[\"\d])", "default", "What stands in for a missing value follows `default`.", "Write `default` and the value."),
    _habit(r"\b(?:is\s+)?(?:equal\s+to|equals|the\s+same\s+as|equal)\b", "is", "`{old}` is written `is` here.", "Write `is` to compare."),
    _habit(r"\b(?:is\s+)?not\s+equal(?:\s+to)?\b|\b(?:isn't|isnt|is\s+no|ist\s+nicht|n'est\s+pas)\b", "is not", "`{old}` is written `is not` here.", "Write `is not` to compare."),
    _habit(r"\b(?:is\s+)?(?:greater|more|bigger|larger|higher|older|later|longer|größer)(?:\s+(?:than|als))?\b", ">", "`{old}` is written `>` here.", "Write `>`."),
    _habit(r"\b(?:is\s+)?(?:less|smaller|lower|fewer|younger|earlier|shorter|kleiner)(?:\s+(?:than|als))?\b", "<", "`{old}` is written `<` here.", "Write `<`."),
    _habit(r"\b(?:is\s+)(?:over|above)\b|\bover\b|\babove\b|\bexceeds\b", ">", "`{old}` is written `>` here.", "Write `>`."),
    _habit(r"\b(?:is\s+)(?:under|below)\b|\bunder\b|\bbelow\b", "<", "`{old}` is written `<` here.", "Write `<`."),
    _habit(r"\b(?:is\s+)?at\s+least\b", ">=", "`{old}` is written `>=` here.", "Write `>=`."),
    _habit(r"\b(?:is\s+)?at\s+most\b", "<=", "`{old}` is written `<=` here.", "Write `<=`."),
    _habit(r"\bis\s+(?:one\s+of|in|either|among)\b|\bin\b(?=\s*\[)", "is any of", "`{old}` is written `is any of` here.", 'For example: `file.extension is any of ["jpg", "png"]`.', far=True),
    _habit(r"([\w.]+)\s+(?:is\s+not|not|isn't)\s+(?:in|any\s+of|one\s+of)\b", r"not \1 is any of", "A `not` stands before the comparison.", "Write `not`, and then what does not hold.", far=True),
    _habit(r"([\w.]+)\s+(?:does\s+not|doesn't|doesnt|do\s+not|don't|not)\s+(?:contain|contains|include|have)\b", r"not \1 contains", "A `not` stands before the comparison.", "Write `not`, and then what does not hold.", far=True),
    _habit(r"([\w.]+)\s+(?:does\s+not|doesn't|doesnt|do\s+not|don't|not)\s+(?:start|starts|begin|begins)\s+with\b", r"not \1 starts with", "A `not` stands before the comparison.", "Write `not`, and then what does not hold.", far=True),
    _habit(r"([\w.]+)\s+(?:does\s+not|doesn't|doesnt|do\s+not|don't|not)\s+(?:end|ends)\s+with\b", r"not \1 ends with", "A `not` stands before the comparison.", "Write `not`, and then what does not hold.", far=True),
    _habit(r"\b(?:contain|includes?|has|containing|enthält|contient)\b(?=\s+(?:any|all)\b)", "contains", "`{old}` is written `contains` here.", "Write `contains`."),
    _habit(r"\b(?:contain|includes?|has|have|holds|containing|enthält|contient)\b", "contains", "`{old}` is written `contains` here.", "Write `contains`."),
    _habit(r"\b(?:starts?|begins?|starting|beginning)(?:\s+with|With|_with)?\b|\bstartswith\b", "starts with", "`{old}` is written `starts with` here.", "Write `starts with`."),
    _habit(r"\b(?:ends?|ending|finish(?:es)?)(?:\s+(?:with|in)|With|_with)?\b|\bendswith\b", "ends with", "`{old}` is written `ends with` here.", "Write `ends with`."),
    _habit(r"\b(?:like|matching|match|regex)\b", "matches", "`{old}` is written `matches` here.", "Write `matches` and a pattern."),
    _habit(r"\b(?:order|ordered|sort|sorting|sorted)\s+(?:by|on|after)\b|\bsorted\b", "sorted by", "`{old}` is written `sorted by` here.", "Write `sorted by` and what decides."),
    _habit(r"\b(?:ignore|ignoring|ignores)(?:\s+the)?\s+case\b|\bcase[- ]?insensitive(?:ly)?\b|\bregardless\s+of\s+case\b", "ignoring case", "`{old}` is written `ignoring case` here.", "Write `ignoring case`."),
    _habit(r"\b(?:desc|DESC|downwards|reversed?|backwards)\b", "descending", "`{old}` is written `descending` here.", "Write `descending`."),
    _habit(r"\s*\b(?:asc|ASC|ascending|upwards)\b", "", "`{old}` is not needed: what is least comes first.", "Leave it out."),
    _habit(r"\b(?:such\s+that|which|whose|filter(?:ed)?(?:\s+by)?|having|with)\b", "where", "`{old}` is written `where` here.", "Write `where` and a condition; `it` stands for each element."),
    # Mail.
    _habit(r"^(send\s+mail\s+to\s[^\n]*?\s)(?:with\s+)?(?:subject|titled?|headed|re|betreff)\s*:?\s*(?=[\"\w])", r"\1about ", "The subject of a mail follows `about`.", "Write `about` and the subject."),
    _habit(r"^(send\s+mail\s+to\s[^\n]*?\s)(?:with\s+)?(?:text|body|message|content|contents|and\s+say)\s*:?\s*(?=[\"\w])", r"\1saying ", "The text of a mail follows `saying`.", "Write `saying` and the text."),
    _habit(r"^(send\s+mail\s+to\s[^\n]*?\s)(?:with\s+)?(?:attach(?:ing|ed|ments?)?|including|enclosing|containing|anhang)\s*:?\s*(?=[\"\w\[])", r"\1with ", "What goes along with a mail follows `with`.", "Write `with file`."),
    _habit(r"^(send\s+mail\s+to\s[^\n]*?)\s+(?:b?cc)\s*:?\s*(?:\"[^\"\n]*\"|[\w.]+)", r"\1", "A mail goes to one person, and nobody learns who else got it.", "Write one more `send mail` for whoever is to have it, too.", repair=False),
    _habit(r"(?<=\bto )([\w.+-]+@[\w.-]+\w)(?=[\s,]|$)", r'"\1"', "A mail address stands in double quotes.", "Write {new}.", far=True),
    # Numbers, dates and times.
    _habit(r"(?<![\w.,])(\d{1,3}(?:\.\d{3})+),(\d+)(?![\w,])", lambda m: m[1].replace(".", "") + "." + m[2], "klapp does not know the number `{old}`.", _NUMBER, "K105"),
    _habit(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+(?:\.\d+)?)(?![\w,])", lambda m: m[1].replace(",", ""), "klapp does not know the number `{old}`.", _NUMBER, "K105"),
    _habit(r"(?<![\w.,])(\d+),(\d+)(?![\w,.])", r"\1.\2", "klapp does not know the number `{old}`.", _NUMBER, "K105"),
    _habit(r"(?<![\w.,])(\d{1,3}(?:[ '’_\u00a0\u202f]\d{3})+(?:\.\d+)?)(?![\w,])", lambda m: re.sub(r"[^\d.]", "", m[1]), "klapp does not know the number `{old}`.", _NUMBER, "K105"),
    _habit(r"(?<![\w.])\.(\d+)", r"0.\1", "A number begins with a digit.", "Write {new}.", "K105"),
    _habit(r"(?<![\w.])(\d+)\.(?![\w.])", r"\1", "A number does not end with a point.", "Write {new}.", "K105"),
    _habit(r"[$€£]\s*(\d[\d.]*)|(?<![\w.])(\d[\d.]*)\s*(?:[$€£]|EUR|USD|GBP|CHF)(?!\w)", lambda m: m[1] or m[2], "A number has no currency.", "Write the number alone.", "K105"),
    _habit(r"(?<![\w.])(\d[\d.]*)\s*%", lambda m: f"{int(m[1]) / 100:g}" if m[1].isdigit() else None, "A number has no `%`.", "Write it as a fraction: {new}.", "K105"),
    _habit(r"(?<![\w.])(\d[\d.]*)\s*([A-Za-z]+)\b", _unit, "klapp does not know the unit in `{old}`.", "Write {new}.", "K105"),
    _habit(r"(?<![\w.])(?P<h>\d{1,2})(?:[:.](?P<m>\d{2}))?\s*(?P<half>[aApP]\.?[mM]\b\.?)", _clock, "A time is written with 24 hours.", "Write {new}. " + _CLOCK, "K105"),
    _habit(r"(?<![\w.])(?P<h>\d{1,2})\s*(?:[.hH]\s*(?P<m>\d{2})|(?:Uhr|uhr|o'clock|h))(?P<half>)(?!\w)", _clock, "klapp does not know the time `{old}`.", "Write {new}. " + _CLOCK, "K105"),
    _habit(r"(?<=\bat )(?P<h>\d{1,2})(?P<m>)(?P<half>)(?![\w:.])", _clock, "A time is hours and minutes.", "Write {new}.", "K105"),
    _habit(r"(?<=, )(?P<h>\d{1,2})(?P<m>)(?P<half>)(?=\s*(?:,|$))", _clock, "A time is hours and minutes.", "Write {new}.", "K105"),
    _habit(r"\bnoon\b", "12:00", "A time is hours and minutes.", "Write {new}.", "K105"),
    _habit(r"\bmidnight\b", "00:00", "A time is hours and minutes.", "Write {new}.", "K105"),
    _habit(r"(?<![\w.])(\d{1,2})\.(\d{1,2})\.(\d{4})(?![\w.])", lambda m: _iso(m[3], m[2], m[1]), "klapp does not know the date `{old}`.", "Write {new}. " + _DATE, "K105", far=True),
    _habit(r"(?<![\w.])(\d{1,2})\.?\s+([A-Z][a-z]{2,8})\.?,?\s+(\d{4})(?!\w)", lambda m: _iso(m[3], m[2], m[1]) if m[2][:3].lower() in _MONTHS else None, "klapp does not know the date `{old}`.", "Write {new}. " + _DATE, "K105", far=True),
    _habit(r"\b([A-Z][a-z]{2,8})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?!\w)", lambda m: _iso(m[3], m[1], m[2]) if m[1][:3].lower() in _MONTHS else None, "klapp does not know the date `{old}`.", "Write {new}. " + _DATE, "K105", far=True),
    _habit(r"(?<=\bon )(?:the\s+)?(\d{1,2})(?:st|nd|rd|th|\.)(?!\w)", r"\1", "A day of the month is a plain number.", "Write {new}, or `last day`.", "K105"),
    _habit(r"(?<=\bon )the\s+(?=last|\d)", "", "`the` is one word too many.", "Write `on 15` or `on last day`."),
    _habit(r"(?<=\bat )(?:around|about|exactly|time)\s+", "", "`{old}` is one word too many.", "A time follows `at`, such as `at 09:00`."),
    _habit(r"(?<=\d)\s+(?:and|&)\s+(?=\d{1,2}:\d\d)", ", ", "Several times are parted by commas.", "Write, for example, `at 09:00, 14:00`."),
    _habit(r"(?<=day)\s+(?:and|&|or)\s+(?=\w+day)", ", ", "Several days are parted by commas.", "Write, for example, `every monday, friday at 09:00`."),
    _habit(r"(?<=day)\s+(?=\d{1,2}:\d\d)", " at ", "`at` is missing here.", "A time follows `at`, such as `at 09:00`."),
    _habit(r"(?<=\bretry )(\d+)(?:x|\s*)\s+(?=after\b)", r"\1 times ", "`times` is missing here.", "Write, for example, `retry 3 times after 10 minutes`.", far=True),
    _habit(r"(?<=\bbetween )(?P<h>\d{1,2})(?P<m>)(?P<half>)(?=\s+and\b)", _clock, "A time is hours and minutes.", "Write {new}.", "K105"),
    _habit(r"(?<=\d\d and )(?P<h>\d{1,2})(?P<m>)(?P<half>)(?=\s*$)", _clock, "A time is hours and minutes.", "Write {new}.", "K105"),
    _habit(r"\bat\s+(?:once|the\s+same\s+time)\b", "at a time", "`{old}` is written `at a time` here.", "Write, for example, `at most 2 at a time`."),
    # Names and calls.
    _habit(r"[$@#](?:\{(\w+)\}|(\w+))", lambda m: m[1] or m[2], "No sign stands before a name.", "Write {new} alone.", far=True),
    _habit(r"%(\w+)%", r"\1", "A name stands alone, without `%`.", "Write {new}."),
    _habit(r"\{\{?\s*(\w+(?:\.\w+)*)\s*\}?\}", r"\1", "A name stands in braces only inside of a text.", "Write {new} alone."),
    _habit(r"(\w+)['’]s\s+(\w+)", r"\1.\2", "A property follows a point.", "Write {new}.", far=True),
    _habit(r"(\w+)(?:->|::|\?\.)(\w+)", r"\1.\2", "A property follows a point.", "Write {new}.", far=True),
    _habit(r"(\w+)\[[\"'](\w+)[\"']\]", r"\1.\2", "A property follows a point.", "Write {new}.", far=True),
    _habit(r"(\w+)\[(?:0|1)\]", r"(first of \1)", "An element of a list has no number.", "`first of` gives the first one, `for each` goes through all.", far=True),
    _habit(r"(\w+\.\w+)\.(?:lower|upper|toLowerCase|toUpperCase|strip|trim)?\(\)", r"\1", "A property needs no brackets.", "Write {new}.", far=True),
    _habit(r"(\w+\.\w+)\(\)|\b(?!of\b|in\b|and\b|or\b|not\b)(\w+)\(\)", lambda m: m[1] or m[2], "No brackets stand here.", "Write {new}.", far=True),
    _habit(r"\b(?!of\b|in\b|and\b|or\b|not\b|is\b)([a-z]\w*)\(([^()\n]+)\)", r"\1 of (\2)", "klapp calls with words: `of` in place of brackets.", "Write {new}.", far=True),
    _habit(r"(\w+(?:\.\w+)?)\.(?:contains|includes)\(([^()\n]*)\)", r"\1 contains \2", "klapp compares with words.", "Write {new}.", far=True),
    _habit(r"(\w+(?:\.\w+)?)\.(?:startswith|startsWith|starts_with)\(([^()\n]*)\)", r"\1 starts with \2", "klapp compares with words.", "Write {new}.", far=True),
    _habit(r"(\w+(?:\.\w+)?)\.(?:endswith|endsWith|ends_with)\(([^()\n]*)\)", r"\1 ends with \2", "klapp compares with words.", "Write {new}.", far=True),
    _habit(r"[\u00a0\u2007\u202f\u3000]+", " ", "There is a blank of another kind here.", "Write a plain blank."),
    _habit(r"[\u200b-\u200f\u2060\ufeff\u00ad]+", "", "There is an invisible character here.", "Remove it."),
    _habit(r"[–—−‐‑]", "-", "This is not the plain minus sign.", "Write `-`."),
    _habit(r"×", "*", "klapp does not know the sign `{old}`.", "Write `*`."),
    _habit(r"÷", "/", "klapp does not know the sign `{old}`.", "Write `/`."),
    _habit(r"…", "...", "klapp does not know the sign `{old}`.", "Write out what you mean.", repair=False),
    _habit(r"\b(?:into|onto|inside|toward|towards|->|→)\s+(?=\")|(?:->|→)\s*", "to ", "`{old}` is written `to` here.", "Write `to` and a path."),
    _habit(r"\b(?:the|a|an|my|its?)\s+(?=\w)", "", "`{old}` is one word too many.", "Write the name alone."),
    _habit(r"(?<!\w)[^\W\d_]*[A-Z]\w*", _small, "The words of the language are written small: `{new}`.", "Write `{new}`."),
    _habit(r"[^\W\d]\w*", _keyword, "`{old}` is written `{new}` here.", "Write `{new}`."),
)  # fmt: skip


def proposals(line: str, stumbled: int) -> Iterator[Proposal]:
    """What could be wrong with a line that can be read as far as ``stumbled``; the likely things first."""
    for habit in HABITS:
        for match in habit.pattern.finditer(line):
            if match.start() > stumbled:
                break
            if match.end() < stumbled and not habit.far:
                continue
            new = habit.write(match)
            if new is not None and new != match[0]:
                yield _proposal(habit, match, new)


def _proposal(habit: Habit, match: re.Match[str], new: str) -> Proposal:
    start, end, old = match.start(), match.end(), match[0]
    told = {
        "old": old.strip(),
        "new": new.strip(),
        "quote": old[:1],
        "sign": next(iter(re.findall(r"//|/\*|--|REM|;|%|<!--|'", old)), old[:2]),
        "first": old.split()[0].rstrip(":") if old.split() else "",
    }
    start, end, new = _trimmed(start, end, old, new)
    return Proposal(start, end, new, habit.code, _filled(habit.message, told), _filled(habit.help, told), habit.repair)


_PIECE = re.compile(r"\w+|\s|.")


def _trimmed(start: int, end: int, old: str, new: str) -> tuple[int, int, str]:
    """A change without the words, blanks and signs that stay the same at either end of it."""
    ours, theirs = _PIECE.findall(old), _PIECE.findall(new)
    while ours and theirs and ours[0] == theirs[0]:
        start += len(ours[0])
        del ours[0], theirs[0]
    while ours and theirs and ours[-1] == theirs[-1]:
        end -= len(ours[-1])
        del ours[-1], theirs[-1]
    return start, end, "".join(theirs)


@cache
def _holes() -> re.Pattern[str]:
    return re.compile(r"\{(old|new|quote|sign|first)\}")


def _filled(sentence: str, told: dict[str, str]) -> str:
    return _holes().sub(lambda hole: told[hole[1]], sentence)
