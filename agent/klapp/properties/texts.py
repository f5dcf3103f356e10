"""The text of a document: plain text in whatever encoding, and PDF."""

from __future__ import annotations

import io
import logging

from klapp.files.shown import shown
from klr.effects import EffectError

MOST_PAGES = 200
LONGEST = 2_000_000
"""Characters; what stands behind them is left out."""


def text_of(kind: str, data: bytes, path: str) -> str:
    """The text of a file of kind "pdf" or "text", line breaks as ``\\n``; raises EffectError("value")."""
    text = _pdf(data, path) if kind == "pdf" else _plain(data)
    return text.replace("\r\n", "\n").replace("\r", "\n")[:LONGEST]


def _plain(data: bytes) -> str:
    """Text by its byte order mark, else UTF-8, else as Windows wrote it (every byte means something then)."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _pdf(data: bytes, path: str) -> str:
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it would speak of every oddity of a file
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise EffectError(f"{shown(path)} is locked with a password, so its text can not be read.", "value")
        texts: list[str] = []
        length = 0
        for page in reader.pages[:MOST_PAGES]:
            texts.append(page.extract_text())
            length += len(texts[-1])
            if length > LONGEST:
                break
    except EffectError:
        raise
    except Exception as error:
        # A hostile or broken file makes the library raise what it likes; none of that may end the agent.
        raise EffectError(f"{shown(path)} can not be read as a PDF; it may be damaged.", "value") from error
    # Surrogates and NULs come from broken fonts; no name or notice could hold them.
    return "\n".join(texts).encode("utf-8", "replace").decode("utf-8").replace("\0", "")
