"""What a person may answer: each kind of answer is put into one form, or refused with a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time

from klr.diagnostics import visible

Answers = Mapping[str, str]
"""Accepted answers by the key of their question."""

LONGEST_PATH = 1000
LONGEST_NAME = 120
"""Bytes in one part of a path; the rest of 255 is left for what a coworker puts before and behind it."""
LONGEST_WORDS = 200
_ENDING = re.compile(r"[^\W_]{1,10}")
_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(?:\s*(?:h|Uhr|o'clock))?", re.IGNORECASE)
_DAYS = re.compile(r"(\d{1,5})(?:\s*days?)?", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")


class Refused(Exception):
    """An answer that can not be taken; the message says why, and what to write instead."""


def plain(raw: str, what: str) -> str:
    """A text on one line without characters that can not be seen. Raises Refused for others, and for nothing at all."""
    text = raw.strip()
    if not text:
        raise Refused(f"{what} can not be empty.")
    if not text.isprintable():
        raise Refused(f"{what} can not hold line breaks or characters that can not be seen: {visible(text)}")
    return text


def path(raw: str, home: str, what: str = "A folder") -> str:
    """A path as coworkers write it: ``~/...`` where it lies in the person's home, without a ``/`` at its end."""
    text = plain(raw, what)
    if len(text.encode()) > LONGEST_PATH:
        raise Refused(f"That is longer than {LONGEST_PATH} bytes. Choose a shorter path.")
    if "\\" in text or _DRIVE.match(text):
        raise Refused("Write the path with `/` between its folders, such as ~/Documents/Invoices.")
    found = next((sign for sign in "*?[]" if sign in text), "")
    if found:
        raise Refused(f"A path with a `{found}` stands for many places. Name one folder.")
    if text.startswith("~") and text[1:2] not in ("", "/"):
        raise Refused(f"Only your own home can be written with a `~`: ~/{text[1:]}")
    if home != "/" and (text == home or text.startswith(home.rstrip("/") + "/")):
        text = "~" + text[len(home.rstrip("/")) :]
    elif not text.startswith(("/", "~")):
        text = f"~/{text}"
    parts = [part for part in text.split("/")[1:] if part not in ("", ".")]
    if ".." in parts:
        raise Refused("A path with `..` leads out of the folder that it names. Write where it really is.")
    if not parts:
        raise Refused("That is too much for one coworker: name a folder in it.")
    for part in parts:
        piece(part, "A name in a path")
        if part != part.strip():
            raise Refused(f"The name “{part}” begins or ends with a blank. Rename that folder first.")
    return "/".join(["~" if text.startswith("~") else "", *parts])


def piece(text: str, what: str) -> str:
    """A text that can be part of a file's name."""
    if "/" in text:
        raise Refused(f"{what} can not hold a `/`.")
    if len(text.encode("utf-8", "replace")) > LONGEST_NAME:
        raise Refused(f"{what} can be at most {LONGEST_NAME} bytes long.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused(f"{what} holds a character that no file can hold.") from None
    return text


def endings(raw: str) -> str:
    """Endings of files, in small letters, a comma and a blank apart, each once."""
    found = [one.strip().removeprefix("*").removeprefix(".").lower() for one in raw.replace(";", ",").split(",")]
    for one in found:
        if not _ENDING.fullmatch(one):
            raise Refused("Endings are letters and digits, with commas between them: pdf, docx")
    return ", ".join(dict.fromkeys(found))


def words(raw: str) -> str:
    """Words or phrases, a comma and a blank apart, each once."""
    text = plain(raw, "What you look for")
    if len(text) > LONGEST_WORDS:
        raise Refused(f"That is longer than {LONGEST_WORDS} letters. A few words are enough.")
    found = list(dict.fromkeys(filter(None, (one.strip() for one in text.split(",")))))
    if not found:
        raise Refused("Write at least one word, such as: Invoice")
    piece(text.replace("/", ""), "What you look for")
    return ", ".join(found)


def days(raw: str) -> str:
    """A number of days."""
    match = _DAYS.fullmatch(raw.strip())
    if not match or not 1 <= int(match[1]) <= 36500:
        raise Refused("Write a number of days from 1 to 36500, such as 30.")
    return str(int(match[1]))


def clock(raw: str) -> str:
    """A time of day, as ``09:00``."""
    match = _TIME.fullmatch(raw.strip())
    try:
        return time(int(match[1]), int(match[2] or 0)).strftime("%H:%M") if match else _no_time()
    except ValueError:
        return _no_time()


def _no_time() -> str:
    raise Refused("Write a time of day, such as 09:00.")


def yes_or_no(raw: str) -> str:
    """ "yes" or "no"."""
    text = raw.strip().casefold()
    for answer in ("yes", "no"):
        if text and answer.startswith(text):
            return answer
    raise Refused("Answer yes or no.")
