"""Addresses of klapp's own page, for whoever leads there: the tray, notices, and the page itself."""

from __future__ import annotations

from urllib.parse import urlencode


def address(path: str, **query: str) -> str:
    """A path of the page with its query; what no text can say of a file's name is kept as it is."""
    return f"{path}?{urlencode(query, errors='surrogatepass')}" if query else path
