"""Each kind of thing that the log is to hold is in it when it really happens, with who, when and from where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from klapp.account.errors import AccountError
from klapp.agent import Agent
from klapp.audit.entry import Entry
from klapp.audit.events import KINDS, Trouble
from klapp.audit.retiring import Retention, retire
from klapp.network import Broker
from klapp.operations.keeping import new_token
from klapp.service import Service
from klapp.vault.keys import VaultError, open_vault
from klapp.vault.slots import RECOVERY
from klapp.vault.stretching import Cost
from tests.agent.hosts import certificates, host, ok
from tests.agent.house import CHEAP, NOW, House, reports

COWORKER = """coworker "Filer"
about "Files."

may read "~/In/*"
may remove "~/In/*"
may write "~/Out/**"
may send contents of "~/In/*" to "{origin}"
secret token for "{origin}" shown as "The key"
may notify

setting large: size = 2 KB shown as "Tell me above this"

when file arrives in "~/In"
  if file.size > large
    skip "too large"
  end
  notify "filed {{file.name}}"
  send file to "{origin}/in" using token
  move file to "~/Out/"
end
"""
PASSWORD = "seven blue herons by the lake"
ELSEWHERE = {"taken over", "replan", "update check", "unusual seen"}
"""Kinds that other tests make happen: with a log of klapp's first form, a world that moves, a place to ask for updates,
something unusual."""
YEAR = 366 * 86_400 * 10**9


def lived(house: House, origin: str) -> None:
    """Do everything that is to be remembered."""
    path = house.coworker(COWORKER.format(origin=origin))
    with house.agent() as agent:
        agent.refuse("filer")
        agent.approve("filer")
        agent.network("set_secret", name="token", value="s3cret")
        agent.change_setting("filer", "large", ["1 KB"])
        agent.pause("filer")
        agent.resume("filer")
        house.file("In/a.txt", b"12345")
        house.file("In/large.txt", bytes(1500))
        assert {one["outcome"] for one in reports(agent.run("filer"))} == {"done", "skipped"}
        house.coworker(COWORKER.format(origin=origin).replace("Files.", "Files papers."))
        agent.overview()
        path.unlink()
        agent.overview()
        house.coworker(COWORKER.format(origin=origin))
        agent.overview()
        agent.undo([report["run"] for report in agent.log() if report["outcome"] == "skipped"])
        agent.revoke("filer")
        copies(agent, house.file("replaced.txt", b"old"))
        account(agent)
        agent.audit("witness", path=str(house.person / "checkpoint"))
        list(agent.audit("export", form="json", wanted={}))
    house._vault = None
    with pytest.raises(VaultError):
        open_vault(house.home.path, lambda _: "wrong horse battery", use_keyring=False, cost=CHEAP)
    with house.agent() as agent, Service(agent, lambda _: None):
        pass


def copies(agent: Agent, path: Path) -> None:
    """Keep a copy that is let go a month later, by a new rule."""
    with path.open("rb") as source:
        agent.keeper.keep(new_token(), source)
    agent.clock = lambda: NOW + timedelta(days=31)
    agent.kept("change", days=30)
    agent.clock = lambda: NOW


def account(agent: Agent) -> None:
    agent.account._cost = Cost(memory_kib=64, passes=1, lanes=1)
    agent.account.create("Anna", PASSWORD)
    for _ in range(5):
        with pytest.raises(AccountError):
            agent.account.login("seven red herons by the lake")
    agent.account._lockout.passed()
    agent.account.logout(agent.account.login(PASSWORD))


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Entry]]:
    """Everything that a house's log holds at the end of such a life."""
    with ExitStack() as closing, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        house = House(tmp_path_factory.mktemp("house"))
        server_side, trusting = certificates(tmp_path_factory.mktemp("certificates"))
        house.broker = Broker(context=trusting)
        server = closing.enter_context(host(ok(), server_side))
        lived(house, server.origin)
        agent = closing.enter_context(house.agent())
        found = agent.log_store.select("1 ORDER BY e.seq")
        list(agent.audit("erase", coworker="Filer", do=True))
        found.extend(agent.log_store.select("e.seq > ? ORDER BY e.seq", (found[-1].seq,)))
        with agent.log_store.transaction() as appender:
            for _ in range(300):
                appender.append([Entry(None, Trouble.kind, {"what": "x"})])
        assert retire(agent.log_store, Retention(days=365), found[-1].at + 2 * YEAR)
        found.extend(agent.log_store.select("e.seq > ? ORDER BY e.seq", (found[-1].seq,)))
        assert agent.log_store.verify() is None
        yield found


def of(entries: list[Entry], kind: str) -> list[Entry]:
    return [entry for entry in entries if entry.kind == kind]


