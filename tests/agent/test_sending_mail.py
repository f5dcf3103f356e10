"""Coworkers that send mail, whole: from approval to a real SMTP server, the log, a crash and an undo."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from fnmatch import fnmatch
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.coworkers.approval import asks_more, in_words
from klapp.coworkers.store import NoCoworker
from klapp.engine.judge import Judge
from klapp.engine.outside import is_granted
from klapp.engine.tester import run_tests
from klapp.lane import Lane
from klapp.mail.accounts import Account, AccountError
from klapp.mail.letters import message_id, written
from klapp.mail.outbox import forget_unsure
from klapp.mail.smtp import look, submit
from klapp.network import Broker, NetworkError
from klapp.operations import Letter, SendMail, from_json
from klapp.sandbox.confinement import Confinement
from klapp.service import Service
from klapp.vocabulary import VOCABULARY
from klr.loader import load
from klr.permissions import _Grant, _Judge
from klr.program import Need
from klr.proof import literal, matches, union
from klr.recipients import address_problem, recipients
from klr.source import NOWHERE
from tests.agent.hosts import certificates
from tests.agent.house import House, reports
from tests.agent.postman import PASSWORD, USER, postman

SENDER = """coworker "Sender"
may read "~/In/*"
may send contents of "~/In/*" to "*@example.com"

when file arrives in "~/In"
  send mail to "ann@example.com" about "Invoice\\n{file.stem}" saying "Dear Ann,\\n.\\nsee {file.name}" with file
