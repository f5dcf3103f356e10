"""Whatever befalls a call of the system, nothing is lost; some of all trials (all of them: ``python -m tests.faults``)."""

from __future__ import annotations

import pytest

from klapp.vocabulary import VOCABULARY
from tests.faults.__main__ import Trial, attempted, some
from tests.faults.system import FAULTS, KILL
from tests.faults.trial import BODIES

FOUND: list[Trial] = [
    ("append to a new file", False, 23, "ESTALE"),
    ("append", True, 5, KILL),
    ("copy", False, 34, "EACCES"),
    ("copy, replace", True, 28, "EROFS"),
    ("move", True, 2, "EIO"),
    ("move", True, 38, "EIO"),
    ("several", True, 57, "EINTR"),
    ("trash", False, 29, "EINTR"),
    ("write", False, 21, "ENOSPC"),
    ("write, replace", True, 20, KILL),
]
"""Each of them once lost something, or could not be taken back."""


@pytest.mark.parametrize("one", FOUND, ids=str)
def test_what_once_went_wrong_goes_well(one: Trial) -> None:
    assert attempted(one)[1] == ""


ELSEWHERE = {"send", "send mail", "move mail", "mark mail", "open", "save"}
"""What reaches a host, a mailbox or an app, which tests of their own kill; a saved attachment is written as any file."""


def test_every_verb_that_acts_on_files_is_tried() -> None:
    acting = {name for name, verb in VOCABULARY.verbs.items() if verb.plan is not None} - ELSEWHERE
    tried = {name for name in acting if any(body.startswith(name) for body in BODIES.values())}
    assert acting == tried


def test_a_call_that_fails_loses_nothing() -> None:
    assert [found for found in some(50, 7, list(FAULTS)) if found[2]] == []


def test_a_kill_before_any_call_loses_nothing() -> None:
    assert [found for found in some(200, 11, [KILL]) if found[2]] == []
