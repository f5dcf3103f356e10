"""What conditions tell of a file's place: never more than is so, and as much as the documentation says."""

from __future__ import annotations

import operator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.vocabulary import VOCABULARY
from klr import syntax as s
from klr.loader import load
from klr.narrowing import _spellings, narrowed
from klr.proof import glob, intersection, literal, matches, union
from klr.shapes import Shape
from klr.values import FileValue
from tests.dsl.test_proof import PATTERNS, readable

LETTERS = st.text(st.sampled_from("abkK.\u212aµ*[~é "), min_size=1, max_size=4)
NAMES = LETTERS.filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: "~/" + "/".join(names))
TESTS = {
    "is": operator.eq,
    "is not": operator.ne,
    "starts with": str.startswith,
    "ends with": str.endswith,
    "contains": str.__contains__,
}


def member(name: str) -> s.Member:
    return s.Member(s.Name("file"), name)


CONDITIONS = st.recursive(
    st.one_of(
        st.builds(
            lambda name, op, text: s.Binary(op, member(name), s.Template((text,))),
            st.sampled_from(("name", "stem", "extension")),
            st.sampled_from(sorted(TESTS)),
            LETTERS,
        ),
        st.builds(
            lambda name, texts: s.Binary(
                "is any of", member(name), s.ListOf(tuple(s.Template((text,)) for text in texts))
            ),
            st.sampled_from(("name", "stem", "extension")),
            st.lists(LETTERS, min_size=1, max_size=3),
        ),
    ),
    lambda inner: (
        st.builds(lambda inner: s.Unary("not", inner), inner)
        | st.builds(s.Binary, st.sampled_from(("and", "or")), inner, inner)
    ),
    max_leaves=5,
)


def holds(condition: s.Expression, file: FileValue) -> bool:
    """The condition, from its meaning."""
    match condition:
        case s.Unary():
            return not holds(condition.operand, file)
        case s.Binary(operator="and"):
            return holds(condition.left, file) and holds(condition.right, file)
        case s.Binary(operator="or"):
            return holds(condition.left, file) or holds(condition.right, file)
        case s.Binary(left=s.Member(name=name), right=s.ListOf(items=items)):
            return getattr(file, name) in [item.constant for item in items if isinstance(item, s.Template)]
        case s.Binary(left=s.Member(name=name), right=s.Template(constant=text)):
            return bool(TESTS[condition.operator](getattr(file, name), text))
    raise AssertionError(condition)


@given(PATTERNS.filter(readable), PATTERNS.filter(readable), PATHS)
def test_an_intersection_holds_what_both_hold(one: str, other: str, path: str) -> None:
    first, second = glob(one), glob(other)
    assert matches(intersection(first, second), path) == (matches(first, path) and matches(second, path))


@given(CONDITIONS, PATHS, st.booleans())
def test_a_file_is_where_its_conditions_say(condition: s.Expression, path: str, with_others: bool) -> None:
    """Sound: whatever was found to hold of a file, or not to, its path is in the narrowed place."""
    place = Shape(union(literal(path), glob("~/**")) if with_others else glob("~/**"), ("~/**",))
    truth = holds(condition, FileValue(path, 1, datetime(2026, 1, 1)))
    after = narrowed(condition, truth, {"file": place})["file"]
    assert after is not None
    assert matches(after.language, path)


@given(st.sampled_from(("name", "extension")), LETTERS, PATHS)
def test_being_something_is_learned_exactly(name: str, text: str, path: str) -> None:
    condition = s.Binary("is", member(name), s.Template((text,)))
    after = narrowed(condition, True, {"file": Shape(glob("~/**"), ("~/**",))})["file"]
    assert after is not None
    learnable = text not in (".", "..") and (
        name == "name" or (text.isascii() and text == text.lower() and "." not in text)
    )
    if learnable:
        assert matches(after.language, path) == holds(condition, FileValue(path, 1, datetime(2026, 1, 1)))
        assert matches(glob(after.patterns[0]), path) or not matches(after.language, path)


def test_the_spellings_of_a_letter_are_all_that_there_are() -> None:
    for letter in "abcdefghijklmnopqrstuvwxyz0123456789-_ ":
        spelled = {chr(code) for low, high in _spellings(letter) for code in range(low, high + 1)}
        assert spelled == {chr(code) for code in range(0x110000) if chr(code).lower() == letter}


