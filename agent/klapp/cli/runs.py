"""``klapp run``, ``simulate``, ``log``, ``explain``, ``replay`` and ``undo``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from klapp.cli.connection import Source, connected
from klapp.cli.output import FINE, PROBLEMS, Complaint, WrongUsage, progress, say, say_json, tint
from klapp.counts import counted
from klapp.files.shown import shown

SHOWN_RUNS = 50
"""So many runs are told one by one; of more, the rest is summed up."""
FOLLOW_EVERY = 1.0
"""Seconds between two looks at the log by ``log --follow``."""


def run(options: argparse.Namespace) -> int:
    """``klapp run NAME [--on PATH ...] [--answer KEY=VALUE ...]``."""
    reports, left, gone = [], 0, []
    with connected(options) as source:
        answers = _answers(source, options)
        for item in source.stream("run", name=options.name, on=_absolute(options.on), answers=answers):
            if "report" in item:
                reports.append(item["report"])
            elif "left" in item:
                left = item["left"]
            elif "gone" in item:
                gone = item["gone"]
            else:
                progress(f"{item['progress']:,} of {item['of']:,} done" if item["of"] > 1 else "")
    progress("")
    outcome = _told(options, reports, f"Nothing was there to do.{_hint(options)}")
    if gone and options.format == "text":
        others = f" and {len(gone) - 1:,} more" if len(gone) > 1 else ""
        say(f"Gone before their turn came, so nothing was done with them: {shown(gone[0])}{others}.")
    if left and options.format == "text":
        say(
            f"It failed too often in a row, so it was stopped: {left:,} more {'was' if left == 1 else 'were'} not begun."
        )
    return outcome


def simulate(options: argparse.Namespace) -> int:
    """``klapp simulate NAME|FILE [--on PATH ...] [--answer KEY=VALUE ...]``."""
    name = (
        os.path.abspath(options.name)
        if options.name.endswith(".klr") and os.path.exists(options.name)
        else options.name
    )
    with connected(options) as source:
        answers = dict(options.answers) if name.endswith(".klr") else _answers(source, options)
        reports = source.call("simulate", name=name, on=_absolute(options.on), answers=answers)
    if options.format == "json":
        from klapp.engine.changes import changes_of

        reports = [report | {"changes": [asdict(one) for one in changes_of([report])]} for report in reports]
    outcome = _told(options, reports, f"Nothing is there to do.{_hint(options)}")
    if options.format == "text":
        _tell_tree(reports)
        say("This is what would happen. Nothing was changed.")
    return outcome


SIGNS = {"goes": ("-", "red"), "comes": ("+", "green"), "changes": ("~", "yellow"), "": (" ", "")}


def _tell_tree(reports: Sequence[dict[str, Any]]) -> None:
    """Say what would be different on the disk, as a tree."""
    from klapp.engine.changes import MOST, changed_tree

    lines = changed_tree(reports)
    if lines:
        say("Before and after (- goes, + comes, ~ changes):")
    for line in lines:
        sign, colour = SIGNS[line.change]
        tint(f"  {sign} {'  ' * line.depth}{shown(line.name)}" + (f"  ({line.how})" if line.how else ""), colour)
    if sum(bool(line.change) for line in lines) == MOST:
        say(f"  ... and more; only the first {MOST} are shown.")


def _hint(options: argparse.Namespace) -> str:
    """What to write for a coworker that waits for files, where none were named."""
    return "" if options.on else " If it waits for files, name some: --on PATH"


def _answers(source: Source, options: argparse.Namespace) -> dict[str, str]:
    """What the person answers: as they said it on the command line, and what they are asked for now."""
    answers = dict(options.answers)
    if options.on is None:
        for asked in source.call("asks", name=options.name):
            if asked["name"] not in answers and (asked["default"] is None or sys.stdin.isatty()):
                answer = _asked(asked)
                if answer or asked["default"] is None:
                    answers[asked["name"]] = answer
    return answers


def _asked(asked: dict[str, Any]) -> str:
    name, kind = asked["name"], asked["type"]
    if not sys.stdin.isatty():
        raise Complaint(f"Nobody is here to ask: {asked['label']} Answer it with --answer {name}=VALUE (a {kind}).")
    usual = f" [{asked['default']}]" if asked["default"] is not None else ""
    return input(f"{asked['label']} ({kind}){usual} ")


def _absolute(paths: Sequence[str] | None) -> list[str] | None:
    """The paths of ``--on``; each must be there."""
    if paths is None:
        return None
    for path in paths:
        if not os.path.lexists(path):
            raise Complaint(f"{path} is not there.")
    return [os.path.abspath(path) for path in paths]


def _told(options: argparse.Namespace, reports: Sequence[dict[str, Any]], nothing: str) -> int:
    if options.format == "json":
        say_json(reports)
    else:
        for report in reports[:SHOWN_RUNS]:
            _tell(report)
        if len(reports) > SHOWN_RUNS:
            say(f"... and {len(reports) - SHOWN_RUNS:,} more.")
        say(_sum(reports) if reports else nothing)
    return PROBLEMS if any(report["outcome"] == "failed" for report in reports) else FINE


def _tell(report: dict[str, Any]) -> None:
    number = f"run {report['run']}" if report.get("run") else "would be"
    reason = f": {report['reason']}" if report.get("reason") else ""
    about = f"  {shown(report['file'])}" if report.get("file") else ""
    say(f"{number}  {report['coworker']}  {report['outcome']}{reason}{about}")
    for effect in report["effects"]:
        say(f"    {effect['sentence']}")
    if report.get("undone_by"):
        say(f"    {'partly ' if report['undone_partly'] else ''}taken back by run {report['undone_by']}")


def _sum(reports: Sequence[dict[str, Any]]) -> str:
    counts: dict[str, int] = {}
    for report in reports:
        counts[report["outcome"]] = counts.get(report["outcome"], 0) + 1
    text = f"{counted(len(reports), 'run')}: " + ", ".join(f"{n:,} {o}" for o, n in sorted(counts.items())) + "."
    numbers = [report["run"] for report in reports if report.get("run")]
    if numbers and any(report["effects"] for report in reports):
        span = str(numbers[0]) if len(numbers) == 1 else f"{min(numbers)}-{max(numbers)}"
        text += f" To take it back: klapp undo {span}"
    return text


def log(options: argparse.Namespace) -> int:
    """``klapp log [NAME] [--follow]``: text, or JSON with one object a line."""
    with connected(options) as source:
        last = 0
        for report in source.stream("log", name=options.name, newest=options.newest):
            _print_logged(options, report)
            last = report["run"]
        if not last and not options.follow and options.format == "text":
            say("Nothing was done yet.")
        while options.follow:
            time.sleep(FOLLOW_EVERY)
            for report in _after(source, options.name, last):
                _print_logged(options, report)
                last = report["run"]
    return FINE


def _after(source: Source, name: str | None, last: int) -> Iterator[dict[str, Any]]:
    return source.stream("log", name=name, after=last)


def _print_logged(options: argparse.Namespace, report: dict[str, Any]) -> None:
    if options.format == "json":
        say_json([report], lines=True)
    else:
        say(report["started"][:19].replace("T", " "))
        _tell(report)


def explain(options: argparse.Namespace) -> int:
    """``klapp explain RUN|CODE [--trace]`` and ``klapp explain --file PATH``."""
    if (options.what is None) == (options.file is None):
        raise WrongUsage("Say what to explain: a run's number, a code such as K401, or a file with --file PATH.")
    if options.file is not None:
        return _explain_file(options)
    if isinstance(options.what, str):
        from klapp.cli.language import explain_code

        return explain_code(options.what, as_json=options.format == "json")
    with connected(options) as source:
        explanation = source.call("explain", run=options.what)
    if options.format == "json":
        say_json(explanation)
        return FINE
    say(f'Run {options.what} of "{explanation["coworker"]}", started {explanation["started"][:19].replace("T", " ")}')
    if explanation.get("file"):
        say(f"because of {shown(explanation['file'])}")
    if fingerprint := (explanation.get("input") or {}).get("sha256"):
        say(f"whose content was {explanation['input'].get('size', 0):,} bytes with the SHA-256 {fingerprint}")
    if options.trace:
        _tell_steps(explanation)
    else:
        _tell_story(options.what, explanation["story"])
    say(f"Outcome: {explanation['outcome']}" + (f": {explanation['reason']}" if explanation.get("reason") else ""))
    return FINE


def _explain_file(options: argparse.Namespace) -> int:
    with connected(options) as source:
        found = source.call("history", path=os.path.abspath(options.file))
    if options.format == "json":
        say_json(found)
        return FINE
    if not found["lives"]:
        say(f"klapp did nothing to {shown(found['path'])}, as far as its log tells.")
    for life in found["lives"]:
        say(" -> ".join(map(shown, life["names"])))
        for one in life["happenings"]:
            _tell_happening(one)
    if since := found["since"]:
        did = "changed it" if since["what"] == "changed" else "moved, renamed or removed it"
        say(f"  Since run {since['run']} somebody else {did}.")
    if found["others"]:
        say("Who watches its place, and why each did nothing:")
    for one in found["others"]:
        run = f" (run {one['run']})" if one["run"] else ""
        say(f'  "{one["coworker"]}", line {one["line"]}, at {shown(one["path"])}: {one["why"]}{run}')
    return FINE


def _tell_happening(one: dict[str, Any]) -> None:
    """Say what one run did to a file."""
    undoing = f", which took back run {one['undoes']}" if one["undoes"] is not None else ""
    undone = f" (taken back by run {one['undone_by']})" if one["undone_by"] else ""
    reason = f": {one['reason']}" if one["reason"] else ""
    when = one["started"][:19].replace("T", " ")
    if one["changed"] is not None:
        say(f"  Between run {one['changed']} and run {one['run']} it was changed by somebody else.")
    say(
        f'  {when}  "{one["coworker"]}", run {one["run"]}{undoing}, from the {one["origin"]}: {one["outcome"]}{reason}{undone}'
    )
    for sentence in one["did"]:
        say(f"      {sentence}")


def _tell_steps(explanation: dict[str, Any]) -> None:
    """Say each decision with its line and value, and each wish with what became of it."""
    for step in explanation["steps"]:
        value = f"  ->  {step['value']}" if step.get("value") is not None else ""
        say(f"  line {step['line']:>3}  {step['text']}{value}")
    for effect in explanation["effects"]:
        say(f"  effect    {effect['sentence']}")


def _tell_story(number: int, story: dict[str, Any]) -> None:
    """Say what began a run, what was decided, what was done, and how it could be taken back."""
    say(story["began"])
    back = story["back"]
    for title, sentences in (("What was decided:", story["decided"]), ("What it did:", story["did"])):
        if sentences:
            say("\n".join([title, *(f"  {sentence}" for sentence in sentences)]))
    if back["possible"]:
        say(f"It can be taken back with `klapp undo {number}`, which will have:")
        say("\n".join(f"  {sentence}" for sentence in back["how"]) or "  changed nothing: what it did leaves no trace")
    else:
        say(back["why"])


def replay(options: argparse.Namespace) -> int:
    """``klapp replay RUN``."""
    with connected(options) as source:
        differences = source.call("replay", run=options.run)
    if options.format == "json":
        say_json(differences)
    elif not differences:
        say(f"Run {options.run} was replayed from the log alone: every decision is the same.")
    else:
        for difference in differences:
            say("; ".join(f"{name}: {value}" for name, value in difference.items()))
    return PROBLEMS if differences else FINE


def undo(options: argparse.Namespace) -> int:
    """``klapp undo RUN... [--only PATH...]``, ``klapp undo --since TIME [--only PATH...]``."""
    if bool(options.runs) == bool(options.since):
        raise Complaint("Say which runs: klapp undo RUN, klapp undo last, or klapp undo --since TIME")
    asked: dict[str, Any] = {"only": [os.path.abspath(path) for path in options.only or ()]}
    if options.since:
        asked["since"] = options.since.isoformat()
    elif None not in options.runs:
        asked["runs"] = sorted({number for some in options.runs for number in some})
    with connected(options) as source:
        reports = source.call("undo", **asked)
    return _told(options, reports, "There was nothing to undo.")