end
"""


def account(port: int, encryption: str = "tls", **others: Any) -> dict[str, Any]:
    """What ``klapp mail add`` is told of an account that sends."""
    told: dict[str, Any] = {
        "name": "work",
        "server": "imap.example.com",
        "user": USER,
        "password": PASSWORD,
        "smtp": "127.0.0.1",
    }
    told["sent_copy"] = False
    return told | {"smtp_port": port, "smtp_encryption": encryption} | others


def house_of(root: Path, trusting: ssl.SSLContext, port: int, text: str = SENDER) -> House:
    house = House(root)
    house.broker = Broker(context=trusting)
    house.file('In/märz "7".txt', b"planted")
    house.coworker(text)
    with house.agent(sandboxed=False) as agent:
        agent.mail("add", **account(port))
        agent.approve("one")
    return house


@pytest.mark.parametrize("sandboxed", [True, False])
def test_a_mail_is_sent_once_and_what_it_is_stays_sealed(tmp_path: Path, sandboxed: bool) -> None:
    server_side, trusting = certificates(tmp_path)
    with postman(server_side) as server:
        house = house_of(tmp_path, trusting, server.port)
        with house.agent(sandboxed=sandboxed) as agent:
            (simulated,) = agent.simulate("one")
            assert "sent mail to ann@example.com about “Invoice märz" in simulated["effects"][0]["sentence"]
            assert not server.envelopes
            (done,) = reports(agent.run("one"))
            assert done["outcome"] == "done", done["reason"]
            ((sender, to, _),), (mail,) = server.envelopes, server.mails
            assert (sender, to) == (USER, ["ann@example.com"])
            assert (mail["From"], mail["To"], mail["Subject"]) == (USER, "ann@example.com", 'Invoice märz "7"')
            assert mail["Auto-Submitted"] == "auto-generated"
            assert mail["Message-ID"] == message_id(done["effects"][0]["operation"]["token"], USER)
            body = mail.get_body()
            assert body is not None
            assert body.get_content() == 'Dear Ann,\n.\nsee märz "7".txt\n'
            (along,) = mail.iter_attachments()
            assert (along.get_filename(), along.get_content()) == ('märz "7".txt', b"planted")
            assert agent.replay(done["run"]) == []
            (contact,) = agent.network("contacts")
            assert (contact["host"], contact["result"]) == (
                f"mail to ann@example.com by smtp://127.0.0.1:{server.port}",
                "sent",
            )
            (undone,) = agent.undo([done["run"]])
            assert "What was sent to ann@example.com can not be taken back" in undone["reason"]
            assert len(server.envelopes) == 1
            assert PASSWORD not in str(agent.mail("accounts"))
        assert set(server.logins) == {(USER.encode(), PASSWORD.encode())}
    everything = b"".join(
        path.read_bytes() for path in house.home.path.rglob("*") if path.is_file() and path.suffix != ".klr"
    )
    assert not any(planted in everything for planted in (b"ann@example", PASSWORD.encode(), b"Dear Ann", b"planted"))


def test_the_approval_says_in_plain_words_who_may_be_written_to(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.coworker(SENDER.replace("\n\nwhen", '\nmay send mail to "*@*"\n\nwhen', 1))
    with house.agent() as agent:
        words = [line["words"] for line in agent.review("one")["may"]]
    assert "write mail to anyone at all" in words
    assert "send all that is in, and the names of, ~/In/* to anyone at example.com" in words
    assert in_words({"send mail": ("bill-*@example.com", "*@*.example.com")}) == [
        "write mail to bill-* at example.com (* is any text), anyone at any host of example.com"
    ]


def test_an_edit_that_writes_to_fewer_asks_nothing() -> None:
    approved = {"send mail": ("*@example.com",), "send contents to *@example.com": ("~/In/*",)}
    assert asks_more({"send mail": ("ann@example.com",)}, approved) == {}
    assert asks_more({"send contents to ann@example.com": ("~/In/*.pdf",)}, approved) == {}
    assert asks_more({"send names to ann@example.com": ("~/In/*.pdf",)}, approved) == {}
    assert asks_more({"send mail": ("ann@other.example",)}, approved) != {}
    assert asks_more({"send contents to *@*": ("~/In/*",)}, approved) != {}
    assert asks_more({"send contents to ann@example.com": ("~/Out/*",)}, approved) != {}


def test_a_mail_whose_fate_nobody_knows_is_not_sent_a_second_time(tmp_path: Path) -> None:
    server_side, trusting = certificates(tmp_path)
    with postman(server_side) as server:
        house = house_of(tmp_path, trusting, server.port)
        server.mute = True
        with house.agent() as agent:
            (failed,) = reports(agent.run("one"))
            assert failed["outcome"] == "failed"
            assert "Perhaps it was sent to ann@example.com" in failed["reason"]
            (contact,) = agent.network("contacts")
            assert contact["result"] == "perhaps sent"
            assert "klapp mail unsure" in house.told.notices[-1][1]
            (unsure,) = agent.mail("unsure")
        server.mute = False
        with house.agent() as agent:
            assert not agent.recovered
            assert agent.mail("unsure") == [unsure]
            assert len(server.envelopes) == 1
            with pytest.raises(NoCoworker, match="klapp mail unsure"):
                agent.mail("again", name="")
            agent.mail("again", name=unsure["id"])
            first, second = server.mails
            assert first["Message-ID"] == second["Message-ID"] == unsure["message_id"]
            assert server.envelopes[0] == server.envelopes[1]
            assert agent.mail("unsure") == []
            assert [contact["result"] for contact in agent.network("contacts")] == ["perhaps sent", "sent again"]


def test_a_retry_does_not_send_what_was_perhaps_sent(tmp_path: Path) -> None:
    server_side, trusting = certificates(tmp_path)
    text = SENDER.replace('in "~/In"\n', 'in "~/In"\n    retry 3 times after 1 seconds\n')
    with postman(server_side) as server:
        house = house_of(tmp_path, trusting, server.port, text)
        server.mute = True
        with house.agent() as agent, Service(agent, lambda text: None) as service:
            for number in (1, 2):
                house.file(f"In/new {number}.txt", b"x")
                end = time.monotonic() + 30
                while len(agent.mail("unsure")) < number:
                    assert time.monotonic() < end
                    time.sleep(0.02)
            # The second run began when all was said about the first.
            assert service._turns.agenda.count("Sender", why="retry") == 0
            assert len(server.envelopes) == 2
            for unsure in agent.mail("unsure"):
                assert agent.mail("leave", name=unsure["id"]) == {"to": "ann@example.com"}
            assert agent.mail("unsure") == []


def test_after_a_crash_a_mail_is_not_sent_a_second_time(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    server_side, trusting = certificates(tmp_path)
    with postman(server_side) as server:
        house = house_of(tmp_path, trusting, server.port)
        with house.agent(sandboxed=False) as agent:

            def dies(token: str) -> None:
                raise Killed

            agent.mailing._outbox.forget = dies  # type: ignore[method-assign]
            with pytest.raises(Killed):
                reports(agent.run("one"))
        assert len(server.envelopes) == 1
        with house.agent() as agent:
            (closed,) = agent.recovered
            assert "perhaps has arrived" in closed["reason"]
            (unsure,) = agent.mail("unsure")
            assert (unsure["to"], unsure["coworker"]) == ("ann@example.com", "Sender")
        assert len(server.envelopes) == 1


def test_a_server_that_refuses_is_told_of_and_nothing_is_unsure(tmp_path: Path) -> None:
    server_side, trusting = certificates(tmp_path)
    with postman(server_side) as server:
        house = house_of(tmp_path, trusting, server.port)
        with house.agent() as agent:
            server.refuses["ann@example.com"] = "550 nobody here <planted>"
            (failed,) = reports(agent.run("one"))
            assert "does not take mail for ann@example.com (550). Nothing was sent." in failed["reason"]
            server.refuses.clear()
            server.answer = "451 later"
            (failed,) = reports(agent.run("one"))
            assert "did not take this mail (451). Perhaps it does later. Nothing was sent." in failed["reason"]
        assert not server.envelopes


def test_who_may_not_be_written_to_is_refused_behind_the_proof_as_well(tmp_path: Path) -> None:
    server_side, trusting = certificates(tmp_path)
    with postman(server_side) as server:
        house = house_of(tmp_path, trusting, server.port)
        with house.agent(sandboxed=False) as agent:
            (one,) = agent.coworkers.all()
            assert one.program is not None
            reach = agent._reach(one.program, "Sender")
            for to in (
                "eve@other.example",
                "ann@example.com@other.example",
                "ann@example.com.other",
                "",
                "a>\r\nRCPT TO:<eve@example.com",
                "a b@example.com",
                "a@example.com\n",
            ):
                with pytest.raises(Exception, match="may not write mail"):
                    reach.mail(Letter(to, "x", "y", list), "t")
        assert not server.envelopes


def test_a_coworkers_own_test_tells_what_it_mails() -> None:
    text = (
        SENDER
        + """
