"""Renaming what a person has named, only where the text means the same afterwards."""

from __future__ import annotations

import re
from collections import Counter

from klapp.lsp.edits import TextEdit, applied
from klapp.lsp.names import Binding
from klapp.lsp.study import Study
from klr.parser import keywords
from klr.scope import RESERVED

_NAME = re.compile(r"[^\W\d]\w*")


class Refused(Exception):
    """It can not be done; the message says why, and what to do."""


def renameable(study: Study, offset: int) -> Binding:
    """The name at an offset; raises Refused where there is none that could be renamed."""
    if any(found.code.startswith("K1") for found in study.analysis.diagnostics):
        raise Refused("Mend the lines that can not be read first: a name that stands in them would be missed.")
    binding = study.names.at(offset)
    if binding is None:
        raise Refused(
            "Only settings, definitions and their parameters, names made with `let` and the names of `for each` can be renamed."
        )
    return binding


def renamed(study: Study, offset: int, new: str) -> list[TextEdit]:
    """The changes that give a name another one; raises Refused where the text would not mean the same.

    That it does is not argued but tried: the changed text must have no finding that the old one had not, and each of
    its names must stand for what it stood for.
    """
    binding = renameable(study, offset)
    if not _NAME.fullmatch(new):
        raise Refused(f"`{new}` is not a name: it has letters, digits and `_` only, and begins with no digit.")
    if new in RESERVED or new in keywords().values():
        raise Refused(f"`{new}` is a word of the language, so nothing else can be called that.")
    if new == binding.name:
        return []
    edits = [TextEdit(place, new) for place in binding.places]
    after = Study(applied(study.source.text, edits))
    if _structure(after) != _structure(study, study.names.bindings.index(binding), new):
        raise Refused(f"`{new}` is taken already in this file. Choose another name.")
    more = _codes(after) - _codes(study)
    if more:
        reason = next(found.message for found in after.analysis.diagnostics if found.code in more)
        raise Refused(f"With the name `{new}` something would be wrong: {reason}")
    return edits


def _codes(study: Study) -> Counter[str]:
    return Counter(found.code for found in study.analysis.diagnostics)


def _structure(study: Study, renamed: int | None = None, new: str = "") -> list[tuple[str, str, int, list[int]]]:
    """Each binding with the order of its places among all places, wherever exactly they are; one of them renamed."""
    places = sorted(place for binding in study.names.bindings for place in binding.places)
    rank = {place: number for number, place in enumerate(places)}
    return [
        (new if index == renamed else one.name, one.kind, one.line, [rank[place] for place in one.places])
        for index, one in enumerate(study.names.bindings)
    ]
