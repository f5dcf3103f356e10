"""The text of documents, from bytes alone; what a hostile document makes of it is contained by whoever calls it."""

from __future__ import annotations

import io
import logging

MOST_PAGES = 200
LONGEST = 2_000_000
"""Characters; what stands behind them is left out."""


class Unreadable(Exception):
    """A document has no text for us; the message completes "FILE ...": "is locked with a password"."""


def pdf_text(data: bytes) -> str:
    """The text of a PDF, page by page; raises Unreadable."""
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it would speak of every oddity of a file
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("is locked with a password, so its text can not be read")
        texts: list[str] = []
        length = 0
        for page in reader.pages[:MOST_PAGES]:
            texts.append(page.extract_text())
            length += len(texts[-1])
            if length > LONGEST:
                break
    except (Unreadable, MemoryError):
        raise
    except Exception as error:
        # A hostile or broken file makes the library raise what it likes; none of that may end anything.
        raise Unreadable("can not be read as a PDF; it may be damaged") from error
    # Surrogates and NULs come from broken fonts; no name or notice could hold them.
    return "\n".join(texts)[:LONGEST].encode("utf-8", "replace").decode("utf-8").replace("\0", "")
