"""What a file is, told by its first bytes, and for containers by the names of what they hold.

The table is our own and short: the kinds that a person sorts by, not every format there is. What starts like none of
them is text where it reads as text, and unknown otherwise.
"""

from __future__ import annotations

import io
import zipfile

HEAD = 64 * 1024
"""So many bytes are looked at first."""
MOST_NAMES = 10_000

STARTS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF87a", "image"),
    (b"GIF89a", "image"),
    (b"BM", "image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"8BPS", "image"),
    (b"\x1f\x8b", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ\0", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"ID3", "audio"),
    (b"\xff\xfb", "audio"),
    (b"\xff\xf3", "audio"),
    (b"fLaC", "audio"),
    (b"OggS", "audio"),
    (b"MThd", "audio"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"\x00\x00\x01\xba", "video"),
    (b"FLV\x01", "video"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"\xca\xfe\xba\xbe", "program"),
    (b"#!", "program"),
    (b"{\\rtf", "document"),
)
RIFF = {b"WEBP": "image", b"WAVE": "audio", b"AVI ": "video"}
BRANDS = {b"heic": "image", b"heix": "image", b"mif1": "image", b"avif": "image", b"M4A ": "audio", b"M4B ": "audio"}
PARTS = {"word/": "document", "xl/": "spreadsheet", "ppt/": "presentation"}
MIMES = {
    b"application/vnd.oasis.opendocument.text": "document",
    b"application/vnd.oasis.opendocument.spreadsheet": "spreadsheet",
    b"application/vnd.oasis.opendocument.presentation": "presentation",
    b"application/epub+zip": "document",
}
# Streams of the old binary Office formats, named in UTF-16 in the container's directory.
STREAMS = {"WordDocument": "document", "Workbook": "spreadsheet", "PowerPoint Document": "presentation"}


def kind_of(data: bytes) -> str:
    """The kind of a file from its content, or from its first ``HEAD`` bytes; one of those that ``file.kind`` names."""
    if not data:
        return "empty"
    for start, kind in STARTS:
        if data.startswith(start) and not (start in (b"BM", b"MZ", b"#!") and not _plausible(start, data)):
            return kind
    if data[:4] == b"RIFF":
        return RIFF.get(data[8:12], "unknown")
    if data[4:8] == b"ftyp":
        return BRANDS.get(data[8:12], "video")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _in_zip(data)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        names = ((name.encode("utf-16-le"), kind) for name, kind in STREAMS.items())
        return next((kind for name, kind in names if name in data), "document")
    return "text" if _reads_as_text(data[:HEAD]) else "unknown"


def _plausible(start: bytes, data: bytes) -> bool:
    """Whether a file that starts with two common letters is what they stand for, rather than a text."""
    return start == b"#!" or not _reads_as_text(data[:512])


def _in_zip(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as container:
            names = [info.filename for info in container.infolist()[:MOST_NAMES]]
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError):
        names = [data[30 : 30 + int.from_bytes(data[26:28], "little")].decode("utf-8", "replace")]
    # An OpenDocument says what it is in its first part, which is stored as it stands.
    if names[:1] == ["mimetype"]:
        return next((kind for mime, kind in MIMES.items() if mime in data[:120]), "archive")
    if "[Content_Types].xml" in names or names[:1] == ["[Content_Types].xml"]:
        return next((kind for part, kind in PARTS.items() if any(name.startswith(part) for name in names)), "document")
    return "archive"


def _reads_as_text(data: bytes) -> bool:
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return True
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in data)
    return b"\0" not in data and control * 100 <= len(data)
