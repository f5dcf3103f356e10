"""Accepted programs stay in their lane: random programs, hostile names, the real disk, and what is outside unchanged."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.vocabulary import VOCABULARY
from klr.loader import load
from tests.agent.house import House, reports

NAMES = st.one_of(
    st.sampled_from(
        ["a.pdf", "b.txt", "-rf", " ", "a\nb", "é", "\N{PILE OF POO}.pdf", "..a", "a..", "...", "~", "$(x)", "*.pdf", "[a]", "a (2).pdf", "x" * 250, ".hidden", "con.txt", "\udcff.pdf", "a'\"b", "%n", "{x}"]
    ),
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12).filter(
        lambda n: n not in (".", "..") and len(n.encode()) < 250
    ),
)  # fmt: skip
PATTERNS = st.sampled_from(
    ("~/In/*", "~/In/**", "~/In/*.pdf", "~/Out/**", "~/Out/*", "~/Out/*/*", "~/Out/a*", "~/**", "~/Out/?*.pdf")
)
PIECES = st.sampled_from(
    ("{file.name}", "{file.stem}", "{file.extension}", "a", "b.pdf", "{file.modified:%Y}", "{file.text}", "x ", ".")
)
PATHS = st.lists(st.lists(PIECES, min_size=1, max_size=2).map("".join), min_size=1, max_size=3).map("/".join)
GOALS = st.tuples(st.sampled_from(("~/Out/", "~/In/", "{file.folder}/", "~/")), PATHS, st.sampled_from(("", "/"))).map(
    "".join
)
CONFLICT = st.sampled_from(("", " on conflict skip", " on conflict replace", " on conflict fail"))
ACTS = st.one_of(
    st.tuples(GOALS, CONFLICT).map(lambda p: f'move file to "{p[0]}"{p[1]}'),
    st.tuples(GOALS, CONFLICT).map(lambda p: f'copy file to "{p[0]}"{p[1]}'),
    st.lists(PIECES, min_size=1, max_size=2).map(lambda p: f'rename file to "{"".join(p)}"'),
    GOALS.map(lambda p: f'write "x" to "{p.rstrip("/")}"'),
    GOALS.map(lambda p: f'append "x" to "{p.rstrip("/")}"'),
    GOALS.map(lambda p: f'make folder "{p.rstrip("/")}"'),
    st.just("trash file"),
    st.just("copy file to place of file"),
    st.just('for each f in files in "~/In/*"\nmove f to "~/Out/"\nend'),
    st.just('for each f in files in "~/In/*" where it.extension is "pdf"\nmove f to "~/Out/"\non error\ntrash f\nend'),
)
WRAPPERS = st.sampled_from(
    (
        "{0}",
        "if file.size > 2 bytes\n{0}\nend",
        'if file.extension is "pdf"\n{0}\nend',
        'if not file.name starts with "a"\n{0}\nelse\n{1}\nend',
        'if file.extension is not "pdf" or file.stem contains "x"\nskip\nend\n{0}',
        "try\n{0}\non error\n{1}\nend",
        'try\n{0}\nfail "on purpose"\non error\n{1}\nend',
    )
)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A program that may or may not be accepted."""
    lines = ['coworker "x"']
    for permission in ("read", "remove", "write"):
        lines.append(
            f"may {permission} " + ", ".join(f'"{p}"' for p in draw(st.lists(PATTERNS, min_size=1, max_size=2)))
        )
    lines.append('may read "~/In/**"')
    lines.append('define place of f: file = "~/Out/{f.stem}"')
    lines.append('when file arrives in "~/In"' + draw(st.sampled_from(("", ' named "*.pdf"'))))
    for _ in range(draw(st.integers(1, 3))):
        lines.append(draw(WRAPPERS).format(draw(ACTS), draw(ACTS)))
    return "\n".join([*lines, "end", ""])


def outside(root: Path) -> dict[str, tuple[bytes | str, int]]:
    """Everything that no coworker of these tests can be allowed to touch."""
    found: dict[str, tuple[bytes | str, int]] = {}
    for folder, _, files in os.walk(root / "elsewhere"):
        for name in files:
            path = os.path.join(folder, name)
            found[path] = (Path(path).read_bytes(), os.lstat(path).st_mtime_ns)
        found[folder] = ("", 0)
    return found


def allowed(text: str, path: str, permissions: tuple[str, ...]) -> bool:
    """Whether a ``may`` line covers a path, by a matcher that shares nothing with klapp."""
    import fnmatch

    def fits(patterns: list[str], names: list[str]) -> bool:
        if not patterns:
            return not names
        if patterns[0] == "**":
            return (
                bool(names) if len(patterns) == 1 else any(fits(patterns[1:], names[n:]) for n in range(len(names) + 1))
            )
        return bool(names) and fnmatch.fnmatchcase(names[0], patterns[0]) and fits(patterns[1:], names[1:])

    for line in text.splitlines():
        words = line.split(" ", 2)
        if words[0] == "may" and words[1] in permissions and len(words) > 2:
            for pattern in words[2].split(", "):
                if fits(pattern.strip('"').removeprefix("~/").split("/"), path.split("/")):
                    return True
    return False


def account(report: dict[str, Any]) -> tuple[object, ...]:
    """What a report tells a person: random tokens, which a simulation and a run do not share, are not part of it."""
    told = tuple(effect["sentence"] for effect in report["effects"])
    return report["coworker"], report["file"], report["outcome"], report["reason"], told


@pytest.mark.fuzz
@given(
    programs(),
    st.lists(NAMES, min_size=1, max_size=4, unique=True),
    st.sampled_from((b"", b"abc", b"../../x", b"a/b\0")),
)
def test_an_accepted_program_stays_in_its_lane(text: str, names: list[str], content: bytes) -> None:
    if load(text, VOCABULARY).program is None:
        return
    with tempfile.TemporaryDirectory(prefix="lane-") as scratch:
        root = Path(scratch).resolve()
        os.environ["XDG_DATA_HOME"] = str(root / "data")
        house = House(root)
        (root / "elsewhere").mkdir()
        (root / "elsewhere" / "secret.pdf").write_bytes(b"secret")
        for name in names:
            house.file(f"In/{name}", content + name.encode("utf-8", "surrogateescape"))
        (house.person / "In" / "link.pdf").symlink_to(root / "elsewhere" / "secret.pdf")
        before, safe = house.tree(), outside(root)
        house.coworker(text)
        with house.agent() as agent:
            agent.approve("one")
            simulated = agent.simulate("one")
            assert house.tree() == before
            done = reports(agent.run("one"))
            after = house.tree()
            assert outside(root) == safe
            for path in before.keys() - after.keys():
                assert allowed(text, path, ("remove",)), path
            for path in after.keys() - before.keys():
                if not path.endswith("/"):
                    assert allowed(text, path, ("write",)), path
            for path in before.keys() & after.keys():
                assert before[path][0] == after[path][0] or allowed(text, path, ("write",)), path
            # "denied" comes from the guard: had the proof let anything through, it would show here.
            assert not any("may not" in report["reason"] for report in done), done
            assert list(map(account, simulated)) == list(map(account, done))
            assert all(agent.replay(report["run"]) == [] for report in done)
            if done:
                undone = agent.undo([report["run"] for report in done])
                assert all(report["outcome"] == "done" for report in undone), undone
                assert house.tree() == before
