"""What is remembered of a text says the same as what is found out anew, and nothing else is believed."""

from __future__ import annotations

import pickle
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any

import pytest
from hypothesis import given, settings

from klapp.coworkers import cache
from klapp.coworkers.cache import Proofs
from klapp.vault.database import connect
from klapp.vocabulary import VOCABULARY
from klr.effects import Inputs
from klr.loader import Loaded, load
from klr.loops import loops
from klr.program import Program, Rule
from klr.stored import Unreadable, restored, stored
from klr.values import FileValue
from tests.dsl.texts import coworkers

RULES = sorted((Path(__file__).parents[2] / "rules").glob("*.klr"))
NOW = datetime(2026, 11, 20, 9, 30)


def same(one: Loaded, other: Loaded) -> None:
    assert one.source == other.source
    assert (one.diagnostics, one.grants) == (other.diagnostics, other.grants)
    assert [need_of(need) for need in one.needs or ()] == [need_of(need) for need in other.needs or ()]
    assert (one.program is None) == (other.program is None)
    if one.program is None or other.program is None:
        return
    for part in ("name", "about", "text", "grants", "settings", "tests", "limits", "secrets"):
        assert getattr(one.program, part) == getattr(other.program, part), part
    for mine, theirs in zip(one.program.rules, other.program.rules, strict=True):
        assert (mine.index, mine.line, mine.trigger) == (theirs.index, theirs.line, theirs.trigger)
        assert mine.trigger.options == theirs.trigger.options
        assert [need_of(need) for need in mine.needs] == [need_of(need) for need in theirs.needs]
    assert len(loops([one.program])) == len(loops([other.program]))


def need_of(need: Any) -> tuple[object, ...]:
    return need.permission, need.patterns, need.to, need.language.form if need.language else None


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_what_ships_is_remembered_whole(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = load(text, VOCABULARY, path.name)
    again = restored(stored(found), text, VOCABULARY, path.name)
    same(again, found)
    assert found.program is not None
    assert again.program is not None
    for mine, theirs in zip(found.program.rules, again.program.rules, strict=True):
        if not mine.trigger.answers and mine.trigger.gives in ("", "file"):
            assert first_effect(theirs, again.program) == first_effect(mine, found.program)


def first_effect(rule: Rule, program: Program) -> object:
    file = FileValue("/home/me/a.pdf", 1, NOW, 1, 1, 1) if rule.trigger.gives == "file" else None
    given = {name: setting.value for name, setting in program.settings.items()}
    try:
        return next(rule.start(Inputs(NOW, file, given, "/home/me", "UTC")))
    except StopIteration as stop:
        return stop.value


@settings(max_examples=25, deadline=None)
@given(coworkers())
def test_any_text_is_remembered_whole(text: str) -> None:
    found = load(text, VOCABULARY)
    same(restored(stored(found), text, VOCABULARY), found)


class Harm:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("harm"),))


@pytest.mark.parametrize(
    "data",
    [b"", b"\x80", b"nonsense", pickle.dumps(Harm()), pickle.dumps(("x", Harm(), (), None)), pickle.dumps(print), pickle.dumps((1, 2)), b"cos\nsystem\n(S'x'\ntR."],
)  # fmt: skip
def test_nothing_else_is_read(data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Unreadable):
        restored(data, "x", VOCABULARY)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def proofs(tmp_path: Path) -> Proofs:
    return Proofs(connect(tmp_path / "klapp.db", b"k" * 32), RLock(), VOCABULARY)


def rows(proofs: Proofs) -> list[tuple[bytes, bytes, bytes]]:
    return list(proofs._connection.execute("SELECT code, text, answer FROM proofs"))


def test_a_text_is_proved_once(proofs: Proofs, monkeypatch: pytest.MonkeyPatch) -> None:
    text = RULES[0].read_text(encoding="utf-8")
    first = proofs.load(text, "a.klr")
    monkeypatch.setattr(cache, "load", lambda *_: pytest.fail("it was proved before"))
    same(proofs.load(text, "a.klr"), first)


def test_another_state_of_the_code_and_damaged_answers_count_for_nothing(proofs: Proofs, tmp_path: Path) -> None:
    text = RULES[0].read_text(encoding="utf-8")
    first = proofs.load(text, "a.klr")
    [(code, digest, answer)] = rows(proofs)
    proofs._connection.execute("UPDATE proofs SET answer = ?", (answer[:40],))
    same(proofs.load(text, "a.klr"), first)
    assert rows(proofs) == [(code, digest, answer)]
    proofs._connection.execute("UPDATE proofs SET code = ?", (b"older",))
    newer = Proofs(proofs._connection, RLock(), VOCABULARY)
    assert rows(newer) == []
    same(newer.load(text, "a.klr"), first)


def test_memory_has_an_end(proofs: Proofs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST", 3)
    for number in range(8):
        proofs.load(f'coworker "{number}"\nmay notify\nwhen asked\n  notify "x"\nend\n', "a.klr")
        assert len(rows(proofs)) <= 3
