"""``klapp account``, ``unlock``, ``lock`` and ``vault`` as a person or a script types them, beside an agent and without."""

from __future__ import annotations

import json
import os
import time
from base64 import b32decode
from pathlib import Path

import pytest

from klapp.account import factors
from tests.agent.test_cli import Terminal
from tests.agent.test_cli_new import Person

PASSWORD = "seven wet otters sing"


@pytest.fixture
def klapp(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def typed(klapp: Terminal, lines: str, *arguments: str, code: int = 0, flag: str = "--password-fd") -> str:
    """A command that reads secrets from a file descriptor."""
    reading, writing = os.pipe()
    with open(writing, "w", encoding="utf-8") as given:
        given.write(lines)
    try:
        return klapp(*arguments, flag, str(reading), code=code, pass_fds=(reading,))
    finally:
        os.close(reading)


@pytest.mark.parametrize("beside_an_agent", [False, True])
def test_an_account_locks_approvals_and_the_log(klapp: Terminal, beside_an_agent: bool) -> None:
    klapp.sorter()
    klapp("approve", "sorter", "--yes")
    if beside_an_agent:
        with klapp.agent():
            live_with_it(klapp)
    else:
        live_with_it(klapp)


def live_with_it(klapp: Terminal) -> None:
    assert "There is no account" in klapp("account", "status")
    assert "at least 15" in typed(klapp, "short", "account", "create", "--name", "Maria", code=1)
    said = typed(klapp, PASSWORD, "account", "create", "--name", "Maria")
    assert said.count("-") >= 10, "the recovery codes are shown"
    for command in (["log"], ["revoke", "sorter"], ["audit", "verify"], ["undo", "last"], ["account", "codes"]):
        assert "klapp unlock" in klapp(*command, code=1)
    assert "sorter" in klapp("list").lower()
    (klapp.person / "In" / "a.txt").write_text("a")
    klapp("run", "sorter", "--on", str(klapp.person / "In" / "a.txt"))
    assert "not right" in typed(klapp, "another password entirely", "unlock", code=1)
    typed(klapp, PASSWORD, "unlock")
    klapp("audit", "verify")
    assert json.loads(klapp("account", "status", "--format", "json"))["open"] is True
    klapp("lock")
    assert "klapp unlock" in klapp("log", code=1)
    typed(klapp, PASSWORD, "unlock")
    klapp("account", "remove")
    klapp("log")


def test_nobody_is_asked_where_nobody_is(klapp: Terminal) -> None:
    assert "--password-fd" in klapp("account", "create", code=1)


def test_an_app_is_added_at_a_terminal(klapp: Terminal) -> None:
    """At a real terminal: the QR code is drawn, the app's code is asked for, and nothing secret is echoed."""
    typed(klapp, PASSWORD, "account", "create", "--name", "Maria")
    typed(klapp, PASSWORD, "unlock")
    person = Person(klapp, "account", "totp")
    person.until("secret=")
    text = person.until("&")
    secret = b32decode(text + "=" * (-len(text) % 8))
    person.until("The code that it shows now: ")
    code = factors.one_time_code(secret, int(time.time() // factors.STEP) - 1)
    person.type(code)
    said = person.rest()
    person.ends(0)
    assert "asks for a code" in said
    assert code not in said, "what is typed is not shown"
    klapp("lock")
    assert "not right" in typed(klapp, f"{PASSWORD}\n000000\n", "unlock", code=1)
    code = factors.one_time_code(secret, int(time.time() // factors.STEP) + 1)
    typed(klapp, f"{PASSWORD}\n{code}\n", "unlock")
    klapp("log")


def test_ways_into_the_vault_without_a_keyring(klapp: Terminal, tmp_path: Path) -> None:
    klapp("list")
    assert "no recovery key" in klapp("vault", "status")
    shown = next(line.strip() for line in klapp("vault", "recovery-key").splitlines() if line.count("-") == 7)
    typed(klapp, "another long passphrase\n", "vault", "add-password", flag="--new-passphrase-fd")
    assert "not the passphrase" in klapp("list", code=1)
    klapp.passphrase.write_text("another long passphrase")
    typed(klapp, PASSWORD, "account", "create", "--name", "Maria")
    assert "Only the recovery key" in klapp("vault", "forget-account", code=1)
    for what in (("recovery-key",), ("rotate",), ("trust",), ("remove", "recovery-key")):
        assert "klapp unlock" in klapp("vault", *what, code=1), "else the account is no obstacle"
    assert "klapp unlock" in typed(
        klapp, "yet another passphrase\n", "vault", "add-password", flag="--new-passphrase-fd", code=1
    )
    typed(klapp, PASSWORD, "unlock")
    shown = next(line.strip() for line in klapp("vault", "recovery-key").splitlines() if line.count("-") == 7)
    said = klapp("audit", "show", "--kind", "key used")
    assert said.index("from now on a new recovery key opens it") < said.index("to be changed so that a new recovery")
    klapp("lock")
    klapp.passphrase.write_text(shown)
    assert "klapp unlock" in klapp("log", code=1)
    klapp("vault", "forget-account")
    klapp("log")
    assert "is needed for that, not the recovery key" in klapp("vault", "rotate", code=1)
    klapp.passphrase.write_text("another long passphrase")
    renewed = klapp("vault", "rotate")
    assert shown not in renewed
    assert "Done" in renewed
    with klapp.agent():
        assert "already runs" in klapp("vault", "rotate", code=1)
        assert "a passphrase" in klapp("vault", "status") or "a password" in klapp("vault", "status")
    credentials = tmp_path / "credentials"
    credentials.mkdir(mode=0o700)
    (credentials / "klapp-passphrase").touch(mode=0o600)
    (credentials / "klapp-passphrase").write_text("another long passphrase\n")
    klapp.env["CREDENTIALS_DIRECTORY"] = str(credentials)
    del klapp.env["KLAPP_PASSPHRASE_FILE"]
    klapp("list")
