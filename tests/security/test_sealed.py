"""Nothing that klapp stores tells anything: planted words are in no byte of its folder, in use or after a kill."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from klapp.files.kept import RenewedCopies
from klapp.vault import management
from klapp.vault.database import RenewedDatabase
from klapp.vault.keys import open_vault
from tests.agent.house import CHEAP, PASSPHRASE, House, reports

WORDS = ["Plantedpassphrase", "Plantedrule", "Plantedname", "Plantedcontent", "Plantedsetting", "Plantedold"]
COWORKER = """coworker "Plantedrule"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/*"
setting word: text = "Plantedsetting"

when file arrives in "~/In"
  if file.text contains word
    skip "found it"
  end
  write "{file.name}" to "~/Out/same.txt" on conflict replace
  move file to "~/Out/" on conflict replace
end
"""


def stored(house: House) -> bytes:
    """Every byte and every name below the state folder, but for the person's own coworkers."""
    found = b""
    for folder, folders, files in os.walk(house.home.path):
        if folder == str(house.home.path):
            folders.remove("coworkers")
        for name in files:
            found += os.fsencode(name) + b"\n" + Path(folder, name).read_bytes() + b"\n"
    return found


def work(house: House) -> None:
    with house.agent() as agent:
        agent.approve("one")
        agent.simulate("one")
        assert [r["outcome"] for r in reports(agent.run("one"))] == ["done", "done"]
        assert b"klapp.db-wal" in stored(house), "the log is looked at while it is in use"
        check(house)


def check(house: House) -> None:
    found = stored(house)
    assert len(found) > 10_000
    for word in [*WORDS, PASSPHRASE, "Out/same"]:
        for encoding in ("utf-8", "utf-16-le"):
            assert word.encode(encoding) not in found, word


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    house = House(tmp_path)
    house.coworker(COWORKER)
    house.file("In/Plantedname 1.txt", b"Plantedcontent " * 2000)
    house.file("In/Plantedname 2.txt", b"Plantedcontent too")
    house.file("Out/same.txt", b"Plantedold " * 2000)
    return house


def test_in_use_and_at_rest(house: House) -> None:
    work(house)
    check(house)
    assert any(house.home.kept.iterdir())


def test_while_the_key_is_renewed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file that is being written is looked at as it is made durable."""
    work(house)
    vault = open_vault(house.home.path, lambda _: PASSPHRASE, use_keyring=False, cost=CHEAP)
    shown = management.add_recovery(house.home.path, vault)
    looks = []
    real = os.fsync

    def looking(handle: int) -> None:
        real(handle)
        looks.append(stored(house))

    monkeypatch.setattr(os, "fsync", looking)
    management.add_password(house.home.path, vault, "Plantedpassphrase", CHEAP)
    stores: list[management.Store] = [RenewedDatabase(house.home.database, "log"), RenewedCopies(house.home.kept)]
    _, renewed = management.rotate(house.home.path, vault, stores, lambda _: "Plantedpassphrase", os.urandom(32), CHEAP)
    assert len(looks) > 5
    for found in looks:
        for word in [*WORDS, PASSPHRASE, shown, renewed, "Out/same"]:
            assert word.encode() not in found, word


def test_after_a_kill(house: House) -> None:
    child = os.fork()
    if child == 0:
        try:
            work(house)
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the work in the child failed"
    check(house)
    with house.agent() as agent:
        assert agent.log_store.verify() is None


def test_only_the_owner_can_look(house: House) -> None:
    work(house)
    for folder, _, files in os.walk(house.home.path):
        assert os.stat(folder).st_mode & 0o077 == 0 or folder.endswith("coworkers")
        for name in files:
            if not name.endswith(".klr"):
                assert os.stat(os.path.join(folder, name)).st_mode & 0o077 == 0, name
