"""A few lots of each kind, that the laws can fail at all, and the proof against every small pattern there is."""

from __future__ import annotations

import itertools
from pathlib import Path
from random import Random
from typing import Any

import pytest

from klapp.files.patterns import Pattern
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from klr.proof import escape, glob
from klr.proof import matches as proof_matches
from tests.agent.house import House, reports
from tests.fuzz import coverage, interference, mutants, refusals
from tests.fuzz.agreement import Disagreement, Subject, case
from tests.fuzz.campaign import Failure, described, smaller, work
from tests.fuzz.worlds import MOMENTS, Placed, Scene
from tests.reference import world
from tests.reference.globs import matches


@pytest.mark.parametrize(("kind", "numbers"), [("programs", range(12)), ("flows", range(4)), ("alarms", range(3)), ("readers", range(4)), ("disk", range(1, 2))])  # fmt: skip
def test_a_few_lots_of_each_kind(kind: str, numbers: range) -> None:
    for number in numbers:
        lot = work(kind, 0, number)
        assert not lot.failures, described(lot.failures[0])
        assert lot.cases


TEXT = """coworker "x"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/*"
may notify
when file arrives in "~/In"
let total = 1
notify "{total} {file.size}"
move file to "~/Out/b.txt"
end
"""
HERE = Scene(
    "/h",
    {f"/h/{path}": Placed(b"abc", MOMENTS[0], MOMENTS[1]) for path in ("In/a.txt", "In/c", "Out/b.txt")},
    (("file arrives", "/h/In/a.txt"),),
    MOMENTS[2],
)


def subject() -> Subject:
    program = load(TEXT, VOCABULARY).program
    assert program is not None
    return Subject.of(program)


def test_it_plays_a_case() -> None:
    stage = case(subject(), HERE)
    assert stage.world.told == ["1 3 bytes"]
    assert coverage.done(stage)["policy rename"] == 1


@pytest.mark.parametrize(
    ("law", "where", "wrong"),
    [
        ("effects", "numbered", lambda name, number: f"{name}{number}"),
        ("tree", "above", lambda path: []),
        ("lane", "pattern_matches", None),
    ],
)
def test_it_finds_what_is_planted(monkeypatch: pytest.MonkeyPatch, law: str, where: str, wrong: Any) -> None:
    if law == "tree":
        real = world.World.put
        monkeypatch.setattr(world.World, "put", lambda self, path, stored: real(self, path, HERE_STORED))
    elif law == "lane":
        monkeypatch.setattr(Subject, "may", lambda self, permission, path, home: permission != "remove")
    else:
        monkeypatch.setattr(world, where, wrong)
    with pytest.raises(Disagreement) as caught:
        case(subject(), HERE)
    assert caught.value.law == law


HERE_STORED = world.Stored(b"other", MOMENTS[0], MOMENTS[0], 1)


def test_it_makes_a_finding_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "numbered", lambda name, number: f"{name}{number}")
    found = smaller(Failure("programs:0:0", "effects", "", TEXT, HERE))
    assert "notify" not in found.text.partition("when")[2]
    assert found.scene is not None
    assert len(found.scene.files) == 2
    assert "python -m tests.fuzz --lot programs:0:0" in described(found)


TELLING = {
    "what is stored": """let known = file.text
write known to "~/Out/{file.stem}x"
for each one in files in "~/Out/*"
send one to "https://one.example"
end
""",
    "told by hosts": """send file.text to "https://one.example"
send answer of "https://one.example/a" to "https://two.example"
""",
    "what decided": """if file.text contains "b"
send "yes" to "https://one.example"
end
""",
    "contents as names": """let known = file.text
send known to "https://two.example"
""",
    "a condition": """if file.text contains "b"
send "yes" to "https://one.example"
end
""",
    "a loop": """for each one in files in "~/Out/*"
send "one more" to "https://one.example"
end
""",
    "a choice": """let some = (files in "~/Out/*" where it.text contains "b").name
send "{some}" to "https://one.example"
""",
    "a call": """send (shown of file.text) to "https://one.example"
""",
    "a join": """send "{file.name} {file.text}" to "https://one.example"
""",
    "an early end": """if file.text contains "b"
stop
end
send "no" to "https://one.example"
""",
    "what failed": """try
let some = 10 / (length of (text before "b" in file.text default "") - 1)
on error
send "yes" to "https://two.example"
end
""",
}


