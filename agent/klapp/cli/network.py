"""``klapp network`` and ``klapp secret``: what left the machine, and the secrets with which hosts know you."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from typing import Any

from klapp.cli.connection import connected
from klapp.cli.output import FINE, Complaint, WrongUsage, say, say_json
from klapp.counts import counted
from klr.runtime import show_size

LONGEST = 8192


def network(options: argparse.Namespace) -> int:
    """``klapp network [NAME]`` and ``klapp network show [NAME]``."""
    words = list(options.words)
    show = words[:1] == ["show"]
    names = words[show:]
    if len(names) > 1:
        raise WrongUsage("Name one coworker, or none: klapp network [show] [NAME]")
    name = names[0] if names else None
    if show:
        return _show(options, name)
    with connected(options) as source:
        contacts = source.call("network", what="contacts", name=name)
    if options.format == "json":
        say_json(contacts)
        return FINE
    for one in contacts:
        size = f"{show_size(one['sent'])} out, {show_size(one['received'])} in"
        say(f"{one['at'][:16].replace('T', ' ')}  {one['coworker']}  {one['host']}: {one['result']}, {size}")
    if not contacts:
        say("Nothing has left this machine.")
    return FINE


def _show(options: argparse.Namespace, name: str | None) -> int:
    with connected(options) as source:
        seen = source.call("network", what="seen", name=name)
    if options.format == "json":
        say_json(seen)
        return FINE
    for coworker in seen:
        say(f'"{coworker["coworker"]}"')
        for one in coworker["hosts"]:
            say(f"  {one['host']}: {_seen(one)}")
        if coworker["proposed"] != coworker["has"]:
            say("  What was seen needs no more than:")
            say("\n".join(f"    {line}" for line in coworker["proposed"]) or "    no `may` line about a host")
            say(
                "  To hold it to that, write these lines in place of its own, and take out what `klapp check` then names."
            )
    if not seen:
        say("No coworker may reach a host, and nothing has left this machine.")
    return FINE


def _seen(one: dict[str, Any]) -> str:
    """What was seen of a host, in words."""
    if not one["contacts"]:
        return "may be reached, never was"
    size = f"{show_size(one['sent'])} out, {show_size(one['received'])} in"
    span = f"{one['first'][:16].replace('T', ' ')} to {one['last'][:16].replace('T', ' ')}"
    now = "" if one["granted"] else "; it may not be reached now"
    return f"{counted(one['contacts'], 'contact')}, {size}, {span}{now}"


def secret(options: argparse.Namespace) -> int:
    """``klapp secret list | set NAME | remove NAME``."""
    if options.what != "list" and not options.name:
        raise WrongUsage(f"Say which secret: klapp secret {options.what} NAME")
    value = value_of(options, f"Value of the secret {options.name}: ") if options.what == "set" else ""
    with connected(options) as source:
        if options.what == "list":
            return _list(source.call("network", what="secrets"), options.format)
        if options.what == "set":
            one = source.call("network", what="set_secret", name=options.name, value=value, host=options.host)
            say(f"The secret {one['name']} is kept, for {one['host']} alone.")
        else:
            one = source.call("network", what="remove_secret", name=options.name, host=options.host)
            say(f"The secret {one['name']} for {one['host']} is forgotten.")
    return FINE


def _list(secrets: list[dict[str, Any]], form: str) -> int:
    if form == "json":
        say_json(secrets)
        return FINE
    for one in secrets:
        users = ", ".join(one["coworkers"]) or "no coworker"
        say(f"{one['name']}  {one['host']}  {'has a value' if one['set'] else 'has no value yet'}  ({users})")
    if not secrets:
        say("No coworker names a secret.")
    return FINE


def value_of(options: argparse.Namespace, question: str) -> str:
    """The value from the descriptor that was named, or from the person at the prompt; never from an argument."""
    if options.value_fd is not None:
        try:
            with os.fdopen(options.value_fd, "rb") as file:
                data = file.read(LONGEST + 1)
        except OSError as error:
            raise Complaint(f"File descriptor {options.value_fd} can not be read: {error.strerror}.") from None
        text = data.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    elif sys.stdin is not None and sys.stdin.isatty():
        text = getpass.getpass(question)
    else:
        raise Complaint("Type the value at a terminal, or hand it over with --value-fd N.")
    return text
