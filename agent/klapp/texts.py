"""Reads the text of a ``.klr`` file, whatever lies there, and puts a new one in its place; writes small texts whole."""

from __future__ import annotations

import os
import secrets
import tempfile
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


class Unwritable(Exception):
    """A file could not be changed, and was left as it is; the message says so."""


def replace_text(path: Path, text: str) -> None:
    """Put new text in place of a file's old one, whole or not at all, keeping its mode. Raises Unwritable."""
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(prefix=".klapp-", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, target.stat().st_mode & 0o7777)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise Unwritable(f"{path} can not be written: {error.strerror}. It was left as it is.") from error


def write_whole(path: Path, text: str) -> None:
    """Write a text durably, and whole or not at all, in place of whatever was there. Raises OSError."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