test "mails"
  given file "~/In/a.pdf" with text "x" modified 2026-03-09
  when file arrives "~/In/a.pdf"
  expect mail "ann@example.com" with subject "Invoice a" text "Dear Ann,\\n.\\nsee a.pdf" file "a.pdf"
  expect mail
  expect no mail "bob@example.com"
  expect mail "bob@example.com"
  expect mail "ann@example.com" with file "b.pdf"
  expect no mail
end
"""
    )
    program = load(text, VOCABULARY).program
    assert program is not None
    (result,) = run_tests(program, VOCABULARY)
    assert [why for _, why in result.failures] == [
        "There was no such mail. There was: one to ann@example.com.",
        'The mail is about "Invoice a", says "Dear Ann,\n.\nsee a.pdf" and brings a.pdf.',
        "There was a mail to ann@example.com.",
    ]


def test_a_worker_can_wish_for_no_other_recipient() -> None:
    judge = Judge(
        VOCABULARY,
        Lane.of([("read", "/in/*")], "/home"),
        Confinement.around({"read": {"/in/a"}}),
        notify=False,
        recipients=frozenset(("*@example.com",)),
    )

    def mail(to: str, path: str) -> SendMail:
        return SendMail(to, "x", "y", (path,), ((0, 0, 0, 0),), "", (), (), "t")

    assert judge.guards(mail("ann@example.com", "/in/a"))
    assert not judge.guards(mail("eve@other.example", "/in/a"))
    assert not judge.guards(mail("ann@example.com", "/etc/passwd"))
    assert not judge.confines(mail("ann@example.com", "/etc/passwd"))
    assert judge.is_agents(mail("ann@example.com", "/in/a"))


# -- the server -------------------------------------------------------------------------------------------------------


def made(port: int, encryption: str = "tls", server: str = "127.0.0.1", password: str = PASSWORD) -> Account:
    return Account("work", "imap.example.com", 993, USER, password, "tls", server, port, encryption, USER)


def handed(one: Account, context: ssl.SSLContext, begun: Callable[[], None] = lambda: None) -> None:
    letter = Letter("ann@example.com", "Hi", ".\n..\nend", list)
    submit(one, context, letter.to, written(letter, one.address, "token"), begun, 20)


@pytest.mark.parametrize("encryption", ["tls", "starttls", "none"])
def test_each_way_to_reach_a_server(tmp_path: Path, encryption: str) -> None:
    server_side, trusting = certificates(tmp_path)
    with postman(server_side, encryption) as server:
        handed(made(server.port, encryption), trusting)
        (mail,) = server.mails
        assert mail.get_content() == ".\n..\nend\n"


def test_nothing_is_said_to_a_server_that_does_not_encrypt_or_is_another(tmp_path: Path) -> None:
    server_side, trusting = certificates(tmp_path)
    begun: list[None] = []
    with postman(server_side, "none") as server, pytest.raises(NetworkError, match="does not encrypt"):
        handed(made(server.port, "starttls"), trusting, lambda: begun.append(None))
    for encryption in ("tls", "starttls"):
        with postman(server_side, encryption) as server:
            with pytest.raises(NetworkError, match="can not prove that it is that server"):
                handed(made(server.port, encryption), ssl.create_default_context(), lambda: begun.append(None))
            assert not server.logins
    with postman(server_side) as server, pytest.raises(NetworkError, match="does not let"):
        look(made(server.port, password="wrong"), trusting)
    with postman(server_side, data_size_limit=100) as server, pytest.raises(NetworkError, match="takes no mail of"):
        handed(made(server.port), trusting, lambda: begun.append(None))
    assert not begun


@pytest.mark.parametrize(
    "others",
    [
        {"smtp_encryption": "none", "smtp": "smtp.example.com"},
        {"smtp_encryption": "none", "smtp": "localhost"},
        {"smtp": "smtp.example.com/x"},
        {"smtp_encryption": "ssl"},
        {"smtp_port": 70000},
        {"user": "paula"},
        {"address": "Paula <paula@example.com>"},
        {"address": "paula@example.com\r\nBcc: eve@example.com"},
    ],
)
def test_what_can_not_send_is_not_kept(tmp_path: Path, others: dict[str, Any]) -> None:
    with House(tmp_path).agent(sandboxed=False) as agent, pytest.raises(AccountError):
        agent.mail("add", **account(465, **others))


def test_machines_that_answer_each_other_come_to_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server_side, trusting = certificates(tmp_path)
    monkeypatch.setattr("klapp.mailing.MOST_AN_HOUR", 2)
    with postman(server_side) as server:
        house = house_of(tmp_path, trusting, server.port)
        with house.agent() as agent:
            assert [reports(agent.run("one"))[0]["outcome"] for _ in range(3)] == ["done", "done", "failed"]
        assert len(server.envelopes) == 2


def test_what_is_unsure_is_erased_with_what_it_is_about(tmp_path: Path) -> None:
    server_side, trusting = certificates(tmp_path)
    with postman(server_side) as server:
        house = house_of(tmp_path, trusting, server.port)
        server.mute = True
        with house.agent() as agent:
            reports(agent.run("one"))
            with agent.log_store.lock:
                forget_unsure(agent.log_store.connection, lambda text: "elsewhere" in text)
                assert len(agent.mail("unsure")) == 1
                forget_unsure(agent.log_store.connection, lambda text: "märz" in text)
            assert agent.mail("unsure") == []


@pytest.mark.parametrize(
    ("pattern", "address", "granted"),
    [
        ("a*b*c@x.y", "a--b--c@x.y", True),
        ("a*b*c@x.y", "abc@x.y", True),
        ("a*b*c@x.y", "ac@x.y", False),
        ("ab*ba@x.y", "aba@x.y", False),
        ("*@*.x.y", "a@x.y", False),
        ("*@*.x.y", "a@b.x.y", True),
        ("*a*" * 20 + "@x.y", "a" * 5000 + "!@x.y", True),
    ],
)
def test_patterns_are_read_in_linear_time(pattern: str, address: str, granted: bool) -> None:
    assert is_granted(address, [pattern]) == granted


def test_of_several_accounts_the_person_chooses(tmp_path: Path) -> None:
    with House(tmp_path).agent(sandboxed=False) as agent:
        agent.mail("add", **account(465))
        assert [one["sends"] for one in agent.mail("accounts")] == [True]
        agent.mail("add", **account(465, name="home"))
        assert [one["sends"] for one in agent.mail("accounts")] == [False, False]
        with pytest.raises(NetworkError, match=r"Several accounts can send.*klapp mail sender"):
            agent.mailing.post("x", Letter("a@example.com", "", "", list), "t", lambda: None)
        agent.mail("sender", name="work")
        assert [(one["name"], one["sends"]) for one in agent.mail("accounts")] == [("home", False), ("work", True)]


# -- what a mail is ---------------------------------------------------------------------------------------------------


@given(st.text(max_size=300), st.text(), st.text(min_size=1))
def test_no_text_becomes_a_header_or_another_mail(subject: str, text: str, name: str) -> None:
    verb = VOCABULARY.verbs["send mail"]
    assert verb.plan is not None
    (operation,) = verb.plan(None, ("ann@example.com", subject, text, None, None), None).operations
    assert isinstance(operation, SendMail)
    assert from_json(operation.to_json()) == operation
    letter = Letter(operation.address, operation.subject, operation.text, lambda: [(name, b"x")])
    data = written(letter, USER, operation.token)
    head = data.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").split(b"\r\n")
    names = sorted(line.partition(b":")[0] for line in head)
    wanted = [b"Auto-Submitted", b"Content-Type", b"Date", b"From", b"MIME-Version", b"Message-ID", b"Subject", b"To"]
    assert names == sorted(wanted)
    assert data.isascii()
    assert not {10, 13}.intersection(data.replace(b"\r\n", b""))


ATOMS = st.text("ab.-*@", min_size=1, max_size=9)


@given(ATOMS, st.lists(ATOMS, max_size=2))
def test_the_guard_and_the_proof_read_patterns_alike(address: str, patterns: list[str]) -> None:
    valid = [p for p in patterns if "**" not in p and p.count("@") == 1 and p.rpartition("@")[2].strip("*.-")]
    valid = [p for p in valid if "*" not in p.rpartition("@")[2].removeprefix("*.")]
    if address_problem(address):
        return
    proved = any(matches(recipients(pattern), f"/{address}") for pattern in valid)
    assert is_granted(address, valid) == proved


SIGNS = [f"{name}.{end}" for name in "ab" for end in "xy"]
PEOPLE = [f"{name}@{host}" for name in "cd" for host in ("e.f", "g.f")]
PATHS = {pattern: [sign for sign in SIGNS if fnmatch(sign, pattern)] for pattern in ("a*", "b*", "*.x", "a.y", "*")}
WHOM = {
    pattern: [one for one in PEOPLE if fnmatch(one, pattern)] for pattern in ("c@*", "*@e.f", "d@g.f", "*@*", "c@e.f")
}


@given(
    st.lists(st.tuples(st.sampled_from(list(PATHS)), st.sampled_from(list(WHOM))), max_size=5),
    st.sampled_from(list(WHOM)),
)
def test_pairs_of_files_and_people_are_granted_just_where_each_of_them_is(
    lines: list[tuple[str, str]], to: str
) -> None:
    among = union(*(literal(f"/h/{sign}") for sign in SIGNS))
    people = union(*(literal(f"/{one}") for one in WHOM[to]))
    need = Need("send contents", among, ("/h/*",), to, people)
    grants = [_Grant("send contents", f"/h/{pattern}", whom, NOWHERE) for pattern, whom in lines]
    granted = {(sign, one) for pattern, whom in lines for sign in PATHS[pattern] for one in WHOM[whom]}
    assert (_Judge._witness(need, grants) is None) == granted.issuperset(product(SIGNS, WHOM[to]))


HEAD = 'coworker "x"\nmay receive mail from "work"\n'


@pytest.mark.parametrize(
    ("may", "rule", "codes"),
    [
        ('may send mail to "ann@example.com"', 'when klapp starts\n  send mail to "Ann@Example.com" about "a" saying "b"', []),
        ('may send mail to "*@example.com"', 'when klapp starts\n  send mail to "{now:%Y}@example.com" about "a" saying "b"', []),
        ('may send mail to "*@example.com"', 'when klapp starts\n  send mail to "a@{now:%Y}.com" about "a" saying "b"', ["K401"]),
        ('may send mail to "*@example.com"', 'when asked for who: text\n  send mail to who about "a" saying "b"', ["K401"]),
        ('may send mail to "*@*"', 'when asked for who: text\n  send mail to who about "a" saying "b"', []),
        ('may send mail to "a@b.de", "c@b.de"', 'when klapp starts\n  for each who in team\n    send mail to who about "a" saying "b"\n  end', []),
        ('may send mail to "a@b.de"', 'when klapp starts\n  for each who in team\n    send mail to who about "a" saying "b"\n  end', ["K401"]),
        ('may send mail to "a@b.de", "c@b.de"', 'when klapp starts\n  let one = first of team default "c@b.de"\n  send mail to one about "a" saying "b"', ["K401"]),
        ('may send mails of "work" to "*@example.com"', 'when mail arrives in "work" from "*@example.com"\n  send mail to mail.sender about "a" saying "b"', []),
        ('may send mails of "work" to "*@example.com"', 'when mail arrives in "work" from "*example.com"\n  send mail to mail.sender about "a" saying "b"', ["K401", "K412"]),
        ('may send mails of "work" to "a*@example.com", "*@b.de"\nmay send mail to "*@example.com"', 'when mail arrives in "work" from "*@example.com"\n  send mail to mail.sender about "a" saying "b"', ["K412"]),
        ('may send mail to "ann@example.com"', 'when mail arrives in "work"\n  send mail to "ann@example.com" about "a" saying "b"', ["K413"]),
        ('may send mail to "ann@example.com"', 'when klapp starts\n  send mail to "ann@example.com, eve@b.de" about "a" saying "b"', ["K419"]),
        ('may send mail to "ann"', "when klapp starts\n  stop", ["K419"]),
        ('may send mail to "ann@*.*"', "when klapp starts\n  stop", ["K419"]),
        ('may send mail', "when klapp starts\n  stop", ["K208"]),
        ('may send mail "ann@example.com"', "when klapp starts\n  stop", ["K208"]),
    ],
)  # fmt: skip
def test_who_can_be_written_to_is_proved(may: str, rule: str, codes: list[str]) -> None:
    head = HEAD if "mail arrives" in rule else 'coworker "x"\n'
    text = f'{head}{may}\nsetting team: list of text = ["a@b.de", "C@b.de"]\n{rule}\nend\n'
    assert sorted({found.code for found in load(text, VOCABULARY).errors}) == codes


SPLIT = """coworker "x"
may read "~/In/*"
{0}

