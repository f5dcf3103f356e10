"""Workbooks (XLSX) made of tables, without a formula in them and the same bytes each time."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

MOST_ROWS = 1_048_575
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,10})?")
_LONGEST_NUMBER = 16
"""Digits beyond these a workbook would not keep; such a cell stays a text."""
LONGEST_CELL = 32_767


def workbook(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """An XLSX file with one sheet. Plain numbers become numbers, everything else texts; nothing becomes a formula."""
    import xlsxwriter

    sink = io.BytesIO()
    safe = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(sink, safe) as book:
        book.set_properties({"created": datetime(2000, 1, 1)})
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(columns):
            sheet.write_string(0, column, name[:LONGEST_CELL], bold)
        for line, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if _NUMBER.fullmatch(cell) and len(cell) <= _LONGEST_NUMBER:
                    sheet.write_number(line, column, float(cell))
                else:
                    sheet.write_string(line, column, cell[:LONGEST_CELL])
    return sink.getvalue()
