"""The verbs that put rows into tables: append row and write table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from klapp.files.failures import missing, taken
from klapp.files.protocol import FileError, Files
from klapp.files.shown import shown
from klapp.operations import Append, Create, Keep, Operation, Overwrite
from klapp.operations.keeping import new_token
from klapp.tables.delimited import DELIMITERS, Form, NoTable, cells_of, form_of, line_of, written
from klapp.tables.reading import table_of
from klapp.tables.workbooks import workbook
from klapp.verbs.plan import ON_CONFLICT, Plan, check_path, find_goal, missing_folders
from klr.rows import RowValue, columns_of
from klr.types import PATH, ROW, TEXT, list_of
from klr.values import split_name
from klr.vocabulary import Slot, Verb

LARGEST = 50_000_000
"""Bytes of a file to which rows are added."""


def plan_append_row(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``append row ROW to PATH``: a line under the columns that the file has; a new file gets those of the row."""
    row, path = arguments
    check_path(path)
    if _ending(path) not in ("csv", "tsv", "txt"):
        raise _unfit(path, "rows can be added to CSV and TSV files")
    kind = files.kind_at(path)
    if not kind:
        form = Form(delimiter="\t" if _ending(path) == "tsv" else ",")
        return Plan((*missing_folders(files, path), Create(path, _encoded(path, row.columns, [row.cells], form))))
    if kind != "file":
        raise taken(path)
    return Plan((_added(files, path, row),))


def _added(files: Files, path: str, row: RowValue) -> Operation:
    file = files.look(path)
    if file is None:
        raise missing(path)
    if file.size > LARGEST:
        raise _unfit(path, f"it is larger than {LARGEST // 1_000_000} MB")
    data = files.read(path, LARGEST)
    try:
        cells = cells_of(data)
        columns = table_of(cells[:1]).columns
    except NoTable as error:
        raise FileError(f"{shown(path)} {error}. Nothing was changed.", "value") from None
    form = form_of(data)
    if not columns:
        return Append(path, _encoded(path, row.columns, [row.cells], form), file.identity)
    strange = next((column for column in row.columns if column not in columns), None)
    if strange is not None:
        known = ", ".join(f'"{name}"' for name in columns)
        raise _unfit(path, f'it has no column "{strange}"; there are: {known}')
    given = dict(zip(row.columns, row.cells, strict=True))
    ended = "" if data.endswith(("\n".encode(_bare(form, data)), b"\n")) else form.line_end
    line = ended + line_of([given.get(column, "") for column in columns], form)
    try:
        return Append(path, line.encode(_bare(form, data)), file.identity)
    except UnicodeEncodeError:
        raise _unfit(path, "the row holds a character that the file's encoding does not know") from None


def _bare(form: Form, data: bytes) -> str:
    """The encoding of what follows the beginning of a file, where a byte order mark may stand."""
    order = "utf-16-be" if data.startswith(b"\xfe\xff") else "utf-16-le"
    return {"utf-8-sig": "utf-8", "utf-16": order}.get(form.encoding, form.encoding)


def plan_write_table(files: Files, arguments: tuple[Any, ...], now: datetime) -> Plan:
    """``write table ROWS to PATH``: a new CSV, TSV or XLSX file, with the folders that are missing."""
    rows, path, delimiter, policy = arguments
    check_path(path)
    if delimiter is not None and delimiter not in list(DELIMITERS):
        raise _unfit(path, "what stands between its cells is one of `,`, `;`, `|` and a tab")
    content = _content(path, rows, delimiter)
    goal = find_goal(files, path, policy)
    if goal is None:
        return Plan(())
    if goal.old is None:
        return Plan((*missing_folders(files, goal.path), Create(goal.path, content)))
    token, old = new_token(), goal.old.identity
    return Plan((Keep(path, old, token), Overwrite(path, content, old, token)))


def _content(path: str, rows: Sequence[RowValue], delimiter: str | None) -> bytes:
    columns = columns_of(rows)
    if not columns:
        raise _unfit(path, "there are no rows to write, nor columns")
    cells = [[dict(zip(row.columns, row.cells, strict=True)).get(name, "") for name in columns] for row in rows]
    match _ending(path):
        case "xlsx":
            return workbook(columns, cells)
        case "csv" | "tsv" | "txt" as ending:
            return _encoded(path, columns, cells, Form(delimiter=delimiter or ("\t" if ending == "tsv" else ",")))
    raise _unfit(path, "a table is written to a file whose name ends with `.csv`, `.tsv` or `.xlsx`")


def _encoded(path: str, columns: Sequence[str], rows: Sequence[Sequence[str]], form: Form) -> bytes:
    try:
        return written(columns, rows, form)
    except UnicodeEncodeError:
        raise _unfit(path, "it holds a character that no file can hold") from None


def _ending(path: str) -> str:
    return split_name(path.rpartition("/")[2])[1][1:].lower()


def _unfit(path: str, reason: str) -> FileError:
    return FileError(f"{shown(path)} can not take this: {reason}. Nothing was changed.", "value")


APPEND_ROW = Verb(
    "append row",
    (
        Slot("", ROW, doc="The row, with the names of its columns."),
        Slot("to", PATH, needs=("read", "write"), doc="A CSV or TSV file; it is made if it is missing."),
    ),
    "Adds a row to a CSV or TSV file, each cell under its column, in the delimiter and encoding that the file has. What "
    "a spreadsheet would take for a formula is made harmless.",
    'append row ["Date": today, "File": file.name] to "~/Documents/filed.csv"',
    plan=plan_append_row,
)

WRITE_TABLE = Verb(
    "write table",
    (
        Slot("", list_of(ROW), doc="A table, or a list of rows."),
        Slot("to", PATH, needs=("write",), doc="The new file; its name ends with `.csv`, `.tsv` or `.xlsx`."),
        Slot("with", TEXT, required=False, doc="What stands between the cells of a CSV file, such as `;`."),
        ON_CONFLICT,
    ),
    "Writes a table to a CSV, TSV or XLSX file, and makes the folders that are missing. If something is there already, "
    "the new name gets a number. What a spreadsheet would take for a formula is made harmless.",
    'write table [["Name": file.name, "Size": file.size]] to "~/Documents/list.xlsx"',
    plan=plan_write_table,
    numbered=True,
)
