"""Least privilege: what is proposed is enough, and nothing of it is too much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.vocabulary import VOCABULARY
from klr.loader import Loaded, load
from klr.loops import drawn, loops
from klr.privilege import covering, covers, tightest
from klr.program import Need, Program
from klr.proof import concat, glob, literal, numbered, text_hole
from klr.rewriting import least_privilege
from tests.dsl.test_proof import PATTERNS, readable

RULES = st.lists(
    st.sampled_from(
        (
            '  move file to "~/Out/{file.modified:%Y}/"\n',
            '  copy file to "~/Copies/{file.stem} copy.pdf"\n',
            '  rename file to "new {file.name}"\n',
            '  if file.extension is "pdf"\n    trash file\n    stop\n  end\n',
            '  if file.name ends with ".txt" or file.name starts with "a"\n    move file to "~/Texts/"\n  end\n',
            '  write "x" to "~/Notes/{file.stem}.txt"\n',
            '  append file.name to "~/Notes/log [all].txt"\n',
            '  notify "{file.name}"\n',
            '  for each old in files in "~/Old/**" where it.extension is "log"\n    trash old\n  end\n',
            '  make folder "~/New/{file.stem}"\n',
        )
    ),
    min_size=1,
    max_size=4,
)
MAY = st.lists(
    st.sampled_from(
        (
            "may notify",
            'may read "~/**" # all of it',
            'may read "~/In/*", "~/Old/**"',
            'may write "~/Out/**"',
            'may remove "~/In/*.pdf"\n# a line for itself\nmay remove "~/Gone/*"',
        )
    ),
    max_size=3,
    unique=True,
)


def loaded(may: list[str], rules: list[str]) -> Loaded:
    head = ["# Tries", 'coworker "Tried" # and so on', *may]
    return load("\n".join([*head, "", 'when file arrives in "~/In"', "".join(rules) + "end", ""]), VOCABULARY)


@given(MAY, RULES)
def test_the_tightest_lines_are_accepted_and_none_can_be_left_out(may: list[str], rules: list[str]) -> None:
    before = loaded(may, rules)
    if before.needs is None:
        return
    text = least_privilege(before)
    after = load(text, VOCABULARY)
    assert after.program is not None
    assert not {"K601", "K604"} & {found.code for found in after.diagnostics}
    assert least_privilege(after) == text
    assert text.count("#") == before.source.text.count("#")  # comments stay
    assert [rule.trigger for rule in after.program.rules] == [
        rule.trigger for rule in load(text, VOCABULARY).program.rules
    ]  # type: ignore[union-attr]


@given(st.lists(PATTERNS.filter(readable), min_size=1, max_size=4), st.booleans(), st.booleans())
def test_patterns_that_are_proposed_hold_all(patterns: list[str], counted: bool, more: bool) -> None:
    for pattern in patterns:
        language = glob(pattern)
        if more:
            language = concat(language, literal(" "), text_hole(), literal(".txt"))
        need = Need("write", numbered(language) if counted else language, (pattern,))
        assert covers(covering(need), need.language)
    needs = [Need("read", glob(pattern), (pattern,)) for pattern in patterns]
    ((_, tight, _),) = tightest(needs)
    assert all(covers(tight, need.language) for need in needs if need.language)
    assert not any(covers([other for other in tight if other != one], glob(one)) for one in tight)


def test_a_repair_allows_what_was_refused() -> None:
    text = 'coworker "Repaired"\n\nwhen file arrives in "~/In"\n  move file to "~/Out/{file.stem} {{x}}.pdf"\n  trash file\n  notify "done"\nend\n'
    for _ in range(10):
        findings = [found for found in load(text, VOCABULARY).diagnostics if found.code == "K401"]
        if not findings:
            break
        text = text.replace("\n\n", "\n" + findings[0].help.rpartition("\n")[2] + "\n\n", 1)
    assert load(text, VOCABULARY).program is not None


def coworker(name: str, waits: str, does: str, *may: str) -> Program:
    text = "\n".join([f'coworker "{name}"', *may, "", f'when file arrives in "{waits}"', f"  {does}", "end", ""])
    program = load(text, VOCABULARY).program
    assert program is not None, load(text, VOCABULARY).diagnostics
    return program


def test_loops_between_coworkers_are_found_and_drawn() -> None:
    def mover(name: str, source: str, goal: str, pattern: str = "*") -> Program:
        may = (f'may read "~/{source}/*"', f'may remove "~/{source}/{pattern}"', f'may write "~/{goal}/*"')
        condition = "" if pattern == "*" else 'if file.extension is not "pdf"\n    skip\n  end\n  '
        return coworker(name, f"~/{source}", f'{condition}move file to "~/{goal}/"', *may)

    there, back, aside = mover("There", "A", "B"), mover("Back", "B", "A"), mover("Aside", "B", "C")
    (loop,) = loops([there, back, aside])
    assert [(stop.coworker, stop.path.rpartition("/")[0]) for stop in loop] == [("There", "~/B"), ("Back", "~/A")]
    assert drawn(loop) == '"There" (line 6) -> ~/B/a -> "Back" (line 6) -> ~/A/a -> "There" again'
    assert loops([there, aside]) == []
    assert loops([mover("There", "A", "B", "*.[Pp][Dd][Ff]"), mover("Back", "B", "A", "*.[Pp][Dd][Ff]")]) != []


@pytest.mark.parametrize(
    ("does", "codes"),
    [
        ('rename file to "{file.modified:%Y} {file.name}"', ["K605"]),
        ('move file to "~/Out/"', []),
        ('write "x" to "~/In/note"', ["K605"]),
    ],
)
def test_a_rule_that_feeds_itself_is_told(does: str, codes: list[str]) -> None:
    text = f'coworker "Round"\nmay read "~/In/*"\n\nwhen file arrives in "~/In"\n  {does}\nend\n'
    fixed = least_privilege(load(text, VOCABULARY))
    assert [found.code for found in load(fixed, VOCABULARY).diagnostics] == codes


def test_a_grant_that_reaches_further_than_anything_done_is_told() -> None:
    text = 'coworker "Wide"\nmay read "~/In/*"\nmay remove "~/In/*"\nmay write "~/Documents/**"\n\nwhen file arrives in "~/In"\n  move file to "~/Documents/Invoices/{file.modified:%Y}/"\nend\n'
    (found,) = load(text, VOCABULARY).diagnostics
    assert found.code == "K604"
    assert found.help.endswith('may write "~/Documents/Invoices/*/*"')
    assert load(text.replace("Documents/**", "Documents/Invoices/**"), VOCABULARY).diagnostics == ()
