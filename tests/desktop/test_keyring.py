"""The vault with a real keyring: unlocked, locked, emptied and gone; and what opens it then."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.desktop.conftest import PYTHON, Desktop, keyring_of_its_own

pytestmark = pytest.mark.xdist_group("desktop")
PASSPHRASE = "correct horse battery"


def klapp(desktop: Desktop, state: Path, *arguments: str, passphrase: str = "", **extra: str) -> tuple[int, str]:
    """(exit code, what was said) of a command on the desktop."""
    env = desktop.env | {"KLAPP_HOME": str(state)} | extra
    env.pop("KLAPP_PASSPHRASE_FILE", None)
    if passphrase:
        given = state.parent / "passphrase"
        given.touch(mode=0o600)
        given.write_text(passphrase)
        env["KLAPP_PASSPHRASE_FILE"] = str(given)
    env.pop("KLAPP_KEYRING", None)
    done = subprocess.run(
        [PYTHON, "-m", "klapp.cli.main", *arguments],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_the_keyring_opens_the_vault_and_a_recovery_key_does_without_it(desktop: Desktop, tmp_path: Path) -> None:
    state = tmp_path / "state"
    code, said = klapp(desktop, state, "list")
    assert code == 0, said
    [slot] = json.loads((state / "vault.json").read_text())["slots"]
    assert slot["kind"] == "keyring"
    code, said = klapp(desktop, state, "vault", "recovery-key")
    assert code == 0, said
    recovery = next(line.strip() for line in said.splitlines() if line.count("-") == 7)
    assert klapp(desktop, state, "vault", "rotate")[0] == 0
    assert klapp(desktop, state, "vault", "status", passphrase=PASSPHRASE)[0] == 0, (
        "the keyring opens it without asking"
    )

    nowhere = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
    code, said = klapp(desktop, state, "list", **nowhere)
    assert code == 1
    assert "keyring" in said
    assert "Traceback" not in said
    code, said = klapp(desktop, state, "list", passphrase=recovery, **nowhere)
    assert code == 1, "the key was renewed, and this recovery key with it"
    code, said = klapp(desktop, state, "vault", "recovery-key")
    recovery = next(line.strip() for line in said.splitlines() if line.count("-") == 7)
    code, said = klapp(desktop, state, "list", passphrase=recovery.lower(), **nowhere)
    assert code == 0, said


def test_a_passphrase_is_added_and_the_keyring_let_go(desktop: Desktop, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert klapp(desktop, state, "list")[0] == 0
    read, write = os.pipe()
    with open(write, "w") as given:
        given.write(PASSPHRASE)
    done = subprocess.run(
        [PYTHON, "-m", "klapp.cli.main", "vault", "add-password", "--new-passphrase-fd", str(read)],
        env=desktop.env | {"KLAPP_HOME": str(state)}, pass_fds=[read], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=120,
    )  # fmt: skip
    os.close(read)
    assert done.returncode == 0, done.stdout
    code, said = klapp(desktop, state, "vault", "remove", "keyring")
    assert code == 0, said
    code, said = klapp(desktop, state, "list")
    assert (code, "passphrase" in said) == (1, True)
    code, said = klapp(desktop, state, "vault", "status", "--format", "json", passphrase=PASSPHRASE)
    assert json.loads(said) == {"opened by": "password", "ways": ["a password"]}
    code, said = klapp(desktop, state, "vault", "remove", "password", passphrase=PASSPHRASE)
    assert (code, "Nothing but a password opens" in said) == (1, True)


def test_a_locked_keyring_is_named(desktop: Desktop, tmp_path: Path) -> None:
    state = tmp_path / "state"
    (tmp_path / "own").mkdir()
    lock = (
        "import secretstorage; bus = secretstorage.dbus_init(); "
        "[one.lock() for one in secretstorage.get_all_collections(bus)]"
    )
    with ExitStack() as closing:
        own = keyring_of_its_own(tmp_path / "own", closing)
        assert klapp(own, state, "list")[0] == 0
        assert json.loads((state / "vault.json").read_text())["slots"][0]["kind"] == "keyring"
        subprocess.run([PYTHON, "-c", lock], env=own.env, check=True, timeout=30)
        code, said = klapp(own, state, "list")
    assert (code, "Unlock your keyring" in said) == (1, True), said
    assert "Traceback" not in said


def test_a_log_that_was_set_back_is_told_by_the_keyring(desktop: Desktop, tmp_path: Path) -> None:
    state = tmp_path / "state"
    coworkers = state / "coworkers"
    coworkers.mkdir(parents=True)
    (coworkers / "one.klr").write_text('coworker "One"\nmay notify\nwhen asked\n  notify "x"\nend\n')
    assert klapp(desktop, state, "approve", "one", "--yes")[0] == 0
    older = (state / "klapp.db").read_bytes()
    assert not (state / "klapp.db-wal").exists()
    assert klapp(desktop, state, "revoke", "one")[0] == 0
    code, said = klapp(desktop, state, "audit", "verify")
    assert code == 0, said
    assert "the system's keyring knows" in said
    (state / "klapp.db").write_bytes(older)
    code, said = klapp(desktop, state, "audit", "verify")
    assert code == 1, said
    assert "set back to an older state: the system's keyring knows" in said
    assert "This is: rolled back" in said
    assert klapp(desktop, state, "pause", "one")[0] == 0
    code, said = klapp(desktop, state, "audit", "verify")
    assert code == 1, "going on does not cover it up"
