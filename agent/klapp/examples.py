"""A small world for each example of the vocabulary: a coworker that uses it, with a test in which it runs.

Derived from the declaration alone, so that a new verb or trigger has its example checked and run without another line.
"""

from __future__ import annotations

import re

from klapp.vocabulary import VOCABULARY
from klr.format import format_source
from klr.loader import load
from klr.parser import parse
from klr.rewriting import least_privilege
from klr.source import Source
from klr.types import ATTACHMENT, PATH
from klr.vocabulary import Trigger, Verb, of_mail

FOLDER, NAME = "~/Downloads", "Acme 1.pdf"
HOLES = {
    "file.name": NAME,
    "folder.name": "2026",
    "file.stem": "Acme 1",
    "file.modified:%Y": "2026",
    "file.modified:%Y-%m": "2026-03",
    "file.modified:%Y-%m-%d": "2026-03-01",
    "mail.date:%Y": "2026",
    "today": "2026-03-09",
}
"""What the holes of examples stand for in the world below."""
GIVEN = (
    f'given now 2026-03-09 10:00\ngiven file "{FOLDER}/{NAME}" with text "Invoice no. 7 Total 5" modified 2026-03-01'
)
GIVEN_MAIL = 'given mail "work" with sender "billing@example.com" with subject "Invoice 7"'
_PATH = re.compile(r'"((?:~|/)[^"]*)"')
_HOLE = re.compile(r"\{([^{}]*)\}")


def of_verb(verb: Verb) -> str:
    """A coworker that does a verb's example with a file that arrives."""
    if any(slot.type == ATTACHMENT for slot in verb.slots):
        rule = f'when mail arrives in "work"\nfor each paper in mail.attachments\n{verb.example}\nend\nend'
        steps = f'{GIVEN_MAIL} with attachment "{NAME}"\nwhen mail arrives "work"\n{_expected(verb)}'
        return coworker(verb.name, rule, steps)
    if of_mail(verb):
        rule = f'when mail arrives in "work"\n{verb.example}\nend'
        steps = f'{GIVEN_MAIL} with date 2026-03-01\nwhen mail arrives "work"\n{_expected(verb)}'
        return coworker(verb.name, rule, steps)
    event = f'when file arrives "{FOLDER}/{NAME}"'
    # What stays in its folder is better not done where the rule waits for files.
    first = 'move file to "~/Documents/"\n' if verb.sibling else ""
    rule = f'when file arrives in "{FOLDER}"\n{first}{verb.example}\nend'
    return coworker(verb.name, rule, f"{GIVEN}\n{event}\n{_expected(verb)}")


def of_trigger(trigger: Trigger) -> str:
    """A coworker that waits for a trigger's example, and tells that it came."""
    given = trigger.gives.rpartition(" ")[2]
    if given == "mail":
        rule = f'{trigger.example}\nnotify "{{mail.subject}}"\nend'
        steps = f'{GIVEN_MAIL}\nwhen mail arrives "work"\nexpect notice "Invoice 7"'
        return coworker(f"when {trigger.phrase}", rule, steps)
    told = f"{{{given}.name}}: {trigger.phrase}" if given else "it came"
    rule = f'{trigger.example}\nnotify "{told}"\nend'
    subject = f' "{FOLDER}/{NAME if given == "file" else "2026"}"' if given else ""
    other = re.match(r'when (".*?" )', trigger.example) if trigger.of_coworker else None
    answers = [f"given answer {name} = 2026-03-01\n" for name in re.findall(r"(\w+): date", trigger.example)]
    event = f"{''.join(answers)}when {other[1] if other else ''}{trigger.phrase}{subject}"
    return coworker(f"when {trigger.phrase}", rule, f'{GIVEN}\n{event}\nexpect notice "{_filled(told)}"')


def of_schedule(line: str) -> str:
    """A coworker that is woken by an ``every`` or ``cron`` line."""
    return coworker(line.replace('"', ""), f'{line}\nnotify "it is time"\nend', f'{line}\nexpect notice "it is time"')


def coworker(name: str, rule: str, steps: str) -> str:
    """A coworker in the one style with one rule, the tightest permissions, and one test.

    Raises:
        ValueError: where check finds anything else in it.
    """
    bare = f'coworker "Example: {name}"\n\n{rule}\n\ntest "{name}"\n{steps}\nend\n'
    text = least_privilege(load(bare, VOCABULARY))
    source = Source(text)
    return format_source(source, parse(source))


def _expected(verb: Verb) -> str:
    """What is to be seen after a verb's example."""
    said = re.search(r'"([^"]*)"', verb.example)
    reason = f" {said[0]}" if said else ""
    if verb.control == "skip":
        return f"expect skip{reason}"
    if verb.control == "fail":
        return f"expect failure{reason}"
    if "notify" in verb.needs:
        return f'expect notice "{_filled(said[1])}"' if said else "expect notice"
    if verb.consumes or verb.follows:
        return f'expect no file "{"~/Documents" if verb.sibling else FOLDER}/{NAME}"'
    if of_mail(verb):
        to = _filled(said[1]) if said else verb.example.rpartition(" ")[2]
        return f'expect {verb.name.partition(" ")[0]} "{to}"'
    goals = [slot for slot in verb.slots if slot.type == PATH and slot.word == "to"]
    path = _PATH.findall(verb.example)
    name = NAME if path and path[-1].endswith("/") else ""
    return f'expect file "{_filled(path[-1])}{name}"' if goals and path else "expect no notice"


def _filled(template: str) -> str:
    return _HOLE.sub(lambda hole: HOLES[hole[1]], template)
