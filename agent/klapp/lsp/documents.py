"""The texts that an editor has open, kept equal to what it shows by the changes that it tells of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from klapp.lsp.positions import Lines, Range
from klapp.lsp.study import Study


@dataclass(frozen=True, slots=True)
class Change:
    """``text`` in place of what ``range`` covers; without a range, in place of everything."""

    text: str
    range: Range | None = None


class Document:
    """One open text; a change makes a new one. What is found out about it is found out once, when it is asked for."""

    def __init__(self, text: str, version: int | None = None, encoding: str = "utf-16") -> None:
        self.text = text
        self.version = version
        self.encoding = encoding

    @cached_property
    def lines(self) -> Lines:
        """Positions in this text."""
        return Lines(self.text, self.encoding)

    @cached_property
    def study(self) -> Study:
        """What the language says of this text."""
        return Study(self.text)

    def changed(self, changes: Iterable[Change], version: int | None) -> Document:
        """The text behind a list of changes, each of which is about the text behind the one before it."""
        text, lines = self.text, self.lines
        for change in changes:
            if change.range is None:
                text = change.text
            else:
                start, end = lines.span(change.range)
                text = text[:start] + change.text + text[end:]
            lines = Lines(text, self.encoding)
        return Document(text, version, self.encoding)


class Documents:
    """The open documents, by URI."""

    def __init__(self) -> None:
        self.encoding = "utf-16"
        self._open: dict[str, Document] = {}

    def open(self, uri: str, text: str, version: int | None) -> None:
        """A document is opened, or opened once more."""
        self._open[uri] = Document(text, version, self.encoding)

    def change(self, uri: str, changes: Iterable[Change], version: int | None) -> None:
        """A document has changed; nothing happens to one that is not open."""
        document = self._open.get(uri)
        if document is not None:
            self._open[uri] = document.changed(changes, version)

    def close(self, uri: str) -> None:
        """A document is closed; its text on the disk counts from now on."""
        self._open.pop(uri, None)

    def get(self, uri: str) -> Document | None:
        """The open document of that URI."""
        return self._open.get(uri)
