"""Takes a mail apart (RFC 5322, MIME): its head, its text, and what came with it. A mail may hold anything.

What can not be read is left out or shown with a replacement character; nothing that a mail holds makes this fail.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import datetime
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from html.parser import HTMLParser

from klapp.properties.kinds import kind_of
from klr.values import AttachmentValue, MailValue, split_name

LONGEST_TEXT = 200_000
LONGEST_LINE = 1_000
LONGEST_HTML = 2_000_000
LONGEST_NAME = 150
"""Bytes of the name of an attachment."""
MOST_PARTS = 1_000
MOST_DEEP = 50
MOST_RECIPIENTS = 500
_CHARSETS = ("utf-8", "us-ascii", "iso-8859-", "iso8859-", "windows-", "cp125", "koi8-", "utf-16", "gb2312", "gbk", "gb18030",
             "big5", "shift_jis", "euc-", "iso-2022-", "macintosh", "latin")  # fmt: skip
"""How the names of charsets begin that are decoded: Python has others, some of them slow by design."""
_UNFIT = frozenset('<>:"|?*/\\')
"""What one system or another does not allow in a name."""


def mail_of(raw: bytes, account: str, key: str, received: datetime) -> MailValue:
    """A mail as a value. ``received`` is when it was received, on the person's clock."""
    message = _parsed(raw)
    text, attachments = "", list[AttachmentValue]()
    for part in _parts(message):
        if _is_text(part):
            text = text or _text(part)
            continue
        data = _data(part)
        attachments.append(AttachmentValue(key, len(attachments), name_of(part), len(data), kind_of(data)))
    senders = _addresses(message, "From")
    name, sender = senders[0] if senders else ("", "")
    return MailValue(
        account,
        key,
        _line(message.get("Subject", "")),
        sender,
        name,
        tuple(address for field in ("To", "Cc") for _, address in _addresses(message, field)),
        _date(message, received),
        text[:LONGEST_TEXT],
        tuple(attachments),
    )


def attachment_of(raw: bytes, index: int) -> bytes | None:
    """The bytes of an attachment by its place, or None where there are not so many."""
    for place, part in enumerate(part for part in _parts(_parsed(raw)) if not _is_text(part)):
        if place == index:
            return _data(part)
    return None


def message_id_of(raw: bytes) -> str:
    """The Message-ID of a mail, or ""."""
    head = raw[:LONGEST_HTML].partition(b"\r\n\r\n")[0]
    return str(BytesHeaderParser().parsebytes(head + b"\r\n\r\n")["Message-ID"] or "").strip()


def _parsed(raw: bytes) -> Message:
    try:
        return BytesParser().parsebytes(raw)
    except Exception:  # parts within parts without end, and whatever else may be in a mail
        head = raw[:LONGEST_HTML].partition(b"\n\n")[0].partition(b"\r\n\r\n")[0]
        return BytesHeaderParser().parsebytes(head + b"\n\n")


def _parts(message: Message) -> Iterator[Message]:
    """The parts that hold something, in order, no more than ``MOST_PARTS``. A mail within a mail is one part."""
    waiting, count = [(message, 0)], 0
    while waiting and count < MOST_PARTS:
        part, depth = waiting.pop()
        inner = part.get_payload()
        if isinstance(inner, list) and part.get_content_maintype() == "multipart":
            if depth < MOST_DEEP:
                waiting.extend((one, depth + 1) for one in reversed(inner) if isinstance(one, Message))
            continue
        count += 1
        yield part


def _is_text(part: Message) -> bool:
    """Whether a part is text to be read, rather than a file that came with it."""
    if part.get_content_type() not in ("text/plain", "text/html") or isinstance(part.get_payload(), list):
        return False
    return "attachment" not in str(part.get("Content-Disposition", "")).lower() and not _written_name(part)


def _text(part: Message) -> str:
    charset = str(part.get_param("charset", "") or "")
    text = _decoded(_data(part), charset).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return _Reading.of(text[:LONGEST_HTML]) if part.get_content_type() == "text/html" else text


