"""The proof against brute force: an independent matcher, and every short path there is."""

from __future__ import annotations

import fnmatch
import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from klr.proof import (
    GlobError,
    Language,
    any_of,
    concat,
    escape,
    extensions,
    glob,
    last_component,
    literal,
    matches,
    meet,
    name_hole,
    numbered,
    one_of,
    parent,
    stems,
    text_hole,
    union,
)
from klr.proof.language import NOT_SLASH
from klr.values import numbered as numbered_name
from klr.values import split_name


def is_path(text: str) -> bool:
    return text.startswith(("/", "~/")) and all(c not in ("", ".", "..") for c in text.split("/")[1:])


def naive(pattern: str, path: str) -> bool:
    """Whether a glob matches a path: component by component, sharing nothing with the automata."""

    def fits(patterns: list[str], names: list[str]) -> bool:
        if not patterns:
            return not names
        if patterns[0] == "**":
            if len(patterns) == 1:
                return bool(names)
            return any(fits(patterns[1:], names[skip:]) for skip in range(len(names) + 1))
        return bool(names) and fnmatch.fnmatchcase(names[0], patterns[0]) and fits(patterns[1:], names[1:])

    return (
        pattern.split("/")[0] == path.split("/")[0]
        and is_path(path)
        and fits(pattern.split("/")[1:], path.split("/")[1:])
    )


PATHS = [p for n in range(1, 7) for p in map("".join, itertools.product("ab./~", repeat=n)) if is_path(p)]
PIECES = st.sampled_from(("a", "b", "*", "?", ".", "[ab]", "[!a]", "[a-b]"))
COMPONENTS = st.lists(PIECES, min_size=1, max_size=3).map("".join) | st.just("**")
PATTERNS = st.tuples(st.sampled_from(("~/", "/")), st.lists(COMPONENTS, min_size=1, max_size=3)).map(
    lambda p: p[0] + "/".join(p[1])
)


def readable(pattern: str) -> bool:
    try:
        glob(pattern)
    except GlobError:
        return False
    return True


@given(PATTERNS.filter(readable), st.lists(PATTERNS.filter(readable), max_size=3))
def test_inclusion_of_patterns_is_what_enumeration_finds(inner: str, outer: list[str]) -> None:
    witness = escape(glob(inner), [glob(pattern) for pattern in outer])
    escaping = [p for p in PATHS if naive(inner, p) and not any(naive(pattern, p) for pattern in outer)]
    if witness is None:
        assert escaping == []
    else:
        assert naive(inner, witness)
        assert not any(naive(pattern, witness) for pattern in outer)
        assert all(len(witness) <= len(path) for path in escaping)


@given(PATTERNS.filter(readable), st.sampled_from(PATHS))
def test_a_pattern_matches_what_it_says(pattern: str, path: str) -> None:
    assert matches(glob(pattern), path) == naive(pattern, path)


HOLES = st.sampled_from((("{t}", text_hole()), ("{n}", name_hole())))
TEMPLATES = st.lists(st.sampled_from("ab./").map(lambda c: (c, literal(c))) | HOLES, max_size=6)
FILLS = ["", "a", "b", ".", "..", "a.b", "\x01", "\udcff"]


def filled(parts: list[tuple[str, Language]]) -> set[str]:
    choices = [[t] if len(t) == 1 else [f for f in FILLS if t == "{n}" or f != "\x01"] for t, _ in parts]
    return {"~/" + "".join(c) for c in itertools.islice(itertools.product(*choices), 3000)}


@given(TEMPLATES, st.lists(PATTERNS.filter(readable), min_size=1, max_size=2))
def test_an_accepted_template_never_leaves_its_patterns(parts: list[tuple[str, Language]], outer: list[str]) -> None:
    template = concat(literal("~/"), *(language for _, language in parts))
    witness = escape(template, [glob(pattern) for pattern in outer])
    paths = {path for path in filled(parts) if is_path(path)}
    assert all(matches(template, path) for path in paths)
    if witness is None:
        assert all(any(naive(pattern, path) for pattern in outer) for path in paths)
    else:
        assert is_path(witness)
        assert matches(template, witness)
        assert not any(naive(pattern, witness) for pattern in outer)


NAMES = st.text(alphabet="ab. (2)\udc80", min_size=1, max_size=7).filter(lambda n: n not in (".", ".."))


@given(NAMES, st.integers(2, 1200))
def test_numbered_holds_every_number_and_the_name_itself(name: str, number: int) -> None:
    language = numbered(literal(f"/f/{name}"))
    assert matches(language, f"/f/{name}")
    assert matches(language, f"/f/{numbered_name(name, number)}")


