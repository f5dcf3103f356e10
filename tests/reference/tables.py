"""Tables: rows of texts under named columns, groups, and text files that hold tables, read sign by sign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.reference.operators import Failure
from tests.reference.properties import Refused, decoded, halves, kind, name_of

DELIMITERS = (",", ";", "\t", "|")
SAMPLED = 50


@dataclass(frozen=True)
class Row:
    """A text for each column."""

    columns: tuple[str, ...]
    cells: tuple[str, ...]


class Table(tuple[Row, ...]):
    """Rows of one table, whose columns are there also where no row is."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """What has a key in common."""

    key: Any
    items: tuple[Any, ...]


def table(columns: Sequence[str], rows: Iterable[Row]) -> Table:
    made = Table(rows)
    made.columns = tuple(columns)
    return made


def some_of(items: Any, kept: Iterable[Any]) -> Any:
    """Some of a list; some rows of a table are a table."""
    return table(items.columns, kept) if isinstance(items, Table) else tuple(kept)


def field(of: Any, column: str) -> Any:
    """``of."column"``."""
    if isinstance(of, Table) and column not in of.columns:
        raise Failure("value", no_column(column, of.columns))
    if isinstance(of, tuple):
        return tuple(field(row, column) for row in of)
    if column not in of.columns:
        raise Failure("value", no_column(column, of.columns))
    return of.cells[of.columns.index(column)]


def no_column(column: str, there: Sequence[str]) -> str:
    known = ", ".join(f'"{name}"' for name in there) or "none"
    return f'There is no column "{column}". There are: {known}.'


def grouped(items: Any, keys: Sequence[Any]) -> tuple[Group, ...]:
    found: list[tuple[Any, list[Any]]] = []
    for item, key in zip(items, keys, strict=True):
        members = next((members for known, members in found if known == key), None)
        if members is None:
            found.append((key, [item]))
        else:
            members.append(item)
    return tuple(Group(key, some_of(items, members)) for key, members in found)


# -- reading ------------------------------------------------------------------------------------------------------------


def table_in(content: bytes) -> Table:
    """The table that a file holds."""
    if kind(content) not in ("text", "empty"):
        raise Refused("value")
    return named(cells(content))


def in_one(sheets: dict[str, Table]) -> Table:
    """The tables of sheets in one, the name of its sheet before each row."""
    columns = list(dict.fromkeys(column for sheet in sheets.values() for column in sheet.columns))
    shown, number = list(columns), 1
    while "Sheet" in shown:
        number += 1
        if f"Sheet ({number})" not in columns:
            shown[columns.index("Sheet")] = f"Sheet ({number})"
    names = ("Sheet", *shown)
    rows = [(name, row) for name, sheet in sheets.items() for row in sheet]
    filled = [(name, {c: row.cells[row.columns.index(c)] for c in row.columns}) for name, row in rows]
    return table(names, (Row(names, (name, *(held.get(c, "") for c in columns))) for name, held in filled))


def named(lines: Sequence[Sequence[str]]) -> Table:
    """A table of lines, the first of which names the columns."""
    width = max((len(line) for line in lines), default=0)
    filled = [tuple(line) + ("",) * (width - len(line)) for line in lines]
    columns: list[str] = []
    for place, written in enumerate(filled[0] if filled else (), 1):
        wanted = " ".join(written.split()) or f"Column {place}"
        name, number = wanted, 2
        while name in columns:
            name, number = f"{wanted} ({number})", number + 1
        columns.append(name)
    return table(columns, (Row(tuple(columns), line) for line in filled[1:]))


def cells(content: bytes) -> list[list[str]]:
    """The cells of each line that is not empty."""
    written = plain(content)
    sign = delimiter(written)
    first, _, rest = written.partition("\n")
    if first.startswith("sep=") and len(first.strip()) == 5:
        written = rest
    return [line for line in lines_of(written, sign) if any(cell.strip() for cell in line)]


def plain(content: bytes) -> str:
    return decoded(content).replace("\0", "")


def delimiter(written: str) -> str:
    """The sign that most lines have as often as the first has it."""
    if written.startswith("sep=") and written[4:5] in DELIMITERS and written[5:].startswith(("\n", "\r\n")):
        return written[4]
    lines = [line for line in written.split("\n")[:SAMPLED] if line.strip()]
    unquoted = ["".join(line.split('"')[::2]) for line in lines]
    best, most = ",", (0, 0)
    for sign in DELIMITERS:
        counts = [line.count(sign) for line in unquoted]
        score = (counts.count(counts[0]), counts[0]) if counts and counts[0] else (0, 0)
        if score > most:
            best, most = sign, score
    return best


def lines_of(written: str, sign: str) -> list[list[str]]:
    """RFC 4180, forgiving: a quotation mark within a cell stands for itself, one that is not closed ends with the text."""
    lines: list[list[str]] = [[]]
    cell, at, is_quoted, is_fresh = "", 0, False, True

    def close() -> None:
        nonlocal cell, is_fresh
        lines[-1].append(cell)
        cell, is_fresh = "", True

    while at < len(written):
        here = written[at]
        at += 1
        if is_quoted:
            if here != '"':
                cell += here
            elif written[at : at + 1] == '"':
                cell, at = cell + '"', at + 1
            else:
                is_quoted = False
        elif here == '"' and is_fresh:
            is_quoted, is_fresh = True, False
        elif here == sign:
            close()
        elif here in "\r\n":
            close()
            at += here == "\r" and written[at : at + 1] == "\n"
            lines.append([])
        else:
            cell, is_fresh = cell + here, False
    close()
    return lines


# -- writing ------------------------------------------------------------------------------------------------------------


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    risky = cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20") and cell != ""
    return f"'{cell}" if risky and not is_number(cell) else cell


def is_number(cell: str) -> bool:
    """A sign or none, digits with what groups them, a digit, and perhaps a percent or currency sign."""
    rest = cell.removeprefix("-") if cell.startswith("-") else cell.removeprefix("+")
    rest = rest.rstrip(" \t%€$£")
    return rest[-1:].isdecimal() and all(c.isdecimal() or c in ".,'\u00a0\u202f " for c in rest)


def line(items: Sequence[str], sign: str, end: str) -> str:
    written = [harmless(item) for item in items]
    quoted = ['"' + c.replace('"', '""') + '"' if set(c) & {sign, '"', "\r", "\n"} else c for c in written]
    return (sign.join(quoted) if quoted != [""] else '""') + end


def ending(path: str) -> str:
    return halves(name_of(path))[1][1:].lower()


def written(columns: Sequence[str], rows: Iterable[Row], sign: str, end: str = "\n") -> str:
    lines = [line(columns, sign, end)]
    for row in rows:
        given = dict(zip(row.columns, row.cells, strict=True))
        lines.append(line([given.get(column, "") for column in columns], sign, end))
    return "".join(lines)


def encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        raise Refused("value") from None


def new_file(path: str, columns: Sequence[str], rows: Iterable[Row], sign: str | None) -> bytes:
    """The content of a new table; a workbook is none that is known here."""
    if not columns or ending(path) not in ("csv", "tsv", "txt"):
        raise Refused("value")
    return encoded(written(columns, rows, sign or ("\t" if ending(path) == "tsv" else ",")), "utf-8-sig")


def with_row(content: bytes, row: Row) -> bytes:
    """A table's content with one more row in it."""
    text, head = plain(content), named(cells(content)[:1]).columns
    sign, end = delimiter(text), "\r\n" if "\r\n" in text else "\n"
    bare, _ = encoding_of(content)
    if not head:
        return content + encoded(written(row.columns, [row], sign, end), bare)
    if not set(row.columns) <= set(head):
        raise Refused("value")
    given = dict(zip(row.columns, row.cells, strict=True))
    joint = "" if content.endswith(("\n".encode(bare), b"\n")) else end
    return content + encoded(joint + line([given.get(column, "") for column in head], sign, end), bare)


def encoding_of(content: bytes) -> tuple[str, str]:
    """How what is added is encoded, and how the whole is."""
    if content.startswith(b"\xff\xfe"):
        return "utf-16-le", "utf-16"
    if content.startswith(b"\xfe\xff"):
        return "utf-16-be", "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252", "cp1252"
    return "utf-8", "utf-8"
