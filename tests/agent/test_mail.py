"""Mail that comes in: a real Dovecot, servers that lie, and mails that hold anything."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klapp.audit.events import Trouble
from klapp.engine.outside import Reach
from klapp.engine.tester import run_tests
from klapp.files.protocol import FileError
from klapp.mail import imap
from klapp.mail.accounts import Account, AccountError
from klapp.mail.imap import MailError, Session
from klapp.mail.mime import attachment_of, mail_of
from klapp.network import Broker
from klapp.service import Service
from klapp.verbs.plan import check_name
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from klr.runtime import component
from tests.agent.dovecot import PASSWORD, USER, Dovecot, dovecot, mail
from tests.agent.hosts import certificates
from tests.agent.house import House
from tests.agent.postman import postman

NOW = datetime(2026, 3, 9, 12)
WAIT = 20
FILER = """coworker "Filer"

may write "~/Papers/*"
may receive mail from "work"

when mail arrives in "work" from "*@acme.example"
  for each paper in mail.attachments
    save paper to "~/Papers/{mail.subject} {paper.name}"
  end
end
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture
def inbox(server: Dovecot) -> Dovecot:
    """The server with an inbox that holds nothing."""
    with server.person() as other:
        if other.select("INBOX")[1] != [b"0"]:
            other.store("1:*", "+FLAGS", r"\Deleted")
            other.expunge()
    return server


@contextmanager
def at_work(house: House, text: str = FILER) -> Iterator[tuple[Service, Callable[[Callable[[], object]], None]]]:
    """A service with one coworker, and what waits for an outcome."""
    house.coworker(text)
    said: list[str] = []
    with house.agent() as agent:
        agent.approve("one")
        with Service(agent, said.append) as service:

            def until(look: Callable[[], object]) -> None:
                end = time.monotonic() + WAIT
                while not look():
                    assert time.monotonic() < end, f"waited in vain; it said {said}"
                    time.sleep(0.02)

            yield service, until


def house_of(root: Path, server: Dovecot) -> House:
    house = House(root)
    house.broker = Broker(context=server.context)
    with house.agent() as agent:
        agent.mail("add", name="work", server="127.0.0.1", port=server.tls, user=USER, password=PASSWORD)
    return house


def papers(house: House) -> list[str]:
    folder = house.person / "Papers"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def begun(service: Service) -> Callable[[], object]:
    return lambda: service.agent.received.place("work")


FORWARDER = """coworker "Forwarder"

may receive mail from "work"
may send mails of "work" to "ann@example.com"

when mail arrives in "work" from "*@acme.example"
  let papers = mail.attachments where it.kind is "pdf" or it.text contains "please"
  send mail to "ann@example.com" about "Fwd: {mail.subject}" saying mail.text with papers
end

test "papers go on"
  given mail "work" with sender "a@acme.example" attachment "a please" attachment "b"
  when mail arrives "work"
  expect mail "ann@example.com" with file "a please"
end
"""


def test_what_comes_with_a_mail_is_sent_on(tmp_path: Path, inbox: Dovecot) -> None:
    program = load(FORWARDER, VOCABULARY).program
    assert program is not None
    assert all(one.passed for one in run_tests(program, VOCABULARY))
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(inbox.base / "127.0.0.1.pem")
    house = house_of(tmp_path, inbox)
    with postman(server_side) as sends:
        sends.user = USER
        with house.agent() as agent:
            agent.mail(
                "add", name="work", server="127.0.0.1", port=inbox.tls, user=USER, password=PASSWORD,
                smtp="127.0.0.1", smtp_port=sends.port, address="paula@example.com",
            )  # fmt: skip
            assert agent.mail("test", name="work")["smtp_server"] == "127.0.0.1"
        with at_work(house, FORWARDER) as (service, until):
            until(begun(service))
            inbox.deliver(mail("new", a_pdf=b"%PDF-1", b_txt=b"text", c_txt=b"please \xe4"))
            until(lambda: sends.envelopes)
            until(lambda: [run["outcome"] for run in service.agent.log()] == ["done"])
        (sent,) = sends.mails
        assert sent["Subject"] == "Fwd: new"
        assert [(one.get_filename(), one.get_content()) for one in sent.iter_attachments()] == [
            ("a.pdf", b"%PDF-1"),
            ("c.txt", b"please \xe4"),
        ]


