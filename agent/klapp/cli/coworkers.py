"""``klapp list``, ``approve``, ``revoke``, ``pause`` and ``resume``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from klapp.cli.connection import Source, connected
from klapp.cli.output import FINE, PROBLEMS, Complaint, say, say_json


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
    """``klapp approve NAME [--yes | --narrower | --refuse | --show]``."""
    with connected(options) as source:
        name = _named(source.call("overview"), options.name)["name"]
        answer = _ANSWER_OF.get(options.answer, "")
        if answer != "no" and (options.format == "text" or options.answer == "show"):
            review = source.call("review", name=name)
            if options.format == "json":
                say_json(review)
                return FINE
            for line in review_in_words(review):
                say(line)
            if options.answer == "show":
                return FINE
            answer = answer or _answered(bool(review["narrower"]))
            known = {"seen": review["seen"]}
        elif not answer:
            raise Complaint(NOBODY)
        else:
            known = {}
        return _carry_out(options, source, name, answer, known)


_ANSWER_OF = {"yes": "yes", "narrower": "tightest", "refuse": "no"}
NOBODY = "Nobody is here to ask. Approve without a question with --yes."


def _carry_out(options: argparse.Namespace, source: Source, name: str, answer: str, known: dict[str, str]) -> int:
    if answer == "later":
        say("Nothing was approved.")
        return PROBLEMS
    if answer == "no":
        source.call("refuse", name=name)
        told = "It may not, and is not asked about again until it changes."
    else:
        source.call("approve", name=name, narrower=answer == "tightest", **known)
        told = "Approved. It can do this and nothing else."
    if options.format == "json":
        say_json(_named(source.call("overview"), name))
    else:
        say(told)
    return FINE


def review_in_words(review: dict[str, Any]) -> Iterator[str]:
    """A review as lines of a terminal."""
    yield f'"{review["coworker"]}" asks:' if review["state"] == "waiting" else f'"{review["coworker"]}"'
    if review["about"]:
        yield f"  {review['about']}"
    yield from _by_group(review, review["may"])
    if not review["may"]:
        yield "It touches nothing of yours."
    yield "It starts"
    yield from (f"  {start}" for start in review["starts"])
    if any(line["new"] for line in review["may"]):
        yield "What is marked (new) was not allowed before."
    if review["narrower"]:
        yield "It asks for more than it needs. The tightest that it can do with:"
        yield from (f"  {line}" for line in _by_group(review, review["narrower"]))
    if review["examples"]:
        yield "For example, with what is there now (nothing of this was done):"
    for one in review["examples"]:
        why = f" ({one['reason']})" if one["reason"] else ""
        yield f"  {one['file'] or 'by itself'}: {one['outcome']}{why}"
        yield from (f"    - {sentence}" for sentence in one["effects"])
    if review["no_example"]:
        yield review["no_example"]
    yield from (f"Know this: {sentence}" for sentence in review["unenforced"])


def _by_group(review: dict[str, Any], lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    for group, heading in review["headings"].items():
        mine = [line for line in lines if line["group"] == group]
        if mine:
            yield heading
        yield from (f"  - {line['thing']}{' (new)' if line['new'] else ''}" for line in mine)


def _named(coworkers: Any, name: str) -> dict[str, Any]:
    from pathlib import PurePath

    for one in coworkers:
        path = PurePath(one["file"])
        if name.casefold() in (one["name"].casefold(), path.stem.casefold(), path.name.casefold()):
            return dict(one)
    known = ", ".join(one["name"] for one in coworkers) or "none yet"
    raise Complaint(f'There is no coworker "{name}". There are: {known}.')


def _answered(can_narrow: bool) -> str:
    """What the person at the terminal says: "yes", "tightest", "no" or "later"."""
    if not sys.stdin.isatty():
        raise Complaint(NOBODY)
    tightest = ", t = only the tightest" if can_narrow else ""
    said = input(f"Allow this? (y = yes{tightest}, n = no, Enter = decide later) ").strip().lower()
    if said in ("t", "tightest") and can_narrow:
        return "tightest"
    return {"y": "yes", "yes": "yes", "n": "no", "no": "no"}.get(said, "later")


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
