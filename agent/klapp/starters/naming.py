"""What a coworker can be called, and how its file is."""

from __future__ import annotations

import re

from klapp.starters.answers import Refused

_NAME = re.compile(r"[^\W_][\w .-]*")
LONGEST = 80


def checked_name(name: str) -> str:
    """The name of a coworker without blanks at its ends. Raises Refused for what can not be one."""
    name = name.strip()
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        raise Refused(
            "A coworker's name is made of letters, digits, blanks, points and hyphens, begins with a letter or digit, "
            f"and has at most {LONGEST} of them."
        )
    return name


def file_name(name: str) -> str:
    """The name of the file for a coworker of that name."""
    return f"{re.sub(r'[ .]+', '-', name).strip('-').lower()}.klr"
