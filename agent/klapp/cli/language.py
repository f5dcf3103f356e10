"""``klapp check``, ``fmt``, ``test``, ``lsp`` and ``explain CODE``: commands about texts, without agent or state."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from klapp.cli.output import FINE, PROBLEMS, Complaint, say, say_json
from klapp.counts import counted
from klapp.texts import read_text, replace_text
from klr.diagnostics import Diagnostic
from klr.loader import Loaded, load
from klr.loops import loops, round_advice
from klr.source import Source


def load_file(path: Path) -> Loaded:
    """Check and compile one file."""
    from klapp.vocabulary import VOCABULARY

    return load(read_text(path), VOCABULARY, str(path))


def check(options: argparse.Namespace) -> int:
    """``klapp check FILE...``."""
    loaded = [load_file(path) for path in options.files]
    findings = [(one.source, found) for one in loaded for found in one.diagnostics]
    findings.extend(_rounds(loaded))
    errors = sum(found.severity == "error" for _, found in findings)
    if options.format != "text":
        _report(options.format, findings)
        return PROBLEMS if errors else FINE
    for source, found in findings:
        say(found.render(source) + "\n")
    advice = len(findings) - errors
    files = counted(len(loaded), "file")
    say(
        f"{files}: {counted(errors, 'error')}, {counted(advice, 'piece')} of advice." if findings else f"{files}: fine."
    )
    return PROBLEMS if errors else FINE


def _report(form: str, findings: Sequence[tuple[Source, Diagnostic]]) -> None:
    """Print findings for a program."""
    if form == "json":
        say_json([found.to_json(source) for source, found in findings])
        return
    from importlib.metadata import version

    from klr import reports

    if form == "sarif":
        say_json(reports.sarif(findings, version("klapp")))
    else:
        for line in reports.github(findings):
            say(line)


def explain_code(code: str, *, as_json: bool) -> int:
    """``klapp explain CODE``: the page of a code."""
    from klr.codes import UnknownCode, page

    try:
        known = page(code)
    except UnknownCode as error:
        raise Complaint(str(error)) from error
    if as_json:
        say_json(asdict(known))
    else:
        say(known.plain())
    return FINE


def _rounds(loaded: list[Loaded]) -> Iterator[tuple[Source, Diagnostic]]:
    """Loops through several coworkers; those within one are among its own findings."""
    programs = {one.program.name: one for one in loaded if one.program}
    for loop in loops([one.program for one in programs.values() if one.program]):
        if len({stop.coworker for stop in loop}) > 1:
            source = programs[loop[0].coworker].source
            yield source, round_advice(loop, source.line_span(loop[0].line))


def fmt(options: argparse.Namespace) -> int:
    """``klapp fmt [--check] FILE...``."""
    found = [(path, _formatted(path, options)) for path in options.files]
    if options.format == "json":
        say_json([{"file": str(path), "state": state} for path, state in found])
    return FINE if all(state in ("fine", "formatted") for _, state in found) else PROBLEMS


def _formatted(path: Path, options: argparse.Namespace) -> str:
    """Format one file: "fine" as it was, "formatted", "unformatted" (left so by ``--check``), or "unreadable"."""
    from klr.format import format_source
    from klr.parser import parse

    tell = say if options.format == "text" else lambda line: None
    text = read_text(path)
    source = Source(text.replace("\r\n", "\n"), str(path))
    parsed = parse(source)
    if parsed.diagnostics:
        for found in parsed.diagnostics:
            tell(found.render(source) + "\n")
        tell(f"{path} was left as it is: mend what is wrong first.")
        return "unreadable"
    formatted = format_source(source, parsed)
    if formatted == text:
        return "fine"
    if options.check:
        tell(f"{path} is not in the one style. Run: klapp fmt {path}")
        return "unformatted"
    replace_text(path, formatted)
    tell(f"{path} formatted.")
    return "formatted"


def test(options: argparse.Namespace) -> int:
    """``klapp test FILE...``."""
    from klapp.engine.tester import run_tests
    from klapp.vocabulary import VOCABULARY

    outcome = FINE
    results = []
    for path in options.files:
        loaded = load_file(path)
        if loaded.program is None:
            sys.stderr.write("\n".join(found.render(loaded.source) for found in loaded.errors) + "\n")
            outcome = PROBLEMS
            continue
        for result in run_tests(loaded.program, VOCABULARY):
            results.append(
                {
                    "file": str(path),
                    "test": result.name,
                    "line": result.line,
                    "passed": result.passed,
                    "failures": list(result.failures),
                }
            )
            outcome = outcome if result.passed else PROBLEMS
    if options.format == "json":
        say_json(results)
        return outcome
    for line in _told(results) if results or outcome == FINE else ():
        say(line)
    return outcome


def _told(results: list[dict[str, object]]) -> Iterator[str]:
    for result in results:
        yield f"{'passed' if result['passed'] else 'FAILED'}  {result['file']}:{result['line']}  {result['test']}"
        failures = result["failures"]
        assert isinstance(failures, list)
        yield from (f"        line {line}: {sentence}" for line, sentence in failures)
    failed = sum(not result["passed"] for result in results)
    yield f"{counted(len(results), 'test')}, {failed} failed." if results else "There are no tests in here."


def lsp(options: argparse.Namespace) -> int:
    """``klapp lsp``."""
    from klapp.lsp.server import serve

    return serve(sys.stdin.buffer, sys.stdout.buffer)
