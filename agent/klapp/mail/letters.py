"""Makes a mail of what a coworker says (RFC 5322, MIME), in a form in which no value can become a header.

The standard ``email`` package writes it by its SMTP policy, which refuses a line break in a header; addresses and subjects
have been looked at before that. The lines are ASCII, whatever the text is.
"""

from __future__ import annotations

import hashlib
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime

from klapp.operations import Letter
from klapp.verbs.mail import in_one_line

_POLICY = SMTP.clone(cte_type="7bit", raise_on_defect=True)


def message_id(token: str, sender: str) -> str:
    """The Message-ID of the mail of one step of one run, which the log knows by its token: the same however often that mail
    is sent, so that whoever gets it twice can see that it is the same."""
    return f"<{hashlib.sha256(f'klapp mail {token}'.encode()).hexdigest()[:32]}@{sender.rpartition('@')[2]}>"


def id_of(mail: bytes) -> str:
    """The Message-ID of a mail that was written here."""
    return str(message_from_bytes(mail, policy=_POLICY)["Message-ID"])


def written(letter: Letter, sender: str, token: str) -> bytes:
    """The whole mail, lines ended by CRLF. Raises FileError where what goes along can not be read."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(addr_spec=sender)
    mail["To"] = Address(addr_spec=letter.to)
    mail["Subject"] = in_one_line(letter.subject)
    mail["Date"] = format_datetime(localtime())
    mail["Message-ID"] = message_id(token, sender)
    mail["Auto-Submitted"] = "auto-generated"  # so that no machine answers it (RFC 3834)
    mail.set_content(letter.text)
    for name, data in letter.attached():
        mail.add_attachment(data, maintype="application", subtype=_subtype(data), filename=in_one_line(name))
    return mail.as_bytes()


def _subtype(data: bytes) -> str:
    """What a file is, told by its first bytes where programs for mail show it; anything else is just bytes."""
    return "pdf" if data.startswith(b"%PDF-") else "octet-stream"
