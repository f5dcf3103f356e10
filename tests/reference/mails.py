"""Mails and what came with them, as the reference knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.reference.properties import Refused, halves


@dataclass(frozen=True)
class Attachment:
    name: str
    content: bytes
    kind: str = "unknown"


@dataclass(frozen=True)
class Mail:
    account: str
    sender: str
    subject: str
    text: str
    date: datetime
    attachments: tuple[Attachment, ...] = ()
    sender_name: str = ""
    recipients: tuple[str, ...] = ()


OF_MAIL: Mapping[str, Callable[[Mail], Any]] = {
    **{
        name: lambda mail, name=name: getattr(mail, name)  # type: ignore[misc]
        for name in ("account", "sender", "sender_name", "subject", "text", "date", "recipients", "attachments")
    },
    "has_attachments": lambda mail: len(mail.attachments) > 0,
}
OF_ATTACHMENT: Mapping[str, Callable[[Attachment], Any]] = {
    "name": lambda one: one.name,
    "stem": lambda one: halves(one.name)[0],
    "extension": lambda one: halves(one.name)[1][1:].lower(),
    "size": lambda one: len(one.content),
    "kind": lambda one: one.kind,
    "text": lambda one: _text(one),
}


def _text(one: Attachment) -> str:
    """As of a file: the fuzzing writes only broken PDFs, which can not be read."""
    if one.kind == "pdf":
        raise Refused("value")
    return one.content.decode() if one.kind == "text" else ""
