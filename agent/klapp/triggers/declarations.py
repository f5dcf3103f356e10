"""The declarations of the triggers that ``when`` names. ``every`` and ``cron`` are forms of the language itself."""

from __future__ import annotations

from klr.types import PATH, TEXT
from klr.vocabulary import Slot, Trigger

FILE_ARRIVES = Trigger(
    "file arrives",
    (
        Slot("in", PATH, doc="The folder. One that ends with `/**` includes all folders below it."),
        Slot("named", TEXT, required=False, doc="A pattern for the names, such as `*.pdf`."),
    ),
    "When a new file is in a folder, written and closed and quiet. Downloads that are not complete do not count.",
    'when file arrives in "~/Downloads" named "*.pdf"',
    gives_file=True,
)

ASKED = Trigger("asked", (), "When you say `klapp run NAME`, or choose it in the tray.", "when asked")

ALL: tuple[Trigger, ...] = (FILE_ARRIVES, ASKED)