def test_what_comes_with_a_new_mail_is_saved_once(tmp_path: Path, inbox: Dovecot) -> None:
    inbox.deliver(mail("old", before_pdf=b"%PDF-old"))
    house = house_of(tmp_path, inbox)
    with at_work(house) as (service, until):
        until(begun(service))
        inbox.deliver(mail("new", a_pdf=b"%PDF-1", b_txt=b"text"), mail("no", sender="x@other.example", c_pdf=b"%PDF"))
        until(lambda: papers(house) == ["new a.pdf", "new b.txt"])
        until(lambda: not service.agent.received.waiting())
        assert (house.person / "Papers/new a.pdf").read_bytes() == b"%PDF-1"
        inbox.deliver(mail("last", d_pdf=b"%PDF-2"))
        until(lambda: "last d.pdf" in papers(house))
        assert papers(house) == ["last d.pdf", "new a.pdf", "new b.txt"]
        until(lambda: not service.agent.received.waiting())
        runs = list(service.agent.log())
        assert [run["outcome"] for run in runs] == ["done", "done"]
        with inbox.person() as other:
            other.select("INBOX", readonly=True)
            assert other.search(None, "UNSEEN")[1] == [b"1 2 3 4"]
    inbox.stop()
    try:
        with house.agent() as agent:  # neither replay nor undo needs the server
            assert [agent.replay(run["run"]) for run in runs] == [[], []]
            came = agent.explain(runs[0]["run"])["input"]
            assert came["name"].startswith("work/")
            assert len(came["sha256"]) == 64
            assert came["size"] > len(b"%PDF-1")
            agent.undo([runs[0]["run"]])
        assert papers(house) == ["last d.pdf"]
    finally:
        inbox.start()


def test_what_came_while_klapp_was_off_starts_a_rule_once(tmp_path: Path, inbox: Dovecot) -> None:
    house = house_of(tmp_path, inbox)
    with at_work(house) as (service, until):
        until(begun(service))
    inbox.deliver(mail("off", a_pdf=b"%PDF-1"))
    for _ in range(2):
        with at_work(house) as (service, until):
            until(lambda: papers(house) == ["off a.pdf"])
            inbox.deliver(mail("on", sender="x@other.example"))
            until(lambda: service.agent.received._connection.execute("SELECT count(*) FROM mail").fetchone()[0] > 1)
            assert papers(house) == ["off a.pdf"]
    with house.agent() as agent:
        assert len(list(agent.log())) == 1


def test_a_mail_that_was_received_and_not_dealt_with_is_dealt_with_after_a_kill(tmp_path: Path, inbox: Dovecot) -> None:
    house = house_of(tmp_path, inbox)
    raw = bytes(mail("kept", a_pdf=b"%PDF-1"))
    with house.agent() as agent:
        agent.received.add("work", 1, 1, raw)
    with at_work(house) as (service, until):
        until(lambda: papers(house) == ["kept a.pdf"])
        until(lambda: not service.agent.received.waiting())
        assert len(list(service.agent.log())) == 1


def test_a_server_that_numbers_its_mails_anew_neither_hides_nor_doubles_one(tmp_path: Path, inbox: Dovecot) -> None:
    house = house_of(tmp_path, inbox)
    with at_work(house) as (service, until):
        until(begun(service))
        inbox.deliver(mail("first", a_pdf=b"%PDF-1"))
        until(lambda: papers(house))
        until(lambda: not service.agent.received.waiting())
    inbox.stop()
    for index in (inbox.base / "mail" / USER).glob("dovecot*"):
        index.unlink()
    inbox.start()
    inbox.deliver(mail("second", b_pdf=b"%PDF-2"))
    with at_work(house) as (service, until):
        until(lambda: len(papers(house)) > 1)
        assert papers(house) == ["first a.pdf", "second b.pdf"]


def test_a_server_that_goes_away_is_come_back_to(tmp_path: Path, inbox: Dovecot) -> None:
    house = house_of(tmp_path, inbox)
    with at_work(house) as (service, until):
        service._mail.backoff = (0.1,)
        until(begun(service))
        inbox.stop()
        inbox.start()
        inbox.deliver(mail("back", a_pdf=b"%PDF-1"))
        until(lambda: papers(house) == ["back a.pdf"])


# -- who is spoken to -------------------------------------------------------------------------------------------------


def account(port: int, encryption: str = "tls", password: str = PASSWORD) -> Account:
    return Account("work", "127.0.0.1", port, USER, password, encryption)


