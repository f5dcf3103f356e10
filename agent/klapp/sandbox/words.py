"""All that a document says, for a search through it: from bytes alone, in the process that can reach nothing."""

from __future__ import annotations

import html
import io
import re
import zipfile

from klapp.sandbox.documents import LONGEST, MOST_CELLS, MOST_PAGES, Unreadable, pdf_text

MOST_UNPACKED = 64 << 20
"""Bytes of the parts of an office document."""
_PARTS = re.compile(r"(word|ppt)/.+\.xml|content\.xml|.+\.x?html")
_PARAGRAPH = re.compile(r"</(?:w:p|a:p|text:p|text:h|p|div|td|h\d)>")
_TAG = re.compile(r"<[^>]*>")


def words(kind: str, data: bytes) -> tuple[str, bool]:
    """(The text, whether that is all of it) of a file of kind "pdf", "spreadsheet", "document" or "presentation".
    Raises Unreadable."""
    return {"pdf": _pdf, "spreadsheet": _workbook}.get(kind, _office)(data)


def _pdf(data: bytes) -> tuple[str, bool]:
    import pypdf

    text = pdf_text(data)
    pages = len(pypdf.PdfReader(io.BytesIO(data)).pages)
    # A page without a text is a picture, such as of a letter that was scanned.
    return text, bool(text.strip()) and pages <= MOST_PAGES and len(text) < LONGEST


def _workbook(data: bytes) -> tuple[str, bool]:
    import python_calamine

    texts: list[str] = []
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        for number, name in enumerate(book.sheet_names):
            sheet = book.get_sheet_by_index(number)
            texts.append(name)
            if sheet.height * sheet.width > MOST_CELLS:
                return "\n".join(texts), False
            texts.extend("\t".join(map(str, row)) for row in sheet.to_python(skip_empty_area=True))
    except MemoryError:
        raise
    except Exception as error:  # whatever it raises must end nothing
        raise Unreadable("can not be read as a workbook; it may be damaged, or locked with a password") from error
    return "\n".join(texts), True


def _office(data: bytes) -> tuple[str, bool]:
    """The paragraphs of a document that is a ZIP of XML: Office Open XML, OpenDocument, EPUB."""
    texts: list[str] = []
    left = MOST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as container:
            for info in container.infolist():
                if not _PARTS.fullmatch(info.filename):
                    continue
                with container.open(info) as part:
                    content = part.read(left)
                left -= len(content)
                texts.append(_plain(content.decode("utf-8", "replace")))
                if left <= 0:
                    return "\n".join(texts), False
    except MemoryError:
        raise
    except Exception as error:
        raise Unreadable("can not be read; it may be damaged, or locked with a password") from error
    return "\n".join(texts), bool(texts)


def _plain(xml: str) -> str:
    return html.unescape(_TAG.sub("", _PARAGRAPH.sub("\n", xml)))
