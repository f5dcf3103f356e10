"""What is refused: the witness lies outside of all that is granted, a world leads there, and the repair is accepted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from klapp.vocabulary import VOCABULARY
from klr import syntax as s
from klr.loader import Loaded, load
from klr.parser import parse
from klr.proof import TooComplex, escape, glob
from klr.source import Source
from tests.fuzz.agreement import Disagreement
from tests.fuzz.worlds import MOMENTS
from tests.reference.globs import is_path, matches
from tests.reference.interpreter import Interpreter
from tests.reference.world import Stored, World, above

HOME = "/home/person"
MOST_REPAIRS = 12
LINES = ("K401", "K411", "K412", "K413", "K419")
"""Findings that ask for a ``may`` line."""
NAMES = (
    "a", "b", "a.pdf", "b.txt", "A.PDF", "x.pdf", ".a", "a.", "a.b", "a (2).pdf", "a\nb", "-", "a b.pdf", "pdf", "k.pdf", "zz", "m.tx", "..a", ".pdf", "a.b.pdf", "[", "x.", "b.a", "1",
)  # fmt: skip


def outside(permission: str, path: str, grants: list[tuple[str, str]], home: str) -> bool:
    """Whether no ``may`` line covers something, by trying every pattern."""
    return not any(permission == p and (not pattern or matches(pattern, path, home)) for p, pattern in grants)


def grants_of(loaded: Loaded) -> list[tuple[str, str]]:
    return [(grant.permission, pattern) for grant in loaded.grants for pattern in grant.patterns or ("",)]


def check_witnesses(loaded: Loaded) -> int:
    """Each witness is a path, and outside; gives how many there were."""
    grants, found = grants_of(loaded), 0
    for need in loaded.needs or ():
        if need.language is None or need.permission.startswith("send"):  # who is told has a say there
            continue
        patterns = [pattern for permission, pattern in grants if permission == need.permission and pattern]
        if need.permission == "move mail":  # folders, as paths from the top of the account
            moving = [grant for grant in loaded.grants if grant.permission == need.permission and need.to in grant.to]
            patterns = [f"/{pattern}" for grant in moving for pattern in grant.patterns]
        try:
            witness = escape(need.language, [glob(pattern) for pattern in patterns])
        except TooComplex:
            continue
        if witness is None:
            continue
        found += 1
        # What begins with `~/` and what begins with `/` are never held to be the same.
        path = f"/home{witness[1:]}" if witness.startswith("~/") else witness
        rivals = [(need.permission, pattern) for pattern in patterns if pattern[0] == witness[0]]
        if not is_path(path) or not outside(need.permission, path, rivals, "/home"):
            raise Disagreement("witness", f"{need.permission} {witness!r} is not outside of {rivals}")
    return found


def repaired(loaded: Loaded) -> Loaded:
    """A coworker with every ``may`` line added that its findings ask for. Raises Disagreement where that is not all."""
    for _ in range(MOST_REPAIRS):
        errors = [d for d in loaded.errors if d.code in LINES and d.repair]
        if not errors or len(errors) != len(loaded.errors):
            return loaded
        text = loaded.source.text
        for line in dict.fromkeys(edit.new for d in errors for edit in d.repair):
            place = errors[0].repair[0].span.start
            text = text[:place] + line + text[place:]
        loaded = load(text, VOCABULARY)
    raise Disagreement("repair", f"asks for more again and again: {loaded.errors[0].message}")


# -- no false alarm -----------------------------------------------------------------------------------------------------


def simple(random: Random) -> str:
    """A program of a few lines without chance in it: what it can do is known exactly."""
    pick = random.choice
    folder = "~/In"
    lines = ['coworker "simple"', f'may read "{folder}/**"']
    goals = (
        "~/Out/*",
        "~/Out/**",
        "~/Out/*.pdf",
        "~/Out/a*",
        "~/In/*",
        "~/Out/?.*",
        "~/Out/[!a]*",
        "~/Out/*/*",
        "~/In/[a-m]*",
        "~/In/*.txt",
        "~/In/*.pdf",
    )
    for permission in ("remove", "write", "remove"):
        lines.append(f'may {permission} "{pick(goals)}"')
    lines.append(f'when file arrives in "{folder}"' + pick(("", "", ' named "*.pdf"', ' named "[!x]*"', ' named "a*"')))
    condition = "file." + pick(
        (
            f'name {pick(("is", "starts with", "ends with", "contains"))} "{pick(("a", "a.pdf", "b", ".b", "df"))}"',
            f'stem {pick(("is", "starts with", "contains"))} "{pick(("a", "b", "x.y", ".a", "a."))}"',
            f'extension is "{pick(("pdf", "txt", "k"))}"',
            'extension is any of ["pdf", "txt"]',
        )
    )
    shape = random.random()
    is_whole = shape >= 0.4 or "named" in lines[-1]
    # One act only: what a first one leaves behind can keep a second from ever being done.
    act = _simple_act(random, is_whole)
    if shape < 0.4:
        lines.append(act)
    elif shape < 0.8:
        lines.extend((f"if {condition}", act, "end"))
    else:
        lines.extend((f"if not ({condition})", "skip", "end", act))
    return "\n".join((*lines, "end", ""))


def _simple_act(random: Random, whole: bool) -> str:
    """An act; with ``whole``, of what is known of a name only what is known of all of it is used, for that is exact."""
    pick = random.choice
    # No act here leaves a file where it is: it would touch nothing, and the proof does not look so closely.
    holes = ("{file.name}z", "a", "x{file.name}", "{file.name}.txt")
    hole = pick(
        holes if whole else (*holes, "{file.stem}", "{file.extension}", "{file.stem}.pdf", "{file.extension}.pdf")
    )
    deeper = "~/Out/b" if whole else "~/Out/{file.extension}x"
    goal = f"{pick(('~/Out', '~/Out', '~/In', deeper))}/{hole}"
    policy = pick(("", " on conflict skip", " on conflict replace", " on conflict fail"))
    return pick(
        (
            f'move file to "{goal}"{policy}',
            f'move file to "{pick(("~/Out", deeper, "~/In/b"))}/"{policy}',
            f'copy file to "{goal}"{policy}',
            f'write "x" to "{goal}"{policy}',
            f'append "x" to "{goal}"',
            f'rename file to "{hole}"{policy}',
            f'make folder "{goal}"',
            "trash file",
        )
    )


def check_alarm(loaded: Loaded) -> int:
    """For a simple program that was refused: some world leads each refused permission outside. Gives how many."""
    if any(d.code != "K401" for d in loaded.errors) or loaded.needs is None:
        return 0
    tree = parse(Source(loaded.source.text)).tree
    assert tree is not None
    (rule,) = (part for part in tree.parts if isinstance(part, s.RuleBlock))
    grants, alarms = grants_of(loaded), 0
    for need in loaded.needs:
        if need.language is None:
            continue
        patterns = [pattern for permission, pattern in grants if permission == need.permission]
        witness = escape(need.language, [glob(pattern) for pattern in patterns])
        if witness is None:
            continue
        alarms += 1
        names = [name for name in (*NAMES, *_names_in(witness, loaded.source.text)) if _waits(rule, name)]
        if any(_leads_outside(tree, rule, name, need.permission, grants) for name in names):
            continue
        # What no file can come to, such as `if file.name is "b"` for files named "a*", is not asked about.
        if any(permission != "read" for name in names for permission, _ in _touched(tree, rule, name, set())):
            raise Disagreement(
                "false alarm", f"no world was found that would {need.permission} outside, as {witness!r}"
            )
    return alarms


def _names_in(witness: str, text: str) -> Iterator[str]:
    """Names from which a path such as the witness could have come: every piece of its parts, with and without more, and
    with what conditions ask for."""
    wanted = [word for word in re.findall(r'"([^"]+)"', text) if not set(word) & set("/{}*")]
    for part in witness.split("/")[1:]:
        for start in range(len(part)):
            for end in range(start + 1, len(part) + 1):
                piece = part[start:end]
                yield from (piece, f"{piece}.pdf", f"{piece}.txt", f"a{piece}", f"{piece}.a", f"a.{piece}")
                yield from (
                    name
                    for word in wanted
                    for name in (
                        piece + word,
                        word + piece,
                        f"{piece}.{word}",
                        f"{word}.{piece}",
                        f"{word}{piece}.pdf",
                        f"{piece}{word}.pdf",
                    )
                )


def _leads_outside(
    tree: s.Coworker, rule: s.RuleBlock, name: str, permission: str, grants: list[tuple[str, str]]
) -> bool:
    touched = _touched(tree, rule, name, set())
    if any(permission == p and outside(p, touched_path, grants, HOME) for p, touched_path in touched):
        return True
    # With all goals taken, names are numbered.
    touched = _touched(tree, rule, name, {path for p, path in touched if p == "write"})
    return any(permission == p and outside(p, touched_path, grants, HOME) for p, touched_path in touched)


def _waits(rule: s.RuleBlock, name: str) -> bool:
    assert isinstance(rule.trigger, s.When)
    named = dict(rule.trigger.slots).get("named")
    pattern = named.constant if isinstance(named, s.Template) else "*"
    return is_path(f"/{name}") and matches(f"/{pattern}", f"/{name}", "/")


def _touched(tree: s.Coworker, rule: s.RuleBlock, name: str, taken: set[str]) -> list[tuple[str, str]]:
    """What the rule does with a file of this name, where there are files at other paths."""
    path = f"{HOME}/In/{name}"
    files = {path: Stored(b"a", MOMENTS[0], MOMENTS[0], 1)}
    for number, other in enumerate(sorted(taken), 2):
        if other not in files and not set(above(other)) & files.keys() and not any(other in above(f) for f in files):
            files[other] = Stored(b"b", MOMENTS[0], MOMENTS[0], number)
    world = World(files, {"/"}, HOME, now=MOMENTS[0])
    Interpreter(tree, world, MOMENTS[0], world.met(path)).run(rule)
    return world.touched
