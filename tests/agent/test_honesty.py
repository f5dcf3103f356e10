"""A worker that was taken over can send nothing but what its program makes of the answers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from klapp.engine.hands import OwnHands, RealWorld
from klapp.engine.honesty import is_honest
from klapp.engine.judge import _NEEDS, _OTHERS
from klapp.engine.record import step_from_json
from klapp.engine.runs import Planned, Request
from klapp.operations import ALL
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from tests.agent.batches import tree_of
from tests.agent.house import Told

NOW = datetime(2026, 11, 20, 9, 30)
HOST = "https://example.com"
TEXT = f"""coworker "Sender"
may read "~/In/*"
may send contents of "~/In/*" to "{HOST}", "*@example.com"

when asked
  for each paper in files in "~/In/*"
    if paper.text contains "Invoice"
      send "{{paper.text}} is here" to "{HOST}/papers/{{paper.stem}}"
    else
      send paper to "{HOST}/others" as upload
    end
  end
  send mail to "ann@example.com" about "The papers" saying "Dear Ann" with files in "~/In/*"
end
"""


def planned() -> tuple[Planned, Any, str]:
    program = load(TEXT, VOCABULARY).program
    assert program is not None
    with tree_of({"In/a.txt": b"Invoice 7", "In/b.txt": b"a letter"}) as tree:
        hands = OwnHands(VOCABULARY, tree.files, RealWorld(tree.files, Told(), "Sender"), str(tree.root))
        request = Request("Sender", program, program.rules[0], None, NOW, {})
        (run,) = hands.plan([(1, request)])
        return run, tree.files, str(tree.root)


CHANGES: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "other bytes in the request": lambda effects: sent(effects)["steps"][0].update(data="c2VjcmV0"),
    "another address of the host": lambda effects: sent(effects)["steps"][0].update(address=f"{HOST}/elsewhere"),
    "another method": lambda effects: sent(effects)["steps"][0].update(method="PUT"),
    "another file": lambda effects: sent(effects, 1)["steps"][0].update(path="/etc/passwd"),
    "a request twice": lambda effects: sent(effects)["steps"].extend(copy.deepcopy(sent(effects)["steps"])),
    "other words in the wish": lambda effects: sent(effects)["with"].__setitem__(0, "secret"),
    "a wish that the program has not": lambda effects: effects.append(copy.deepcopy(sent(effects))),
    "a wish left out": lambda effects: effects.remove(sent(effects)),
    "a question left out": lambda effects: effects.remove(effects[0]),
    "another recipient of a mail": lambda effects: mailed(effects).update(address="eve@example.com"),
    "another subject": lambda effects: mailed(effects).update(subject="secret"),
    "another text": lambda effects: mailed(effects).update(text="secret"),
    "another file with a mail": lambda effects: mailed(effects).update(
        paths=["/etc/passwd"], identities=[[1, 2, 3, 4]]
    ),
    "a paper of another mail": lambda effects: mailed(effects).update(mail="work/1/1", numbers=[0], names=["a.pdf"]),
    "an answer that leads elsewhere": lambda effects: effects[1].update(answer="a letter"),
}


def sent(effects: list[dict[str, Any]], number: int = 0) -> dict[str, Any]:
    return [effect for effect in effects if effect.get("act") == "send"][number]


def mailed(effects: list[dict[str, Any]]) -> dict[str, Any]:
    step: dict[str, Any] = next(effect["steps"][0] for effect in effects if effect.get("act") == "send mail")
    return step


def test_what_a_program_does_is_honest() -> None:
    run, files, home = planned()
    assert len(run.steps) == 3
    assert is_honest(run, VOCABULARY, files, home)


@pytest.mark.parametrize("change", CHANGES)
def test_what_it_does_not_is_found(change: str) -> None:
    run, files, home = planned()
    effects = copy.deepcopy(run.effects)
    CHANGES[change](effects)
    run.steps = [step_from_json(step) for effect in effects for step in effect.get("steps", ())]
    run.effects = effects
    assert not is_honest(run, VOCABULARY, files, home)


def test_it_is_known_of_every_operation_what_it_needs() -> None:
    assert set(ALL) == _NEEDS.keys() | _OTHERS
