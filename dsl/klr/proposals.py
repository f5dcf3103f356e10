"""What could be wrong with a line: a change of it, and how that is told where it turns out to be the right one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of a line. Offsets are within the line.

    Attributes:
        start, end, new: what takes whose place.
        code, message, help: the finding.
        repair: whether the change is offered; else more of the text would have to change.
        last: whether it only counts where the whole line can be read then.
    """

    start: int
    end: int
    new: str
    code: str
    message: str
    help: str
    repair: bool = True
    last: bool = False
