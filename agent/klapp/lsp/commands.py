"""What the buttons above a coworker's parts answer, as text for a person."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from klapp import rpc
from klapp.coworkers.approval import gathered, in_words
from klapp.engine.tester import TestResult, run_tests
from klapp.home import Home
from klapp.lsp.study import Study
from klapp.vocabulary import VOCABULARY
from klr.diagnostics import visible
from klr.loader import load

SHOWN_RUNS = 20
"""So many runs of a simulation are told one by one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found out. ``fine`` tells whether there is nothing to worry about."""

    text: str
    fine: bool = True


def path_of(uri: str) -> Path | None:
    """The file that a ``file:`` URI names; None for every other."""
    try:
        parts = urlsplit(uri)
        return Path(url2pathname(parts.path)) if parts.scheme == "file" and parts.path else None
    except ValueError:
        return None


def permissions(text: str) -> Answer:
    """What the ``may`` lines of a coworker allow, in words."""
    study = Study(text)
    checked = study.examined.checked
    lines = in_words(gathered(checked.grants)) if checked else []
    name = (checked.tree.name.constant if checked else None) or "This coworker"
    told = "\n".join(f"- {visible(line)}" for line in lines)
    answer = f"{visible(name)} may\n{told}" if lines else f"{visible(name)} may touch nothing."
    if study.analysis.has_errors:
        return Answer(f"{answer}\n\nIt has errors, so it does not run before they are mended.", fine=False)
    return Answer(answer)


def tests(text: str, line: int | None) -> Answer:
    """The outcome of the test on a line (from 1), or of all of them."""
    loaded = load(text, VOCABULARY)
    if loaded.program is None:
        first = loaded.errors[0]
        where = loaded.source.place(first.span.start)[0]
        return Answer(f"The tests can not run before the errors are mended. Line {where}: {first.message}", fine=False)
    chosen = tuple(case for case in loaded.program.tests if line in (None, case.line))
    if not chosen:
        return Answer("There is no test." if line is None else f"There is no test on line {line}.", fine=False)
    results = run_tests(replace(loaded.program, tests=chosen), VOCABULARY)
    return Answer("\n".join(map(_result, results)), all(result.passed for result in results))


def _result(result: TestResult) -> str:
    if result.passed:
        return f'"{visible(result.name)}" passed.'
    failures = "".join(f"\n- line {line}: {visible(sentence)}" for line, sentence in result.failures)
    return f'"{visible(result.name)}" failed.{failures}'


def simulate(path: Path) -> Answer:
    """What the coworker in a file would do now with the files that are there. Asks the running agent."""
    try:
        home = Home.of(os.environ).path
        reports = rpc.call(home, "simulate", {"name": str(path), "on": None})
    except rpc.NoAgent:
        return Answer(f"No agent is running. Start klapp, or say in a terminal: klapp simulate {path}", fine=False)
    except rpc.RpcError as error:
        return Answer(str(error), fine=False)
    told = [_run(report) for report in reports[:SHOWN_RUNS]]
    if len(reports) > SHOWN_RUNS:
        told.append(f"... and {len(reports) - SHOWN_RUNS:,} more.")
    return Answer("\n".join([*told, "Nothing was changed."]) if told else "Nothing is there to do.")


def _run(report: dict[str, object]) -> str:
    effects = report["effects"]
    assert isinstance(effects, list)
    about = visible(str(report["file"] or "The rule"))
    reason = f" ({visible(str(report['reason']))})" if report["reason"] else ""
    return "\n".join(
        [f"{about}: {report['outcome']}{reason}", *(f"- {visible(effect['sentence'])}" for effect in effects)]
    )
