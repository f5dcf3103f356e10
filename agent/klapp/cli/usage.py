"""What is said where a command is used wrongly: in words, with what was meant, and where to look it up."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from klapp.cli.output import USAGE
from klr.diagnostics import did_you_mean, visible

_CHOICE = re.compile(r"argument (.+?): invalid choice: (.*?) \(choose from .*\)", re.DOTALL)
_REQUIRED = re.compile(r"the following arguments are required: (.*)")
_VALUE = re.compile(r"argument (.+?): (.*)", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """argparse's parser, speaking plainly. A word is never taken for a longer one that it only begins."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **options})

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """As argparse does, but what is left over is told of with the command that does not take it."""
        options, left = self.parse_known_args(args, namespace)
        if left:
            command = getattr(options, "command", None)
            one = self._subcommands().get(command, self) if command else self
            known = [name for action in one._actions for name in action.option_strings]
            meant = did_you_mean(left[0], known)
            one.complain(f"{one.prog} does not take {left[0]}. {meant}".rstrip())
        return options

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit with 2."""
        if found := _CHOICE.fullmatch(message):
            written = found[2].strip("'")
            choices = self._choices(found[1])
            meant = did_you_mean(written, choices) or f"There are: {', '.join(choices)}."
            kind = "command" if found[1] in ("COMMAND", "WHAT") else f"{found[1]} called"
            self.complain(f"{self.prog} knows no {kind} {written}. {meant}")
        if found := _REQUIRED.fullmatch(message):
            self.complain(f"Something is missing: {self.prog} {found[1].replace(', ', ' ')}")
        if found := _VALUE.fullmatch(message):
            self.complain(f"{found[1]}: {found[2]}.")
        self.complain(f"{message[0].upper()}{message[1:]}.")

    def complain(self, sentence: str) -> NoReturn:
        """Print a sentence and where to look it up; exit with 2."""
        sys.stderr.write(f"{visible(sentence)}\nSee: {self.prog} --help\n")
        sys.exit(USAGE)

    def _choices(self, argument: str) -> list[str]:
        for action in self._actions:
            if argument in (action.metavar, action.dest, "/".join(action.option_strings)):
                return [str(choice) for choice in action.choices or ()]
        return []

    def _subcommands(self) -> dict[str, Parser]:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return dict(action.choices)
        return {}
