"""Keeps a copy of each mail that was sent where its account keeps such mails, as every mail program does."""

from __future__ import annotations

import ssl
from email import message_from_bytes

from klapp.mail.accounts import Account
from klapp.mail.folders import Folders

SECONDS = 20.0
"""One command may take so long: the mail itself is on its way, and the run waits."""
USUAL = ("Sent", "Sent Items", "Sent Messages", "Gesendet", "Envoyés")
"""What such a folder is called where the server does not say which it is (RFC 6154)."""


def keep_copy(account: Account, context: ssl.SSLContext, mail: bytes) -> str:
    """Put a mail that was sent into the folder for these, as read; gives its name, or "" where the server keeps a copy by
    itself. Raises MailError."""
    with Folders(account, context, SECONDS) as box:
        if box.keeps_what_is_sent:
            return ""
        folder = box.for_sent(USUAL)
        box.open(folder)
        message_id = str(message_from_bytes(mail)["Message-ID"] or "").strip()
        if box.of_message(message_id):
            return ""
        box.append(folder, mail)
        return folder
