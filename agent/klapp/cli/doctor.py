"""``klapp doctor``."""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict

from klapp.cli.output import FINE, PROBLEMS, say, say_json

MARKS = {"fine": "ok   ", "advice": "note ", "wrong": "WRONG"}


def doctor(options: argparse.Namespace) -> int:
    """``klapp doctor``: look after this installation; 1 where something is wrong."""
    from klapp.doctor import WRONG, examine
    from klapp.home import Home

    findings = []
    for finding in examine(Home.of(os.environ)):
        findings.append(finding)
        if options.format == "text":
            say(f"{MARKS[finding.state]}  {finding.check}: {finding.message}")
            if finding.help:
                say(f"       {finding.help}")
    wrong = sum(finding.state == WRONG for finding in findings)
    if options.format == "json":
        say_json([asdict(finding) for finding in findings])
    else:
        say(f"{wrong} thing{'s are' if wrong != 1 else ' is'} wrong." if wrong else "Nothing is wrong.")
    return PROBLEMS if wrong else FINE
