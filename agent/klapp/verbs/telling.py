"""The verbs that speak to the person or end a run: notify, skip, stop and fail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from klapp.files.protocol import Files
from klapp.operations import Notify
from klapp.verbs.plan import Plan
from klr.types import TEXT
from klr.vocabulary import Slot, Verb


def plan_notify(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``notify TEXT``."""
    (text,) = arguments
    return Plan((Notify(text),))


NOTIFY = Verb(
    "notify",
    (Slot("", TEXT, doc="What you are told."),),
    "Shows you a notice.",
    'notify "{file.name} is filed"',
    needs=("notify",),
    plan=plan_notify,
)

SKIP = Verb(
    "skip",
    (Slot("", TEXT, required=False, doc="Why."),),
    "Ends this run: the coworker has nothing to do with this file. The reason stands in the log.",
    'skip "not an invoice"',
    control="skip",
)

STOP = Verb(
    "stop",
    (Slot("", TEXT, required=False, doc="Why."),),
    "Ends this run; what was done so far stays done. The reason stands in the log.",
    'stop "all is filed"',
    control="stop",
)

FAIL = Verb(
    "fail",
    (Slot("", TEXT, doc="What is wrong."),),
    "Ends this run as failed, so that `on error` runs.",
    'fail "this invoice has no number"',
    control="fail",
)
