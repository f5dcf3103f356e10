"""Mail that is moved and marked on a real Dovecot: undone, cut short at every point, and refused where it may not be."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from klapp.agent import Agent
from klapp.engine.outside import is_mailbox_granted
from klapp.engine.recovery import recover
from klapp.mail.folders import Folders, in_utf7
from klapp.mail.handled import Handled
from klapp.mail.imap import MailError, Session
from klapp.network import Broker
from klapp.triggers.mail import receive
from tests.agent.dovecot import PASSWORD, USER, Dovecot, dovecot, mail
from tests.agent.house import House

SORTER = """coworker "Sorter"

may receive mail from "work"
may move mail in "work" to "Archive/**"
may mark mail in "work"

when mail arrives in "work"
  mark mail as flagged
  move mail to "Archive/{mail.date:%Y}/Rechnungen für Ann & Co"
  mark mail as read
end
"""
GOAL = "Archive/2026/Rechnungen für Ann & Co"


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, server: Dovecot) -> House:
    """A house whose account has one folder, the inbox, with nothing in it."""
    with server.person() as other:
        for line in other.list()[1]:
            assert isinstance(line, bytes)
            name = line.split(b'"."')[1].strip().decode()
            answer, count = other.select(name)
            if answer == "OK" and count != [b"0"]:
                other.store("1:*", "+FLAGS", r"\Deleted")
                other.expunge()
            if answer == "OK":
                other.unselect()
            if name != "INBOX":
                other.delete(name)
    house = House(tmp_path)
    house.broker = Broker(context=server.context)
    house.coworker(SORTER)
    with house.agent(sandboxed=False) as agent:
        agent.mail("add", name="work", server="127.0.0.1", port=server.tls, user=USER, password=PASSWORD)
        agent.approve("one")
    return house


def there(server: Dovecot, folder: str) -> list[tuple[str, set[str]]]:
    """The subjects and flags of the mails in a folder."""
    with server.person() as other:
        name = folder if folder == "INBOX" else folder.replace("/", ".")
        if other.select(f'"{in_utf7(name)}"', readonly=True)[0] != "OK":
            return []
        found = []
        for uid in (other.uid("SEARCH", "ALL")[1][0] or b"").split():
            answer = other.uid("FETCH", uid.decode(), "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
            head = answer[0]
            said = b" ".join(part if isinstance(part, bytes) else part[0] for part in answer)
            flags = {flag.decode() for flag in imaplib.ParseFlags(said)} - {r"\Recent"}
            found.append((head[1].decode().partition(":")[2].strip(), flags))
        return found


def arrive(agent: Agent, server: Dovecot, *mails: Any) -> None:
    """New mails, received as the watch does it."""
    if agent.received.place("work") is None:
        with Session(agent.accounts.all()[0], server.context) as session:
            receive(session, agent.received)
    server.deliver(*mails)
    with Session(agent.accounts.all()[0], server.context) as session:
        receive(session, agent.received)


def work(agent: Agent) -> list[Any]:
    """Carry out what the mails that wait start, and put them down as dealt with."""
    waiting = agent.received.waiting()
    program = agent.coworkers.find("one").program
    assert program is not None
    done = []
    for start in agent.mailing.starts(waiting, {program.name: program}):
        request = agent.dispatcher.of_start(start, program, agent.engine.files_for(program), agent.clock())
        assert request is not None
        done.extend(agent.engine.perform([request]))
    agent.received.dealt([one.number for one in waiting])
    return done


def without_move(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that has no MOVE."""
    begin = Folders._begin

    def begun(self: Folders) -> None:
        begin(self)
        self._wire.capabilities = tuple(one for one in self._wire.capabilities if one != "MOVE")

    monkeypatch.setattr(Folders, "_begin", begun)


