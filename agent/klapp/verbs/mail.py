"""The verbs of mail: save what came with one, send one, and move or mark the one that came."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from klapp.files.protocol import FileError, Files
from klapp.files.shown import shown
from klapp.operations import MarkMail, MoveMail, SendMail
from klapp.operations.keeping import new_token
from klapp.verbs.plan import ON_CONFLICT, Plan, identity_of
from klapp.verbs.writing import written
from klr.mailboxes import mailbox_problem
from klr.recipients import address_problem
from klr.runtime import show_size
from klr.types import ACCOUNT, ATTACHED, ATTACHMENT, MAIL, MAILBOX, PATH, RECIPIENT, TEXT, WORD
from klr.values import AttachmentValue, FileValue
from klr.vocabulary import Slot, Verb

LARGEST_ALONG = 25_000_000
"""Bytes of all files that go along with one mail; few servers take more."""
LONGEST_TEXT = 1_000_000
LONGEST_SUBJECT = 500


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


def plan_send_mail(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``send mail to ADDRESS about TEXT saying TEXT with FILES``: one mail to one address, sent once."""
    to, subject, text, along, account = arguments
    if problem := address_problem(to):
        raise FileError(f"“{shown(to[:100])}” is no mail address. {problem} Nothing was sent.", "value")
    subject = in_one_line(subject)
    if len(subject) > LONGEST_SUBJECT or len(text) > LONGEST_TEXT:
        raise FileError(
            f"A mail has at most {LONGEST_SUBJECT} characters in its subject and {LONGEST_TEXT:,} in its text.", "value"
        )
    attached = () if along is None else (along,) if isinstance(along, (FileValue, AttachmentValue)) else along
    size = sum(file.size for file in attached)
    if size > LARGEST_ALONG:
        limit = show_size(LARGEST_ALONG)
        raise FileError(f"{show_size(size)} are too much for one mail, which takes {limit}. Nothing was sent.", "value")
    lying = [file for file in attached if isinstance(file, FileValue)]
    came = [one for one in attached if isinstance(one, AttachmentValue)]
    paths = tuple(file.path for file in lying)
    identities = tuple(identity_of(files, file) for file in lying)
    mail, numbers = came[0].mail if came else "", tuple(one.number for one in came)
    names = tuple(one.name for one in came)
    plain = text.encode("utf-8", "replace").decode()
    return Plan((SendMail(to, subject, plain, paths, identities, mail, numbers, names, new_token(), account or ""),))


def in_one_line(text: str) -> str:
    """A text as a subject: every stretch of blanks, line ends and signs that nobody sees is one blank."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def plan_move_mail(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``move mail to FOLDER``: the mail that started the rule, to a folder of its account."""
    mail, folder = arguments
    if problem := mailbox_problem(folder):
        raise FileError(f"“{shown(folder[:100])}” is no mail folder. {problem} Nothing was moved.", "value")
    return Plan((MoveMail(mail.key, mail.subject, new_token(), folder),))


def plan_mark_mail(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``mark mail as WORD``."""
    mail, mark = arguments
    return Plan((MarkMail(mail.key, mail.subject, new_token(), mark),))


MOVE_MAIL = Verb(
    "move mail",
    (
        Slot("", MAIL, doc="The mail that started the rule."),
        Slot(
            "to", MAILBOX, needs=("move mail",), doc="The folder, from the top of the account; a missing one is made."
        ),
    ),
    "Moves the mail that started the rule to a folder of its account, on its server.",
    'move mail to "Archive/{mail.date:%Y}"',
    plan=plan_move_mail,
)
MARK_MAIL = Verb(
    "mark mail",
    (
        Slot("", MAIL, doc="The mail that started the rule."),
        Slot("as", WORD, words=("read", "unread", "flagged", "unflagged"), doc="How every mail program shows it."),
    ),
    "Marks the mail that started the rule, on its server.",
    "mark mail as read",
    needs=("mark mail",),
    plan=plan_mark_mail,
)
SEND_MAIL = Verb(
    "send mail",
    (
        Slot("to", RECIPIENT, doc="The mail address of one person."),
        Slot("about", TEXT, doc="Its subject; several lines become one."),
        Slot("saying", TEXT, doc="Its text."),
        Slot(
            "with",
            ATTACHED,
            needs=("read",),
            required=False,
            doc="A file or a list of files that goes along, or what came with a mail.",
        ),
        Slot("from", ACCOUNT, required=False, doc="The account that sends it; without one, that which you chose."),
    ),
    "Sends a mail from an account of your own. It is sent once; after a crash it is not sent again, and it can not be taken back.",
    'send mail to "ann@example.com" about "Invoice {file.stem}" saying "Please see the file." with file',
    plan=plan_send_mail,
    sends="to",
)
