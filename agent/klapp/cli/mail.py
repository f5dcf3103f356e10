"""``klapp mail``: the accounts whose mail coworkers may read."""

from __future__ import annotations

import argparse
from typing import Any

from klapp.cli.connection import connected
from klapp.cli.network import value_of
from klapp.cli.output import FINE, WrongUsage, say, say_json


def mail(options: argparse.Namespace) -> int:
    """``klapp mail list | add NAME | test NAME | remove NAME``."""
    if options.what != "list" and not options.name:
        raise WrongUsage(f"Say which account: klapp mail {options.what} NAME")
    if options.what == "add" and not (options.server and options.user):
        raise WrongUsage(f"Say where it is and who you are: klapp mail add {options.name} --server HOST --user NAME")
    password = value_of(options, f"Password of {options.user}: ") if options.what == "add" else ""
    with connected(options) as source:
        if options.what == "list":
            return _list(source.call("mail", what="accounts"), options.format)
        if options.what == "add":
            source.call(
                "mail",
                what="add",
                name=options.name,
                server=options.server,
                user=options.user,
                password=password,
                port=options.port,
                encryption=options.encryption,
            )
            say(f'The account "{options.name}" is kept. Try it with: klapp mail test {options.name}')
        elif options.what == "test":
            found = source.call("mail", what="test", name=options.name)
            if options.format == "json":
                say_json(found)
                return FINE
            how = "tells of new mail at once" if found["idles"] else "has to be asked, so new mail comes within minutes"
            say(f'"{options.name}" can be read. {found["server"]} {how}.')
        else:
            source.call("mail", what="remove", name=options.name)
            say(f'The account "{options.name}" is forgotten, and its password.')
    return FINE


def _list(accounts: list[dict[str, Any]], form: str) -> int:
    if form == "json":
        say_json(accounts)
        return FINE
    for one in accounts:
        users = ", ".join(one["coworkers"]) or "no coworker"
        where = f"{one['user']} at {one['server']}:{one['port']}" if one["kept"] else "not known yet: klapp mail add"
        say(f"{one['name']}  {where}  ({users})")
    if not accounts:
        say("There is no mail account. Add one with: klapp mail add NAME --server HOST --user NAME")
    return FINE
