"""The pages that explain each code of a finding: ``K401.md`` and its like in this folder, in one fixed shape.

A page is Markdown: a title in plain words, ``## What it means``, ``## Why klapp insists``, ``## Wrong`` and ``## Right``,
the last two each with one whole coworker. ``python -m klr.codes > docs/codes.md`` writes all of them into one document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

CODE = re.compile(r"[Kk]\d+")
"""What a code looks like, however it is typed; a run is a plain number."""

FAMILIES = {
    "1": "How it is written",
    "2": "Names",
    "3": "Types",
    "4": "Permissions",
    "5": "What starts it, and tests",
    "6": "Advice",
}
"""What the first digit of a code says."""

_SHAPE = re.compile(
    r"# (?P<code>K\d{3}): (?P<title>[^\n]+)\n\n"
    r"## What it means\n\n(?P<meaning>.+?)\n\n"
    r"## Why klapp insists\n\n(?P<why>.+?)\n\n"
    r"## Wrong\n\n```klr\n(?P<wrong>.+?)```\n\n"
    r"## Right\n\n```klr\n(?P<right>.+?)```\n",
    re.DOTALL,
)


def _folder() -> Traversable:
    from importlib.resources import files  # slow to load, and needed by no check

    return files(__name__)


class UnknownCode(ValueError):
    """There is no such code; the message is a sentence for the person who asked."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one code means.

    Attributes:
        code: such as "K401".
        title: in plain words, without a full stop.
        meaning: what it means, why: why klapp insists; paragraphs of Markdown.
        wrong: a whole coworker that gives exactly this code, right: one that gives nothing.
        text: the whole page as it is stored.
    """

    code: str
    title: str
    meaning: str
    why: str
    wrong: str
    right: str
    text: str

    def plain(self) -> str:
        """The page for a terminal: without the marks of Markdown, the examples indented."""
        parts = (
            f"{self.code}: {self.title}",
            self.meaning,
            f"Why klapp insists\n{self.why}",
            f"Wrong\n{_indented(self.wrong)}",
            f"Right\n{_indented(self.right)}",
        )
        return "\n\n".join(parts)


def read(text: str) -> Page:
    """A page from its text; raises ValueError where it has not the fixed shape."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError(f"this page has not the shape of one: {text[:60]!r}")
    return Page(**match.groupdict(), text=text)


@cache
def pages() -> dict[str, Page]:
    """Every page, by code, in order."""
    names = sorted(entry.name for entry in _folder().iterdir() if entry.name.endswith(".md"))
    return {name.removesuffix(".md"): _load(name.removesuffix(".md")) for name in names}


def page(code: str) -> Page:
    """The page of a code, typed in capitals or not; raises UnknownCode with a sentence that names near ones."""
    wanted = code.upper()
    known = sorted(entry.name.removesuffix(".md") for entry in _folder().iterdir() if entry.name.endswith(".md"))
    if wanted in known:
        return _load(wanted)
    near = get_close_matches(wanted, known, n=1, cutoff=0.0)
    guess = f"Did you mean {near[0]}?" if near else ""
    raise UnknownCode(f"klapp gives no finding the code {wanted[:20]}. {guess}".strip())


@cache
def _load(code: str) -> Page:
    return read(_folder().joinpath(f"{code}.md").read_text(encoding="utf-8"))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip("\n").split("\n"))


def document() -> str:
    """All pages as one Markdown document, family by family."""
    lines = [
        "# Findings",
        "",
        "Every finding of `klapp check` has a code, and each code a page: `klapp explain K401` prints it. This document",
        "is made from these pages.",
        "",
    ]
    for digit, family in FAMILIES.items():
        members = [one for code, one in pages().items() if code[1] == digit]
        lines.extend([f"## K{digit}xx: {family}", ""])
        lines.extend(f"- [{one.code}: {one.title}](#{anchor(one)})" for one in members)
        lines.append("")
        for one in members:
            # Two levels down; and the wrong example is no ```klr block, since those in documents are held to be right.
            text = re.sub(r"^#", "###", one.text, flags=re.MULTILINE)
            wrong = f"```klr\n{one.wrong}```"
            lines.extend([text.replace(wrong, f"```\n{one.wrong}```", 1).rstrip("\n"), ""])
    return "\n".join(lines)


def anchor(one: Page) -> str:
    """The name that Markdown gives to the heading of a page."""
    heading = f"{one.code}: {one.title}".lower()
    return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")
