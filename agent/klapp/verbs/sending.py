"""What leaves the machine or the agent: send to a host, the question to one, and open in an app."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from klapp.files.protocol import FileError, Files
from klapp.operations import Open, SendData, SendFile
from klapp.operations.keeping import new_token
from klapp.verbs.plan import Plan, identity_of
from klr import runtime
from klr.rows import RowValue
from klr.types import ADDRESS, FILE, PATH, SECRET, SENDABLE, TEXT, WORD, Type
from klr.values import FileValue
from klr.vocabulary import Question, Slot, Verb

LARGEST_SENT = 100_000_000
PLAIN, JSON, BYTES = "text/plain; charset=utf-8", "application/json", "application/octet-stream"


def plan_send(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``send VALUE to ADDRESS``: one request, made once."""
    value, address, form, method, secret = arguments
    if isinstance(value, FileValue):
        if value.size > LARGEST_SENT:
            raise FileError(f"More than {LARGEST_SENT // 1_000_000} MB can not be sent at once.", "value")
        identity = identity_of(files, value)
        upload = form == "upload"
        return Plan((SendFile(address, method.upper(), upload, value.path, identity, secret or "", new_token()),))
    kind, body = (JSON, to_json(value)) if form == "json" or not isinstance(value, str) else (PLAIN, value)
    data = body.encode("utf-8", "replace")
    return Plan((SendData(address, method.upper(), kind, data, secret or "", new_token()),))


def to_json(value: Any) -> str:
    """A value as JSON: numbers exactly, dates and times in ISO 8601, sizes in bytes, all others as a hole shows them."""
    match value:
        case str() | bool() | int():
            return json.dumps(value, ensure_ascii=False)
        case Decimal():
            return format(value, "f")  # every digit of it: JSON's numbers have no limit
        case datetime():
            return f'"{value.isoformat()}"'
        case RowValue():
            pairs = zip(value.columns, value.cells, strict=True)
            return "{" + ", ".join(f"{to_json(name)}: {to_json(cell)}" for name, cell in pairs) + "}"
        case tuple():
            return "[" + ", ".join(map(to_json, value)) + "]"
    return json.dumps(runtime.show(value), ensure_ascii=False)


def _problem(types: Mapping[str, Type], words: Mapping[str, str]) -> str:
    """What is wrong with the parts of a ``send`` together, or ""."""
    form, is_file = words.get("as", "it"), types.get("") == FILE
    if form == "upload" and not is_file:
        return "Only a file can be sent `as upload`."
    if form == "json" and is_file:
        return "A file is sent as it is, so not `as json`."
    return ""


def plan_open(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``open FILE with APP``."""
    file, app = arguments
    return Plan((Open(file.path, identity_of(files, file), app or ""),))


SEND = Verb(
    "send",
    (
        Slot("", SENDABLE, needs=("read",), doc="What is sent: a file, a text, or a value."),
        Slot("to", ADDRESS, doc="The web address, with its host written out."),
        Slot(
            "as",
            WORD,
            required=False,
            words=("it", "json", "upload"),
            doc="A file's bytes or a text as it is, a value as JSON, or a file as the upload of a form.",
        ),
        Slot("by", WORD, required=False, words=("post", "put", "patch"), doc="The method of the request."),
        Slot("using", SECRET, required=False, doc="The secret with which the host knows you."),
    ),
    "Sends something to a host. It is done once; after a crash it is not done again, and it can not be taken back.",
    'send file to "https://api.example.com/invoices/{file.stem}"',
    plan=plan_send,
    sends="to",
    problem=_problem,
)

OPEN = Verb(
    "open",
    (
        Slot("", FILE, needs=("read",), doc="The file to open."),
        Slot(
            "with",
            PATH,
            needs=("open",),
            required=False,
            doc="The program; without it, the one you use for such files.",
        ),
    ),
    "Opens a file in an app, as you would. The app is not held by klapp: it can do whatever you can.",
    'open file with "/usr/bin/evince"',
    plan=plan_open,
)


def _asked(outside: Any, address: str, secret: str = "") -> str:
    answer: str = outside.ask(address, secret)
    return answer


_OF = Slot("of", ADDRESS, doc="The web address, with its host written out.")
_USING = Slot("using", SECRET, doc="The secret with which the host knows you.")
_DOC = "What a host answers, as text. It is asked when a run is planned; a simulation does not ask."
ANSWER = Question("answer", (_OF,), TEXT, _DOC, 'answer of "https://rates.example.com/eur"', ask=_asked)
ANSWER_USING = Question(
    "answer", (_OF, _USING), TEXT, _DOC, 'answer of "https://api.example.com/me" using token', ask=_asked
)
QUESTIONS = (ANSWER, ANSWER_USING)