HEAD = 'coworker "Narrow"\nmay read "~/In/*"\nmay remove {removable}\nmay write "~/Out/*"\n\n'
RULES = {
    "under an if": 'if file.extension is "pdf"\n    move file to "~/Out/"\n  end',
    "behind a skip": 'if file.extension is not "pdf"\n    skip\n  end\n  move file to "~/Out/"',
    "behind not": 'if not file.extension is "pdf"\n    skip\n  end\n  move file to "~/Out/"',
    "with another condition": 'if file.size > 1 MB and file.extension is "pdf"\n    move file to "~/Out/"\n  end',
    "in the else of its opposite": 'if file.extension is not "pdf" or file.size > 1 MB\n    skip\n  else\n    move file to "~/Out/"\n  end',
    "after an if that changes nothing": 'if file.extension is not "pdf"\n    skip\n  end\n  if file.name starts with "a"\n    skip "a"\n  end\n  move file to "~/Out/"',
    "in a where": 'for each one in files in "~/In/*" where it.extension is "pdf"\n    move one to "~/Out/"\n  end',
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_program_needs_no_more_than_its_conditions_leave(rule: str) -> None:
    def codes(removable: str) -> list[str]:
        text = HEAD.format(removable=removable) + f'when file arrives in "~/In"\n  {rule}\nend\n'
        return [found.code for found in load(text, VOCABULARY).diagnostics]

    assert codes('"~/In/*.[Pp][Dd][Ff]"') == []
    assert codes('"~/In/*.pdf"') == ["K401"]
    assert codes('"~/In/*.[Pp][Dd][Ff]", "~/In/*.txt"') == ["K601"]


def test_many_conditions_in_a_row_stay_cheap() -> None:
    steps = "\n".join(
        f'  if file.extension is "{ext}"\n    notify "{ext}"\n  end' for ext in ("pdf", "txt", "png") * 20
    )
    text = f'coworker "Many"\nmay read "~/In/*"\nmay remove "~/In/*"\nmay notify\nwhen file arrives in "~/In"\n{steps}\n  trash file\nend\n'
    assert load(text, VOCABULARY).diagnostics == ()
    skips = "\n".join(f'  if file.name contains "{n}"\n    notify "{n}"\n  else\n    skip\n  end' for n in "abcdefghij")
    text = f'coworker "Many"\nmay read "~/In/*"\nmay remove "~/In/*"\nmay notify\nwhen file arrives in "~/In"\n{skips}\n  trash file\nend\n'
    assert load(text, VOCABULARY).diagnostics == ()


def test_a_new_name_is_known_as_far_as_the_old_one_is() -> None:
    head = (
        'coworker "x"\nmay read "~/In/*"\nmay remove "~/In/*"\nmay write "~/In/[a-m]*"\nwhen file arrives in "~/In"\n'
    )
    rename = 'rename file to "{file.name}z" on conflict skip\n'
    assert load(f'{head}if file.stem starts with "b"\n{rename}end\nend\n', VOCABULARY).errors == ()
    assert [d.code for d in load(f"{head}{rename}end\n", VOCABULARY).errors] == ["K401"]


def test_a_new_name_can_hold_what_a_path_can_not() -> None:
    head = (
        'coworker "x"\nmay read "~/In/*"\nmay remove "~/In/*"\nmay write "~/In/[!\\n]*"\nwhen file arrives in "~/In"\n'
    )
    assert [d.code for d in load(f'{head}rename file to "{{file.text}}"\nend\n', VOCABULARY).errors] == ["K401"]
    assert load(f'{head}move file to "~/In/{{file.text}}"\nend\n', VOCABULARY).errors == ()


def test_a_stem_that_is_known_is_known_exactly() -> None:
    head = 'coworker "x"\nmay read "~/In/*"\nmay remove "~/In/a", "~/In/a.?*"\nwhen file arrives in "~/In"\n'
    assert load(f'{head}if file.stem is "a"\ntrash file\nend\nend\n', VOCABULARY).errors == ()


@pytest.mark.parametrize(
    ("waits", "goal", "granted"),
    [
        ("*", "{file.stem}.pdf", "*.pdf"),  # a stem is never empty: no ".pdf" that becomes ".pdf (2)"
        ("*.TXT", "{file.extension}", "txt*"),
        ("x*.pdf", "{file.stem}", "x*"),
    ],
)
def test_the_parts_of_a_name_are_known_as_far_as_the_name_is(waits: str, goal: str, granted: str) -> None:
    head, act = 'coworker "c"\nmay read "~/In/*"\n', f'copy file to "~/Out/{goal}"\nend\n'
    rule = f'when file arrives in "~/In" named "{waits}"\n{act}'
    assert load(f'{head}may write "~/Out/{granted}"\n{rule}', VOCABULARY).errors == ()
    assert [d.code for d in load(f'{head}may write "~/Out/z{granted}"\n{rule}', VOCABULARY).errors] == ["K401"]
