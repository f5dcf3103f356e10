"""The text of documents and the cells of workbooks, from bytes alone; what a hostile document makes of it is contained by whoever calls it."""

from __future__ import annotations

import io
import logging
from datetime import datetime, time, timedelta
from decimal import Decimal

MOST_PAGES = 200
LONGEST = 2_000_000
"""Characters; what stands behind them is left out."""


class Unreadable(Exception):
    """A document has no text for us; the message completes "FILE ...": "is locked with a password"."""


def pdf_text(data: bytes) -> str:
    """The text of a PDF, page by page; raises Unreadable."""
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it would speak of every oddity of a file
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("is locked with a password, so its text can not be read")
        texts: list[str] = []
        length = 0
        for page in reader.pages[:MOST_PAGES]:
            texts.append(page.extract_text())
            length += len(texts[-1])
            if length > LONGEST:
                break
    except (Unreadable, MemoryError):
        raise
    except Exception as error:
        # A hostile or broken file makes the library raise what it likes; none of that may end anything.
        raise Unreadable("can not be read as a PDF; it may be damaged") from error
    # Surrogates and NULs come from broken fonts; no name or notice could hold them.
    return "\n".join(texts)[:LONGEST].encode("utf-8", "replace").decode("utf-8").replace("\0", "")


MOST_CELLS = 2_000_000
LONGEST_CELL = 100_000


def workbook_cells(data: bytes, every: bool = False) -> list[list[str]]:
    """The cells of the first sheet of a workbook (XLSX, XLSB, XLS, ODS) as texts, without empty lines; Unreadable.

    With ``every``, those of all sheets one after the other, each row with the name of its sheet before it.
    """
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        if not book.sheet_names:
            return []
        found: list[list[str]] = []
        left = MOST_CELLS
        for number, name in enumerate(book.sheet_names if every else book.sheet_names[:1]):
            sheet = book.get_sheet_by_index(number)
            left -= sheet.height * sheet.width
            if left < 0:
                what = "it has" if every else "its first sheet has"
                raise Unreadable(f"is too large: {what} more than {MOST_CELLS:,} cells")
            rows = ([_cell(value) for value in row] for row in sheet.to_python(skip_empty_area=True))
            found.extend([_cell(name), *row] if every else row for row in rows if any(row))
        return found
    except (Unreadable, MemoryError):
        raise
    except Exception as error:
        # As with a PDF: whatever it raises must end nothing. A workbook with a password ends here, too.
        raise Unreadable("can not be read as a workbook; it may be damaged, or locked with a password") from error


def _cell(value: object) -> str:
    """A cell as a text: numbers with at most 15 digits, as a spreadsheet shows them, and dates as year-month-day."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float() | int():
            return f"{Decimal(format(value, '.15g')):f}"
        case datetime():
            return value.strftime("%Y-%m-%d" if value.time() == time() else "%Y-%m-%d %H:%M:%S")
        case timedelta():
            return f"{value // timedelta(hours=1)}:{value // timedelta(minutes=1) % 60:02d}"
    text = str(value)[:LONGEST_CELL]
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()
