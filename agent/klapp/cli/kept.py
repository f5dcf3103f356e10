"""``klapp kept``: the copies of what coworkers replaced, and how long they are kept."""

from __future__ import annotations

import argparse

from klapp.cli.connection import connected
from klapp.cli.output import FINE, say, say_json
from klapp.counts import counted
from klr.runtime import show_size


def kept(options: argparse.Namespace) -> int:
    """``klapp kept [--days N] [--megabytes N]``."""
    with connected(options) as source:
        if options.days or options.megabytes:
            found = source.call("kept", what="change", days=options.days, megabytes=options.megabytes)
        else:
            found = source.call("kept", what="report")
    if options.format == "json":
        say_json(found)
        return FINE
    if found["copies"]:
        say(
            f"{counted(found['copies'], 'kept copy', 'kept copies')} of what coworkers replaced, the oldest of "
            f"{found['oldest'][:10]}: {show_size(found['bytes'])} for "
            f"{counted(found['contents'], 'content', 'different contents')}, encrypted."
        )
    else:
        say("Nothing is kept: no coworker has replaced anything lately.")
    say(
        f"Copies are let go after {counted(found['days'], 'day')}, or the oldest first when they take more than "
        f"{found['megabytes']:,} MB; those of the last day never. What was let go can not be taken back by an undo."
    )
    return FINE