def test_every_kind_was_there(entries: list[Entry]) -> None:
    assert {entry.kind for entry in entries} >= set(KINDS) - ELSEWHERE
    assert all((entry.at > 0 and entry.mono > 0 and entry.who and entry.origin) for entry in entries)


def test_a_run_tells_its_input_each_decision_and_what_came_of_it(entries: list[Entry]) -> None:
    intent = next(entry for entry in of(entries, "intent") if entry.subject.endswith("/a.txt"))
    body = intent.body
    assert body["trigger"] == "file arrives"
    assert body["file"]["f"][0].endswith("/In/a.txt")
    assert body["file"]["f"][1] == 5
    assert len(body["input"]["sha256"]) == 64
    assert [(one.get("act"), one["line"] > 0) for one in body["effects"] if "act" in one] == [("notify", True), ("send", True), ("move", True)]  # fmt: skip
    skipped = next(entry for entry in of(entries, "intent") if entry.subject.endswith("/large.txt"))
    assert (skipped.body["outcome"], skipped.body["reason"]) == ("skipped", "too large")
    assert {entry.body["outcome"] for entry in of(entries, "outcome")} >= {"done", "skipped"}


def bodies(entries: list[Entry], kind: str) -> list[dict[str, Any]]:
    return [entry.body for entry in of(entries, kind)]


def test_changes_come_with_what_changed(entries: list[Entry]) -> None:
    first, second, third = bodies(entries, "rules changed")
    assert '+coworker "Filer"' in first["diff"]
    assert '-about "Files."\n+about "Files papers."' in second["diff"]
    assert "+when file arrives" in third["diff"]  # a file that was gone is new again
    (gone,) = bodies(entries, "rules gone")
    assert '-coworker "Filer"' in gone["diff"]
    assert gone["file"].endswith("/one.klr")
    (setting,) = bodies(entries, "setting changed")
    assert (setting["setting"], setting["before"], setting["after"]) == ("large", "2000 bytes", "1000 bytes")


def test_contacts_logins_and_keys_are_there_and_no_secret_is(entries: list[Entry]) -> None:
    (contact,) = bodies(entries, "network")
    assert (contact["coworker"], contact["result"], contact["sent"]) == ("Filer", "200", 5)
    assert [one["result"] for one in bodies(entries, "login")] == ["refused"] * 5 + ["let in"]
    assert bodies(entries, "lockout")[0]["failures"] == 5
    assert bodies(entries, "logout")[0]["why"] == "asked"
    assert {"by": "password", "refused": 1} in bodies(entries, "vault opened")
    (begun,) = bodies(entries, "request")
    assert (begun["coworker"], begun["secret"]) == ("Filer", "token"), "which key was used is told, and never its value"
    assert ("Filer", "filed a.txt") in [(one["title"], one["text"]) for one in bodies(entries, "notice")]
    everything = json.dumps([entry.body for entry in entries])
    for secret in ("s3cret", "herons", "wrong horse"):
        assert secret not in everything


def test_a_file_that_went_while_klapp_was_off_is_told_at_its_next_start(tmp_path: Path) -> None:
    house = House(tmp_path)
    path = house.coworker('coworker "Idle"\n\nwhen asked\n  skip "no"\nend\n')
    with house.agent():
        pass
    path.unlink()
    for _ in range(2):
        with house.agent() as agent:
            assert [entry.body["coworker"] for entry in agent.log_store.select("e.kind = 'rules gone'")] == ["Idle"]


def test_the_recovery_key_is_never_used_unnoticed(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.agent():
        pass
    assert house._vault is not None
    house._vault.by = RECOVERY
    with house.agent() as agent:
        assert agent.log_store.select("e.kind = 'vault opened' ORDER BY e.seq")[-1].body["by"] == RECOVERY


def test_a_world_that_moves_meanwhile_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path)
    house.coworker('coworker "M"\nmay read "~/In/*"\nmay remove "~/In/*"\nmay write "~/Out/*"\n\nwhen file arrives in "~/In"\n  move file to "~/Out/"\nend\n')  # fmt: skip
    house.file("In/a.txt", b"mine")
    house.file("Out/other.txt", b"x")
    with house.agent() as agent:
        agent.approve("m")
        append = agent.log_store.append

        def appended(*given: Any, **named: Any) -> None:
            append(*given, **named)
            if not (house.person / "Out/a.txt").exists():
                house.file("Out/a.txt", b"another's")  # behind the plan, and before what is done

        monkeypatch.setattr(agent.log_store, "append", appended)
        (report,) = reports(agent.run("m"))
        kinds = [entry.kind for entry in agent.log_store.entries(report["run"])]
    assert kinds == ["intent", "replan", "outcome"]
    assert (house.person / "Out/a.txt").read_bytes() == b"another's"
