"""Which mails a rule waits for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klr.proof import escape, glob, literal
from klr.values import MailValue


def waits_for(arguments: Mapping[str, Any], mail: MailValue) -> bool:
    """Whether a rule with these ``in`` and ``from`` waits for a mail."""
    if mail.account != arguments["in"]:
        return False
    pattern = arguments.get("from")
    # An address is held against the pattern as a name is: the proof knows names as parts of paths.
    return pattern is None or escape(literal(f"/{mail.sender}"), [glob(f"/{pattern.lower()}")]) is None
