"""Everything that is found out about one text, each part when it is first asked for."""

from __future__ import annotations

from functools import cache, cached_property

from klapp.lsp.names import Names
from klapp.lsp.outline import Outline
from klapp.vocabulary import VOCABULARY
from klr.loader import Analysis, examined, proved, with_functions
from klr.source import Source
from klr.vocabulary import Vocabulary


@cache
def words() -> Vocabulary:
    """All that a coworker can say, the language's own functions included."""
    return with_functions(VOCABULARY)


class Study:
    """A text and what the language says of it. Offsets are those of the text as it is, line breaks of any kind kept."""

    def __init__(self, text: str) -> None:
        self.source = Source(text)

    @cached_property
    def examined(self) -> Analysis:
        """Tree, names and types, without the proof, which takes as long again."""
        return examined(self.source, words())

    @cached_property
    def analysis(self) -> Analysis:
        """All findings, those of the proof included."""
        return proved(self.examined, words())

    @cached_property
    def outline(self) -> Outline:
        """Blocks and declarations line by line, also where the text has errors."""
        return Outline(self.source, words())

    @cached_property
    def names(self) -> Names:
        """What each name stands for."""
        return Names(self.source, self.examined.checked, words(), self.examined.parsed.tree)