@pytest.mark.parametrize("sandboxed", [True, False])
@pytest.mark.parametrize("moves", [True, False])
def test_a_mail_is_moved_and_marked_and_taken_back(
    house: House, server: Dovecot, monkeypatch: pytest.MonkeyPatch, sandboxed: bool, moves: bool
) -> None:
    if not moves:
        without_move(monkeypatch)
    with house.agent(sandboxed=sandboxed) as agent:
        arrive(agent, server, mail("One"))
        server.deliver(mail("Two"))
        (report,) = work(agent)
        assert report.outcome == "done", report.reason
        assert there(server, GOAL) == [("One", {r"\Flagged", r"\Seen"})]
        assert there(server, "INBOX") == [("Two", set())]
        assert agent.replay(report.run) == []
        (undone,) = agent.undo([report.run])
        assert undone["outcome"] == "done", undone["reason"]
        assert there(server, GOAL) == []
        assert sorted(map(str, there(server, "INBOX"))) == ["('One', set())", "('Two', set())"]
        (again,) = agent.undo([undone["run"]])
        assert again["outcome"] == "done", again["reason"]
        assert there(server, GOAL) == [("One", {r"\Flagged", r"\Seen"})]
        contacts = [one["result"] for one in agent.network("contacts")]
        assert f"a mail moved to {GOAL}" in contacts


def test_a_mail_that_came_back_by_an_undo_starts_nothing(house: House, server: Dovecot) -> None:
    with house.agent(sandboxed=False) as agent:
        arrive(agent, server, mail("One"))
        (report,) = work(agent)
        agent.undo([report.run])
        with Session(agent.accounts.all()[0], server.context) as session:
            assert receive(session, agent.received) == (0, 0)
        assert agent.received.waiting() == []


def test_what_somebody_did_since_is_left_alone(house: House, server: Dovecot) -> None:
    house.coworker(SORTER.replace("  mark mail as read\n", ""))
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
        arrive(agent, server, mail("One"))
        (report,) = work(agent)
        with server.person() as other:
            other.select(f'"{in_utf7(GOAL.replace("/", "."))}"')
            other.store("1", "-FLAGS", r"\Flagged")
        (undone,) = agent.undo([report.run])
        assert (undone["outcome"], len(undone["effects"])) == ("failed", 1)
        assert "somebody marked it anew" in undone["reason"]
        arrive(agent, server, mail("Two"))
        (report,) = work(agent)
        with server.person() as other:
            other.select(f'"{in_utf7(GOAL.replace("/", "."))}"')
            other.store("1:*", "+FLAGS", r"\Deleted")
            other.expunge()
        (undone,) = agent.undo([report.run])
        assert "somebody moved or deleted it. Nothing was changed" in undone["reason"]
        assert there(server, GOAL) == []


def test_a_mail_that_is_gone_before_the_rule_comes_to_it(house: House, server: Dovecot) -> None:
    with house.agent(sandboxed=False) as agent:
        arrive(agent, server, mail("One"))
        with server.person() as other:
            other.select("INBOX")
            other.store("1", "+FLAGS", r"\Deleted")
            other.expunge()
        (report,) = work(agent)
        assert report.outcome == "failed"
        assert "somebody moved or deleted it" in report.reason


def test_a_server_that_numbers_anew_gets_the_same_mail_moved(house: House, server: Dovecot) -> None:
    letter = mail("One")
    letter["Message-ID"] = "<one@acme.example>"
    with house.agent(sandboxed=False) as agent:
        arrive(agent, server, mail("Zero"), letter)
        agent.received._connection.execute(
            "UPDATE mail SET key = 'work/7/' || number WHERE account = 'work'"  # as before it numbered anew
        )
        zero, one = work(agent)
        assert "numbered the mails in INBOX anew" in zero.reason
        assert one.outcome == "done", one.reason
        assert [subject for subject, _ in there(server, GOAL)] == ["One"]
        assert [subject for subject, _ in there(server, "INBOX")] == ["Zero"]


