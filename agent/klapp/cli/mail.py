"""``klapp mail``: the accounts whose mail coworkers may read, and from which they send."""

from __future__ import annotations

import argparse
from typing import Any

from klapp.cli.connection import connected
from klapp.cli.network import value_of
from klapp.cli.output import FINE, WrongUsage, say, say_json


def mail(options: argparse.Namespace) -> int:
    """``klapp mail list | add NAME | test NAME | sender NAME | remove NAME | unsure | again ID | leave ID``."""
    if options.what not in ("list", "unsure") and not options.name:
        raise WrongUsage(f"Say which: klapp mail {options.what} NAME")
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
                smtp=options.smtp or "",
                smtp_port=options.smtp_port,
                smtp_encryption=options.smtp_encryption,
                address=options.address or "",
                sent_copy=not options.no_sent_copy,
            )
            say(f'The account "{options.name}" is kept. Try it with: klapp mail test {options.name}')
        elif options.what == "test":
            found = source.call("mail", what="test", name=options.name)
            if options.format == "json":
                say_json(found)
                return FINE
            how = "tells of new mail at once" if found["idles"] else "has to be asked, so new mail comes within minutes"
            say(f'"{options.name}" can be read. {found["server"]} {how}.')
            if found["smtp_server"]:
                say(f"It can send from {found['address']}, by {found['smtp_server']}.")
        elif options.what == "unsure":
            return _unsure(source.call("mail", what="unsure"), options.format)
        elif options.what in ("again", "leave"):
            found = source.call("mail", what=options.what, name=options.name)
            done = "was sent once more" if options.what == "again" else "is left as it is"
            say(f"The mail to {found['to']} {done}.")
        elif options.what == "sender":
            found = source.call("mail", what="sender", name=options.name)
            say(f"Coworkers send mail from {found['address']} now.")
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
        sends = f", sends as {one['address']}" if one.get("sends") else ""
        say(f"{one['name']}  {where}{sends}  ({users})")
    if not accounts:
        say("There is no mail account. Add one with: klapp mail add NAME --server HOST --user NAME")
    return FINE


def _unsure(mails: list[dict[str, Any]], form: str) -> int:
    if form == "json":
        say_json(mails)
        return FINE
    for one in mails:
        say(f"{one['id']}  {one['at'][:16].replace('T', ' ')} UTC  {one['coworker']}  to {one['to']}  {one['subject']}")
        say(f"    perhaps sent; its Message-ID is {one['message_id']}")
    if mails:
        say("To send one once more: klapp mail again ID. To leave it as it is: klapp mail leave ID")
    else:
        say("Of each mail it is known what became of it.")
    return FINE