when file arrives in "~/In" named "*.pdf"
  send mail to "{{now:%Y}}@example.com" about "a" saying "b" with file
end
"""


@pytest.mark.parametrize(
    ("may", "fine"),
    [
        ('may send contents of "~/In/*.pdf" to "*@example.com"', True),
        ('may send contents of "~/In/*" to "a*@example.com"', False),
        # Together these hold every file for everybody, and none of them does alone.
        (
            'may send contents of "~/In/[!a]*" to "*@example.com"\nmay send contents of "~/In/a*" to "*@*.com", "*@example.com"',
            True,
        ),
        ('may send contents of "~/In/a*" to "*@example.com"\nmay send contents of "~/In/*" to "1*@example.com"', False),
    ],
)
def test_lines_for_files_and_lines_for_people_are_taken_together(may: str, fine: bool) -> None:
    assert (load(SPLIT.format(may), VOCABULARY).program is not None) == fine


@pytest.mark.parametrize("before", ["stop", 'trash file\nmove file to "~/Out/"', "if yes\nstop\nelse\nstop\nend"])
def test_a_mail_that_no_run_comes_to_is_judged_all_the_same(before: str) -> None:
    text = (
        f'coworker "x"\nwhen file arrives in "~/In"\n{before}\nsend mail to "a@one.example" about "a" saying "b"\nend\n'
    )
    assert load(text, VOCABULARY).diagnostics
