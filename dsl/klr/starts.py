"""What starts a rule: checks ``when``, ``every`` and ``cron`` lines with their options, and turns them into data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from klr import syntax as s
from klr.diagnostics import Diagnostic, Edit, did_you_mean, instead, listing
from klr.options import OF_CLOCK, OptionsOf
from klr.program import TriggerUse
from klr.proof import GlobError, glob, glob_component
from klr.secrets import account_problem
from klr.source import Span
from klr.synonyms import TRIGGERS
from klr.syntax import MISSING
from klr.timing import Timing
from klr.types import ACCOUNT, PATH
from klr.vocabulary import Trigger, Vocabulary


@dataclass(frozen=True, slots=True)
class Start:
    """What a trigger line came to: ``use`` is None where it is wrong; ``gives`` is as in a trigger's declaration."""

    use: TriggerUse | None
    gives: str = ""


class Starts:
    """Checks triggers; findings go to ``diagnostics``."""

    def __init__(self, vocabulary: Vocabulary, diagnostics: list[Diagnostic]) -> None:
        self.vocabulary = vocabulary
        self.diagnostics = diagnostics
        self.timing = Timing(diagnostics)

    def error(self, code: str, message: str, span: Span, help: str = "", repair: tuple[Edit, ...] = ()) -> None:
        """Record a finding."""
        self.diagnostics.append(Diagnostic(code, message, span, help, repair))

    def of(self, rule: s.RuleBlock) -> Start:
        """What starts a rule, with its options. What it asks for is left to whoever checks values."""
        start = self.of_trigger(rule.trigger)
        if isinstance(rule.trigger, s.When):
            trigger = self.vocabulary.triggers.get(" ".join(rule.trigger.words))
            if trigger is None:
                return start
            phrase, taken = f"when {trigger.phrase}", trigger.options
        else:
            phrase, taken = ("cron" if isinstance(rule.trigger, s.Cron) else "every"), OF_CLOCK
        schedule = start.use.arguments.get("schedule") if start.use else None
        found = len(self.diagnostics)
        options = OptionsOf(phrase, taken, schedule, self.diagnostics).of(rule.options)
        if start.use is None or found != len(self.diagnostics):
            return Start(None, start.gives)
        return Start(replace(start.use, options=options), start.gives)

    def of_trigger(self, trigger: s.When | s.Every | s.Cron) -> Start:
        """What a trigger line says, apart from options and answers."""
        if isinstance(trigger, s.When):
            return self._when(trigger)
        schedule = self.timing.of(trigger)
        phrase = "cron" if isinstance(trigger, s.Cron) else "every"
        return Start(TriggerUse(phrase, {"schedule": schedule}) if schedule else None)

    def known(self, when: s.When) -> Trigger | None:
        """The declaration of a ``when`` line's phrase; an unknown one is reported."""
        phrase = " ".join(when.words)
        trigger = self.vocabulary.triggers.get(phrase)
        if trigger is None and phrase != MISSING:
            known = sorted(
                phrase for phrase, one in self.vocabulary.triggers.items() if one.of_coworker == bool(when.other)
            )
            if when.other:
                help = did_you_mean(phrase, known) or 'Write `when "Name" finishes` or `when "Name" fails`.'
            else:
                help = did_you_mean(phrase, known, TRIGGERS) or f"A rule can wait for {listing(known)}."
            self.error(
                "K501",
                f"klapp can not wait for `{phrase}`.",
                when.span,
                help,
                instead(when.span, phrase, known, TRIGGERS),
            )
        return trigger

    def _when(self, when: s.When) -> Start:
        trigger = self.known(when)
        if trigger is None:
            return Start(None, "file")  # so that its lines are not told of, too
        found = len(self.diagnostics)
        values = self._other(when, trigger) | self._slots(when, trigger)
        if when.answers and not trigger.asks:
            self.error(
                "K509", f"`when {trigger.phrase}` asks nobody.", when.span, "Only `when asked for` asks a person."
            )
        for slot in trigger.slots:
            if slot.required and slot.word not in values and found == len(self.diagnostics):
                self.error(
                    "K502",
                    f"`when {trigger.phrase}` does not say `{slot.word}` what.",
                    when.span,
                    f"For example: `{trigger.example}`.",
                )
        use = TriggerUse(trigger.phrase, values, trigger.gives) if found == len(self.diagnostics) else None
        return Start(use, trigger.gives)

    def _other(self, when: s.When, trigger: Trigger) -> dict[str, Any]:
        """The name of the coworker that a rule waits for."""
        if when.other is None:
            if trigger.of_coworker:
                message = f"`when {trigger.phrase}` does not say which coworker."
                self.error("K502", message, when.span, f"For example: `{trigger.example}`.")
            return {}
        name = when.other.constant
        if not trigger.of_coworker:
            message = f"No name stands before `{trigger.phrase}`."
            self.error("K502", message, when.other.span, f"For example: `{trigger.example}`.")
        elif not name:
            self.error("K309", "Here stands the name of a coworker, without holes.", when.other.span)
        return {"coworker": name}

    def _slots(self, when: s.When, trigger: Trigger) -> dict[str, Any]:
        values: dict[str, Any] = {}
        slots = {slot.word: slot for slot in trigger.slots}
        for word, value in when.slots:
            if word not in slots:
                self.error(
                    "K502",
                    f"`when {trigger.phrase}` takes no `{word}`.",
                    value.span,
                    f"For example: `{trigger.example}`.",
                )
            elif word in values:
                self.error("K502", f"There are two `{word}` here.", value.span, "Keep one of them.")
            elif not isinstance(value, s.Template) or value.constant is None:
                self.error(
                    "K309",
                    f"`{word}` takes a text without holes here.",
                    value.span,
                    f"For example: `{trigger.example}`.",
                )
            elif slots[word].type == ACCOUNT:
                values[word] = value.constant
                if problem := account_problem(value.constant):
                    self.error("K418", problem, value.span, f"For example: `{trigger.example}`.")
            else:
                values[word] = self._pattern(value, slots[word].type == PATH)
        return values

    def _pattern(self, template: s.Template, is_path: bool) -> str:
        """A folder, as a path glob without a last ``/``; or a glob for names."""
        written = template.constant or ""
        if is_path and len(written) > 2:
            written = written.rstrip("/")
        try:
            glob(written + "/*" if is_path and not written.endswith("/**") else written) if is_path else glob_component(
                written
            )
        except GlobError as error:
            self.error("K402", str(error), template.span)
        return written
