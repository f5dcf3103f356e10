"""Formats of holes, such as ``{total:0.00}`` or ``{today:%d.%m.%Y}``: which there are, and the texts that they make.

No locale has a say: a format says itself which signs a number has, and names are English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any

MONTHS = (
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
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SIZES = {"bytes": 0, "kB": 3, "MB": 6, "GB": 9, "TB": 12}
DURATIONS = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}
DATE_CODES = "YymdHMSjBbAaVGq%"
TIME_CODES = "HMS%"
SHORTENED = "mdHMSjV"
"""Codes that ``%-d`` and the like write without leading zeros."""

_NUMBER = re.compile(
    r"(?P<plus>\+?)(?P<whole>0+)(?P<group>[,. '’](?=0))?(?P<rest>0*)(?:(?P<sign>[.,])(?P<decimals>0+))?(?P<percent>%?)"
)
_MOST_DIGITS = 40
_PLENTY = Context(prec=200)
_CODE = re.compile(r"%(-?)(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NumberForm:
    """How a number is written: at least ``digits`` before the decimal ``sign``, ``decimals`` behind it."""

    digits: int
    group: str = ""
    sign: str = "."
    decimals: int = 0
    plus: bool = False
    percent: bool = False

    def write(self, value: Decimal) -> str:
        """The text of a number, rounded half to even."""
        scaled = value * 100 if self.percent else value
        rounded = _PLENTY.quantize(scaled, Decimal(1).scaleb(-self.decimals))
        text = format(abs(rounded), ",f" if self.group else "f")
        whole, _, rest = text.partition(".")
        whole = whole.replace(",", self.group).rjust(1 if self.group else self.digits, "0")
        lead = "-" if rounded < 0 else "+" if self.plus and rounded > 0 else ""
        return lead + whole + (self.sign + rest if rest else "") + "%" * self.percent


def number_form(form: str) -> NumberForm | None:
    """What a number's format means, or None where it is none.

    ``0.00`` and ``0,00`` choose the decimal sign, ``0,0.00`` and ``0.000,00`` a sign between thousands as well, which
    may also be a blank or an apostrophe. A comma alone separates thousands in ``0,0`` and ``0,000``. ``000`` asks for
    three digits at least, ``+0`` for a sign, ``0%`` for hundredths.
    """
    match = _NUMBER.fullmatch(form)
    if match is None or len(form) > _MOST_DIGITS:
        return None
    whole, group, rest, sign, decimals = match.group("whole", "group", "rest", "sign", "decimals")
    more = {"plus": bool(match["plus"]), "percent": bool(match["percent"])}
    if group is None:
        return NumberForm(len(whole), "", sign or ".", len(decimals or ""), **more)
    if sign is None and (group == "." or (group == "," and rest not in ("0", "000"))):
        return NumberForm(len(whole), "", group, len(rest), **more)
    if len(whole) != 1 or rest not in ("0", "000") or sign == group:
        return None
    return NumberForm(1, group, sign or ".", len(decimals or ""), **more)


def number_problem(form: str) -> str:
    """Why a text is no format of a number, or ""."""
    if number_form(form) is not None:
        return ""
    if re.search(r"#", form):
        return "A digit is written as 0."
    if re.fullmatch(r"\.\d+f?|\d*d", form):
        return "klapp's formats show what the number will look like."
    return "It shows what the number will look like, with 0 for its digits."


def date_problem(form: str, codes: str = DATE_CODES) -> str:
    """Why a text is no format of a date (or, with ``TIME_CODES``, of a time), or ""."""
    rest = _CODE.sub("", form)
    if "%" in rest:
        return "A `%` at the end says nothing; a percent sign is `%%`."
    for short, code in _CODE.findall(form):
        if code not in codes or (short and code not in SHORTENED):
            what = "a time" if codes == TIME_CODES else "a date"
            return f"`%{short}{code}` is no part of {what}."
    if not _CODE.search(form):
        hint = "`YYYY` is written `%Y`, `MM` `%m`, `DD` `%d`." if re.search("[yYmMdD]{2}", form) else ""
        return f"It has no part that begins with `%`. {hint}".strip()
    return ""


def formatted(value: Any, form: str) -> str:
    """A value as ``{value:form}`` shows it; the checker has made sure that the format fits the type."""
    match value:
        case str():
            return value.upper() if form == "upper" else value.lower()
        case bool():
            return form.split("/")[0 if value else 1]
        case Decimal():
            known = number_form(form)
            assert known is not None, form
            return known.write(value)
        case int():
            return f"{_PLENTY.normalize(Decimal(value).scaleb(-SIZES[form])):f}"
        case timedelta():
            amount = abs(value) // timedelta(seconds=1) // DURATIONS[form]
            return f"{'-' if value < timedelta() and amount else ''}{amount}"
    parts, end = _parts(form)
    return "".join([text + _date_part(value, code, short) for text, code, short in parts]) + end


@lru_cache(maxsize=256)
def _parts(form: str) -> tuple[tuple[tuple[str, str, bool], ...], str]:
    """What a form of dates is made of: (the text before, code, whether it is shortened) of each part, and the rest."""
    found, at = [], 0
    for code in _CODE.finditer(form):
        found.append((form[at : code.start()], code[2], bool(code[1])))
        at = code.end()
    return tuple(found), form[at:]


def _date_part(value: datetime | time, code: str, short: bool) -> str:
    """One part of a date, in English and without any locale."""
    text = _spelt(value, code)
    return text.lstrip("0") or "0" if short else text


def _spelt(value: datetime | time, code: str) -> str:
    if isinstance(value, datetime):
        match code:
            case "B":
                return MONTHS[value.month - 1]
            case "b":
                return MONTHS[value.month - 1][:3]
            case "A":
                return DAYS[value.weekday()]
            case "a":
                return DAYS[value.weekday()][:3]
            case "Y":
                return f"{value.year:04d}"
            case "m":
                return f"{value.month:02d}"
            case "d":
                return f"{value.day:02d}"
            case "G":
                return f"{value.isocalendar()[0]:04d}"
            case "q":
                return str((value.month + 2) // 3)
    return value.strftime("%" + code)
