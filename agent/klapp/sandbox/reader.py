"""The process that reads documents: it gets bytes, gives back text or cells, and can reach nothing else.

A PDF is a program of sorts, and its reader a large one. Whatever a hostile file makes of this process, it has no key,
no file, no network and nobody to talk to but the agent, which takes from it texts and nothing else.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from klapp.sandbox.channel import Channel, Lost
from klapp.sandbox.documents import Unreadable, pdf_text, workbook_cells
from klapp.sandbox.entry import own_input
from klapp.sandbox.words import words


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


def main() -> None:
    """Be a reader that is spoken to over the standard input."""
    channel = Channel(own_input())
    warm_up()
    serve(channel)


def serve(channel: Channel) -> None:
    """Be confined, tell what holds, and answer requests, each with a document behind it, until the agent is gone."""
    from klapp.sandbox.confine import confine, readable

    channel.send(confine(readable(libraries())).told())
    with suppress(Lost):
        while True:
            request = channel.receive()
            channel.send(_answered(request, channel.receive_bytes()))


def _answered(request: dict[str, str], data: bytes) -> dict[str, object]:
    try:
        match request["as"]:
            case "workbook":
                return {"cells": workbook_cells(data, "every" in request)}
            case "words":
                return {"words": words(request["kind"], data)}
        return {"text": pdf_text(data)}
    except Unreadable as error:
        return {"unreadable": str(error)}
    except MemoryError:
        return {"unreadable": "takes more memory than a document should"}
