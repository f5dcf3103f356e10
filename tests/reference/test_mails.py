"""What the reference makes of a mail is what klapp makes of it: on programs that save what came with one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from klapp.engine.arriving import waits_for
from klapp.engine.planner import Planner
from klapp.engine.runs import Request
from klapp.engine.tester import HOME
from klapp.files.empty import Empty
from klapp.files.overlay import Overlay
from klapp.vocabulary import VOCABULARY
from klr import syntax as s
from klr.effects import MAIL_GIVEN
from klr.loader import load
from klr.parser import parse
from klr.source import Source
from tests.fuzz.agreement import Outside, mail_value
from tests.reference.interpreter import Interpreter
from tests.reference.mails import Attachment, Mail
from tests.reference.triggers import starts
from tests.reference.world import World

NOW = datetime(2026, 3, 9, 12)
CAME = (("a.pdf", b"%PDF-1", "pdf"), ("c.txt", b"x", "text"), ("A.PDF", b"%PDF-22", "pdf"), ("..", b"", "empty"))
MAILS = [
    Mail("work", sender, subject, "Total 5", NOW, tuple(Attachment(*one) for one in came))
    for sender, subject in (("b@acme.example", "Invoice"), ("x@other.example", "../up"))
    for came in (CAME[:1], CAME[::2], CAME)
]
RULES = [
    'for each paper in mail.attachments\nsave paper to "~/A/"\nend',
    'for each paper in mail.attachments where it.kind is "pdf"\nsave paper to "~/A/{mail.date:%Y}/{paper.stem}.pdf"\nend',
    'for each paper in mail.attachments sorted by it.size\nsave paper to "~/A/x" on conflict replace\non error\nnotify "{paper.name}: no"\nend',
    'if mail.has_attachments and mail.subject contains "Inv"\nnotify "{mail.sender} {count of mail.attachments} {mail.text}"\nend',
    'for each paper in mail.attachments\nsave paper to "~/A/{mail.subject} {paper.extension}" on conflict skip\nend',
]
TEXT = 'coworker "x"\nmay write "~/A/**"\nmay notify\nmay receive mail from "work"\nwhen mail arrives in "work" from "*@ACME.example"\n{}\nend\n'


@pytest.mark.parametrize("mail", MAILS, ids=range(len(MAILS)))
@pytest.mark.parametrize("rule", RULES, ids=range(len(RULES)))
def test_both_do_the_same(rule: str, mail: Mail) -> None:
    text = TEXT.format(rule)
    program = load(text, VOCABULARY).program
    tree = parse(Source(text)).tree
    assert program is not None
    assert tree is not None
    (block,) = [part for part in tree.parts if isinstance(part, s.RuleBlock)]
    trigger = program.rules[0].trigger
    assert waits_for(trigger.arguments, mail_value(mail)) is starts(
        block.trigger, ("mail arrives", f"{mail.account} {mail.sender}"), HOME
    )
    world = World({}, {"/"}, HOME, now=NOW)
    result: Any = Interpreter(tree, world, NOW, mail=mail).run(block)
    overlay = Overlay(Empty(), None, NOW)
    outside = Outside(overlay)
    outside.post = mail
    request = Request("x", program, program.rules[0], None, NOW, {MAIL_GIVEN: mail_value(mail)})
    run = Planner(VOCABULARY, overlay, HOME, outside=outside).plan(1, request)
    assert run.trouble == ""
    assert run.ending.outcome == result.outcome
    found = {file.path: overlay.read(file.path, file.size) for file in overlay.list("/**")}
    assert found == {path: stored.content for path, stored in world.files.items()}
    notices = [getattr(step.operation, "text", None) for step in run.steps()]
    assert [one for one in notices if one is not None] == world.told
