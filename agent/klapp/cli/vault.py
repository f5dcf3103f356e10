"""``klapp vault``: the ways to open what klapp has stored, and a new key for it.

Each of these commands opens the vault itself, also beside a running agent: who changes it has shown that they may.
"""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable

from klapp.cli.connection import home_of, keyring_allowed, passphrase_of
from klapp.cli.output import FINE, Complaint, say, say_json
from klapp.home import Home
from klapp.vault import management
from klapp.vault.freshness import remember
from klapp.vault.keys import Vault, open_vault
from klapp.vault.passphrase import passphrase_from
from klapp.vault.slots import KEYRING, PASSWORD, PLAIN, RECOVERY

KINDS = {"keyring": KEYRING, "password": PASSWORD, "recovery-key": RECOVERY}


def vault(options: argparse.Namespace) -> int:
    """``klapp vault status | add-password | add-keyring | recovery-key | remove | rotate | trust``."""
    home = home_of(options)
    # Who has the recovery key wants to show it, whatever else would open the vault.
    by_keyring = keyring_allowed() and options.what != "forget-account"
    opened = open_vault(home.path, passphrase_of(options), use_keyring=by_keyring)
    _COMMANDS[options.what](options, home, opened)
    return FINE


def _status(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    ways = management.ways(opened)
    _remember(home, opened)
    if options.format == "json":
        say_json({"opened by": opened.by, "ways": ways})
        return
    say(f"What klapp stores in {home.path} is encrypted. It is opened by:")
    for way in ways:
        say(f"  - {way}")
    if not any("recovery" in way for way in ways):
        say("There is no recovery key. Make one, print it and keep it safe: klapp vault recovery-key")


def _add_password(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    new = passphrase_from(options.new_passphrase_fd, {}, prompt=True)
    if new is None:
        raise Complaint("No new passphrase was given. Give it at the prompt, or with --new-passphrase-fd N.")
    management.add_password(home.path, opened, new("new"))
    _remember(home, opened, "a passphrase opens it from now on")
    say("From now on this passphrase opens what klapp stores. An earlier one does not any more.")


def _add_keyring(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    management.add_keyring(home.path, opened)
    _remember(home, opened, "the system's keyring opens it from now on")
    say("From now on your system's keyring opens what klapp stores, when you are logged in.")


def _recovery_key(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    shown = management.add_recovery(home.path, opened)
    _remember(home, opened, "a new recovery key was shown")
    _show_recovery(shown)


def _show_recovery(shown: str) -> None:
    say("Your recovery key. It is shown this once; write it down or print it, and keep it where nobody else looks:")
    say(f"\n    {shown}\n")
    say("Type it where klapp asks for its passphrase. An earlier recovery key does not open anything any more.")


def _remove(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    management.remove_way(home.path, opened, KINDS[options.way])
    _remember(home, opened, f"it is not opened by {PLAIN[KINDS[options.way]]} any more")
    say(f"What klapp stores is not opened by {PLAIN[KINDS[options.way]]} any more.")


def _rotate(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    from klapp.files.kept import RenewedCopies
    from klapp.single import AlreadyRunning, hold
    from klapp.vault.database import RenewedDatabase

    say("Sealing everything anew. This takes as much room again as klapp takes now, and may take a while.")
    try:
        with hold(home.path):
            stores: list[management.Store] = [RenewedDatabase(home.database, "log"), RenewedCopies(home.kept)]
            new, shown = management.rotate(home.path, opened, stores, passphrase_of(options), secrets.token_bytes(32))
    except AlreadyRunning as error:
        raise Complaint(f"{error}\nQuit it first.") from error
    _remember(home, new, "everything was sealed anew with a new key")
    say("Done: everything is sealed with a new key, and the old one opens nothing.")
    if shown:
        _show_recovery(shown)


def _trust(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    _remember(home, opened, "a header file that was put back is trusted", trusting=True)
    say("vault.json is taken as it is from now on. Remove passwords that should not open it: klapp vault status")


def _forget_account(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    from klapp.account.account import Account
    from klapp.audit.events import acting
    from klapp.audit.log import Log
    from klapp.vault.shelf import Shelf

    if opened.by != RECOVERY:
        raise Complaint("Only the recovery key can do that. Give it where klapp asks for the passphrase.")
    with Log.open(home.database, opened.key("log")) as log, acting("command line"):
        Account(home.path, Shelf(log.connection, log.lock), log.record).discard("it was removed with the recovery key")
    say("The account is removed. Make a new one with: klapp account create")


def _remember(home: Home, opened: Vault, what: str = "", *, trusting: bool = False) -> None:
    """Have the database know of the header that is in force now, and the log of what was done."""
    from klapp.audit.events import KeyUsed, acting
    from klapp.audit.log import Log
    from klapp.vault.shelf import Shelf

    if home.database.exists():
        with Log.open(home.database, opened.key("log")) as log, acting("command line"):
            remember(opened, Shelf(log.connection, log.lock), trusting=trusting)
            if what:
                log.record(KeyUsed("the vault", what))


_COMMANDS: dict[str, Callable[[argparse.Namespace, Home, Vault], None]] = {
    "status": _status,
    "add-password": _add_password,
    "add-keyring": _add_keyring,
    "recovery-key": _recovery_key,
    "remove": _remove,
    "rotate": _rotate,
    "trust": _trust,
    "forget-account": _forget_account,
}
