"""What conditions tell of whom a mail goes to: whoever is written to is one whom the lines allow, whatever came."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klapp.engine.outside import is_granted, recipients_of
from klapp.engine.planner import Planner
from klapp.engine.runs import Request
from klapp.files.empty import Empty
from klapp.files.overlay import Overlay
from klapp.lane import Lane
from klapp.operations import SendMail
from klapp.vocabulary import VOCABULARY
from klr.effects import MAIL_GIVEN
from klr.loader import load
from klr.rewriting import least_privilege
from klr.values import MailValue

NOW = datetime(2026, 3, 9, 12)
SENDERS = ("ann@one.example", "bob@one.example", "ann@two.example", "carol@three.example")
SEND = 'send mail to {} about "s" saying "t"'
ATOMS = st.one_of(
    st.sampled_from(SENDERS).map(lambda who: f'mail.sender is "{who}"'),
    st.sampled_from(SENDERS).map(lambda who: f'"{who}" is mail.sender'),
    st.sampled_from(SENDERS).map(lambda who: f'mail.sender is not "{who}"'),
    st.lists(st.sampled_from(SENDERS), min_size=1, max_size=3).map(
        lambda some: "mail.sender is any of [" + ", ".join(f'"{one}"' for one in some) + "]"
    ),
    st.sampled_from(("@one.example", "n@one.example", "@two.example")).map(
        lambda end: f'mail.sender ends with "{end}"'
    ),
    st.sampled_from(("mail.sender is any of team", "mail.sender is boss", 'mail.subject is "x"')),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("and", "or")), inner).map(lambda three: "({}) {} ({})".format(*three)),
        inner.map(lambda one: f"not ({one})"),
    ),
    max_leaves=5,
)
STATEMENTS = st.recursive(
    st.sampled_from((SEND.format("mail.sender"), SEND.format("who"), SEND.format("boss"), 'skip "no"', "stop")),
    lambda inner: st.one_of(
        st.tuples(CONDITIONS, inner).map(lambda two: "if {}\n{}\nend".format(*two)),
        st.tuples(CONDITIONS, inner, inner).map(lambda three: "if {}\n{}\nelse\n{}\nend".format(*three)),
        st.tuples(CONDITIONS, inner).map(lambda two: "for each one in team\nif {}\n{}\nend\nend".format(*two)),
        st.lists(inner, min_size=2, max_size=3).map("\n".join),
    ),
    max_leaves=6,
)


@pytest.mark.fuzz
@given(STATEMENTS, st.sampled_from(SENDERS), st.sampled_from(("x", "y")))
@settings(max_examples=50, deadline=None)
def test_whoever_is_written_to_is_allowed(statements: str, sender: str, subject: str) -> None:
    numbers = count(1)
    statements = re.sub("for each one", lambda _: f"for each one{next(numbers)}", statements)
    bare = (
        'coworker "x"\nsetting team: list of text = ["bob@one.example", "ann@two.example"]\nsetting boss: text = "ann@one.example"'
        f'\nwhen mail arrives in "work"\nlet who = mail.sender\n{statements}\nend\n'
    )
    program = load(least_privilege(load(bare, VOCABULARY)), VOCABULARY).program
    assert program is not None, bare
    mail = MailValue("work", "work/1/1", subject, sender, "", (), NOW, "", ())
    planner = Planner(VOCABULARY, Overlay(Empty(), Lane.of([], "/home/p"), NOW), "/home/p")
    run = planner.plan(0, Request("x", program, program.rules[0], None, NOW, {**program.defaults(), MAIL_GIVEN: mail}))
    assert not run.trouble, run.trouble
    for step in run.steps():
        assert isinstance(step.operation, SendMail)
        assert is_granted(step.operation.address, recipients_of(program)), program.text


@pytest.mark.parametrize(
    ("condition", "line"),
    [
        ('mail.sender is "ann@one.example"', '"ann@one.example"'),
        ('mail.sender is any of ["ann@one.example", "bob@two.example"]', '"ann@one.example", to "bob@two.example"'),
        ('mail.sender ends with "@one.example"', '"*@one.example"'),
        ('mail.sender ends with "one.example"', '"*@*"'),
        ('not (mail.sender is not "ann@one.example")', '"ann@one.example"'),
        ('mail.sender ends with "@one.example" and mail.sender is "ann@one.example"', '"ann@one.example"'),
        ('mail.sender is "ann@one.example" or mail.subject is "x"', '"*@*"'),
    ],
)
def test_a_condition_narrows_whom_a_mail_can_go_to(condition: str, line: str) -> None:
    inside = f'coworker "x"\nwhen mail arrives in "work"\nif {condition}\n{SEND.format("mail.sender")}\nend\nend\n'
    before = f'coworker "x"\nwhen mail arrives in "work"\nif not ({condition})\nskip\nend\n{SEND.format("mail.sender")}\nend\n'
    for text in (inside, before):
        told = least_privilege(load(text, VOCABULARY))
        for one in line.split(", to "):
            assert f'may send mails of "work" to {one}' in told
        assert ("*@*" in told) == ("*@*" in line)
