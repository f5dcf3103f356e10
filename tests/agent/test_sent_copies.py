"""A copy of each mail that was sent lies where its account keeps these: on a real Dovecot, and never for a second mail."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.coworkers.approval import asks_more
from klapp.engine.outside import may_write, recipients_of, senders_of
from klapp.mail.folders import Folders, from_utf7, in_utf7
from klapp.mail.imap import MailError
from klapp.network import Broker
from klapp.operations import SendMail, from_json
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from tests.agent.dovecot import PASSWORD, USER, Dovecot, dovecot
from tests.agent.house import House, reports
from tests.agent.postman import Postman, postman

SENDER = """coworker "Sender"
may send mail to "ann@example.com"

when asked
  send mail to "ann@example.com" about "Grüße" saying "Hello"
end
"""


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture
def sends(server: Dovecot) -> Iterator[Postman]:
    side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    side.load_cert_chain(server.base / "127.0.0.1.pem")
    with postman(side) as running:
        running.user = USER
        yield running


@pytest.fixture
def house(tmp_path: Path, server: Dovecot, sends: Postman) -> House:
    house = House(tmp_path)
    house.broker = Broker(context=server.context)
    house.coworker(SENDER)
    with house.agent(sandboxed=False) as agent:
        agent.mail(
            "add", name="work", server="127.0.0.1", port=server.tls, user=USER, password=PASSWORD,
            smtp="127.0.0.1", smtp_port=sends.port, address="paula@example.com",
        )  # fmt: skip
        agent.approve("one")
    return house


def copies(other: imaplib.IMAP4, folder: str) -> list[tuple[bytes, bytes]]:
    """The flags and bytes of the mails in a folder."""
    if other.select(folder, readonly=True)[0] != "OK":
        return []
    return [
        (one[0], one[1])
        for number in other.search(None, "ALL")[1][0].split()
        for one in other.fetch(number.decode(), "(FLAGS BODY.PEEK[])")[1]
        if isinstance(one, tuple)
    ]


@pytest.mark.parametrize("folder", ["Sent", "Gesendet", '"Meine Post.Entw&APw-rfe"'])
def test_what_was_sent_is_kept_with_the_account(house: House, server: Dovecot, sends: Postman, folder: str) -> None:
    if folder != "Sent":
        with server.person() as other:
            other.create(folder)
            other.create("Other")
    with pytest.MonkeyPatch.context() as patch:
        if "Meine" in folder:  # it is called by no usual name: the server tells
            patch.setattr(Folders, "for_sent", lambda self, usual: "Meine Post/Entwürfe")
        with house.agent(sandboxed=False) as agent:
            for _ in range(2):
                (report,) = reports(agent.run("one"))
                assert report["outcome"] == "done", report["reason"]
            assert sum("copy of a sent mail is in" in one["result"] for one in agent.network("contacts")) == 2
    assert len(sends.mails) == 2
    with server.person() as other:
        kept = copies(other, folder)
    assert [rb"\Seen" in flags for flags, _ in kept] == [True, True]
    assert [message_from_bytes(data)["Message-ID"] for _, data in kept] == [one["Message-ID"] for one in sends.mails]


def test_a_coworker_that_names_an_account_sends_from_that_one_alone(
    house: House, server: Dovecot, sends: Postman
) -> None:
    house.coworker(SENDER.replace("send mail to", 'send mail from "home" to'))
    with house.agent(sandboxed=True) as agent:
        assert [line["words"] for line in agent.review("one")["may"]] == [
            "write mail to ann@example.com from the account home"
        ]
        agent.approve("one")
        (report,) = reports(agent.run("one"))
        assert "The mail account home is not known" in report["reason"]
        agent.mail(
            "add", name="home", server="127.0.0.1", port=server.tls, user=USER, password=PASSWORD,
            smtp="127.0.0.1", smtp_port=sends.port, address="paula@home.example",
        )  # fmt: skip
        (report,) = reports(agent.run("one"))
        assert report["outcome"] == "done", report["reason"]
        assert [sender for sender, _, _ in sends.envelopes] == ["paula@home.example"]
        assert agent.replay(report["run"]) == []
        logged = SendMail("a@b.example", "s", "t", (), (), "", (), (), "k")
        assert from_json(logged.to_json()) == logged
        assert "account" not in logged.to_json()  # as logs were before there was a choice


@pytest.mark.parametrize(
    ("account", "to", "fits"),
    [("", "ann@a.example", True), ("work", "ann@a.example", False), ("work", "bob@a.example", True), ("", "bob@a.example", False), ("a@a.example", "bob@a.example", False)],
)  # fmt: skip
def test_each_account_has_its_own_recipients(account: str, to: str, fits: bool) -> None:
    program = load(
        'coworker "x"\nmay send mail to "ann@a.example"\nmay send mail from "work" to "bob@a.example"\nwhen asked\n'
        'send mail to "ann@a.example" about "x" saying "y"\nsend mail from "work" to "bob@a.example" about "x" saying "y"\nend\n',
        VOCABULARY,
    ).program
    assert program is not None
    assert may_write(to, account, recipients_of(program), senders_of(program)) == fits


def test_an_account_is_a_part_of_what_was_approved() -> None:
    approved = {"send mail": ("ann@a.example",)}
    assert asks_more({"send mail to work": ("ann@a.example",)}, approved) != {}
    assert asks_more({"send mail": ("ann@a.example",)}, {"send mail to work": ("*@*",)}) != {}
    assert asks_more({"send mail to work": ("ann@a.example",)}, {"send mail to work": ("*@a.example",)}) == {}
    assert asks_more({"send mail to x@a.example": ("ann@a.example",)}, {"send mail to *@a.example": ("*@*",)}) != {}


def test_a_copy_that_can_not_be_kept_sends_nothing_twice(
    house: House, sends: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Folders, folder: str, mail: bytes) -> None:
        raise MailError("no")

    monkeypatch.setattr(Folders, "append", fails)
    with house.agent(sandboxed=False) as agent:
        for _ in range(2):
            (report,) = reports(agent.run("one"))
            assert report["outcome"] == "done", report["reason"]
        assert agent.mail("unsure") == []
        results = [one["result"] for one in agent.network("contacts")]
        assert results.count("no copy of a sent mail was kept") == 1  # and not asked again at once
    assert len(sends.envelopes) == 2


def test_a_mail_that_the_server_keeps_by_itself_is_not_kept_twice(
    house: House, server: Dovecot, sends: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Folders.of_message
    monkeypatch.setattr(Folders, "of_message", lambda self, message_id: [1])
    with house.agent(sandboxed=False) as agent:
        reports(agent.run("one"))
        monkeypatch.setattr(Folders, "of_message", real)
        monkeypatch.setattr(Folders, "keeps_what_is_sent", True)
        reports(agent.run("one"))
    with server.person() as other:
        assert copies(other, "Sent") == []
    assert len(sends.mails) == 2


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_each_name_of_a_folder_is_told_as_it_was_written(name: str) -> None:
    assert from_utf7(in_utf7(name)) == name
