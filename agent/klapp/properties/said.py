"""What a file says in words, as far as klapp can tell: for a search that must not pass over anything in silence."""

from __future__ import annotations

from typing import Protocol

from klapp.properties import texts
from klapp.properties.kinds import kind_of
from klapp.sandbox import Failed
from klapp.sandbox.documents import LONGEST

PICTURES = "it has no text that klapp could read, such as a picture or a scan"
ARCHIVE, PLAYED = "it is an archive, into which klapp does not look", "it is a recording"
PART = "it is too long to be read to its end"
_UNREAD = {"image": PICTURES, "archive": ARCHIVE, "audio": PLAYED, "video": PLAYED}


class Reads(Protocol):
    """What reads documents where they can do no harm; raises ``klapp.sandbox.Failed``."""

    def words(self, kind: str, data: bytes) -> tuple[str, bool]: ...


def said_in(data: bytes, reader: Reads) -> tuple[str, str]:
    """(The text, why that is not all of it or ""); of what is no document, the text that its bytes would be."""
    kind = kind_of(data)
    text = data.decode("utf-8", "replace")
    if kind in ("text", "empty"):
        read = texts.text_of("text", data, "")  # in whatever encoding
        return f"{read}\n{text}", PART if len(read) >= LONGEST and "\ufffd" in text else ""
    if kind in ("pdf", "spreadsheet", "document", "presentation"):
        try:
            read, whole = reader.words(kind, data)
        except Failed as failed:
            return text, f"it {failed}"
        return f"{read}\n{text}", "" if whole else PART if read.strip() else PICTURES
    return text, _UNREAD.get(kind, PICTURES)