def test_both_ways_to_encrypt_and_a_wrong_password(inbox: Dovecot) -> None:
    for port, encryption in ((inbox.tls, "tls"), (inbox.plain, "starttls")):
        with Session(account(port, encryption), inbox.context) as session:
            assert session.idles
    with pytest.raises(MailError, match="does not let paula in"):
        Session(account(inbox.tls, password="wrong"), inbox.context)


def test_a_server_that_can_not_prove_itself_gets_no_password(inbox: Dovecot, tmp_path: Path) -> None:
    _, stranger = certificates(tmp_path)
    for port, encryption in ((inbox.tls, "tls"), (inbox.plain, "starttls")):
        with pytest.raises(MailError, match="can not prove"):
            Session(account(port, encryption), stranger)


def greeting(*answers: bytes) -> Callable[[socket.socket], None]:
    """A server that says the right things until it has an answer of its own, by the number of the command."""

    def serve(wire: socket.socket) -> None:
        wire.sendall(b"* OK hello\r\n")
        usual = (
            b"* CAPABILITY IMAP4rev1 IDLE\r\n",
            b"",
            b"* CAPABILITY IMAP4rev1 IDLE\r\n",
            b"* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 3] x\r\n* 2 EXISTS\r\n",
        )
        for line, said in zip(wire.makefile("rb"), chain(usual, answers, repeat(b"")), strict=False):
            wire.sendall(said + line.split()[0] + b" OK done\r\n")

    return serve


@contextmanager
def liar(serve: Callable[[socket.socket], None], folder: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    own, client = certificates(folder)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                plain, _ = listener.accept()
                with own.wrap_socket(plain, server_side=True) as wire:
                    serve(wire)
            except OSError:
                if listener.fileno() < 0:
                    return

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1], client
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def endless(wire: socket.socket) -> None:
    while True:
        wire.sendall(b"* OK" + b"x" * 60_000)


def drips(wire: socket.socket) -> None:
    while True:
        wire.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    "serve",
    [
        endless,
        drips,
        lambda wire: None,
        lambda wire: wire.sendall(b"HTTP/1.1 200 OK\r\n\r\n"),
        lambda wire: wire.sendall(b"* BYE\r\n"),
        lambda wire: wire.sendall(b"* OK hello\r\n" + b"* 1 FETCH (X {99999999999}\r\n"),
        lambda wire: wire.sendall(b"* OK hello\r\n" + b"* untagged\r\n" * 2_000_000),
    ],
    ids=["endless line", "drips", "silent", "other protocol", "bye", "huge literal", "endless lines"],
)
def test_a_server_that_is_none_is_left_in_time(serve: Callable[[socket.socket], None], tmp_path: Path) -> None:
    with liar(serve, tmp_path) as (port, context), pytest.raises(MailError):
        Session(account(port), context, seconds=2)


def test_a_server_that_offers_no_encryption_is_told_nothing(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        wire, _ = listener.accept()
        wire.sendall(b"* OK hello\r\n")
        for line in wire.makefile("rb"):
            heard.append(line)
            tag = line.split()[0]
            wire.sendall(
                (b"* CAPABILITY IMAP4rev1\r\n" if b"CAPA" in line else b"")
                + tag
                + (b" OK\r\n" if b"CAPA" in line else b" NO\r\n")
            )

    threading.Thread(target=serve, daemon=True).start()
    _, context = certificates(tmp_path)
    with pytest.raises(MailError):
        Session(account(listener.getsockname()[1], "starttls"), context, seconds=2)
    listener.close()
    assert not any(PASSWORD.encode() in line or b"LOGIN" in line for line in heard)


def test_a_server_that_tells_wrong_numbers_gives_no_mail_and_loses_none(tmp_path: Path) -> None:
    answers = (
        b"* SEARCH 5 4 3 1 99999999999999 x 5\r\n",
        b"* 1 FETCH (UID 3 RFC822.SIZE 5)\r\n",
        b"* 1 FETCH (UID 4 BODY[] {5}\r\nwrong)\r\n* 2 FETCH (UID 9 BODY[] {5}\r\nwrong)\r\n",
    )
    with (
        liar(greeting(*answers), tmp_path) as (port, context),
        Session(account(port, password="x"), context, seconds=5) as session,
    ):
        assert session.place == imap.Place(7, 3)
        assert session.uids(3) == [3, 4, 5]
        assert list(session.mails([3])) == []


# -- what a mail holds ------------------------------------------------------------------------------------------------


def nested(deep: int) -> bytes:
    head = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (number, number) for number in range(deep)
    )
    return b"Subject: deep\r\n" + head + b"\r\nhello\r\n"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\evil.exe", "evil.exe"),
        ("inv\u202efdp.exe", "invfdp.exe"),
        (".bashrc", "bashrc"),
        ("..", "attachment"),
        ("a\x00b.pdf", "ab.pdf"),
        ("CON: a|b?.pdf", "CON_ a_b_.pdf"),
        ("ü" * 300 + ".pdf", "ü" * 73 + ".pdf"),
    ],
)
def test_names_of_attachments_are_made_fit(written: str, name: str) -> None:
    made = EmailMessage()
    made.set_content("text")
    made.add_attachment(b"x", maintype="application", subtype="octet-stream", filename="N")
    raw = bytes(made).replace(b'filename="N"', b"filename*=utf-8''" + b"".join(b"%%%02X" % b for b in written.encode()))
    assert [one.name for one in mail_of(raw, "work", "work/1/1", NOW).attachments] == [name]


