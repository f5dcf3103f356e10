"""``klapp audit``: what can be asked of the log as a whole."""

from __future__ import annotations

import argparse

from klapp.cli.connection import connected
from klapp.cli.output import FINE, PROBLEMS, say, say_json


def audit(options: argparse.Namespace) -> int:
    """``klapp audit verify``: exit code 1 where something was changed."""
    with connected(options) as source:
        found = source.call("verify")
    if options.format == "json":
        say_json(found)
    elif found["problem"]:
        say(f"{found['problem']} Somebody or something other than klapp wrote to the log. Bring it back from a backup.")
    else:
        say(f"All {found['entries']:,} entries of the log follow from one another: none was changed, removed or moved.")
    return PROBLEMS if found["problem"] else FINE
