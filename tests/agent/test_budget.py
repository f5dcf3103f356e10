"""Budgets: a run that wants too much is ended, says so, can be undone, and replays to the same end."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from klapp.engine.budget import Costs, Spending
from klapp.vocabulary import VOCABULARY
from klr.effects import Act
from klr.loader import load
from klr.program import Limits
from tests.agent.house import House, reports

HEAD = 'coworker "Spender"\nmay read "~/In/*"\nmay remove "~/In/*"\nmay write "~/Out/*"\nmay notify\n'


@pytest.mark.parametrize(
    ("limit", "body", "reason"),
    [
        ("limit 3 files", "trash one", "more than 3 files"),
        ("limit 3 notices", "notify one.name", "more than 3 notices"),
        ("limit 35 bytes", 'copy one to "~/Out/"', "more than 35 bytes"),
        ("limit 35 bytes", "notify one.text", "more than 35 bytes"),
        ("limit 35 bytes", 'write "0123456789" to "~/Out/{one.name}"', "more than 35 bytes"),
    ],
)
def test_a_run_that_wants_too_much_is_ended(tmp_path: Path, limit: str, body: str, reason: str) -> None:
    house = House(tmp_path)
    for number in range(6):
        house.file(f"In/{number}", b"0123456789")
    before = house.tree()
    text = f'{HEAD}{limit}\nwhen asked\n  for each one in files in "~/In/*"\n    try\n      {body}\n    on error\n      notify "caught"\n    end\n  end\nend\n'
    house.coworker(text)
    with house.agent() as agent:
        agent.approve("one")
        simulated = agent.simulate("one")
        (report,) = reports(agent.run("one"))
        assert report["outcome"] == simulated[0]["outcome"] == "failed"
        assert reason in report["reason"]
        assert len(report["effects"]) == len(simulated[0]["effects"]) >= 3
        assert agent.replay(report["run"]) == []
        assert not any(step.get("value") == "caught" for step in agent.explain(report["run"])["steps"])
        agent.undo([report["run"]])
        assert house.tree() == before


def test_time_is_a_limit_too() -> None:
    now = [0.0]
    spending = Spending(Limits(time=timedelta(seconds=5)), Costs.of(VOCABULARY), lambda: now[0])
    act = Act("notify", ("x",), 1)
    assert spending.refusal(act) is None
    now[0] = 5.1
    refusal = spending.refusal(act)
    assert refusal is not None
    assert "longer than 5 seconds" in refusal.message


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("limit 500 files", ""),
        ("limit 1 GB", ""),
        ("limit 5 minutes", ""),
        ("limit 5 fiels", "K211"),
        ("limit 1.5 files", "K211"),
        ("limit 2 days", "K211"),
        ("limit 0 seconds", "K211"),
        ("limit 5 files\nlimit 6 files", "K211"),
        ("limit files", "K101"),
    ],
)
def test_limit_lines_are_checked(line: str, code: str) -> None:
    text = f'coworker "x"\nmay notify\n{line}\nwhen asked\n  notify "x"\nend\n'
    loaded = load(text, VOCABULARY)
    assert [found.code for found in loaded.diagnostics] == ([code] if code else [])
    if loaded.program:
        assert loaded.program.limits != Limits()
