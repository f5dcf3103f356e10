"""Reads the text of a ``.klr`` file, whatever lies there."""

from __future__ import annotations

from pathlib import Path

LARGEST_FILE = 1_000_000


class Unreadable(Exception):
    """A file is not there, or is no text; the message says which, why, and what to do."""


def read_text(path: Path) -> str:
    """The text of a file, as far as the language reads any; raises Unreadable."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path} is not text in UTF-8. Save it as UTF-8 in your editor.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is no name of a file"
        raise Unreadable(f"{path} can not be read: {reason}.") from error
