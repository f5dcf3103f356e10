"""A change that a person makes and its entry in the log are there together, or neither is; what is outside of the database is
said first."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from klapp.agent import Agent
from klapp.audit.log import Log, LogError
from klapp.vault.database import connect, transaction
from klapp.vault.shelf import Shelf
from klapp.vault.stretching import Cost
from tests.agent.house import House, reports

COWORKER = """coworker "Filer"
may read "~/In/*"
may send names of "~/In/*" to "https://api.example.com"
secret token for "https://api.example.com" shown as "The key"
setting large: size = 2 KB shown as "Tell me above this"

when asked
  skip "{large}"
end
"""
PASSWORD = "seven blue herons by the lake"
Act = Callable[[Agent], object]


def mail(agent: Agent, name: str) -> None:
    agent.mail("add", name=name, server="imap.example.com", user="a@example.com", password="x", smtp="smtp.example.com")


def logged_in(agent: Agent) -> str:
    agent.account._cost = Cost(memory_kib=64, passes=1, lanes=1)
    agent.account.create("Anna", PASSWORD)
    return agent.account.login(PASSWORD)


def policy(agent: Agent) -> None:
    (agent.home.path / "policy.toml").write_text("[password]\nshortest = 30\n")
    agent.account.create("Anna", PASSWORD + " and the reeds")


def nothing(_: Agent) -> None:
    pass


CHANGES: dict[str, tuple[Act, Act]] = {
    "approve": (nothing, lambda agent: agent.approve("filer")),
    "refuse": (nothing, lambda agent: agent.refuse("filer")),
    "revoke": (lambda agent: agent.approve("filer"), lambda agent: agent.revoke("filer")),
    "pause": (nothing, lambda agent: agent.pause("filer")),
    "pause all": (nothing, lambda agent: agent.pause()),
    "resume": (lambda agent: agent.pause("filer"), lambda agent: agent.resume("filer")),
    "setting": (nothing, lambda agent: agent.change_setting("filer", "large", ["1 KB"])),
    "secret": (nothing, lambda agent: agent.network("set_secret", name="token", value="s3cret")),
    "no secret": (
        lambda agent: agent.network("set_secret", name="token", value="s3cret"),
        lambda agent: agent.network("remove_secret", name="token"),
    ),
    "mail account": (nothing, lambda agent: mail(agent, "work")),
    "no mail account": (lambda agent: mail(agent, "work"), lambda agent: agent.mail("remove", name="work")),
    "who sends": (
        lambda agent: [mail(agent, "work"), mail(agent, "home")],
        lambda agent: agent.mail("sender", name="home"),
    ),
    "kept copies": (nothing, lambda agent: agent.kept("change", days=30)),
    "retention": (nothing, lambda agent: agent.audit("retain", days=30, change=True)),
    "hashing": (nothing, lambda agent: agent.audit("inputs", megabytes=1, change=True)),
    "witness": (nothing, lambda agent: agent.audit("witness", path=str(agent.home.path.parent / "checkpoint"))),
    "updates": (nothing, lambda agent: agent.updates("change", name="place", value="https://updates.example.com/klapp")),
    "notices": (nothing, lambda agent: agent.notices("change", name="quiet", value="22:00-7:00")),
    "account": (lambda agent: setattr(agent.account, "_cost", Cost(64, 1, 1)), lambda a: a.account.create("A", PASSWORD)),
    "policy": (nothing, policy),
    "login": (logged_in, lambda agent: agent.account.login(PASSWORD)),
    "logout": (logged_in, lambda agent: agent.account.lock("asked")),
    "no account": (logged_in, lambda agent: agent.account.discard("it was removed")),
    "new rules": (nothing, lambda agent: [renamed(agent), agent.coworkers.reload()]),
    "gone": (nothing, lambda agent: [(agent.home.coworkers / "one.klr").unlink(missing_ok=True), agent.coworkers.reload()]),
}  # fmt: skip
COUNTED = {"account:failures"}
"""What a failed login leaves on the shelf on purpose: a try counts before it is looked at."""


def renamed(agent: Agent) -> None:
    (agent.home.coworkers / "one.klr").write_text(COWORKER.replace("2 KB", "3 KB"))


def kept(agent: Agent) -> dict[str, Any]:
    """Everything that the database keeps beside the log."""
    rows = agent.log_store.connection.execute
    found = {name: value for name, value in rows("SELECT name, value FROM shelf") if name not in COUNTED}
    found |= {f"trait {name}": value for name, value in rows("SELECT name, value FROM traits")}
    return found | {"mail": rows("SELECT * FROM inbox").fetchall()}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_and_its_entry_are_there_together_or_not_at_all(what: str, house: House) -> None:
    house.coworker(COWORKER)
    first, act = CHANGES[what]
    with house.agent() as agent:
        first(agent)
        before, entries = kept(agent), agent.log_store.count()
        for table in ({"entries"}, {"shelf", "traits"}):  # first the log can not be written, then what is kept
            refused = refuse(agent, table)
            with suppress(Exception):
                act(agent)
            agent.log_store.connection.set_authorizer(None)
            assert refused, f"nothing was written to {table}"
            assert kept(agent) == before, table
            assert agent.log_store.count() == entries, table
        act(agent)
        assert kept(agent) != before
        assert agent.log_store.count() > entries
        assert agent.log_store.verify() is None


def refuse(agent: Agent, tables: set[str]) -> list[str]:
    """Have the database refuse to write to these tables; gives those to which somebody tried to."""
    refused: list[str] = []
    writing = {9, 18, 23}  # SQLITE_DELETE, SQLITE_INSERT, SQLITE_UPDATE

    def judge(action: int, table: str | None, *_: object) -> int:
        if action in writing and table in tables:
            refused.append(str(table))
            return 1  # SQLITE_DENY
        return 0

    agent.log_store.connection.set_authorizer(judge)
    return refused


def test_a_transaction_within_another_fails_alone_and_ends_with_it(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db", bytes(32)) as log:
        shelf = Shelf(log.connection, log.lock)
        with log.transaction():
            shelf.put("a", 1)
            with pytest.raises(ZeroDivisionError), shelf.together():
                shelf.put("b", 1 // 0)
            with suppress(ZeroDivisionError), shelf.together():
                shelf.put("c", 1)
                raise ZeroDivisionError
            other = connect(tmp_path / "log.db", bytes(32))
            assert not other.execute("SELECT * FROM shelf").fetchall(), "it is not durable yet"
        assert other.execute("SELECT name FROM shelf").fetchall() == [("a",)]
        with suppress(ZeroDivisionError), transaction(log.connection, log.lock):
            with shelf.together():
                shelf.put("d", 1)
            raise ZeroDivisionError
        assert shelf.get("d") is None
        other.close()


def test_one_that_may_go_on_while_all_are_paused_is_told_so_and_stays_paused(house: House) -> None:
    house.coworker(COWORKER)
    with house.agent() as agent:
        agent.approve("filer")
        agent.pause("filer")
        agent.pause()
        entries = agent.log_store.count()
        with pytest.raises(Exception, match="resume --all"):
            agent.resume("filer")
        assert agent.log_store.count() == entries
        assert agent.coworkers.kept.get("paused:Filer") is not None
        agent.resume()
        assert agent.coworkers.find("filer").state == "ready"


def test_an_export_is_logged_before_its_first_line(house: House) -> None:
    with house.agent() as agent:
        items = agent.audit("export", form="json", wanted={})
        first = next(items)
        (entry,) = agent.log_store.select("e.kind = 'exported'")
        lines = [first, *items]
        assert entry.body["entries"] == lines.pop()["entries"] == len(lines) == entry.seq - 1


def test_a_copy_goes_with_an_erasure_that_was_cut_short(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.coworker(
        'coworker "W"\nmay write "~/Out/*"\n\nwhen asked\n  write "new" to "~/Out/a.txt" on conflict replace\nend\n'
    )
    house.file("Out/a.txt", b"old")
    with house.agent() as agent:
        agent.approve("w")
        (report,) = reports(agent.run("w"))
        assert report["outcome"] == "done"
        (token,) = agent.keeper.tokens()

        def killed(_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(agent.keeper, "drop", killed)
        with pytest.raises(KeyboardInterrupt):
            list(agent.audit("erase", coworker="W", do=True))
    with house.agent() as agent:
        assert token not in agent.keeper.tokens()


def test_a_notice_has_the_moment_at_which_it_was_told(house: House) -> None:
    with house.agent() as agent:
        log = agent.log_store
        agent._tell("first")
        log.flush()
        agent.notifier.show("a coworker", "waits for the next entry")
        assert log._waiting
        waiting = log._waiting[0]
        assert waiting.at
        assert waiting.mono
        log.flush()
        newest = log.select("e.kind = 'notice' ORDER BY e.seq DESC LIMIT 1")[0]
        assert (newest.at, newest.mono) == (waiting.at, waiting.mono)


def test_a_witness_that_this_log_does_not_continue_is_left_as_it_is(house: House) -> None:
    place = house.person / "checkpoint"
    with house.agent() as agent:
        database = house.home.database
        agent.audit("witness", path=str(place))
        agent.log_store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        older = database.read_bytes()
        agent.pause()
    ahead = place.read_text()
    database.write_bytes(older)
    with house.agent() as agent, pytest.raises(LogError, match="does not continue"):
        agent.audit("witness", path=str(place))
    assert place.read_text() == ahead
