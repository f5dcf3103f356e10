"""A run that broke off replays as far as it came: what is not its own end is told apart from what it did not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from klapp.engine.encoding import decode
from klapp.engine.record import Logged
from klapp.engine.replay import differences
from klapp.files.overlay import Overlay
from klapp.past import program_of
from klr.effects import Inputs
from tests.agent.house import House, reports

TEXT = """coworker "Sort"
may read "~/In/*"
may write "~/Out/**"
when file arrives in "~/In"
  copy file to "~/Out/"
  if file.hash is "x"
    copy file to "~/Out/x/"
  end
end
"""


@pytest.fixture
def broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house whose one run met a mistake of klapp's own, behind its first act."""

    def mistaken(*_: object) -> bytes:
        raise ZeroDivisionError

    house = House(tmp_path)
    house.coworker(TEXT)
    house.file("In/a.txt", b"a")
    (house.person / "Out").mkdir()
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
        with monkeypatch.context() as patch:
            patch.setattr(Overlay, "hashed", mistaken)
            assert [one["outcome"] for one in reports(agent.run("one"))] == ["failed"]
    return house


def test_a_mistake_of_klapps_own_replays_as_far_as_it_came(broken_off: House) -> None:
    with broken_off.agent(sandboxed=False) as agent:
        (report,) = agent.log()
        assert "mistake of its own (ZeroDivisionError)" in report["reason"]
        assert agent.replay(report["run"]) == []
        assert [step["act"] for step in agent.explain(report["run"])["steps"] if "act" in step] == ["copy"]


def test_what_a_run_did_before_it_broke_off_is_compared(broken_off: House) -> None:
    with broken_off.agent(sandboxed=False) as agent:
        body = Logged.of(agent.log_store.entries(1)).body
        rule = program_of(TEXT).rules[0]
        inputs = Inputs(decode({"d": body["now"]}), decode(body["file"]), {}, body["home"], body.get("zone", ""))
        elsewhere = [effect | {"line": effect["line"] + 1} for effect in body["effects"]]
        (difference,) = differences(rule.start(inputs), body | {"effects": elsewhere}, agent.log_store.blob)
        assert difference.line == 5
        without_mark = {name: value for name, value in body.items() if name != "trouble"}
        (difference,) = differences(rule.start(inputs), without_mark, agent.log_store.blob)
        assert (difference.line, difference.logged) == (6, "the run ended")
