"""What a worker may ask of the agent while it works, by name. Each is given what a worker said, which may be anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from klapp.properties import texts
from klapp.sandbox import Failed
from klr.effects import EffectError


def _document(wish: Any, data: bytes) -> str:
    """The text of a document: it is passed on, unread, to the process that reads documents."""
    try:
        return texts.READER.text(data)
    except Failed as error:
        raise EffectError(str(error), "value") from None


def _workbook(wish: Any, data: bytes) -> list[list[str]]:
    """The cells of a workbook, as a document's text."""
    try:
        return texts.READER.cells(data, wish is True)
    except Failed as error:
        raise EffectError(str(error), "value") from None


SERVICES: Mapping[str, Callable[[Any, bytes], Any]] = {"document": _document, "workbook": _workbook}
