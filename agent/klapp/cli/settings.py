"""``klapp settings``: what a person can change about a coworker without editing it."""

from __future__ import annotations

import argparse
from typing import Any

from klapp.cli.connection import connected
from klapp.cli.output import FINE, WrongUsage, say, say_json


def settings(options: argparse.Namespace) -> int:
    """``klapp settings NAME [SETTING [VALUE ...]] [--reset]``."""
    if options.reset and (options.setting is None or options.value):
        raise WrongUsage("--reset takes the name of a setting, and no value.")
    with connected(options) as source:
        told = None
        if options.value or options.reset:
            values = None if options.reset else options.value
            told = source.call("change_setting", name=options.name, setting=options.setting, values=values)
        found = source.call("settings", name=options.name)
    shown = [one for one in found if options.setting in (None, one["name"])]
    if options.setting and not shown:
        names = ", ".join(one["name"] for one in found) or "none"
        raise WrongUsage(f"There is no setting `{options.setting}`. There are: {names}.")
    if options.format == "json":
        say_json(shown)
        return FINE
    for one in shown:
        say(_line(one))
    if not shown:
        say("This coworker has no settings.")
    if told and told["new"]:
        say(f'"{told["name"]}" asks for more with this, so it waits for your approval: klapp approve {options.name}')
        for line in told["new"]:
            say(f"  - {line}")
    return FINE


def _line(one: dict[str, Any]) -> str:
    bounds = ""
    if one["from"] is not None:
        bounds = f", from {one['from']} to {one['to']}"
    elif one["one_of"]:
        bounds = f", one of {', '.join(one['one_of'])}"
    label = f"   {one['label']}" if one["label"] != one["name"] else ""
    return f"{one['name']} = {one['value']}   ({one['type']}{bounds}{', changed' if one['changed'] else ''}){label}"