def _data(part: Message) -> bytes:
    try:
        if isinstance(part.get_payload(), list):
            inner = [one for one in part.get_payload() if isinstance(one, Message)]
            return b"\n".join(one.as_bytes() for one in inner)
        data = part.get_payload(decode=True)
    except Exception:
        return b""
    return data if isinstance(data, bytes) else b""


def _decoded(data: bytes, charset: str) -> str:
    """Text in the charset that is named, if it is a usual one; else as UTF-8, or as Windows wrote it."""
    name = charset.strip().strip('"').lower()
    for one in (name if name.startswith(_CHARSETS) else "utf-8", "utf-8"):
        try:
            return data.decode(one)
        except (LookupError, ValueError):
            continue
    return data.decode("cp1252", "replace")


# -- the head ---------------------------------------------------------------------------------------------------------


def _unwrapped(written: object) -> str:
    """A field of the head with its encoded words (RFC 2047) read."""
    text = str(written)[: 20 * LONGEST_LINE]
    try:
        pieces = decode_header(text)
    except Exception:
        return text
    return "".join(
        _decoded(piece, charset or "") if isinstance(piece, bytes) else str(piece) for piece, charset in pieces
    )


def _line(written: object) -> str:
    """A field as one line that shows what it says: no control characters, none that turn the direction of writing."""
    text = "".join(" " if one in "\r\n\t" else one for one in _unwrapped(written) if one in "\r\n\t" or _shows(one))
    return " ".join(text.split())[:LONGEST_LINE]


def _shows(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _addresses(message: Message, field: str) -> list[tuple[str, str]]:
    """The (name, address) of each address of a field. Names are read after the addresses are told apart."""
    try:
        found = getaddresses([str(one)[: 100 * LONGEST_LINE] for one in message.get_all(field, [])])
    except Exception:
        return []
    return [(_line(name), _line(address).lower()) for name, address in found[:MOST_RECIPIENTS] if "@" in address]


def _date(message: Message, received: datetime) -> datetime:
    try:
        date = parsedate_to_datetime(str(message.get("Date", "")))
        local = date.astimezone() if date.tzinfo else date
        return local.replace(tzinfo=None, microsecond=0) if 1970 <= local.year < 9999 else received
    except (ValueError, TypeError, OverflowError, IndexError, OSError):
        return received


# -- names ------------------------------------------------------------------------------------------------------------


def _written_name(part: Message) -> str:
    try:
        return _line(part.get_filename() or "")
    except Exception:
        return ""


def name_of(part: Message) -> str:
    """The name of an attachment as a file can be called on any system: one component, that shows what it is."""
    written = unicodedata.normalize("NFC", _written_name(part)).replace("\\", "/").rpartition("/")[2]
    name = "".join("_" if one in _UNFIT else one for one in written).strip(" .")
    if not name:
        subtype = part.get_content_subtype()
        ending = {"rfc822": ".eml", "pdf": ".pdf", "plain": ".txt", "html": ".html"}.get(subtype, "")
        return f"attachment{ending}"
    stem, extension = split_name(name)
    extension = extension if len(extension.encode()) <= 20 else ""
    room = LONGEST_NAME - len(extension.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + extension


class _Reading(HTMLParser):
    """The text of HTML, without what is not shown."""

    _SILENT = frozenset(("script", "style", "head", "title"))
    _BREAKS = frozenset(("p", "br", "div", "tr", "li", "h1", "h2", "h3", "table"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.silent = 0

    @classmethod
    def of(cls, text: str) -> str:
        """The text that a reader would see, roughly."""
        reading = cls()
        try:
            reading.feed(text)
            reading.close()
        except Exception:
            return ""
        lines = (" ".join(line.split()) for line in "".join(reading.pieces).splitlines())
        return "\n".join(line for line in lines if line)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.silent += tag in self._SILENT
        if tag in self._BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.silent = max(0, self.silent - (tag in self._SILENT))

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.pieces.append(data)