def test_what_a_usual_mail_holds() -> None:
    made = mail("Grüße, 5 €", sender='"Bill, B." <Billing@ACME.example>', text="Total 5\n", a_pdf=b"%PDF-1")
    value = mail_of(bytes(made), "work", "work/1/1", NOW)
    assert (value.subject, value.sender, value.sender_name) == ("Grüße, 5 €", "billing@acme.example", "Bill, B.")
    assert (value.text, value.recipients) == ("Total 5\n", ("paula@example.com",))
    assert [(one.name, one.kind, one.size) for one in value.attachments] == [("a.pdf", "pdf", 6)]
    assert attachment_of(bytes(made), 0) == b"%PDF-1"
    assert attachment_of(bytes(made), 1) is None


def test_html_alone_is_read_as_text() -> None:
    made = EmailMessage()
    made.set_content("<style>p{}</style><p>Total: <b>5</b></p><script>x()</script><p>Thanks", subtype="html")
    assert mail_of(bytes(made), "work", "k", NOW).text == "Total: 5\nThanks"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 1000,
        nested(2000),
        b"Subject: " + b"=?utf-8?b?" + b"A" * 100_000,
        b"From: " + b"(" * 20_000 + b"a@b\r\n\r\n",
        b"Content-Type: text/plain; charset=idna\r\n\r\n" + b"xn--" * 10_000,
        b"Content-Type: text/plain; charset=nope\r\n\r\nhi",
        b"Date: Mon, 99 Foo 99999 99:99:99 +9999\r\n\r\n",
        b"Content-Transfer-Encoding: base64\r\nContent-Type: application/pdf\r\n\r\n!!!!",
        b"Subject: a\r\n b\rBcc: x@y\r\n\r\n",
    ],
    ids=range(10),
)
def test_no_mail_is_too_odd(raw: bytes) -> None:
    value = mail_of(raw, "work", "work/1/1", NOW)
    assert "\n" not in value.subject
    assert "\r" not in value.subject
    for place in range(len(value.attachments)):
        assert attachment_of(raw, place) is not None


_PIECES = st.sampled_from(
    [b"Content-Type: ", b"multipart/mixed; boundary=x", b"\r\n", b"\r\n\r\n", b"--x", b"--x--", b"text/plain", b"; name=",
     b"=?utf-8?q?=2e=2e=2f?=", b"Content-Disposition: attachment; filename*0*=utf-8''%2e%2e", b"message/rfc822", b"From: ",
     b"<a@b>", b'"', b"\xff\xfe", b"Content-Transfer-Encoding: ", b"base64", b"uuencode", b"quoted-printable", b"../", b"\0"]
)  # fmt: skip


@given(st.lists(_PIECES | st.binary(max_size=8), max_size=40).map(b"".join))
@settings(max_examples=300, deadline=None)
def test_whatever_a_mail_holds_it_is_a_value(raw: bytes) -> None:
    from klapp.engine.encoding import decode, encode

    value = mail_of(raw, "work", "work/1/1", NOW)
    assert decode(encode(value)) == value
    for place, one in enumerate(value.attachments):
        check_name(component(one.name), f"/{one.name}")
        data = attachment_of(raw, place)
        assert data is not None
        assert len(data) == one.size


# -- what a coworker may do with it -----------------------------------------------------------------------------------


def codes(text: str) -> list[str]:
    return [one.code for one in load(text, VOCABULARY).diagnostics]


SENDER = """coworker "Sender"
{may}

when mail arrives in "work"
{does}
end
"""