@pytest.mark.parametrize("name", mutants.MUTANTS)
def test_each_mutant_of_the_proof_tells_what_it_may_not(name: str) -> None:
    head = 'coworker "x"\nmay notify\ndefine shown of what: text = "<{what}>"\nwhen file arrives in "~/In"\n'

    def played() -> None:
        program = refusals.repaired(load(f"{head}{TELLING[name]}end\n", VOCABULARY)).program
        assert program is not None
        first = case(Subject.of(program), HERE)
        for number in range(20):
            interference.pair(first.subject, first, Random(number))

    played()
    with mutants.planted(name), pytest.raises(Disagreement) as caught:
        played()
    assert caught.value.law in mutants.LAWS


@pytest.mark.parametrize("name", mutants.GUARD)
def test_a_guard_that_covers_too_much_or_too_little_is_found(name: str) -> None:
    assert mutants.killed_after(name, lots=3)


PARTS = ("a", "*", "?", "[ab]", "[!a]", "a*", "**", "*b")
GLOBS = [f"~/{'/'.join(parts)}" for length in (1, 2) for parts in itertools.product(PARTS, repeat=length)]
NAMES = ("a", "b", "ab", "aa", "c", ".a")
PATHS = [f"/h/{'/'.join(parts)}" for length in (1, 2, 3) for parts in itertools.product(NAMES, repeat=length)]
HOLDS = {pattern: frozenset(path for path in PATHS if matches(pattern, path, "/h")) for pattern in GLOBS}


@pytest.mark.parametrize("pattern", GLOBS[::3])
def test_each_small_pattern_means_the_same_three_times(pattern: str) -> None:
    language, guard = glob(pattern), Pattern(pattern, "/h")
    assert {path for path in PATHS if proof_matches(language, "~" + path[2:])} == HOLDS[pattern]
    assert {path for path in PATHS if guard.matches(path)} == HOLDS[pattern]


def test_inclusion_of_every_two_small_patterns() -> None:
    for inner, outer in itertools.product(GLOBS, GLOBS):
        witness = escape(glob(inner), [glob(outer)])
        if witness is None:
            assert HOLDS[inner] <= HOLDS[outer], (inner, outer)
        else:
            path = "/h" + witness[1:]
            assert matches(inner, path, "/h"), (inner, outer, witness)
            assert not matches(outer, path, "/h"), (inner, outer, witness)


def test_lots_are_the_same_again() -> None:
    assert work("programs", 3, 5).cases == work("programs", 3, 5).cases
    assert Random("3 programs 5").random() == Random("3 programs 5").random()


EVERYTHING = """coworker "x"
may read "~/In/*"
may notify
when file arrives in "~/In"
notify "{file.hash:upper} {file.kind} {file.created:%B} {match of "b+" in file.text default "-"}"
notify "{time of now in "Asia/Tokyo"} {matches of "(a)|b" ignoring case in "ABC"}"
if file.name matches "^a" and file.text contains "b" ignoring case
notify "{number after "b" in file.text default 1 / 3:0.000,00} {date in file.text default today}"
end
end
"""


def test_what_a_coworker_can_say_works_in_its_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    house = House(tmp_path / "house")
    house.file("In/a.txt", b"abb 1.234,5 on 9 March 2026")
    house.coworker(EVERYTHING)
    with house.agent() as agent:
        agent.approve("one")
        (done,) = reports(agent.run("one"))
    assert (done["outcome"], done["reason"]) == ("done", "")
    assert [text for _, text in house.told.notices][-1] == "1.234,50 2026-03-09"