@given(NAMES, st.integers(0, 9), st.sampled_from((" (2)", " (1)", " (02)", " (0)", "(2)", " (10)")))
def test_numbered_holds_nothing_else(name: str, place: int, put: str) -> None:
    path = f"/f/{name}"
    changed = path[:place] + put + path[place:]
    right = {path} | {f"/f/{numbered_name(name, n)}" for n in (2, 10)}
    assert matches(numbered(literal(path)), changed) == (changed in right)


@given(PATTERNS.filter(readable), st.sampled_from(PATHS))
def test_a_path_is_its_folder_and_its_name(pattern: str, path: str) -> None:
    assume(naive(pattern, path))
    folder, _, name = path.rpartition("/")
    assert matches(parent(glob(pattern)), folder)
    assert matches(last_component(glob(pattern)), name)


SPELLED = st.text(alphabet="aZ.k\u212a\u0130\u03a3\u00c9\udc80", min_size=1, max_size=5)


@given(st.lists(SPELLED, max_size=3), SPELLED)
def test_the_parts_of_names_are_those_of_each_name_and_no_others(names: list[str], other: str) -> None:
    halves = [split_name(name) for name in names]
    stem, extension = split_name(other)[0], split_name(other)[1][1:].lower()
    language = union(*map(literal, names))
    assert all(matches(stems(language), one) for one, _ in halves)
    assert all(matches(extensions(language), one[1:].lower()) for _, one in halves)
    assert matches(stems(language), stem) == (stem in {one for one, _ in halves})
    # The last letter of a word is another small sigma: told for each word, not for each letter.
    if "\u03a3" not in "".join(names) + other:
        assert matches(extensions(language), extension) == (extension in {one[1:].lower() for _, one in halves})


@given(PATTERNS.filter(readable), st.sampled_from(PATHS))
def test_the_parts_of_a_name_under_a_pattern(pattern: str, path: str) -> None:
    assume(naive(pattern, path))
    stem, extension = split_name(path.rpartition("/")[2])
    names = last_component(glob(pattern))
    assert matches(stems(names), stem)
    assert matches(extensions(names), extension[1:].lower())


def test_every_letter_has_its_small_one_in_what_any_extension_can_be() -> None:
    anything, few = extensions(last_component(glob("/*.*"))), range(0x100, 0x1E0)
    spelled = extensions(concat(literal("a."), one_of(((few[0], few[-1]),))))
    smalls = {small for code in range(0x110000) if (small := chr(code).lower()) != chr(code)}
    assert all(matches(anything, small) for small in smalls)
    assert not any(matches(anything, letter) for letter in "AZ/.")
    assert all(matches(spelled, chr(code).lower()) for code in few)
    assert not matches(spelled, chr(few[0]))


@given(st.lists(st.text(alphabet="ab/", max_size=4), max_size=4), st.text(alphabet="ab/", max_size=8))
def test_union_and_concatenation_are_those_of_sets(texts: list[str], text: str) -> None:
    assert matches(union(*map(literal, texts)), text) == (text in texts)
    assert matches(concat(*map(literal, texts)), text) == (text == "".join(texts))


def test_a_witness_reads_well() -> None:
    assert escape(glob("~/Downloads/*"), [glob("~/Downloads/*.pdf")]) == "~/Downloads/a"


def test_home_and_root_never_meet() -> None:
    assert escape(glob("~/a"), [glob("/**")]) == "~/a"


@pytest.mark.parametrize(
    ("pattern", "offset"),
    [
        ("a/b", 0),
        ("~", 0),
        ("~/", 2),
        ("~/a/", 4),
        ("/a//b", 3),
        ("/a/../b", 3),
        ("/./a", 1),
        ("/a**", 1),
        ("/x/[ab", 3),
        ("", 0),
    ],
)
def test_bad_patterns_are_refused_where_they_are_bad(pattern: str, offset: int) -> None:
    with pytest.raises(GlobError) as caught:
        glob(pattern)
    assert caught.value.offset == offset
    assert caught.value.message.endswith((".", "below it."))


@pytest.mark.parametrize(
    ("one", "other", "do"),
    [
        ("~/In/*", "~/In/a", True), ("~/In/*", "~/Out/*", False), ("~/In/*", "/home/p/In/a", True), ("/a/*", "/b/**", False),
        ("~/[a-c]/*.pdf", "~/b/**/*.PDF", False), ("~/**", "/**", True),
    ],
)  # fmt: skip
def test_whether_patterns_meet(one: str, other: str, do: bool) -> None:
    assert meet(glob(one), glob(other)) is do
    assert meet(glob(other), glob(one)) is do


def test_whether_large_languages_meet_is_said_soon() -> None:
    parts = [concat(any_of(NOT_SLASH), literal("a"), *[one_of(NOT_SLASH)] * 60) for _ in range(30)]
    large = concat(literal("/"), union(*parts))
    assert meet(large, large)
    assert not meet(concat(literal("/x/"), large), concat(literal("/y/"), large))