class Killed(BaseException):
    pass


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, point: int) -> Iterator[list[int]]:
    """Die at a point, of all before and behind each command to the server and each note of what is done."""
    passed = [0]

    def dying(real: Any) -> Any:
        def call(*given: Any, **others: Any) -> Any:
            for after in (False, True):
                passed[0] += 1
                if passed[0] == point:
                    raise Killed
                if not after:
                    answer = real(*given, **others)
            return answer

        return call

    with monkeypatch.context() as patch:
        patch.setattr(Folders, "_told", dying(Folders._told))
        patch.setattr(Handled, "put", dying(Handled.put))
        yield passed


@pytest.mark.parametrize("moves", [True, False])
def test_a_move_that_is_killed_anywhere_is_done_once(
    house: House, server: Dovecot, monkeypatch: pytest.MonkeyPatch, moves: bool
) -> None:
    house.coworker(SORTER.replace("  mark mail as flagged\n", "").replace("/Rechnungen für Ann & Co", ""))
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
    if not moves:
        without_move(monkeypatch)
    point, dies = 0, True
    with house.agent(sandboxed=False) as agent:
        while dies:
            point += 1
            subject = f"Kill {point}"
            arrive(agent, server, mail(subject, text=subject))
            with killed_at(monkeypatch, point):
                try:
                    work(agent)
                    dies = False
                except Killed:
                    pass
            for report in recover(agent.engine):
                if report.outcome == "interrupted":  # it was not begun, so the rule is offered again
                    (report,) = work(agent)
                assert report.outcome == "done", (point, report.reason)
            agent.received.dealt([one.number for one in agent.received.waiting()])
    assert there(server, "INBOX") == []
    assert there(server, "Archive/2026") == [(f"Kill {number}", {r"\Seen"}) for number in range(1, point + 1)]
    assert point > 20


def test_a_connection_that_is_lost_in_the_middle_is_come_back_to(
    house: House, server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, lost = Folders.move, [True]

    def move(self: Folders, uid: int, folder: str) -> Any:
        found = real(self, uid, folder)
        if lost.pop():
            raise MailError("The connection failed.")
        return found

    lost.extend([False] * 9)
    lost.append(True)
    monkeypatch.setattr(Folders, "move", move)
    with house.agent(sandboxed=False) as agent:
        arrive(agent, server, mail("One"))
        (report,) = work(agent)
        assert report.outcome == "done", report.reason
        assert [subject for subject, _ in there(server, GOAL)] == ["One"]


def test_a_name_that_the_server_would_divide_is_refused(house: House, server: Dovecot) -> None:
    house.coworker(SORTER.replace("Rechnungen für Ann & Co", "{mail.subject}"))
    with house.agent(sandboxed=False) as agent:
        agent.approve("one")
        arrive(agent, server, mail("v1.2"), mail("a/b"), mail("..."))
        dotted, divided, dots = work(agent)
        assert "divides folders by `.`" in dotted.reason
        assert "holds a `/`" in divided.reason
        assert dots.outcome == "failed"
        assert len(there(server, "INBOX")) == 3


@pytest.mark.parametrize(
    ("folder", "fits"),
    [
        ("Archive/2026", True), ("Archive", False), ("Archive/a/b", False), ("Archive/", False), ("INBOX", False),
        ("Archive/..", False), ("archive/2026", False), ("Archive/a\n", False), ("/Archive/2026", False),
    ],
)  # fmt: skip
def test_the_agent_reads_the_lines_by_itself(folder: str, fits: bool) -> None:
    assert is_mailbox_granted("work", folder, {("work", "Archive/*")}) == fits
    assert not is_mailbox_granted("home", folder, {("work", "Archive/*")})


@pytest.mark.parametrize(
    ("name", "encoded"), [("Entwürfe", "Entw&APw-rfe"), ("A&B", "A&-B"), ("台北", "&U,BTFw-"), ("Plain", "Plain")]
)
def test_names_of_folders_are_encoded_as_the_standard_says(name: str, encoded: str) -> None:
    assert in_utf7(name) == encoded
