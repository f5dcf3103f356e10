"""Tables: rows of texts under named columns, groups of what belongs together, and how cells are read as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from klr.effects import EffectError
from klr.types import TABLE, TEXT, list_of
from klr.vocabulary import Property


@dataclass(frozen=True, slots=True)
class RowValue:
    """One row: a text for each column, whatever the file that it comes from thinks of numbers and dates."""

    columns: tuple[str, ...]
    cells: tuple[str, ...]

    def cell(self, column: str) -> str:
        """The text under a column; raises EffectError("value"), which names the columns that there are."""
        try:
            return self.cells[self.columns.index(column)]
        except ValueError:
            raise no_column(column, self.columns) from None


class TableValue(tuple[RowValue, ...]):
    """The rows of a table, in order. ``columns`` are there also where no row is."""

    columns: tuple[str, ...]

    def __new__(cls, columns: Sequence[str], rows: Iterable[RowValue] = ()) -> TableValue:
        made = super().__new__(cls, rows)
        made.columns = tuple(columns)
        return made

    @classmethod
    def of(cls, columns: Sequence[str], cells: Iterable[Sequence[str]]) -> TableValue:
        """A table of these cells, row by row."""
        names = tuple(columns)
        return cls(names, (RowValue(names, tuple(row)) for row in cells))


@dataclass(frozen=True, slots=True)
class GroupValue:
    """What belongs together: the ``key`` that all of ``items`` have in common."""

    key: Any
    items: tuple[Any, ...]


def no_column(column: str, there: Sequence[str]) -> EffectError:
    """What is said where a column is missing."""
    known = ", ".join(f'"{name}"' for name in there) or "none"
    return EffectError(f'There is no column "{column}". There are: {known}.', "value")


def cell(row: RowValue, column: str) -> str:
    """``row."column"``."""
    return row.cell(column)


def cells(rows: Iterable[RowValue], column: str) -> tuple[str, ...]:
    """``rows."column"``: the column from top to bottom."""
    if isinstance(rows, TableValue) and column not in rows.columns:
        raise no_column(column, rows.columns)
    return tuple(row.cell(column) for row in rows)


def like(items: Iterable[Any], kept: Iterable[Any]) -> tuple[Any, ...]:
    """``kept`` as what ``items`` is: some rows of a table are a table."""
    return TableValue(items.columns, kept) if isinstance(items, TableValue) else tuple(kept)


def grouped(items: Iterable[Any], keys: Iterable[Any]) -> tuple[GroupValue, ...]:
    """The items by their keys; groups in the order of their first items."""
    found: dict[Any, list[Any]] = {}
    for item, key in zip(items, keys, strict=True):
        found.setdefault(key, []).append(item)
    return tuple(GroupValue(key, like(items, members)) for key, members in found.items())


def columns_of(rows: Iterable[RowValue]) -> tuple[str, ...]:
    """The columns of rows that need not be of one table, in the order of their first places."""
    if isinstance(rows, TableValue):
        return rows.columns
    return tuple(dict.fromkeys(column for row in rows for column in row.columns))


PROPERTIES: tuple[Property, ...] = (
    Property("columns", list_of(TEXT), "The names of its columns.", 'file.table.columns contains "Amount"', pure=lambda table: table.columns, of=TABLE),
)  # fmt: skip


def average(items: tuple[Any, ...]) -> Any:
    """The sum of a list by how many there are, or None for an empty one."""
    from klr.runtime import add, divide

    if not items:
        return None
    total = items[0]
    for item in items[1:]:
        total = add(total, item)
    return divide(total, Decimal(len(items)))
