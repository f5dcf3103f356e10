"""Folders of a mail account as a coworker names them: what a name can be, and which folders a pattern holds.

A folder is named from the top of its account, with ``/`` between its parts whatever sign the server has for that:
``Archive/2026``. To the proof it is a path, ``/Archive/2026``.
"""

from __future__ import annotations

from klr.proof import Language, glob

ANY_FOLDER = "**"
"""The pattern of every folder of an account."""
EXAMPLE = 'For example: "Archive/{mail.date:%Y}".'


def mailboxes(pattern: str) -> Language:
    """The folders that a pattern holds. Raises GlobError where it is none."""
    return glob(f"/{pattern}")


def mailbox_problem(name: str) -> str:
    """What is wrong with the name of a mail folder, with ``\\0`` where it has holes, in a sentence; or ""."""
    if name.startswith(("/", "~")):
        return "A mail folder is named from the top of its account, without a `/` before it."
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "A mail folder has a name, and one between any two `/`."
    if any(sign in '*%\\"' or not (sign.isprintable() or sign == "\0") for sign in name):
        return "A mail folder is called by letters, digits and plain signs: not by `*`, `%`, quotes or backslashes."
    return ""
