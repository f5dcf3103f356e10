"""Addresses of klapp's own page, for whoever leads there: the tray, notices, and the page itself."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode


def address(path: str, **query: str) -> str:
    """A path of the page with its query; what no text can say of a file's name is kept as it is."""
    return f"{path}?{urlencode(query, errors='surrogatepass')}" if query else path


def editor(path: Path, coworkers: Path) -> str:
    """Where the page shows the text of a coworker's file: to be changed, or where it does not lie in the folder of
    coworkers, to be brought there. A name that is no UTF-8 is told byte by byte."""
    if path.resolve().parent == coworkers.resolve():
        return address("/edit", name=path.name)
    return f"/bring?{urlencode({'file': str(path)}, errors='surrogateescape')}"
