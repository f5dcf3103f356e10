"""What a word of a text means: the documentation of the vocabulary, the type of a name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from klapp.lsp import manual
from klapp.lsp.candidates import Candidate, candidates
from klapp.lsp.context import context_at, phrase_starts
from klapp.lsp.study import Study
from klr.source import Span


@dataclass(frozen=True, slots=True)
class Meaning:
    """A page of Markdown about what ``span`` covers."""

    span: Span
    page: str


def meaning(study: Study, offset: int) -> Meaning | None:
    """What stands at an offset, or None where there is nothing to say about it.

    A phrase such as ``make folder`` is found from each of its words: what could be written where it begins is looked up
    there, and the longest that is written there is taken.
    """
    binding = study.names.at(offset)
    if binding is not None:
        place = next(place for place in binding.places if place.start <= offset <= place.end)
        return Meaning(place, manual.name(binding.name, binding.kind, binding.type))
    for start in phrase_starts(study.source, offset):
        context = context_at(study, start)
        found = ((_written(study, one, start), one) for one in candidates(study, context) if one.page)
        written = [(span, one) for span, one in found if span and span.start <= offset <= span.end]
        if written:
            longest = max(span for span, _ in written)
            pages = [one for span, one in written if span == longest]
            return Meaning(longest, "\n\n---\n\n".join(one.page for one in _meant(study, pages, longest)))
    return None


def _written(study: Study, candidate: Candidate, start: int) -> Span | None:
    words = r"[ \t]+".join(map(re.escape, candidate.text.split()))
    found = re.compile(rf"{words}(?!\w)").match(study.source.text, start)
    return Span(*found.span()) if found else None


def _meant(study: Study, found: list[Candidate], span: Span) -> list[Candidate]:
    """Of several functions of one name, those whose words follow on the line; all, where none does."""
    line = study.source.line(study.source.place(span.end)[0])
    rest = line[study.source.place(span.end)[1] - 1 :].split()
    following = [one for one in found if one.label.split()[1:2] == rest[:1]]
    return following or found
