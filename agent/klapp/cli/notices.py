"""``klapp notices``: what you were told, and how you want to be told."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from klapp.cli.connection import connected
from klapp.cli.output import FINE, WrongUsage, say, say_json
from klapp.files.shown import shown


def notices(options: argparse.Namespace) -> int:
    """``klapp notices [show | set [NAME VALUE]]``."""
    if options.what == "show" and options.name:
        raise WrongUsage("To change how you are told, say: klapp notices set NAME VALUE")
    if options.what == "set" and options.name and options.value is None:
        raise WrongUsage(f"Say what it is to be: klapp notices set {options.name} VALUE")
    with connected(options) as source:
        if options.what == "show":
            return _list(source.call("notices", what="newest"), options.format)
        if options.name:
            found = source.call("notices", what="change", name=options.name, value=options.value)
        else:
            found = source.call("notices", what="settings")
    if options.format == "json":
        say_json(found)
        return FINE
    say(f"quiet = {found['quiet'] or 'off'}   (hours in which nothing is shown; it waits, and is not lost)")
    say(f"summaries = {'on' if found['summaries'] else 'off'}   (a notice of what coworkers did)")
    say(f"names = {'on' if found['names'] else 'off'}   (names of files, also while your screen is locked)")
    if found["held"]:
        say(f"Some notices wait. {found['held']}")
    return FINE


def _list(found: list[dict[str, Any]], form: str) -> int:
    if form == "json":
        say_json(found)
        return FINE
    for one in reversed(found):
        at = datetime.fromisoformat(one["at"])
        say(f"{at:%Y-%m-%d %H:%M}  {one['words']}  {shown(one['title'])}: {shown(one['text'])}")
    if not found:
        say("You were told nothing yet.")
    return FINE
