"""The process that reads documents: it gets bytes, gives back text or cells, and can reach nothing else.

A PDF is a program of sorts, and its reader a large one. Whatever a hostile file makes of this process, it has no key,
no file, no network and nobody to talk to but the agent, which takes from it texts and nothing else.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from contextlib import suppress
from typing import BinaryIO

from klapp.sandbox.documents import Unreadable, pdf_text, workbook_cells
from klapp.sandbox.words import words

REQUEST = struct.Struct("!IQ")
"""Lengths of the request's JSON and of the document, in bytes."""
ANSWER = struct.Struct("!I")


def libraries() -> list[str]:
    """Where Python and its libraries lie: what they load late must be readable in the sandbox."""
    places = {os.path.realpath(path) for path in (*sys.path, sys.prefix, os.path.dirname(os.__file__)) if path}
    return sorted(path for path in places if path != "/" and os.path.exists(path))


def warm_up() -> None:
    """Load everything that a usual document needs, so that it is there when nothing can be loaded any more."""
    import io

    import pypdf

    writer = pypdf.PdfWriter()
    writer.add_blank_page(10, 10)
    page = io.BytesIO()
    writer.write(page)
    pdf_text(page.getvalue())
    with suppress(Unreadable):
        workbook_cells(b"")


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until there are no more."""
    while header := source.read(REQUEST.size):
        request_length, length = REQUEST.unpack(header)
        request = json.loads(source.read(request_length))
        answer = json.dumps(_answered(request, source.read(length))).encode("ascii")
        sink.write(ANSWER.pack(len(answer)) + answer)
        sink.flush()


def _answered(request: dict[str, str], data: bytes) -> dict[str, object]:
    try:
        match request["as"]:
            case "workbook":
                return {"cells": workbook_cells(data)}
            case "words":
                return {"words": words(request["kind"], data)}
        return {"text": pdf_text(data)}
    except Unreadable as error:
        return {"unreadable": str(error)}
    except MemoryError:
        return {"unreadable": "takes more memory than a document should"}


def main() -> None:
    """Warm up, confine, tell what holds, serve."""
    from klapp.sandbox.confine import confine, readable

    source, sink = os.fdopen(0, "rb"), os.fdopen(1, "wb")
    warm_up()
    confined = confine(readable(libraries()))
    hello = json.dumps(confined.told()).encode("ascii")
    sink.write(ANSWER.pack(len(hello)) + hello)
    sink.flush()
    serve(source, sink)


if __name__ == "__main__":
    main()
