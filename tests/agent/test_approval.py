"""What a person reads before allowing it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.coworkers.approval import plainly
from klr.proof import GlobError, TooComplex, escape, glob


@pytest.mark.parametrize(
    ("pattern", "read"),
    [
        ("~/In/*.[Pp][Dd][Ff]", "~/In/*.pdf (capitals or not)"),
        ("~/In/*.[Mm][KkK][Vv]", "~/In/*.mkv (capitals or not)"),
        ("~/In/*.[Mm][Pp]4", "~/In/*.mp4 (capitals or not)"),
        ("~/In/[ab]*", "~/In/[ab]*"),
        ("~/In/[a-z]", "~/In/[a-z]"),
        ("~/In/[!a]", "~/In/[!a]"),
        ("~/In/**", "~/In/**"),
    ],
)
def test_letters_of_either_case_are_read_as_such(pattern: str, read: str) -> None:
    assert plainly(pattern) == read


@given(st.lists(st.sampled_from(["a", "*", "/", "[Pp]", "[aA]", "?", ".", "[Dd]", "**/"]), max_size=8))
def test_what_is_read_holds_all_that_is_allowed_but_for_case(pieces: list[str]) -> None:
    pattern = "~/" + "".join(pieces)
    read = plainly(pattern)
    if read == pattern:
        return
    shown = "".join(f"[{c.lower()}{c.upper()}]" if c.isalpha() else c for c in read.removesuffix(" (capitals or not)"))
    try:
        assert escape(glob(pattern), [glob(shown)]) is None
    except (GlobError, TooComplex):
        return
