"""The declarations of the triggers that ``when`` names. ``every`` and ``cron`` are forms of the language itself.

A trigger is one declaration here, and one source of happenings that tells of its phrase (``klapp.dispatch``).
"""

from __future__ import annotations

from klr.types import ACCOUNT, PATH, TEXT
from klr.vocabulary import Slot, Trigger

FOLDER = Slot("in", PATH, doc="The folder. One that ends with `/**` includes all folders below it.")
NAMED = Slot("named", TEXT, required=False, doc="A pattern for the names, such as `*.pdf`.")
LATER = frozenset(("between", "in time zone", "at most", "retry"))
"""The options of what happens at its own time: it can be held back, and tried again."""

FILE_ARRIVES = Trigger(
    "file arrives",
    (FOLDER, NAMED),
    "When a file is in a folder, written and closed and quiet: a new one, or a new version of one that was there. "
    "Downloads that are not complete do not count.",
    'when file arrives in "~/Downloads" named "*.pdf"',
    gives="file",
    options=LATER | {"once quiet"},
)

FILE_CHANGES = Trigger(
    "file changes",
    (FOLDER, NAMED),
    "When a file that was in a folder before has other content, written and closed and quiet.",
    'when file changes in "~/Downloads" named "*.pdf"',
    gives="file",
    options=LATER | {"once quiet"},
)

FILE_LEAVES = Trigger(
    "file leaves",
    (FOLDER, NAMED),
    "When a file is not in a folder any more: moved away, or deleted. Its name and all that was known of it is left, "
    "its content is not.",
    'when file leaves in "~/Downloads"',
    gives="gone file",
    options=LATER | {"once quiet"},
)

FOLDER_ARRIVES = Trigger(
    "folder arrives",
    (FOLDER, NAMED),
    "When a new folder is in a folder, and quiet with all that is below it. `files in folder` are its files.",
    'when folder arrives in "~/Downloads"',
    gives="folder",
    options=LATER | {"once quiet"},
)

STARTS = Trigger("klapp starts", (), "Once each time when klapp begins to work.", "when klapp starts", options=LATER)

ASKED = Trigger(
    "asked",
    (),
    "When you say `klapp run NAME`, or choose it in the tray. `for` asks you for what it needs to know.",
    'when asked for month: date shown as "Which month?"',
    options=frozenset(("at most", "retry")),
    asks=True,
)

FINISHES = Trigger(
    "finishes",
    (),
    "When another coworker has done all that it had to do, and at least one of its runs did its work.",
    'when "Invoice filer" finishes',
    options=LATER | {"once quiet"},
    of_coworker=True,
)

FAILS = Trigger(
    "fails",
    (),
    "When another coworker has done all that it had to do, and at least one of its runs failed.",
    'when "Invoice filer" fails',
    options=LATER | {"once quiet"},
    of_coworker=True,
)

MAIL_ARRIVES = Trigger(
    "mail arrives",
    (
        Slot("in", ACCOUNT, doc="The mail account, by the name that you gave it with `klapp mail add`."),
        Slot("from", TEXT, required=False, doc="A pattern for the address of who sent it, such as `*@example.com`."),
    ),
    "When a new mail is in the inbox of an account. What was there before is left alone. Each mail starts the rule once, "
    "and stays on the server as it is, unread.",
    'when mail arrives in "work" from "*@example.com"',
    gives="mail",
    options=LATER,
)

ALL: tuple[Trigger, ...] = (
    FILE_ARRIVES, FILE_CHANGES, FILE_LEAVES, FOLDER_ARRIVES, STARTS, ASKED, FINISHES, FAILS, MAIL_ARRIVES
)  # fmt: skip
