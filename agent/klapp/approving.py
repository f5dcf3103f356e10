"""Asking a person whether a coworker may: the part of the agent's facade behind reviews, approvals and refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from klapp.audit.events import Approved, Refused, Revoked
from klapp.audit.log import Log
from klapp.counts import counted
from klapp.coworkers.approval import in_words, permissions_of
from klapp.coworkers.review import Example, Review, narrowed_text, review_of, seen_of
from klapp.coworkers.store import Coworker, Coworkers, NoCoworker
from klapp.engine.report import RunReport
from klapp.texts import read_text, replace_text

MOST_LOOKED_AT = 20
"""So many runs are simulated at most while an example is looked for."""
MOST_EXAMPLES = 3
MOST_EFFECTS = 8
"""Sentences of one example; a run of many steps says how many more there are."""
NOTHING_THERE = "There is nothing yet that it would do something with."
Simulate = Callable[[Coworker], Iterable[RunReport]]


class Approving:
    """Reviews and answers. ``simulate`` gives, one by one, reports of what a coworker would do now."""

    def __init__(self, log: Log, coworkers: Coworkers, simulate: Simulate) -> None:
        self._log = log
        self._coworkers = coworkers
        self._simulate = simulate

    def review(self, name: str, *, examples: bool = True) -> Review:
        """What a person reads before allowing a coworker anything. Raises NoCoworker where it has errors."""
        self._coworkers.reload()
        coworker = self._coworkers.find(name)
        if coworker.program is None:
            raise NoCoworker(f'"{coworker.name}" has errors. Mend them first: klapp check {coworker.path}')
        if not examples:
            return review_of(coworker)
        try:
            found = self._examples(coworker)
        except Exception as error:
            # Whatever it stumbles over is no reason to keep a person from reading what it may do.
            return review_of(coworker, no_example=f"No example could be made: {error}")
        return review_of(coworker, found, "" if found else NOTHING_THERE)

    def _examples(self, coworker: Coworker) -> list[Example]:
        found: list[Example] = []
        for report in islice(self._simulate(coworker), MOST_LOOKED_AT):
            if report.steps or report.outcome == "failed":
                found.append(_example(report))
            if len(found) == MOST_EXAMPLES:
                break
        return found

    def approve(self, name: str, seen: str | None = None, *, narrower: bool = False) -> Coworker:
        """Allow a coworker what it asks for: exactly what a person has seen, where ``seen`` of its review is given.

        ``narrower`` writes the tightest ``may`` lines into its file first, and allows only these.
        """
        self._coworkers.reload()
        coworker = self._coworkers.find(name)
        text = None
        if coworker.program is not None and seen is not None:
            if seen_of(coworker.program) != seen:
                raise NoCoworker(f'"{coworker.name}" has changed meanwhile, so nothing was allowed. Look at it again.')
            text = coworker.program.text
        if narrower:
            text = self._narrow(coworker)
        return self._coworkers.approve(
            coworker.name, text, lambda one: self._log.record(Approved(one.name, self._asked(one)))
        )

    def _narrow(self, coworker: Coworker) -> str:
        """The new text of a coworker, with the tightest lines, in its file."""
        text = narrowed_text(coworker)
        if text is None:
            raise NoCoworker(f'"{coworker.name}" asks for nothing that it does not need. Nothing was allowed yet.')
        if changed := ", ".join(self._coworkers.changed_settings(coworker.name)):
            raise NoCoworker(
                f'"{coworker.name}" has settings with other values than its file gives them ({changed}), so its lines can '
                f"not be written for you. Give them back with `klapp settings ... --reset`, or approve it as it is."
            )
        if read_text(coworker.path).replace("\r\n", "\n") != coworker.loaded.source.text:
            raise NoCoworker(f'"{coworker.name}" is being changed, so nothing was allowed. Look at it again.')
        replace_text(coworker.path, text)
        self._coworkers.reload()
        return text

    def refuse(self, name: str) -> Coworker:
        """Say no to what a coworker asks for now; it is not asked about again until its text changes."""
        self._coworkers.reload()
        return self._coworkers.refuse(name, lambda one: self._log.record(Refused(one.name, in_words(one.missing))))

    def revoke(self, name: str) -> Coworker:
        """Take an approval back."""
        return self._coworkers.revoke(name, lambda one: self._log.record(Revoked(one.name)))

    @staticmethod
    def _asked(coworker: Coworker) -> list[str]:
        return in_words(permissions_of(coworker.program)) if coworker.program else []


def _example(report: RunReport) -> Example:
    sentences = [step.operation.sentence() for step in report.steps[:MOST_EFFECTS]]
    if len(report.steps) > MOST_EFFECTS:
        sentences.append(f"and {counted(len(report.steps) - MOST_EFFECTS, 'step')} more")
    return Example(report.file, report.outcome, report.reason, tuple(sentences))
