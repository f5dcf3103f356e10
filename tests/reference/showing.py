"""Values as texts: how a hole shows them, with a format and without."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from klr.values import Months
from tests.reference.numbers import Number, rounded

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
LENGTHS = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}
UNITS = {"bytes": 0, "kB": 3, "MB": 6, "GB": 9, "TB": 12}


def show(value: Any) -> str:
    """A value without a format."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, int):
        return _size(value)
    if isinstance(value, datetime):
        clock = f" {value.hour:02}:{value.minute:02}" if value.time() != time() else ""
        return f"{value.year:04}-{value.month:02}-{value.day:02}{clock}"
    if isinstance(value, time):
        return f"{value.hour:02}:{value.minute:02}"
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, Months):
        years, months = divmod(abs(value.count), 12)
        return _signed(value.count < 0, _counted([(years, "year"), (months, "month")]) or "0 months")
    assert isinstance(value, tuple), value
    return ", ".join(show(item) for item in value)


def _signed(negative: bool, text: str) -> str:
    return "-" + text if negative else text


def _counted(amounts: list[tuple[int, str]]) -> str:
    return " ".join(f"{n} {unit}" if n == 1 else f"{n} {unit}s" for n, unit in amounts if n)


def _size(size: int) -> str:
    for unit in ("TB", "GB", "MB", "kB"):
        tenths = abs(size) * 10 // 10 ** UNITS[unit]
        if tenths >= 10:
            whole, tenth = divmod(tenths, 10)
            return _signed(size < 0, f"{whole}.{tenth} {unit}" if tenth else f"{whole} {unit}")
    return f"{size} byte" if size == 1 else f"{size} bytes"


def _duration(duration: timedelta) -> str:
    seconds = abs(duration) // timedelta(seconds=1)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(n, u) for n, u in ((days, "day"), (hours, "hour"), (minutes, "minute"), (seconds, "second")) if n]
    return _signed(duration < timedelta(), _counted(parts[:2]) or "0 seconds")


def show_formatted(value: Any, form: str) -> str:
    """A value with a format, as in ``{total:0.00}``."""
    if isinstance(value, str):
        return {"upper": value.upper, "lower": value.lower}[form]()
    if isinstance(value, bool):
        yes, _, no = form.partition("/")
        return yes if value else no
    if isinstance(value, Number):
        return _number(value, form)
    if isinstance(value, timedelta):
        count = int(abs(value).total_seconds()) // LENGTHS[form]
        return _signed(value < timedelta() and count != 0, str(count))
    if isinstance(value, int):
        text = _number(Number(value, UNITS[form]), "0." + "0" * UNITS[form] if UNITS[form] else "0")
        return text.rstrip("0").rstrip(".") if "." in text else text
    text, at = "", 0
    while at < len(form):
        if form[at] == "%" and form[at + 1] == "-":
            text += _part(value, form[at + 2]).lstrip("0") or "0"
            at += 3
        elif form[at] == "%":
            text += _part(value, form[at + 1])
            at += 2
        else:
            text += form[at]
            at += 1
    return text


def _number(value: Number, form: str) -> str:
    """A number in the picture that a format gives of it, such as ``0.000,00`` or ``+0%``."""
    amount, percent = value.value, form.endswith("%")
    plus, picture = form.startswith("+"), form.strip("+%")
    marks = [character for character in picture if character != "0"]
    thousands, point = "", ""
    if len(marks) == 2:
        thousands, point = marks
    elif marks and (marks[0] in " '’" or (marks[0] == "," and picture in ("0,0", "0,000"))):
        thousands = marks[0]
    elif marks:
        point = marks[0]
    before, _, after = picture.partition(point) if point else (picture, "", "")
    scaled = rounded(abs(amount) * (100 if percent else 1), len(after))
    digits = str(scaled).rjust(len(after) + 1, "0")
    whole, decimals = (digits[: -len(after)], digits[-len(after) :]) if after else (digits, "")
    if thousands:
        groups: list[str] = []
        while whole:
            groups.insert(0, whole[-3:])
            whole = whole[:-3]
        whole = thousands.join(groups)
    else:
        whole = whole.rjust(len(before), "0")
    sign = "" if scaled == 0 else "-" if amount < 0 else "+" if plus else ""
    return sign + whole + (point + decimals if after else "") + "%" * percent


def _part(value: datetime | time, code: str) -> str:
    if code == "%":
        return "%"
    clock = {"H": f"{value.hour:02}", "M": f"{value.minute:02}", "S": f"{value.second:02}"}
    if code in clock:
        return clock[code]
    assert isinstance(value, datetime), f"a time has no %{code}"
    day = (date(value.year, value.month, value.day) - date(value.year, 1, 1)).days + 1
    return {
        "Y": f"{value.year:04}",
        "y": f"{value.year % 100:02}",
        "m": f"{value.month:02}",
        "d": f"{value.day:02}",
        "j": f"{day:03}",
        "B": MONTHS[value.month - 1],
        "b": MONTHS[value.month - 1][:3],
        "A": DAYS[value.weekday()],
        "a": DAYS[value.weekday()][:3],
        "G": f"{value.isocalendar().year:04}",
        "q": str(1 + (value.month - 1) // 3),
        "V": f"{value.isocalendar().week:02}",
    }[code]
