"""``klapp autostart``: whether klapp starts when the person logs in."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from klapp.autostart import SERVICE, Autostart, AutostartError, Status
from klapp.cli.output import FINE, Complaint, say, say_json


def autostart(options: argparse.Namespace) -> int:
    """``klapp autostart on [--service] | off | status``."""
    here = Autostart.here()
    try:
        if options.what == "on":
            status = here.on(SERVICE if options.service else "", replace=options.replace)
        elif options.what == "off":
            status = here.off(replace=options.replace)
        else:
            status = here.status()
    except AutostartError as error:
        raise Complaint(str(error)) from error
    if options.format == "json":
        say_json(asdict(status))
        return FINE
    say(in_words(status))
    if options.what == "on" and status.way == SERVICE:
        say(
            "It starts with your next login. To start it now: systemctl --user daemon-reload && systemctl --user start klapp"
        )
        say("Without a keyring it needs KLAPP_PASSPHRASE_FILE in its environment; see docs/vault.md.")
    return FINE


def in_words(status: Status) -> str:
    """A status as a sentence or two."""
    if not status.way:
        return "klapp does not start by itself. To have it start when you log in: klapp autostart on"
    how = "without a screen, as a service of yours" if status.way == SERVICE else "with its icon"
    text = f"klapp starts when you log in, {how} ({status.places[0]})."
    return text + (" That is not as klapp wrote it: somebody has changed it." if status.changed else "")
