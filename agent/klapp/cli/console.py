"""``klapp console``: opens the local page of the running agent."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path

from klapp import rpc
from klapp.cli.connection import home_of
from klapp.cli.output import FINE, Complaint, say


def console(options: argparse.Namespace) -> int:
    """``klapp console [--link]``."""
    try:
        way = rpc.call(home_of(options).path, "console", {})
    except rpc.NoAgent as error:
        raise Complaint("The page is served by the agent, which does not run. Start it with: klapp agent") from error
    except rpc.RpcError as error:
        raise Complaint(str(error)) from error
    if not options.link and webbrowser.open(Path(way["file"]).as_uri()):
        say("The page opens in your browser. If it does not: klapp console --link")
    else:
        say("Open this in your browser within a minute. It is good once, and only for you:")
        say(f"    {way['address']}")
    return FINE
