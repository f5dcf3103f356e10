"""Checking a coworker as an editor asks for it at every pause in typing, beside a bare Lark parse of the same text.

    python tests/bench/bench_checking.py [--lines 100 300 1000] [--rounds 15]

One warm process; the contenders take turns within each round, and each round's text differs by a comment, so that no
cache can know it. Printed are medians of the wall-clock time. The bare parse is Lark's LALR(1) with the contextual lexer
and the grammar of klapp, to a parse tree and no further: what any language server on Lark pays before it knows anything.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from functools import cache

from lark import Lark, Token

from klapp.lsp.completion import offers
from klapp.lsp.study import Study, words
from klr.loader import analyse
from klr.parser import parse
from klr.source import Source
from klr.tables import GRAMMAR

HEAD = """coworker "Bench"
may read "~/In/**"
may remove "~/In/**"
may write "~/Out/**"
may notify
setting large: size = 2 MB
setting suppliers: list of text = ["Acme", "Globex"]
"""
RULE = """
when file arrives in "~/In/{number}" named "*.pdf"
  if not file.text contains any of ["Invoice", "Rechnung"] or file.size > large
    skip "no invoice"
  end
  let supplier = first of (suppliers where file.text contains it) default "Other"
  let total = number after "Total" in file.text default 0
  move file to "~/Out/{{file.modified:%Y}}/{{supplier}} {{file.name}}" on conflict rename
  if total > 2000
    notify "{{supplier}}: {{total:0.00}} is filed"
  end
end
"""


def coworker(lines: int) -> str:
    """A coworker of about so many lines that checks without a finding."""
    rules = max(1, round((lines - HEAD.count("\n")) / RULE.count("\n")))
    return HEAD + "".join(RULE.format(number=number) for number in range(rules))


class Lines:
    """Drops the line breaks that mean nothing in the texts below: repeated ones."""

    always_accept = ("NEWLINE",)

    def process(self, tokens: Iterator[Token]) -> Iterator[Token]:
        fresh = True
        for token in tokens:
            if not (fresh and token.type == "NEWLINE"):
                yield token
            fresh = token.type == "NEWLINE"


@cache
def lark() -> Lark:
    """Lark itself, with klapp's grammar and nothing else."""
    return Lark(GRAMMAR.read_text(encoding="utf-8"), parser="lalr", postlex=Lines(), propagate_positions=True)


def bare(text: str) -> None:
    lark().parse(text)


def parsed(text: str) -> None:
    assert not parse(Source(text)).diagnostics


def checked(text: str) -> None:
    assert not analyse(Source(text), words()).diagnostics


def broken(text: str) -> None:
    """With one line in the middle that can not be read, as while typing."""
    lines = text.split("\n")
    lines[len(lines) // 2] += " and"
    assert analyse(Source("\n".join(lines)), words()).has_errors


def completed(text: str) -> None:
    study = Study(text)
    assert list(offers(study, text.rindex("file.name") + len("file.na")))


CONTENDERS: dict[str, Callable[[str], None]] = {
    "bare Lark parse": bare,
    "syntax tree": parsed,
    "all findings": checked,
    "a broken line": broken,
    "completion": completed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    for lines in options.lines:
        text = coworker(lines)
        figures: dict[str, list[float]] = {name: [] for name in CONTENDERS}
        for number in range(options.rounds + 1):
            for name, contender in CONTENDERS.items():
                start = time.perf_counter()
                contender(f"{text}# {number}\n")
                if number:  # the first round warms up
                    figures[name].append(time.perf_counter() - start)
        print(f"\n{text.count(chr(10))} lines, median of {options.rounds}")
        base = statistics.median(figures["bare Lark parse"])
        for name, runs in figures.items():
            seconds = statistics.median(runs)
            print(f"  {name:16} {seconds * 1000:8.1f} ms  {seconds / base:5.2f} x bare")


if __name__ == "__main__":
    main()
