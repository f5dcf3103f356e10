"""What klapp remembers of what people and it itself did: kinds, who, from where, and that sentences are whole."""

from __future__ import annotations

import string
from dataclasses import fields

import pytest

from klapp.audit.entry import user
from klapp.audit.events import KINDS, PUBLIC, acting
from klapp.service import Service
from klapp.vault.keys import VaultError, open_vault
from tests.agent.house import CHEAP, House, reports

COWORKER = """coworker "Filer"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/**"
may notify

when file arrives in "~/In"
  move file to "~/Out/"
  notify "filed {file.name}"
end
"""


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_each_kind_is_declared_whole(kind: type) -> None:
    named = {name for _, name, _, _ in string.Formatter().parse(kind.says) if name}
    known = {field.name for field in fields(kind)}
    if known:
        assert named - ({"whose", "holder"} if "coworker" in known else set()) <= known
        assert set(kind.public) <= known
    assert kind.__doc__
    assert PUBLIC[kind.kind] == set(kind.public)
    assert not {"text", "diff", "path", "file", "account", "host", "place", "before", "reason"} & set(kind.public) - {"before"} or kind.kind == "erased"  # fmt: skip


@pytest.fixture
def house(house: House) -> House:
    house.coworker(COWORKER)
    return house


def test_what_a_person_does_is_remembered_with_who_and_from_where(house: House) -> None:
    with house.agent() as agent:
        with acting("tray", "anna"):
            agent.approve("filer")
        agent.pause("filer", "2026-11-21T10:00:00")
        agent.resume()
        house.file("In/a.txt", b"x")
        agent.resume("filer")
        assert [r["outcome"] for r in reports(agent.run("filer"))] == ["done"]
        house.coworker(COWORKER.replace("filed", "has filed"))
        agent.overview()
        agent.revoke("filer")
        found = agent.log_store.select("e.run IS NULL AND e.kind <> 'content' ORDER BY e.seq")
    assert [(entry.kind, entry.owner) for entry in found] == [
        ("vault opened", ""),
        ("rules changed", "Filer"),
        ("approved", "Filer"),
        ("paused", "Filer"),
        ("resumed", ""),
        ("resumed", "Filer"),
        ("notice", ""),
        ("rules changed", "Filer"),
        ("revoked", "Filer"),
    ]
    assert (found[2].origin, found[2].who) == ("tray", "anna")
    assert (found[3].origin, found[3].who) == ("agent", user())
    assert (found[6].body["title"], found[6].body["text"]) == ("Filer", "filed a.txt")
    assert '-  notify "filed {file.name}"\n+  notify "has filed {file.name}"' in found[7].body["diff"]
    assert all(entry.at > 0 and entry.mono > 0 for entry in found)


def test_the_agent_says_when_it_worked(house: House) -> None:
    with house.agent() as agent, Service(agent, lambda _: None) as service:
        service.agent.approve("filer")
        service.act("pause", ("filer", ""))
    with house.agent() as agent:
        kinds = [(e.kind, e.origin) for e in agent.log_store.select("e.run IS NULL ORDER BY e.seq")]
    assert kinds[:3] == [("vault opened", "agent"), ("rules changed", "agent"), ("agent started", "agent")]
    assert ("paused", "tray") in kinds
    assert kinds[-2:] == [("agent stopped", "agent"), ("vault opened", "agent")]


def test_whoever_was_refused_is_counted_and_told(house: House) -> None:
    with house.agent():
        pass
    for _ in range(3):
        with pytest.raises(VaultError):
            open_vault(house.home.path, lambda _: "wrong horse battery", use_keyring=False, cost=CHEAP)
    house._vault = None
    with house.agent() as agent:
        (first, entry) = agent.log_store.select("e.kind = 'vault opened' ORDER BY e.seq")
        assert first.body == {"by": "password", "refused": 0}
        assert entry.body == {"by": "password", "refused": 3}
    house._vault = None
    with house.agent() as agent:
        newest = agent.log_store.select("e.kind = 'vault opened' ORDER BY e.seq")[2:]
        assert [entry.body["refused"] for entry in newest] == [0]


def test_a_notice_that_nobody_can_show_is_remembered(house: House) -> None:
    def broken(showing: object) -> int:
        raise OSError("no")

    house.told.present = broken  # type: ignore[method-assign]
    with house.agent() as agent:
        agent.notifier.show("t", "x")
        agent.log_store.flush()
        assert agent.log_store.select("e.kind = 'notice'")[0].body["text"] == "x"
        assert agent.log_store.verify() is None
