"""``klapp vault``: the ways to open what klapp has stored, and a new key for it.

Each of these commands opens the vault itself, also beside a running agent. Where there is an account, what changes the
vault needs a login of just now, or the recovery key: else whoever finds the keyring open could make a way in of their own.
What is outside of the database can not change together with the log: the log says so before, and after.
"""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from klapp.account.account import Account
from klapp.audit.events import KeyUsed, VaultOpened, acting
from klapp.audit.log import Log
from klapp.cli.connection import home_of, keyring_allowed, passphrase_of
from klapp.cli.output import FINE, Complaint, say, say_json
from klapp.cli.session import session_of
from klapp.home import Home
from klapp.vault import management
from klapp.vault.freshness import remember
from klapp.vault.keys import Vault, open_vault
from klapp.vault.passphrase import passphrase_from
from klapp.vault.shelf import Shelf
from klapp.vault.slots import KEYRING, PASSWORD, PLAIN, RECOVERY

KINDS = {"keyring": KEYRING, "password": PASSWORD, "recovery-key": RECOVERY}


def vault(options: argparse.Namespace) -> int:
    """``klapp vault status | add-password | add-keyring | recovery-key | remove | rotate | trust``."""
    home = home_of(options)
    # Who has the recovery key wants to show it, whatever else would open the vault.
    by_keyring = keyring_allowed() and options.what != "forget-account"
    opened = open_vault(home.path, passphrase_of(options), use_keyring=by_keyring)
    if home.database.exists():
        with _log(home, opened) as (log, _):
            log.record(VaultOpened(opened.by, opened.refused))
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
    with _told(home, opened, "a new passphrase opens it"):
        management.add_password(home.path, opened, new("new"))
    say("From now on this passphrase opens what klapp stores. An earlier one does not any more.")


def _add_keyring(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    with _told(home, opened, "the system's keyring opens it"):
        management.add_keyring(home.path, opened)
    say("From now on your system's keyring opens what klapp stores, when you are logged in.")


def _recovery_key(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    with _told(home, opened, "a new recovery key opens it"):
        shown = management.add_recovery(home.path, opened)
    _show_recovery(shown)


def _show_recovery(shown: str) -> None:
    say("Your recovery key. It is shown this once; write it down or print it, and keep it where nobody else looks:")
    say(f"\n    {shown}\n")
    say("Type it where klapp asks for its passphrase. An earlier recovery key does not open anything any more.")


def _remove(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    with _told(home, opened, f"{PLAIN[KINDS[options.way]]} does not open it any more"):
        management.remove_way(home.path, opened, KINDS[options.way])
    say(f"What klapp stores is not opened by {PLAIN[KINDS[options.way]]} any more.")


def _rotate(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    from klapp.files.kept import RenewedCopies
    from klapp.single import AlreadyRunning, hold
    from klapp.vault.database import RenewedDatabase

    say("Sealing everything anew. This takes as much room again as klapp takes now, and may take a while.")
    try:
        with hold(home.path), _told(home, opened, "all is sealed with a new key") as renewed:
            stores: list[management.Store] = [RenewedDatabase(home.database, "log"), RenewedCopies(home.kept)]
            new, shown = management.rotate(home.path, opened, stores, passphrase_of(options), secrets.token_bytes(32))
            renewed.append(new)
    except AlreadyRunning as error:
        raise Complaint(f"{error}\nQuit it first.") from error
    say("Done: everything is sealed with a new key, and the old one opens nothing.")
    if shown:
        _show_recovery(shown)


def _trust(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    _may_change(home, opened)
    _remember(home, opened, "a header file that was put back is trusted", trusting=True)
    say("vault.json is taken as it is from now on. Remove passwords that should not open it: klapp vault status")


def _forget_account(options: argparse.Namespace, home: Home, opened: Vault) -> None:
    if opened.by != RECOVERY:
        raise Complaint("Only the recovery key can do that. Give it where klapp asks for the passphrase.")
    with _log(home, opened) as (log, shelf):
        _account(home, log, shelf).discard("it was removed with the recovery key")
    say("The account is removed. Make a new one with: klapp account create")


@contextmanager
def _told(home: Home, opened: Vault, what: str) -> Iterator[list[Vault]]:
    """Have the log say what is begun, if it may be, and how it ended. Who makes another vault puts it into the list."""
    _may_change(home, opened)
    _remember(home, opened, f"to be changed so that {what}")
    renewed: list[Vault] = []
    try:
        yield renewed
    except BaseException:
        with suppress(Exception):  # what is told to the person is what went wrong first
            _remember(home, opened, f"not changed so that {what}")
        raise
    _remember(home, renewed[0] if renewed else opened, f"from now on {what}")


def _may_change(home: Home, opened: Vault) -> None:
    """Raises NeedsLogin where there is an account and nobody has logged in just now."""
    if home.database.exists() and opened.by != RECOVERY:
        with _log(home, opened) as (log, shelf):
            _account(home, log, shelf).demand(session_of(home), fresh=True)


def _remember(home: Home, opened: Vault, what: str = "", *, trusting: bool = False) -> None:
    """Have the database know of the header that is in force now, and the log of what is done."""
    if home.database.exists():
        with _log(home, opened) as (log, shelf), shelf.together():
            if what:
                log.record(KeyUsed("the vault", what))
            remember(opened, shelf, trusting=trusting)


@contextmanager
def _log(home: Home, opened: Vault) -> Iterator[tuple[Log, Shelf]]:
    with Log.open(home.database, opened.key("log")) as log, acting("command line"):
        yield log, Shelf(log.connection, log.lock)


def _account(home: Home, log: Log, shelf: Shelf) -> Account:
    return Account(home.path, shelf, log.record)


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
