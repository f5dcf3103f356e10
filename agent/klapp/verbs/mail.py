"""The verbs of mail: save what came with one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from klapp.files.protocol import Files
from klapp.verbs.plan import ON_CONFLICT, Plan
from klapp.verbs.writing import written
from klr.types import ATTACHMENT, PATH
from klr.vocabulary import Slot, Verb


def plan_save(files: Files, arguments: tuple[Any, ...], now: datetime, outside: Any) -> Plan:
    """``save ATTACHMENT to PATH``: a new file with its bytes."""
    attachment, path, policy = arguments
    return written(files, path, policy, lambda: outside.attachment(attachment.mail, attachment.number))


SAVE = Verb(
    "save",
    (
        Slot("", ATTACHMENT, doc="What came with a mail."),
        Slot("to", PATH, needs=("write",), doc="The new file. A path that ends with `/` keeps the attachment's name."),
        ON_CONFLICT,
    ),
    "Saves an attachment of a mail as a file, and makes the folders that are missing. If something is there already, the "
    "new name gets a number.",
    'save paper to "~/Documents/Invoices/"',
    plan=plan_save,
    numbered=True,
    fetches=True,
)
