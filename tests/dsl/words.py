"""A small vocabulary for tests of the language: what the agent declares, without anything that touches a disk."""

from __future__ import annotations

from datetime import datetime

from klr.moments import between
from klr.types import ADDRESS, DATE, DURATION, FILE, FOLDER, PATH, SECRET, SENDABLE, SIZE, TEXT, WORD
from klr.values import FileValue
from klr.vocabulary import Property, Question, Slot, Trigger, Verb, Vocabulary

LATER = frozenset(("between", "in time zone", "at most", "retry"))
CONFLICT = Slot("on conflict", WORD, required=False, words=("rename", "skip", "replace", "fail"))


def _age(file: FileValue, now: datetime, zone: str) -> object:
    return between(now, file.modified, zone)


VOCABULARY = Vocabulary.of(
    verbs=(
        Verb("move", (Slot("", FILE, ("remove",)), Slot("to", PATH, ("write",)), CONFLICT), "", 'move file to "~/A/{file.name}"', follows=True, numbered=True),
        Verb("copy", (Slot("", FILE, ("read",)), Slot("to", PATH, ("write",)), CONFLICT), "", 'copy file to "~/A/{file.name}"', numbered=True),
        Verb("rename", (Slot("", FILE, ("remove",)), Slot("to", TEXT, ("write",)), CONFLICT), "", 'rename file to "{file.stem}.bak"', follows=True, numbered=True, sibling=True),
        Verb("trash", (Slot("", FILE, ("remove",)),), "", "trash file", consumes=True),
        Verb("write", (Slot("", TEXT), Slot("to", PATH, ("write",)), CONFLICT), "", 'write "hello" to "~/A/hello.txt"', numbered=True),
        Verb("append", (Slot("", TEXT), Slot("to", PATH, ("write",))), "", 'append "hello" to "~/A/log.txt"'),
        Verb("make folder", (Slot("", PATH, ("write",)),), "", 'make folder "~/A/B"'),
        Verb("notify", (Slot("", TEXT),), "", 'notify "hello"', needs=("notify",)),
        Verb("skip", (Slot("", TEXT, required=False),), "", "skip", control="skip"),
        Verb("stop", (Slot("", TEXT, required=False),), "", "stop", control="stop"),
        Verb("send", (Slot("", SENDABLE, ("read",)), Slot("to", ADDRESS), Slot("using", SECRET, required=False)), "", 'send "hello" to "https://api.example.com/in"', sends="to"),
        Verb("fail", (Slot("", TEXT),), "", 'fail "no"', control="fail"),
    ),
    properties=(
        Property("name", TEXT, "", "file.name", pure=lambda f: f.name, names=True),
        Property("stem", TEXT, "", "file.stem", pure=lambda f: f.stem, names=True),
        Property("extension", TEXT, "", "file.extension", pure=lambda f: f.extension, names=True),
        Property("size", SIZE, "", "file.size", pure=lambda f: f.size),
        Property("modified", DATE, "", "file.modified", pure=lambda f: f.modified),
        Property("age", DURATION, "", "file.age", pure=_age, uses_now=True),
        Property("folder", FOLDER, "", "file.folder", pure=lambda f: f.folder),
        Property("path", PATH, "", "file.path", pure=lambda f: f.path),
        Property("text", TEXT, "", "file.text", ask=lambda files, file: "", source="contents"),
        Property("kind", TEXT, "", "file.kind", ask=lambda files, file: "", source="contents"),
        Property("hash", TEXT, "", "file.hash", ask=lambda files, file: "", source="contents"),
    ),
    questions=(
        Question("answer", (Slot("of", ADDRESS),), TEXT, "", 'answer of "https://api.example.com/rates"'),
        Question("answer", (Slot("of", ADDRESS), Slot("using", SECRET)), TEXT, "", 'answer of "https://api.example.com/rates" using token'),
    ),
    triggers=(
        Trigger("file arrives", (Slot("in", PATH), Slot("named", TEXT, required=False)), "", 'when file arrives in "~/Downloads"', gives="file", options=LATER | {"once quiet"}),
        Trigger("file leaves", (Slot("in", PATH), Slot("named", TEXT, required=False)), "", 'when file leaves in "~/Outbox"', gives="gone file", options=LATER | {"once quiet"}),
        Trigger("folder arrives", (Slot("in", PATH), Slot("named", TEXT, required=False)), "", 'when folder arrives in "~/Scans"', gives="folder", options=LATER | {"once quiet"}),
        Trigger("klapp starts", (), "", "when klapp starts", options=LATER),
        Trigger("asked", (), "", "when asked for month: date", options=frozenset(("at most", "retry")), asks=True),
        Trigger("finishes", (), "", 'when "Filer" finishes', options=LATER | {"once quiet"}, of_coworker=True),
        Trigger("fails", (), "", 'when "Filer" fails', options=LATER | {"once quiet"}, of_coworker=True),
    ),
)  # fmt: skip
