"""Tables in text files: which encoding and delimiter a file has, its cells, and cells that no spreadsheet executes.

The format is RFC 4180 with what programs make of it: any of four delimiters, any usual encoding, Excel's ``sep=`` line.
What a file is written in is decided by its content alone, the same way each time.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DELIMITERS = ",;\t|"
SAMPLE = 50
"""Lines that are looked at to find the delimiter."""
LONGEST_CELL = 1_000_000
_PLAIN_NUMBER = re.compile(r"[-+]?[\d.,'\u00a0\u202f ]*\d[ \t%€$£]*")
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True)
class Form:
    """How a table is written in a text file."""

    encoding: str = "utf-8-sig"
    delimiter: str = ","
    line_end: str = "\n"


class NoTable(ValueError):
    """A text is no table; the message completes "FILE ...": "has a cell that is too long"."""


def form_of(data: bytes) -> Form:
    """How a text file is written."""
    encoding = _encoding(data)
    text = _decoded(data, encoding)
    line_end = "\r\n" if "\r\n" in text else "\n"
    return Form(encoding, _delimiter(text), line_end)


def cells_of(data: bytes) -> list[list[str]]:
    """The cells of a text file, line by line, without empty lines; raises NoTable."""
    form = form_of(data)
    text = _decoded(data, form.encoding)
    if text.startswith("sep=") and len(text.split("\n", 1)[0].strip()) == 5:
        text = text.partition("\n")[2]
    csv.field_size_limit(LONGEST_CELL)
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter)
        return [line for line in lines if any(map(str.strip, line))]
    except csv.Error as error:
        raise NoTable("has a cell that is too long, or a quotation mark that is never closed") from error


def line_of(cells: Sequence[str], form: Form) -> str:
    """One line, with its end; cells that a spreadsheet would take for formulas are made harmless."""
    sink = io.StringIO()
    # With both signs in its line end, the module puts cells that hold one of them between quotation marks.
    csv.writer(sink, delimiter=form.delimiter, lineterminator="\r\n").writerow(map(harmless, cells))
    return sink.getvalue().removesuffix("\r\n") + form.line_end


def written(columns: Sequence[str], rows: Iterable[Sequence[str]], form: Form) -> bytes:
    """A whole file. Raises UnicodeEncodeError for a text that its encoding can not hold."""
    lines = [line_of(columns, form), *(line_of(row, form) for row in rows)]
    return "".join(lines).encode(form.encoding)


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: one that looks like it gets an apostrophe, unless it is a number.

    See OWASP, "CSV Injection".
    """
    if cell.startswith(_RISKY) and not _PLAIN_NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def _encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _decoded(data: bytes, encoding: str) -> str:
    """Every byte means something in Windows' encoding as browsers read it (WHATWG, "Encoding")."""
    return data.decode(encoding, "replace").replace("\0", "")


def _delimiter(text: str) -> str:
    """The sign that most of the first lines have as often as the first line has it; the usual ones first."""
    if re.match(r"sep=.\r?\n", text) and text[4] in DELIMITERS:
        return text[4]
    lines = [_unquoted(line) for line in text.split("\n", SAMPLE)[:SAMPLE] if line.strip()]
    best, most = ",", (0, 0)
    for sign in DELIMITERS:
        counts = Counter(line.count(sign) for line in lines)
        first = lines[0].count(sign) if lines else 0
        score = (counts[first], first) if first else (0, 0)
        if score > most:
            best, most = sign, score
    return best


def _unquoted(line: str) -> str:
    """A line without what stands between quotation marks."""
    return "".join(line.split('"')[::2])
