"""What an editor offers to write at a place."""

from __future__ import annotations

from dataclasses import dataclass

from klapp.lsp.candidates import Candidate, candidates
from klapp.lsp.context import context_at
from klapp.lsp.study import Study
from klr.source import Span


@dataclass(frozen=True, slots=True)
class Offers:
    """The candidates, the best first, and the part of the text that a chosen one takes the place of."""

    span: Span
    candidates: tuple[Candidate, ...]


def offers(study: Study, offset: int, *, behind_blank: bool = False) -> Offers:
    """What can stand at an offset, in place of the beginning of a word before it.

    ``behind_blank`` tells that a blank was typed and nothing was asked for: the words of the grammar, which can stand
    nearly everywhere, are then left out.
    """
    context = context_at(study, offset)
    found = candidates(study, context)
    if behind_blank:
        found = [one for one in found if one.kind != "keyword"]
    return Offers(Span(context.word.start, max(context.word.start, offset)), tuple(found))
