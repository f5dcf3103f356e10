"""The ways to open a vault, and a new key for all that it holds: kills, full disks and others at work lose nothing."""

from __future__ import annotations

import io
import os
import resource
import secrets
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.audit.log import Log
from klapp.files.kept import PURPOSE, Keeper, RenewedCopies
from klapp.vault import management, recovery
from klapp.vault.database import RenewedDatabase, connect
from klapp.vault.errors import VaultError
from klapp.vault.header import HEADER
from klapp.vault.keys import Vault, open_vault
from klapp.vault.switching import RENEWED
from tests.agent.house import CHEAP, PASSPHRASE, House, reports

COWORKER = """coworker "Replacer"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/*"

when file arrives in "~/In"
  move file to "~/Out/same.txt" on conflict replace
end
"""

# -- the recovery key -------------------------------------------------------------------------------------------------

KEYS = st.binary(min_size=recovery.BYTES, max_size=recovery.BYTES)


@given(KEYS, st.booleans())
def test_a_recovery_key_reads_as_it_was_written(key: bytes, carelessly: bool) -> None:
    text = recovery.written(key)
    assert recovery.looks_like_one(text)
    if carelessly:
        text = "  " + text.lower().replace("-", " \u2013 ").replace("0", "o").replace("1", "l")
    assert recovery.read(text) == key


@given(KEYS, st.integers(0, 39), st.sampled_from(recovery.ALPHABET))
def test_each_wrong_character_is_found_in_its_group(key: bytes, place: int, wrong: str) -> None:
    letters = list(recovery.written(key).replace("-", ""))
    if letters[place] != wrong:
        letters[place] = wrong
        with pytest.raises(recovery.Mistyped, match=f"Group {place // 5 + 1} "):
            recovery.read("".join(letters))


@given(KEYS, st.integers(0, 38))
def test_two_neighbours_exchanged_are_found(key: bytes, place: int) -> None:
    letters = list(recovery.written(key).replace("-", ""))
    letters[place], letters[place + 1] = letters[place + 1], letters[place]
    if "".join(letters) != recovery.written(key).replace("-", ""):
        with pytest.raises(recovery.Mistyped):
            recovery.read("".join(letters))


@given(KEYS, st.integers(0, 7), st.integers(0, 7))
def test_groups_exchanged_are_found(key: bytes, one: int, other: int) -> None:
    groups = recovery.written(key).split("-")
    if groups[one] != groups[other]:
        groups[one], groups[other] = groups[other], groups[one]
        with pytest.raises(recovery.Mistyped):
            recovery.read("-".join(groups))


# -- ways to open -----------------------------------------------------------------------------------------------------


def opened(home: Path, secret: str = PASSPHRASE) -> Vault:
    return open_vault(home, lambda _: secret, use_keyring=False, cost=CHEAP)


def test_a_recovery_key_opens_what_the_passphrase_opened(tmp_path: Path) -> None:
    vault = opened(tmp_path)
    shown = management.add_recovery(tmp_path, vault)
    assert shown not in (tmp_path / HEADER).read_text()
    assert opened(tmp_path, shown).key("x") == vault.key("x")
    assert opened(tmp_path).key("x") == vault.key("x")
    newer = management.add_recovery(tmp_path, vault)
    assert opened(tmp_path, newer).by == "recovery"
    with pytest.raises(VaultError, match="not the p"):
        opened(tmp_path, shown)
    with pytest.raises(VaultError, match="Group 3"):
        opened(tmp_path, newer[:12] + ("0" if newer[12] != "0" else "1") + newer[13:])


def test_a_passphrase_is_changed_and_the_last_way_in_stays(tmp_path: Path) -> None:
    vault = opened(tmp_path)
    management.add_password(tmp_path, vault, "another passphrase", CHEAP)
    assert opened(tmp_path, "another passphrase").key("x") == vault.key("x")
    with pytest.raises(VaultError, match="not the passphrase"):
        opened(tmp_path)
    with pytest.raises(VaultError, match="Nothing but a password opens"):
        management.remove_way(tmp_path, vault, "password")
    with pytest.raises(VaultError, match="at least"):
        management.add_password(tmp_path, vault, "short", CHEAP)
    shown = management.add_recovery(tmp_path, vault)
    management.remove_way(tmp_path, vault, "password")
    assert management.ways(opened(tmp_path, shown)) == ["a recovery key"]
    with pytest.raises(VaultError, match="not opened by"):
        management.remove_way(tmp_path, vault, "password")


def test_a_cheap_passphrase_becomes_dearer_when_it_is_used(tmp_path: Path) -> None:
    key = opened(tmp_path).key("x")
    dearer = open_vault(tmp_path, lambda _: PASSPHRASE, use_keyring=False, cost=dearer_cost())
    assert dearer.key("x") == key
    assert dearer.header is not None
    assert dearer.header.slots[0]["memory_kib"] == dearer_cost().memory_kib
    assert opened(tmp_path).key("x") == key, "a cheaper wish changes nothing"


def dearer_cost() -> Any:
    from klapp.vault.stretching import Cost

    return Cost(CHEAP.memory_kib * 2, 1, 1)


