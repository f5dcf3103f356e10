"""What an editor offers to write at a place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from klapp.lsp.candidates import Candidate, candidates
from klapp.lsp.context import context_at, phrase_starts
from klapp.lsp.study import Study
from klr.source import Span


@dataclass(frozen=True, slots=True)
class Offer:
    """A candidate, and the part of the text that it takes the place of when it is chosen."""

    span: Span
    candidate: Candidate


def offers(study: Study, offset: int, *, behind_blank: bool = False) -> Iterator[Offer]:
    """What can stand at an offset, in place of the beginning of a word before it; the best first.

    A phrase such as ``on conflict`` is offered behind its first word, too. ``behind_blank`` tells that a blank was typed
    and nothing was asked for: the words of the grammar, which can stand nearly everywhere, are then left out.
    """
    text = study.source.text
    offset = min(max(offset, 0), len(text))
    for number, start in enumerate(phrase_starts(study.source, offset)):
        begun = " ".join(text[start:offset].split())
        for one in candidates(study, context_at(study, start)):
            if behind_blank and one.kind == "keyword":
                continue
            if not number or (" " in begun and one.text.startswith(begun)):
                yield Offer(Span(start, offset), one)
