"""Noninterference: two worlds that differ only in what a host may not be told are the same to that host.

Random programs are mended by their own repairs until they are accepted; then each host's transcript is compared in two
worlds: everything that no line lets it know is another in the second one. Failing is not counted (decision 12): where a
run fails by an error that it does not catch, one transcript is the beginning of the other.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.engine.outside import grants_of_files
from klapp.engine.planner import Planner, Remembering
from klapp.engine.runs import Request
from klapp.files.empty import Empty
from klapp.files.overlay import Overlay
from klapp.files.patterns import Pattern
from klapp.lane import Lane
from klapp.vocabulary import VOCABULARY
from klr.loader import Loaded, load
from klr.program import Program

HOME = "/home/p"
NOW = datetime(2026, 3, 9, 12)
ONE, TWO = "https://one.example", "https://two.example"
HOSTS = (ONE, TWO)
PEOPLE = ("ann@one.example", "bob@two.example")
FILES = ("In/a.txt", "In/b.pdf", "In/x.txt", "Private/a.txt", "Private/b.pdf", "Open/a.txt", "Open/c.txt")
PLACES = st.sampled_from(("~/In/*", "~/Private/*", "~/Open/*", "~/Out/*", "~/In/*.txt", "~/Private/*.pdf"))
TEXTS = st.sampled_from(
    ('"x"', '"{file.name}"', "file.text", '"{file.size}"', '"{count of files in "~/Out/*"}"', '"{known}"',
     '(first of (lines of file.text) default "none")', f'answer of "{TWO}/rate"', f'answer of "{ONE}/{{known}}"',
     '"{shown of file}"', '"{file.folder}"')
)  # fmt: skip
CONDITIONS = st.sampled_from(
    ('file.text contains "x"', 'file.extension is "txt"', "file.size > 3 bytes", 'known contains "x"', 'not file.name starts with "a"',
     'file.name ends with ".txt" and file.text contains "x"', f'answer of "{TWO}/q" contains "1"', '(count of files in "~/Out/*") > 1')
)  # fmt: skip
LISTS = st.tuples(PLACES, st.sampled_from(("", ' where it.extension is "txt"', ' where it.text contains "x"', ' where it.name is "b.pdf"'))).map(
    lambda pair: f'files in "{pair[0]}"{pair[1]}'
)  # fmt: skip
ACTS = st.one_of(
    st.tuples(TEXTS, st.sampled_from(HOSTS)).map(lambda p: f'send {p[0]} to "{p[1]}/in"'),
    st.sampled_from(HOSTS).map(lambda host: f'send file to "{host}/in"'),
    st.sampled_from(HOSTS).map(lambda host: f'send "hello" to "{host}/{{file.stem}}"'),
    st.tuples(TEXTS, st.sampled_from(PEOPLE)).map(lambda p: f'send mail to "{p[1]}" about "s" saying {p[0]}'),
    st.tuples(TEXTS, st.sampled_from(PEOPLE)).map(lambda p: f'send mail to "{p[1]}" about {p[0]} saying "t" with file'),
    st.just('copy file to "~/Out/"'),
    st.just('move file to "~/Out/{file.name}"'),
    st.just('write file.text to "~/Out/w.txt" on conflict replace'),
    st.just('write "x" to "~/Out/{known}.txt"'),
    st.just('append known to "~/Out/log.txt"'),
    st.just("skip"),
    st.just("stop"),
    st.just('fail "no"'),
)


@st.composite
def blocks(draw: st.DrawFn, depth: int) -> str:
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(("act", "act", "if", "for", "try") if depth else ("act",)))
        inner = blocks(depth - 1) if depth else st.just("")
        match kind:
            case "act":
                lines.append(draw(ACTS))
            case "if":
                lines.append(
                    f"if {draw(CONDITIONS)}\n{draw(inner)}\n"
                    + draw(st.one_of(st.just(""), inner.map(lambda b: f"else\n{b}\n")))
                    + "end"
                )
            case "for":
                one = f"f{depth}"
                body = (
                    draw(inner).replace("file", one).replace(f"{one}s in", "files in").replace(f"of {one}s", "of files")
                )
                lines.append(f"for each {one} in {draw(LISTS)}\n{body}\nend")
            case "try":
                lines.append(f"try\n{draw(inner)}\non error\n{draw(inner)}\nend")
    return "\n".join(lines)


@st.composite
def programs(draw: st.DrawFn) -> str:
    known = draw(st.sampled_from(("file.name", "file.stem", 'text before " " in file.text default "none"', '"fixed"')))
    first = f'when file arrives in "~/In"\nlet known = {known}\n{draw(blocks(2))}\nend'
    then = draw(blocks(1)).replace("{known}", "k").replace("known", '"k"')
    second = (
        f"when asked\nfor each file_ in {draw(LISTS)}\n{then}\nend\nend".replace("file_", "paper")
        .replace("file.", "paper.")
        .replace(" file ", " paper ")
        .replace("of file}", "of paper}")
    )
    return "\n".join(['coworker "x"', "define shown of f: file = f.stem", first, second, ""])


def accepted(text: str) -> Loaded | None:
    """The program with the repair of each finding applied, until there is none; None for one that makes no sense."""
    for _ in range(60):
        loaded = load(text, VOCABULARY)
        if loaded.program is not None:
            return loaded
        lines = {
            edit.new
            for found in loaded.errors
            for edit in found.repair
            if found.code in ("K401", "K411", "K412", "K413")
        }
        if any(found.code not in ("K401", "K411", "K412", "K413") for found in loaded.errors):
            return None
        assert lines, [found.message for found in loaded.errors]
        head, _, rest = text.partition("\n")
        text = "\n".join([head, *(line.strip("\n") for line in sorted(lines)), rest])
    raise AssertionError("the repairs come to no end")


class World(Remembering):
    """What hosts hear, and what they answer: something that depends on everything they ever heard."""

    def __init__(self, overlay: Overlay, salts: dict[str, str]) -> None:
        super().__init__(overlay)
        self.salts = salts
        self.heard: dict[str, list[tuple[str, bytes]]] = {host: [] for host in (*HOSTS, *PEOPLE)}

    def ask(self, address: str, secret: str) -> str:
        return self._heard(address, b"?")

    def send(self, *given: Any) -> None:
        _, address, _, body, _, _ = given
        self._heard(address, body())

    def mail(self, *given: Any) -> None:
        letter, _ = given
        self.heard[letter.to].append((letter.subject, repr((letter.text, letter.attached())).encode()))

    def _heard(self, address: str, body: bytes) -> str:
        host = next(host for host in HOSTS if address.startswith(host))
        self.heard[host].append((address, body))
        return sha256(repr((self.salts[host], self.heard[host])).encode()).hexdigest()[:3]


def told(program: Program, files: dict[str, bytes], arriving: list[str], salts: dict[str, str]) -> tuple[World, bool]:
    """What hosts hear of two runs, and whether one of them failed."""
    overlay = Overlay(Empty(), Lane.of(grants_of_files(program), HOME), NOW)
    values = {
        path: overlay.given(f"{HOME}/{path}", content, NOW, None, None) for path, content in sorted(files.items())
    }
    world = World(overlay, salts)
    planner = Planner(VOCABULARY, overlay, HOME, outside=world)
    planner.world = world
    failed = False
    arrives, asked = program.rules
    for path in arriving:
        if path in values:
            run = planner.plan(0, Request("x", program, arrives, values[path], NOW, {}))
            assert not run.trouble, run.trouble
            failed |= run.ending.outcome == "failed"
            if failed:
                return world, True
    run = planner.plan(0, Request("x", program, asked, None, NOW, {}))
    assert not run.trouble, run.trouble
    return world, failed or run.ending.outcome == "failed"


def allowed(program: Program, host: str) -> Callable[[str, str], bool]:
    """Whether a host may be told the names or contents of the files at a path."""
    grants = [
        (grant.permission.removeprefix("send "), Pattern(pattern, HOME))
        for grant in program.grants
        if host in grant.to and grant.permission in ("send names", "send contents")
        for pattern in grant.patterns
    ]

    def may(what: str, path: str) -> bool:
        return any(pattern.matches(f"{HOME}/{path}") for source, pattern in grants if source in (what, "contents"))

    return may


@pytest.mark.fuzz
@given(programs(), st.sampled_from((*HOSTS, *PEOPLE)), st.data())
def test_what_a_host_may_not_be_told_makes_no_difference_to_it(text: str, host: str, data: st.DataObject) -> None:
    loaded = accepted(text)
    if loaded is None or loaded.program is None:
        return
    program = loaded.program
    contents = st.sampled_from((b"x y", b"abc", b"x/y", b"xyzxyz planted", b"q q\nx"))
    files = {path: data.draw(contents) for path in FILES if data.draw(st.booleans())}
    may = allowed(program, host)
    other = {}
    for path in FILES:
        if may("contents", path):
            changed = files.get(path)
        elif may("names", path):
            changed = bytes(data.draw(st.permutations(files[path]))) if path in files else None
        else:
            changed = data.draw(st.none() | contents)
        if changed is not None:
            other[path] = changed
    salts = dict.fromkeys(HOSTS, "1")
    answers = {
        one
        for grant in program.grants
        if grant.permission == "send answers" and host in grant.to
        for one in grant.patterns
    }
    others = {one: "1" if one == host or one in answers else "2" for one in HOSTS}
    arriving = ["In/a.txt", "In/b.pdf"]
    first, failed = told(program, files, arriving, salts)
    second, fails = told(program, other, arriving, others)
    one, two = first.heard[host], second.heard[host]
    if failed or fails:
        shorter = min(len(one), len(two))
        assert one[:shorter] == two[:shorter], loaded.source.text
    else:
        assert one == two, loaded.source.text
    granted = {to for grant in program.grants for to in grant.to} | {
        to for grant in program.grants if grant.permission in ("contact", "send mail") for to in grant.patterns
    }
    assert all(not heard for to, heard in first.heard.items() if to not in granted)