def test_an_older_header_put_back_is_noticed(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.agent().close()
    older = (house.home.path / HEADER).read_bytes()
    vault = opened(house.home.path)
    management.add_password(house.home.path, vault, "another passphrase", CHEAP)
    house.reopened("another passphrase").agent().close()
    (house.home.path / HEADER).write_bytes(older)
    with pytest.raises(VaultError, match="was put back"):
        house.reopened(PASSPHRASE).agent()


def test_two_who_change_the_vault_at_once_both_do(tmp_path: Path) -> None:
    opened(tmp_path)
    children = []
    for change in (
        lambda vault: management.add_recovery(tmp_path, vault),
        lambda vault: management.add_password(tmp_path, vault, "another passphrase", CHEAP),
    ):
        children.append(in_child(lambda change=change: change(opened(tmp_path))))
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    vault = opened(tmp_path, "another passphrase")
    assert sorted(management.ways(vault)) == ["a password", "a recovery key"]


def in_child(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


# -- a new data key ---------------------------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house with a log, and a kept copy of a file that was replaced."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    house = House(tmp_path)
    house.coworker(COWORKER, "replacer")
    house.file("Out/same.txt", b"old" * 50_000)
    with house.agent() as agent:
        agent.approve("replacer")
        house.file("In/new.txt", b"new")
        assert [r["outcome"] for r in reports(agent.run("replacer"))] == ["done"]
    return house


def renew(house: House, vault: Vault | None = None) -> tuple[Vault, str]:
    home = house.home
    stores: list[management.Store] = [RenewedDatabase(home.database, "log"), RenewedCopies(home.kept)]
    fresh = secrets.token_bytes(32)
    return management.rotate(home.path, vault or opened(home.path), stores, lambda _: PASSPHRASE, fresh, CHEAP)


def works(house: House) -> None:
    """What was logged and kept is there: the log is sound, and the run can be taken back."""
    house.reopened(PASSPHRASE)
    with house.agent() as agent:
        assert agent.log_store.verify() is None
        assert [run["outcome"] for run in agent.log()] == ["done"]
        assert [report["outcome"] for report in agent.undo([1])] == ["done"]
        assert (house.person / "Out/same.txt").read_bytes() == b"old" * 50_000
    left = {path.name for path in house.home.path.iterdir()}
    assert not {name for name in left if name.endswith((".next", ".former"))}


def test_everything_is_sealed_anew(house: House) -> None:
    before = opened(house.home.path)
    renewed, shown = renew(house)
    assert not shown
    assert renewed.key("log") != before.key("log")
    with pytest.raises(Exception, match="not a log of this klapp"):
        connect(house.home.database, before.key("log"))
    works(house)


def test_a_new_key_comes_with_a_new_recovery_key(house: House) -> None:
    former = management.add_recovery(house.home.path, opened(house.home.path))
    _, shown = renew(house)
    with pytest.raises(VaultError):
        opened(house.home.path, former)
    assert opened(house.home.path, shown).by == "recovery"
    works(house)


def test_who_is_at_work_is_not_disturbed(house: House) -> None:
    with house.agent() as agent, pytest.raises(VaultError, match="at work"):
        renew(house)
    assert agent.closing is not None
    works(house)


def test_a_wrong_passphrase_renews_nothing(house: House) -> None:
    stores: list[management.Store] = [RenewedDatabase(house.home.database, "log")]
    with pytest.raises(VaultError, match="not the passphrase"):
        management.rotate(house.home.path, opened(house.home.path), stores, lambda _: "a wrong one", bytes(32), CHEAP)
    works(house)


def test_a_full_disk_renews_nothing(house: House) -> None:
    def with_little_room() -> None:
        vault = opened(house.home.path)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
        with pytest.raises(VaultError, match="Nothing was changed"):
            renew(house, vault)

    assert os.waitpid(in_child(with_little_room), 0)[1] == 0
    works(house)


@pytest.fixture
def boundaries(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Gives a function that has this process killed before the nth of the calls that change the disk."""

    def kill_before(number: int) -> list[int]:
        calls = [0]
        for module, name in (
            (os, "replace"),
            (os, "rename"),
            (os, "fsync"),
            (os, "unlink"),
            (os, "rmdir"),
            (os, "mkdir"),
        ):
            real = getattr(module, name)

            def counted(*arguments: Any, real: Any = real, **named: Any) -> Any:
                calls[0] += 1
                if calls[0] == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **named)

            monkeypatch.setattr(module, name, counted)
        return calls

    return kill_before


def test_a_kill_anywhere_loses_nothing(house: House, boundaries: Callable[[int], list[int]], tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    shutil.copytree(house.home.path, saved)
    number, ended = 0, False
    while not ended:
        number += 1

        def renewing(number: int = number) -> None:
            boundaries(number)
            renew(house)

        _, status = os.waitpid(in_child(renewing), 0)
        ended = not os.WIFSIGNALED(status)
        assert status in (0, signal.SIGKILL)
        is_whole(house)
        renew(house)
        is_whole(house)
        left = {path.name for path in house.home.path.iterdir()}
        assert not {name for name in left if name.endswith((".next", ".former"))}
        shutil.rmtree(house.home.path)
        shutil.copytree(saved, house.home.path)
    assert number > len(RENEWED) * 4, "there is more than this to interrupt"


def is_whole(house: House) -> None:
    """The log is sound, and each kept copy can be read."""
    vault = opened(house.home.path)
    with Log.open(house.home.database, vault.key("log")) as log:
        assert log.verify() is None
    copies = [path for path in house.home.kept.iterdir() if len(path.name) == 32]  # beside their contents
    assert copies
    for copy in copies:
        content = io.BytesIO()
        Keeper(house.home.kept, vault.key(PURPOSE)).bring(copy.name, content)
        assert content.getvalue() == b"old" * 50_000
