"""From cells to a table: names for every column, a cell in every place, and limits that hold for any file."""

from __future__ import annotations

from collections.abc import Sequence

from klapp.tables.delimited import NoTable
from klr.rows import TableValue

MOST_ROWS = 200_000
MOST_CELLS = 2_000_000


SHEET = "Sheet"
"""The column that tells the name of a sheet, where the tables of several stand in one."""


def table_of(cells: Sequence[Sequence[str]]) -> TableValue:
    """The table of cells whose first line names the columns; raises NoTable for more than the limits.

    A column without a name is called after its place, ``Column 3``; a name that is taken gets a number.
    """
    width = max(map(len, cells), default=0)
    if len(cells) > MOST_ROWS or len(cells) * width > MOST_CELLS:
        raise NoTable(f"is too large: a table may have {MOST_ROWS:,} rows and {MOST_CELLS:,} cells")
    if not cells:
        return TableValue(())
    names: list[str] = []
    for place, name in enumerate([*cells[0], *[""] * (width - len(cells[0]))], 1):
        wanted = " ".join(name.split()) or f"Column {place}"
        number, unique = 2, wanted
        while unique in names:
            unique, number = f"{wanted} ({number})", number + 1
        names.append(unique)
    return TableValue.of(names, ([*row, *[""] * (width - len(row))] for row in cells[1:]))


def sheets_of(cells: Sequence[Sequence[str]]) -> TableValue:
    """The tables of several sheets as one, from rows with the name of their sheet before them; raises NoTable.

    Its first column, ``Sheet``, is that name. Behind it stand the columns of all sheets, in the order in which they are
    met; a row is empty where its own sheet has no such column. A sheet's column called ``Sheet`` gets a number.
    """
    by_sheet: dict[str, list[Sequence[str]]] = {}
    for name, *row in cells:
        by_sheet.setdefault(name, []).append(row)
    tables = {name: table_of(rows) for name, rows in by_sheet.items()}
    columns = dict.fromkeys(column for table in tables.values() for column in table.columns)
    own, number = SHEET, 2
    while own in columns:
        own, number = f"{SHEET} ({number})", number + 1
    shown = {column: own if column == SHEET else column for column in columns}
    if sum(map(len, tables.values())) * (1 + len(columns)) > MOST_CELLS:
        raise NoTable(f"is too large: all of its sheets together may have {MOST_CELLS:,} cells")
    rows = (
        [name, *(dict(zip(row.columns, row.cells, strict=True)).get(column, "") for column in columns)]
        for name, table in tables.items()
        for row in table
    )
    return TableValue.of([SHEET, *shown.values()], rows)
