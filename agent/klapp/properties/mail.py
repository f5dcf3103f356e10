"""What a mail and its attachments tell of themselves: found out when the mail was received, but for what stands in a paper."""

from __future__ import annotations

from typing import Protocol

from klapp.properties.content import LARGEST_TEXT, refuse_large
from klapp.properties.texts import text_of
from klr.types import ATTACHMENT, DATE, MAIL, SIZE, TEXT, YES_NO, list_of
from klr.values import AttachmentValue
from klr.vocabulary import Attribute, Property


class _Post(Protocol):
    """Where the bytes of attachments are."""

    def attachment(self, mail: str, index: int) -> bytes: ...


def _text(post: _Post, attachment: AttachmentValue) -> str:
    if attachment.kind not in ("pdf", "text"):
        return ""
    refuse_large(attachment.name, attachment.size, LARGEST_TEXT, "text")
    return text_of(attachment.kind, post.attachment(attachment.mail, attachment.number), attachment.name)


ALL: tuple[Property, ...] = (
    Property("subject", TEXT, "Its subject, in one line.", "mail.subject", of=MAIL, pure=Attribute("subject")),
    Property(
        "sender",
        TEXT,
        "The address of who says to have sent it, in small letters. Nothing proves that they did.",
        'mail.sender is "billing@example.com"',
        of=MAIL,
        pure=Attribute("sender"),
    ),
    Property(
        "sender_name",
        TEXT,
        "The name that stands beside the sender's address; empty where there is none.",
        "mail.sender_name",
        of=MAIL,
        pure=Attribute("sender_name"),
    ),
    Property(
        "recipients",
        list_of(TEXT),
        "The addresses to which it was sent openly, in small letters.",
        'mail.recipients contains "office@example.com"',
        of=MAIL,
        pure=Attribute("recipients"),
    ),
    Property(
        "date",
        DATE,
        "When it was sent, as it says itself; when it was received where it does not say.",
        "mail.date > today - 7 days",
        of=MAIL,
        pure=Attribute("date"),
    ),
    Property(
        "text",
        TEXT,
        "What stands in it, without formatting; the first 200,000 characters.",
        'mail.text contains "Invoice"',
        of=MAIL,
        pure=Attribute("text"),
    ),
    Property("account", TEXT, "The name of its account.", "mail.account", of=MAIL, pure=Attribute("account")),
    Property(
        "attachments",
        list_of(ATTACHMENT),
        "The files that came with it.",
        "count of mail.attachments",
        of=MAIL,
        pure=Attribute("attachments"),
    ),
    Property(
        "has_attachments",
        YES_NO,
        "Whether any file came with it.",
        "mail.has_attachments",
        of=MAIL,
        pure=lambda mail: bool(mail.attachments),
    ),
    Property(
        "name",
        TEXT,
        "The name that it came with, as far as a file can be called that.",
        "paper.name",
        of=ATTACHMENT,
        pure=Attribute("name"),
    ),
    Property(
        "stem",
        TEXT,
        "The name without its extension.",
        "paper.stem",
        of=ATTACHMENT,
        pure=Attribute("stem"),
    ),
    Property(
        "extension",
        TEXT,
        "What follows the last dot of the name, in small letters; empty where there is none.",
        'paper.extension is "pdf"',
        of=ATTACHMENT,
        pure=Attribute("extension"),
    ),
    Property("size", SIZE, "How large it is.", "paper.size > 1 MB", of=ATTACHMENT, pure=Attribute("size")),
    Property(
        "kind",
        TEXT,
        "What it is by its content, whatever its name says, in the words of `file.kind`.",
        'paper.kind is "pdf"',
        of=ATTACHMENT,
        pure=Attribute("kind"),
    ),
    Property(
        "text",
        TEXT,
        "What stands in it, for text files and PDFs; empty for every other kind.",
        'paper.text contains "Invoice"',
        of=ATTACHMENT,
        ask=_text,
    ),
)
