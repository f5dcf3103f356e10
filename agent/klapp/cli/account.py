"""``klapp account``, ``klapp unlock`` and ``klapp lock``: who may approve coworkers and look into the log."""

from __future__ import annotations

import argparse
import getpass
import io
import sys
from collections.abc import Callable

from klapp.cli.connection import Source, connected, home_of
from klapp.cli.output import FINE, Complaint, say, say_json
from klapp.cli.session import remember_session


def account(options: argparse.Namespace) -> int:
    """``klapp account status | create | password | totp | codes | remove``."""
    with connected(options) as source:
        _COMMANDS[options.what](options, source)
    return FINE


def unlock(options: argparse.Namespace) -> int:
    """``klapp unlock``."""
    home, given = home_of(options), _Given(options)
    with connected(options) as source:
        status = source.call("account.status")
        password = given.secret("Password: ")
        code = given.secret("Code of your app, or a recovery code: ") if status.get("second_factor") else ""
        remember_session(home, source.call("account.login", password=password, code=code))
    say("Open. It locks itself when you do nothing for a while, or with: klapp lock")
    return FINE


def lock(options: argparse.Namespace) -> int:
    """``klapp lock``."""
    home = home_of(options)
    with connected(options) as source:
        source.call("account.lock", why="asked")
    remember_session(home, "")
    say("Locked: approving, and looking into the log, need your password again.")
    return FINE


class _Given:
    """What a person types at the prompt, or what a script hands over: one line for each, in the order of the questions."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._lines: list[str] | None = None
        if options.password_fd is not None:
            try:
                with open(options.password_fd, encoding="utf-8") as file:
                    self._lines = file.read(1 << 16).splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise Complaint(f"The password can not be read from file descriptor {options.password_fd}.") from error

    def secret(self, question: str) -> str:
        """One answer, which is not shown."""
        if self._lines is not None:
            return self._lines.pop(0) if self._lines else ""
        if not sys.stdin.isatty():
            raise Complaint("There is nobody to ask for the password. Give it with --password-fd N.")
        return getpass.getpass(question)

    def new_password(self) -> str:
        """A new one; a person types it twice."""
        password = self.secret("New password: ")
        if self._lines is None and password != self.secret("Again: "):
            raise Complaint("These were two different passwords. Nothing was changed; try again.")
        return password


def _status(options: argparse.Namespace, source: Source) -> None:
    found = source.call("account.status")
    if options.format == "json":
        say_json(found)
    elif not found["exists"]:
        say("There is no account: whoever runs klapp may approve coworkers and read the log.")
        say("Make one with: klapp account create")
    else:
        say(f"The account of {found['name']}, {'open' if found['open'] else 'locked'}.")
        factors = ["codes of an app"] * found["totp"] + [f"the passkey {name}" for name in found["passkeys"]]
        say(f"Second factor: {' or '.join(factors) or 'none. Add one: klapp account totp'}.")
        say(f"Recovery codes left: {found['recovery_codes']}.")
        if found["failures"]:
            say(f"Failed logins since the last good one: {found['failures']}.")


def _create(options: argparse.Namespace, source: Source) -> None:
    name = options.name or getpass.getuser()
    _show_codes(source.call("account.create", name=name, password=_Given(options).new_password()))
    say("The account is made. Log in with: klapp unlock")


def _password(options: argparse.Namespace, source: Source) -> None:
    source.call("account.password", password=_Given(options).new_password())
    say("The password is changed. Log in with it: klapp unlock")


def _totp(options: argparse.Namespace, source: Source) -> None:
    if options.off:
        source.call("account.totp.remove")
        say("The account has no second factor any more.")
        return
    address = source.call("account.totp")
    say("Scan this with the app on your phone:")
    _show_picture(address)
    say(f"Or type it in: {address}")
    source.call("account.totp.confirm", code=_Given(options).secret("The code that it shows now: "))
    say("From now on the account asks for a code, too.")


def _show_picture(address: str) -> None:
    """The QR code, as blocks of text."""
    import segno

    drawn = io.StringIO()
    segno.make(address, error="m").terminal(drawn, compact=True)
    sys.stdout.write(
        drawn.getvalue().encode(sys.stdout.encoding or "utf-8", "replace").decode(sys.stdout.encoding or "utf-8")
    )


def _codes(options: argparse.Namespace, source: Source) -> None:
    _show_codes(source.call("account.codes"))


def _show_codes(codes: list[str]) -> None:
    say("Recovery codes. Each is good once, in place of a code of your app; they are shown only now. Print them:")
    for code in codes:
        say(f"    {code}")


def _remove(options: argparse.Namespace, source: Source) -> None:
    source.call("account.remove")
    say("The account is removed: whoever runs klapp may approve coworkers and read the log again.")


_COMMANDS: dict[str, Callable[[argparse.Namespace, Source], None]] = {
    "status": _status,
    "create": _create,
    "password": _password,
    "totp": _totp,
    "codes": _codes,
    "remove": _remove,
}
