"""The grammar of ``klapp audit``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime

Add = Callable[..., argparse.ArgumentParser]
FORMS = ("ocsf", "json", "csv", "html")


def add_audit(audit: argparse.ArgumentParser, add: Add) -> None:
    """The commands below ``klapp audit``; ``add`` makes one as the other commands are made."""
    commands = audit.add_subparsers(dest="what", metavar="WHAT", required=True)
    show = add(commands, "show", "show what is in the log, the newest first", data=True)
    _filters(show)
    show.add_argument("--limit", type=_count, default=100, metavar="N", help="so many at once (default: 100)")
    show.add_argument("--before", type=_count, metavar="ENTRY", help="only entries older than this one: the next page")
    export = add(commands, "export", "write what is in the log for others to read")
    _filters(export)
    export.add_argument(
        "--format",
        dest="form",
        choices=FORMS,
        default="ocsf",
        help="JSON Lines in OCSF 1.8.0, plain JSON Lines, CSV, or a page for an auditor (default: ocsf)",
    )
    export.add_argument("--subject", metavar="TEXT", help="only what mentions this, such as a person's name")
    export.add_argument("--output", metavar="FILE", help="a new file (default: standard output)")
    _checking(commands, add)
    erase = add(commands, "erase", "erase names, texts and other values from the log for good", data=True)
    erase.add_argument("--coworker", metavar="NAME", help="those of this coworker's runs")
    erase.add_argument(
        "--subject", metavar="TEXT", help="those of every run that mentions this: a name, a path, a word"
    )
    erase.add_argument("--before", type=_moment, metavar="DATE", help="those of runs before this day or moment")
    erase.add_argument("--rules", action="store_true", help="with --subject: also where only the rules mention it")
    erase.add_argument(
        "--copies", action="store_true", help="with --subject: also each kept copy that can not be searched"
    )
    erase.add_argument("--yes", action="store_true", help="without asking")
    retain = add(commands, "retain", "say how much of the log is kept, and let go of the rest", data=True)
    retain.add_argument("--days", type=_count, metavar="N", help="keep entries for so many days")
    retain.add_argument("--megabytes", type=_count, metavar="N", help="keep as many as fit into this")
    retain.add_argument("--forever", action="store_true", help="keep all from now on")
    inputs = add(commands, "inputs", "say up to which size the files that start runs are hashed for the log", data=True)
    size = inputs.add_mutually_exclusive_group()
    size.add_argument("--megabytes", type=_count, metavar="N", help="those of up to so many megabytes (at first: 100)")
    size.add_argument("--any", action="store_true", help="all of them, however long that takes")
    size.add_argument("--none", action="store_true", help="none of them")


def _checking(commands: argparse._SubParsersAction[argparse.ArgumentParser], add: Add) -> None:
    verify = add(commands, "verify", "find what was changed in the log, entry by entry", data=True)
    verify.add_argument(
        "--witness",
        action="append",
        default=[],
        metavar="FILE",
        help="hold the log against the checkpoint in this file too",
    )
    witness = add(
        commands, "witness", "keep the newest checkpoint outside of klapp's folder, or show it and the key", data=True
    )
    witness.add_argument("path", nargs="?", metavar="PATH", help="a file for klapp to keep it in, best on another disk")
    prove = add(commands, "prove", "write a proof that others can check without klapp (docs/check_proof.py)")
    prove.add_argument("entry", nargs="?", type=int, metavar="ENTRY", help="prove that this entry is in the log")
    prove.add_argument("--since", metavar="FILE", help="prove that the log only grew since the checkpoint in this file")


def _filters(command: argparse.ArgumentParser) -> None:
    command.add_argument("--kind", action="append", default=[], help="only of this kind, such as approved; repeatable")
    command.add_argument("--coworker", metavar="NAME", help="only what this coworker did or was about it")
    command.add_argument("--since", type=_moment, metavar="DATE", help="from this day or moment on")
    command.add_argument("--until", type=_moment, metavar="DATE", help="before this day or moment")
    command.add_argument("--run", type=_count, metavar="RUN", help="only of this run")
    command.add_argument(
        "--outcome", choices=("done", "skipped", "failed", "interrupted"), help="only runs that ended so"
    )
    command.add_argument("--file", metavar="PATH", help="only runs that this file started")
    command.add_argument(
        "--text", metavar="WORDS", help="only what has all of these words in it; invoi* for beginnings"
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) == 0 or len(text) > 15:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment.timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a day such as 2026-03-09, or a moment such as 2026-03-09T16:30"
        ) from error
    return moment
