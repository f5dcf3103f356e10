"""``klapp list``, ``approve``, ``revoke``, ``pause`` and ``resume``."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from typing import Any

from klapp.cli.connection import Source, connected
from klapp.cli.output import FINE, PROBLEMS, Complaint, say, say_json
from klapp.sandbox.enforced import not_enforced


def list(options: argparse.Namespace) -> int:
    """``klapp list``."""
    with connected(options) as source:
        coworkers = source.call("overview")
    if options.format == "json":
        say_json(coworkers)
        return FINE
    for one in coworkers:
        say(f"{one['state']:8}  {one['name']}")
        for line in filter(None, (one["about"], one["why"], _last(one["last"]), _next(one["next"]))):
            say(f"          {line}")
    if not coworkers:
        say("There are no coworkers yet. Write one with: klapp new NAME")
    return FINE


def _last(run: dict[str, Any] | None) -> str:
    return f"last run {run['run']}, {run['started'][:16].replace('T', ' ')}: {run['outcome']}" if run else ""


def _next(at: str | None) -> str:
    return f"next run {datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M}" if at else ""


def approve(options: argparse.Namespace) -> int:
    """``klapp approve NAME [--yes]``."""
    with connected(options) as source:
        coworker = _named(source.call("overview"), options.name)
        if coworker["state"] == "broken":
            raise Complaint(f'"{coworker["name"]}" can not be approved: {coworker["why"]}')
        if options.format == "text":
            _ask_to(coworker)
            for sentence in not_enforced():
                say(f"Know this: {sentence}")
        if not options.yes and not _agreed(options):
            say("Nothing was approved.")
            return PROBLEMS
        source.call("approve", name=coworker["name"])
        if options.format == "json":
            say_json(_named(source.call("overview"), coworker["name"]))
            return FINE
    say("Approved. It can do this and nothing else.")
    return FINE


def _ask_to(coworker: dict[str, Any]) -> None:
    """Show what a coworker asks for, and apart what of it is new, where something was approved before."""
    say(f'"{coworker["name"]}" asks to:')
    for line in coworker["may"]:
        say(f"  - {line}")
    new = coworker["new"] or ()
    if new and set(new) != set(coworker["may"]):
        say("Of that, this is new:")
        for line in new:
            say(f"  - {line}")


def _named(coworkers: Any, name: str) -> dict[str, Any]:
    from pathlib import PurePath

    for one in coworkers:
        path = PurePath(one["file"])
        if name.casefold() in (one["name"].casefold(), path.stem.casefold(), path.name.casefold()):
            return dict(one)
    known = ", ".join(one["name"] for one in coworkers) or "none yet"
    raise Complaint(f'There is no coworker "{name}". There are: {known}.')


def _agreed(options: argparse.Namespace) -> bool:
    if not sys.stdin.isatty() or options.format == "json":
        raise Complaint("Nobody is here to ask. Approve without a question with --yes.")
    return input("Allow this? [y/N] ").strip().lower() in ("y", "yes")


def revoke(options: argparse.Namespace) -> int:
    """``klapp revoke NAME``."""
    with connected(options) as source:
        coworker = source.call("revoke", name=options.name)
        if options.format == "json":
            say_json(_named(source.call("overview"), options.name))
            return FINE
    say(f'"{coworker["name"]}" may do nothing any more, until it is approved again.')
    return FINE


def pause(options: argparse.Namespace) -> int:
    """``klapp pause NAME|--all [--for 1h]``."""
    until = datetime.now() + options.span if options.span else None
    with connected(options) as source:
        source.call("pause", name=options.name, until=until.isoformat() if until else None)
        if options.format == "json":
            return _state(options, source)
    say(f"{_who(options)} until {until:%Y-%m-%d %H:%M}." if until else f"{_who(options)} until resumed.")
    return FINE


def resume(options: argparse.Namespace) -> int:
    """``klapp resume NAME|--all``."""
    with connected(options) as source:
        source.call("resume", name=options.name)
        if options.format == "json":
            return _state(options, source)
    say("All coworkers go on." if options.all else f'"{options.name}" goes on.')
    return FINE


def _state(options: argparse.Namespace, source: Source) -> int:
    """Print the coworkers that a command was about, for a program."""
    coworkers = source.call("overview")
    say_json(coworkers if options.all else [_named(coworkers, options.name)])
    return FINE


def _who(options: argparse.Namespace) -> str:
    return "All coworkers are paused" if options.all else f'"{options.name}" is paused'
