"""The table in a file: CSV and TSV, and workbooks, which a process of its own reads."""

from __future__ import annotations

from klapp.files.protocol import Files
from klapp.files.shown import shown
from klapp.properties import texts
from klapp.properties.content import LARGEST_TEXT, whole
from klapp.properties.kinds import kind_of
from klapp.sandbox import Failed
from klapp.tables.delimited import NoTable, cells_of
from klapp.tables.reading import sheets_of, table_of
from klr.effects import EffectError
from klr.rows import TableValue
from klr.types import TABLE as TABLE_TYPE
from klr.values import FileValue
from klr.vocabulary import Property


def _table(files: Files, file: FileValue) -> TableValue:
    return _read(files, file, False)


def _sheets(files: Files, file: FileValue) -> TableValue:
    return _read(files, file, True)


def _read(files: Files, file: FileValue, every: bool) -> TableValue:
    """The table of a file, or, with ``every``, those of all sheets; a text has one sheet, without a name."""
    data = whole(files, file, LARGEST_TEXT, "table")
    kind = kind_of(data)
    try:
        if kind == "spreadsheet":
            cells = texts.READER.cells(data, every)
            return sheets_of(cells) if every else table_of(cells)
        if kind in ("text", "empty"):
            cells = cells_of(data)
            return sheets_of([["", *row] for row in cells]) if every else table_of(cells)
    except (Failed, NoTable) as error:
        raise EffectError(f"{shown(file.path)} {error}.", "value") from None
    raise EffectError(f"{shown(file.path)} holds no table: it is neither CSV nor a workbook.", "value")


TABLE = Property(
    "table",
    TABLE_TYPE,
    "The table in it, for CSV and TSV files (delimiter and encoding are found out) and for the first sheet of XLSX, ODS "
    "and XLS workbooks. The first line names the columns; every cell is a text.",
    "file.table",
    ask=_table,
    source="contents",
    at_path=True,
)

SHEETS = Property(
    "sheets",
    TABLE_TYPE,
    'The tables of all sheets of an XLSX, ODS or XLS workbook in one: the column "Sheet" tells which sheet a row is of, and '
    "a cell is empty where that sheet has no such column. A CSV or TSV file has one sheet, without a name.",
    'file.sheets where it."Sheet" is "Invoices"',
    ask=_sheets,
    source="contents",
    at_path=True,
)
