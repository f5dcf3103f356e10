"""``klapp permissions``: the tightest ``may`` lines that coworkers need, beside those that they have."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from klapp.cli.language import load_file
from klapp.cli.output import FINE, PROBLEMS, Complaint, say, say_json
from klapp.texts import replace_text
from klr.loader import Loaded
from klr.permissions import may_line
from klr.privilege import tightest
from klr.rewriting import least_privilege


def permissions(options: argparse.Namespace) -> int:
    """``klapp permissions [FILE...] [--fix]``: exit code 1 where something is allowed that is not needed, or lacks."""
    outcome = FINE
    told = []
    for path in options.files or _own():
        loaded = load_file(path)
        if loaded.needs is None:
            sys.stderr.write("\n".join(found.render(loaded.source) for found in loaded.errors) + "\n")
            outcome = PROBLEMS
            continue
        fixed = least_privilege(loaded)
        changed = fixed != loaded.source.text
        if changed and options.fix:
            replace_text(path, fixed)
        elif changed:
            outcome = PROBLEMS
        told.append(_told(path, loaded, changed, options.fix))
    if options.format == "json":
        say_json(told)
    else:
        for one in told:
            _say(one)
    return outcome


def _own() -> list[Path]:
    from klapp.home import Home

    paths = sorted(Home.of(os.environ).coworkers.glob("*.klr"))
    if not paths:
        raise Complaint("There are no coworkers yet. Make one with: klapp new NAME")
    return paths


def _told(path: Path, loaded: Loaded, changed: bool, fixed: bool) -> dict[str, object]:
    assert loaded.needs is not None
    return {
        "file": str(path),
        "has": [
            {"permission": grant.permission, "patterns": list(grant.patterns), "to": host}
            for grant in loaded.grants
            for host in grant.to or ("",)
        ],
        "needs": [
            {"permission": line.permission, "patterns": list(line.patterns), "to": line.to}
            for line in tightest(loaded.needs)
        ],
        "tight": not changed,
        "fixed": changed and fixed,
    }


def _say(one: dict[str, object]) -> None:
    def lines(which: str) -> list[str]:
        entries = one[which]
        assert isinstance(entries, list)
        return [may_line(entry["permission"], entry["patterns"], entry["to"]) for entry in entries]

    if one["tight"]:
        say(f"{one['file']}: it may do what it needs, and nothing else.")
    elif one["fixed"]:
        say(f"{one['file']}: changed to what it needs:")
    else:
        say(f"{one['file']}: it may")
        for line in lines("has") or ["nothing"]:
            say(f"  {line}")
        say("and needs")
    if not one["tight"]:
        for line in lines("needs") or ["nothing"]:
            say(f"  {line}")
    if not one["tight"] and not one["fixed"]:
        say(f"Write that into it with: klapp permissions --fix {one['file']}")
