"""From cells to a table: names for every column, a cell in every place, and limits that hold for any file."""

from __future__ import annotations

from collections.abc import Sequence

from klapp.tables.delimited import NoTable
from klr.rows import TableValue

MOST_ROWS = 200_000
MOST_CELLS = 2_000_000


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
