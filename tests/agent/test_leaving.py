"""Coworkers that send and ask, whole: from approval to the host, the log, a crash and an undo."""

from __future__ import annotations

from pathlib import Path

import pytest

from klapp.network import Broker
from tests.agent.hosts import certificates, host, ok, raw
from tests.agent.house import House, reports

SENDER = """coworker "Sender"
may read "~/In/*"
may send contents of "~/In/*" to "{0}"
secret token for "{0}" shown as "The key"

when file arrives in "~/In"
  send file to "{0}/in/{{file.stem}}?name={{file.name}}" using token
end
"""


@pytest.mark.parametrize("sandboxed", [True, False])
def test_a_file_is_sent_with_a_secret_that_nobody_else_sees(tmp_path: Path, sandboxed: bool) -> None:
    server_side, trusting = certificates(tmp_path)
    with host(ok(), server_side) as server:
        house = House(tmp_path)
        house.broker = Broker(context=trusting)
        house.file("In/a b&c.txt", b"planted")
        house.coworker(SENDER.format(server.origin))
        with house.agent(sandboxed=sandboxed) as agent:
            told = agent.approve("one")
            assert f"send all that is in, and the names of, ~/In/* to {server.origin}" in told["may"]
            assert f"use secret token at {server.origin}" in told["may"]
            (lacking,) = reports(agent.run("one"))
            assert "has no value yet" in lacking["reason"]
            assert not server.heard
            agent.network("set_secret", name="token", value="s3cret-value")
            (done,) = reports(agent.run("one"))
            assert done["outcome"] == "done"
            (heard,) = server.heard
            assert heard.startswith(b"POST /in/a%20b%26c?name=a%20b%26c.txt HTTP/1.1")
            assert b"Authorization: Bearer s3cret-value" in heard
            assert heard.endswith(b"planted")
            (contact,) = agent.network("contacts")
            assert (contact["host"], contact["result"], contact["sent"]) == (server.origin, "200", 7)
            assert agent.replay(done["run"]) == []
            assert "s3cret" not in str(agent.explain(done["run"]))
            (undone,) = agent.undo([done["run"]])
            assert "can not be taken back" in undone["reason"]
            assert len(server.heard) == 1
    everything = b"".join(path.read_bytes() for path in house.home.path.rglob("*") if path.is_file())
    assert b"s3cret" not in everything


@pytest.mark.parametrize("sandboxed", [True, False])
def test_a_question_is_asked_by_a_run_and_not_by_a_simulation(tmp_path: Path, sandboxed: bool) -> None:
    with host(ok(b"1.19")) as server:
        house = House(tmp_path)
        house.coworker(
            f'coworker "Asker"\nmay contact "{server.origin}"\nmay notify\n\nwhen asked\n'
            f'  notify "rate: {{answer of "{server.origin}/rate"}}"\non error\n  notify "no: {{error.message}}"\nend\n'
        )
        with house.agent(sandboxed=sandboxed) as agent:
            agent.approve("one")
            (simulated,) = agent.simulate("one")
            assert "is not known here" in simulated["effects"][0]["sentence"]
            assert not server.heard
            (done,) = reports(agent.run("one"))
            assert house.told.notices[-1][1] == "rate: 1.19"
            assert agent.replay(done["run"]) == []
            assert len(server.heard) == 1


def test_after_a_crash_nothing_is_sent_a_second_time(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def dies(*_: object) -> None:
        raise Killed

    with host(ok()) as server:
        house = House(tmp_path)
        house.coworker(
            f'coworker "Sender"\nmay contact "{server.origin}"\n\nwhen asked\n  send "hello" to "{server.origin}/"\nend\n'
        )
        with house.agent(sandboxed=False) as agent:
            agent.approve("one")
            agent.engine.reach = lambda program, name: _Dying(agent._reach(program, name), dies)  # type: ignore[assignment]
            with pytest.raises(Killed):
                reports(agent.run("one"))
        assert len(server.heard) == 1
        with house.agent(sandboxed=False) as agent:
            (closed,) = agent.recovered
            assert closed["outcome"] == "done"
            assert "perhaps has arrived" in closed["reason"]
            assert len(server.heard) == 1


class _Dying:
    def __init__(self, inner: object, dies: object) -> None:
        self.inner, self.dies = inner, dies

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def send(self, *given: object) -> None:
        self.inner.send(*given)  # type: ignore[attr-defined]
        self.dies()  # type: ignore[operator]


def test_a_host_that_fails_is_told_and_on_error_runs(tmp_path: Path) -> None:
    with host(raw(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as server:
        house = House(tmp_path)
        house.coworker(
            f'coworker "Sender"\nmay contact "{server.origin}"\nmay notify\n\nwhen asked\n  send [1, 2] to "{server.origin}/"\n'
            "on error\n  notify error.message\nend\n"
        )
        with house.agent() as agent:
            agent.approve("one")
            (done,) = reports(agent.run("one"))
            assert done["outcome"] == "done"
            assert house.told.notices[-1][1] == f"{server.origin} answered 503 (Service Unavailable)."
            assert server.heard[0].endswith(b"[1, 2]")
            assert len(server.heard) == 1


def test_what_may_be_reached_stands_beside_what_was_and_tighter_lines_are_proposed(tmp_path: Path) -> None:
    with host(ok(b"1.19")) as server:
        house = House(tmp_path)
        house.coworker(
            f"""coworker "Rates"
may contact "{server.origin}", "https://never.example"
may send answers of "{server.origin}" to "https://other.example"
may notify

when asked
  notify answer of "{server.origin}/rate"
end
"""
        )
        with house.agent(sandboxed=False) as agent:
            agent.approve("one")
            (before,) = agent.network("seen")
            assert [one["contacts"] for one in before["hosts"]] == [0, 0, 0]
            assert before["proposed"] == []
            (done,) = reports(agent.run("one"))
            assert done["outcome"] == "done", done
            (seen,) = agent.network("seen", name="Rates")
    used, *others = seen["hosts"]
    assert (used["host"], used["contacts"], used["sent"], used["received"]) == (server.origin, 1, 0, 4)
    assert used["first"] == used["last"]
    assert [(one["host"], one["granted"], one["contacts"]) for one in others] == [
        ("https://never.example", True, 0),
        ("https://other.example", True, 0),
    ]
    assert seen["proposed"] == [f'may contact "{server.origin}"']
    assert len(seen["has"]) == 2
