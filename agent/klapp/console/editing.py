"""Coworkers' texts: read, examined as the language server does, and saved so that nothing is ever lost."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from klapp.lsp.completion import offers
from klapp.lsp.edits import applied, formatted
from klapp.lsp.study import Study
from klapp.texts import LARGEST_FILE, read_text, replace_text

BEFORE = ".before"
"""Added to the name of a file: its text before the last save."""
MOST_OFFERS = 12


class Moved(Exception):
    """The file is not any more as it was when it was opened; the message says so."""


def findings(text: str) -> list[dict[str, Any]]:
    """What the language says of a text, as ``klapp check --format json``."""
    study = Study(text)
    return [one.to_json(study.source) for one in study.analysis.diagnostics]


def offered(text: str, offset: int) -> list[dict[str, Any]]:
    """What could be written at an offset in characters: {"text", "label", "detail", "start"}."""
    found = []
    for offer in offers(Study(text), offset):
        one = offer.candidate
        found.append({"text": one.text, "label": one.label, "detail": one.detail, "start": offer.span.start})
        if len(found) == MOST_OFFERS:
            break
    return found


def put_into_style(text: str) -> str:
    """The text in the one style; as it is where it can not be read."""
    return applied(text, formatted(Study(text)))


def version(text: str) -> str:
    """What tells one text from every other."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def save(path: Path, text: str, opened: str) -> None:
    """Put a text in place of a file's, whole or not at all; what was there is kept beside it.

    Raises Moved where the file is not the version that was opened, ValueError for a text that is too long, Unwritable and OSError.
    """
    data = text.encode("utf-8")
    if len(data) > LARGEST_FILE:
        raise ValueError(f"A coworker's text has at most {LARGEST_FILE:,} bytes.")
    if version(read_text(path).replace("\r\n", "\n")) != opened:
        raise Moved(
            "The file was changed by somebody else since you opened it. Nothing was written: copy your text, open the "
            "file anew, and put it in there."
        )
    # The link to the old text first: whatever fails behind it, both are there.
    kept = path.with_name(f".{path.name}{BEFORE}")
    kept.unlink(missing_ok=True)
    os.link(path, kept)
    os.replace(kept, path.with_name(path.name + BEFORE))
    replace_text(path, text)
