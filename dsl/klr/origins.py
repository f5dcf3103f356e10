"""What is told to whom, as labels: the origins of values, what leaves a rule, and what that demands of the ``may`` lines.

What is written to a place, or told to a host, can come back from there: ``Closure`` follows it to where it came from first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from klr.demands import Demand
from klr.program import Need
from klr.proof import Language, meet
from klr.shapes import Shape
from klr.source import Span
from klr.vocabulary import SOURCES


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: the "names" or "contents" of the files of a place, the "answers" of a host, or the
    "mail" of an account, whose name stands as ``host``.

    ``own`` tells that it is the file that started the rule, where it lay then: all that is known of that place where
    something is sent or stored narrows this down.
    """

    source: str
    place: Shape | None = None
    host: str = ""
    own: bool = False


Label = frozenset[Origin]
PUBLIC: Label = frozenset()
"""The label of what everybody may know: what is written in the coworker, its settings, and the clock."""


@dataclass(slots=True)
class Sent:
    """What goes to a host at one place of the text: ``data`` in the request, ``control`` by its being made at all.

    Of a mail, ``host`` is the pattern of the ``recipients``.
    """

    host: str
    span: Span
    data: Label = PUBLIC
    control: Label = PUBLIC
    recipients: Language | None = None
    account: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the names and the contents of a place hold from here on."""

    place: Shape
    names: Label
    contents: Label


@dataclass(slots=True)
class Traffic:
    """Everything that leaves one rule."""

    sent: dict[tuple[int, int], Sent] = field(default_factory=dict)
    stored: dict[Stored, None] = field(default_factory=dict)


class Closure:
    """Follows what comes back from places and hosts to where it came from first."""

    def __init__(self, walks: Iterable[Traffic]) -> None:
        self.stored: dict[Stored, None] = {}
        self.told: dict[str, set[Origin]] = {}
        for traffic in walks:
            self.stored.update(traffic.stored)
            for sent in traffic.sent.values():
                self.told.setdefault(sent.host, set()).update(sent.data | sent.control)
        self._meets: dict[tuple[Shape, Shape], bool] = {}

    def of(self, label: Label) -> dict[Origin, None]:
        """The origins of a label, and theirs, in the order in which they are found."""
        found = dict.fromkeys(sorted(label, key=_order))
        waiting = list(found)
        while waiting:
            for more in self._behind(waiting.pop(0)):
                if more not in found:
                    found[more] = None
                    waiting.append(more)
        return found

    def _behind(self, origin: Origin) -> Iterator[Origin]:
        if origin.place is None:
            if origin.source == "answers":
                yield from sorted(self.told.get(origin.host, ()), key=_order)
            return
        for stored in self.stored:
            if self._meet(origin.place, stored.place):
                label = stored.names | stored.contents if origin.source == "contents" else stored.names
                yield from sorted(label, key=_order)

    def _meet(self, one: Shape, other: Shape) -> bool:
        key = one, other
        if key not in self._meets:
            self._meets[key] = meet(one.language, other.language)
        return self._meets[key]

    def demands(self, sent: Sent) -> Iterator[Demand]:
        """What one request demands: that its host may be reached, and may be told all that it is told."""
        if sent.recipients is None:
            yield Demand(Need("contact", patterns=(sent.host,)), sent.span)
        else:
            yield Demand(Need("send mail", sent.recipients, (sent.host,), sent.account), sent.span)
        data, found = self.of(sent.data), self.of(sent.data | sent.control)
        whole = {origin.place for origin in found if origin.source == "contents"}
        for origin in found:
            if origin.source == "names" and origin.place in whole:
                continue  # whoever may have the contents may have the names
            if origin.place is None:
                if origin.source == "answers" and origin.host == sent.host:
                    continue  # what a host said is no news to it
                need = Need(SOURCES[origin.source], None, (origin.host,), sent.host, sent.recipients)
            else:
                language, patterns = origin.place.language, origin.place.patterns
                need = Need(SOURCES[origin.source], language, patterns, sent.host, sent.recipients)
            yield Demand(need, sent.span, implied=origin not in data)


def _order(origin: Origin) -> tuple[str, tuple[str, ...], str]:
    return origin.source, origin.place.patterns if origin.place else (), origin.host
