"""Values of the language as data that JSON can hold, exactly, and back."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from klr.rows import RowValue, TableValue
from klr.values import AttachmentValue, FileValue, MailValue, Months

_PLAIN = frozenset({str, int, bool, type(None)})
_MICROSECOND = timedelta(microseconds=1)


def encode(value: Any) -> Any:
    """A value as JSON data: what JSON has no notation for becomes an object with one letter."""
    if type(value) in _PLAIN:
        return value
    match value:
        case FileValue():
            return {"f": [value.path, value.size, _written(value.modified), value.stamp, value.device, value.inode]}
        case MailValue():
            return {"mail": [encode(part) for part in value]}
        case AttachmentValue():
            return {"attachment": list(value)}
        case RowValue():
            return {"r": [list(value.columns), list(value.cells)]}
        case TableValue():
            return {"w": [list(value.columns), [list(row.cells) for row in value]]}
        case tuple():
            return list(map(encode, value))
        case Decimal():
            return {"n": str(value)}
        case datetime():
            return {"d": _written(value)}
        case time():
            return {"t": value.isoformat()}
        case timedelta():
            return {"s": value // _MICROSECOND}
        case Months():
            return {"m": value.count}
    raise TypeError(f"a {type(value).__name__} is no value of the language")


def _written(date: datetime) -> str:
    """A date; with a ``~`` where it lies in an hour that comes twice, the second time."""
    return date.isoformat() + "~" * date.fold


def _read(written: str) -> datetime:
    if written[-1:] == "~":
        return datetime.fromisoformat(written[:-1]).replace(fold=1)
    return datetime.fromisoformat(written)


def _table(columns: list[Any], rows: list[Any]) -> TableValue:
    """A table of texts, each row of which has a cell for each column; raises ValueError."""
    for row in (columns, *rows):
        if type(row) is not list or len(row) != len(columns) or not all(type(cell) is str for cell in row):
            raise ValueError("the log holds a table that is none")
    return TableValue.of(columns, rows)


def _mail(
    account: str, key: str, subject: str, sender: str, called: str, to: Any, at: Any, text: str, came: Any
) -> Any:
    """A mail whose parts are of their types; raises ValueError."""
    fits = isinstance(at, datetime) and all(type(one) is str for one in to)
    if not fits or not all(isinstance(one, AttachmentValue) for one in came):
        raise ValueError("the log holds a mail that is none")
    return MailValue(account, key, subject, sender, called, to, at, text, came)


def decode(data: Any) -> Any:
    """The opposite of ``encode``; raises ValueError for anything else."""
    try:
        return _decoded(data)
    except (ArithmeticError, RecursionError) as error:  # no number, or one that is too large for what it should be
        raise ValueError("the log holds a value that can not be") from error


def _decoded(data: Any) -> Any:
    if type(data) in _PLAIN:
        return data
    match data:
        case list():
            return tuple(map(_decoded, data))
        case {"f": [str(path), int(size), str(modified), int(stamp), int(device), int(inode)]}:
            return FileValue(path, size, _read(modified), stamp, device, inode)
        case {"attachment": [str(mail), int(index), str(name), int(size), str(kind)]}:
            return AttachmentValue(mail, index, name, size, kind)
        case {
            "mail": [
                str(account),
                str(key),
                str(subject),
                str(sender),
                str(called),
                list(to),
                at,
                str(text),
                list(came),
            ]
        }:
            return _mail(account, key, subject, sender, called, decode(to), decode(at), text, decode(came))
        case {"r": [list(columns), list(cells)]}:
            return _table(columns, [cells])[0]
        case {"w": [list(columns), list(rows)]}:
            return _table(columns, rows)
        case {"n": str(number)}:
            value = Decimal(number)
            if not value.is_finite():
                raise ValueError("the log holds a number that is none")
            return value
        case {"d": str(date)}:
            return _read(date)
        case {"t": str(moment)}:
            return time.fromisoformat(moment)
        case {"s": int(microseconds)}:
            return timedelta(microseconds=microseconds)
        case {"m": int(months)}:
            return Months(months)
    raise ValueError("the log holds a value that this version of klapp does not know")