@pytest.mark.parametrize(
    ("may", "does", "found"),
    [
        ('may receive mail from "work"\nmay notify', 'notify "{mail.subject}"', []),
        ('may receive mail from "home"\nmay notify', 'notify "{mail.subject}"', ["K401"]),
        (
            'may receive mail from "work"\nmay contact "https://a.example"',
            'send mail.text to "https://a.example/x"',
            ["K412"],
        ),
        (
            'may receive mail from "work"\nmay contact "https://a.example"',
            'send "ping" to "https://a.example/x"',
            ["K413"],
        ),
        (
            'may receive mail from "work"\nmay send mails of "work" to "https://a.example"',
            'send mail.text to "https://a.example/x"',
            [],
        ),
        (
            'may receive mail from "work"\nmay send mails of "home" to "https://a.example"',
            'send mail.text to "https://a.example/x"',
            ["K412"],
        ),
        (
            'may receive mail from "work"\nmay write "~/A/*"',
            'for each paper in mail.attachments\nsave paper to "~/B/{paper.name}"\nend',
            ["K401"],
        ),
    ],
)
def test_mail_stays_where_it_may_go(may: str, does: str, found: list[str]) -> None:
    assert codes(SENDER.format(may=may, does=does)) == found


def test_what_was_saved_from_a_mail_is_still_mail_when_it_is_sent_later() -> None:
    text = """coworker "Later"
may receive mail from "work"
may write "~/A/*"
may read "~/A/*"
may send contents of "~/A/*" to "https://a.example"

when mail arrives in "work"
  for each paper in mail.attachments
    save paper to "~/A/"
  end
end

when asked
  for each one in files in "~/A/*"
    send one to "https://a.example/x"
  end
end
"""
    loaded = load(text, VOCABULARY)
    assert {one.code for one in loaded.diagnostics} == {"K412"} or {one.code for one in loaded.diagnostics} == {"K413"}
    assert all('may send mails of "work" to "https://a.example"' in one.help for one in loaded.diagnostics)


def test_a_worker_gets_nothing_of_an_account_that_is_not_granted(tmp_path: Path) -> None:
    program = load(FILER, VOCABULARY).program
    assert program is not None
    nothing: Any = None
    reach = Reach(program, "Filer", nothing, nothing, lambda *_: None, lambda key, index: b"secret")
    assert reach.attachment("work/1/1", 0) == b"secret"
    for key in ("home/1/1", "", "work2/1/1", "../work/1"):
        with pytest.raises(FileError):
            reach.attachment(key, 0)


def test_what_is_erased_is_in_no_kept_mail_either(tmp_path: Path) -> None:
    with House(tmp_path).agent(sandboxed=False) as agent:
        agent.mail("add", name="work", server="imap.example.com", user="me", password="x")
        for number, subject in enumerate(("Letter of Zebediah", "Other", "Zebediah again"), 1):
            agent.received.add("work", 1, number, bytes(mail(subject, a_pdf=b"%PDF-1")))
        agent.received.dealt([1, 2])
        agent.log_store.record(Trouble("The letter of Zebediah did not work."))
        list(agent.audit("erase", subject="Zebediah", do=True))
        assert [agent.received.attachment(f"work/1/{n}", 0) for n in (1, 2, 3)] == [None, b"%PDF-1", b"%PDF-1"]
        assert [one.mail.subject for one in agent.received.waiting()] == ["Zebediah again"]
        assert not agent.received.add("work", 1, 1, bytes(mail("Letter of Zebediah", a_pdf=b"%PDF-1")))


@pytest.mark.parametrize(
    "wrong",
    [
        {"server": "a b"},
        {"password": "a\r\nb"},
        {"user": "a\nb"},
        {"name": "a/b"},
        {"port": 70000},
        {"encryption": "none"},
    ],
)
def test_accounts_that_can_be_none(tmp_path: Path, wrong: dict[str, Any]) -> None:
    fine = {"name": "work", "server": "imap.example.com", "user": "me", "password": "x"}
    with House(tmp_path).agent(sandboxed=False) as agent, pytest.raises(AccountError):
        agent.mail("add", **(fine | wrong))


def test_a_password_goes_in_and_never_comes_out(tmp_path: Path, inbox: Dovecot) -> None:
    house = house_of(tmp_path, inbox)
    with house.agent(sandboxed=False) as agent:
        assert agent.mail("test", name="work")["idles"]
        told = repr(agent.mail("accounts")) + repr([entry.body for entry in agent.log_store.select("1 ORDER BY e.seq")])
        assert USER in told
        assert PASSWORD not in told
        agent.mail("remove", name="work")
        assert agent.mail("accounts") == []
