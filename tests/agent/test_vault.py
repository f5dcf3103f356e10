"""The vault: known answers from outside, wrong keys, damaged headers, keyrings that lie; never anything in the clear."""

from __future__ import annotations

import io
import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend

from klapp.vault import ring, sealed
from klapp.vault.errors import VaultError
from klapp.vault.header import HEADER
from klapp.vault.keys import Vault, open_vault
from klapp.vault.sealed import CHUNK, MAGIC, SALT, TAG, Tampered, derive, reseal, seal, unseal
from klapp.vault.stretching import Cost, stretched
from tests.agent.house import CHEAP

PASSPHRASE = "correct horse battery"


def made(home: Path, passphrase: str = PASSPHRASE) -> Vault:
    return open_vault(home, lambda _: passphrase, use_keyring=False, cost=CHEAP)


def test_hkdf_gives_the_known_answer() -> None:
    # RFC 5869, test case 1, as far as 32 bytes.
    okm = derive(b"\x0b" * 22, bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"), bytes.fromhex("000102030405060708090a0b0c"))
    assert okm.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


def test_argon2id_gives_the_known_answer() -> None:
    # Made with the reference implementation's command line (v 1.3): t=2, m=64 MiB, p=1, "password", "somesalt".
    answer = stretched(b"password", b"somesalt", Cost(65536, 2, 1))
    assert answer.hex() == "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"


def test_a_vault_opens_again_with_its_passphrase_and_gives_one_key_for_each_purpose(tmp_path: Path) -> None:
    vault = made(tmp_path)
    assert made(tmp_path).key("log") == vault.key("log")
    assert vault.key("log") != vault.key("kept")
    assert vault.key("log").hex() not in repr(vault)
    assert stat.S_IMODE((tmp_path / HEADER).stat().st_mode) == 0o600


def test_a_passphrase_means_the_same_however_it_is_composed(tmp_path: Path) -> None:
    vault = made(tmp_path, "Gru\u0308\u00dfe und Ku\u0308sse")
    assert made(tmp_path, "Gr\u00fc\u00dfe und K\u00fcsse").key("x") == vault.key("x")


def test_a_wrong_or_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="at least"):
        made(tmp_path / "short", "short")
    made(tmp_path)
    before = (tmp_path / HEADER).read_bytes()
    with pytest.raises(VaultError, match="not the passphrase"):
        made(tmp_path, "another one entirely")
    with pytest.raises(VaultError, match="needs its passphrase"):
        open_vault(tmp_path, None, use_keyring=False)
    assert (tmp_path / HEADER).read_bytes() == before


def test_without_keyring_and_passphrase_there_is_no_vault(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="no passphrase was given"):
        open_vault(tmp_path, None, use_keyring=False)
    assert not (tmp_path / HEADER).exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 2}', "\0" * 50, "[" * 100_000])
def test_a_damaged_header_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / HEADER).write_text(text)
    with pytest.raises(VaultError, match=HEADER):
        made(tmp_path)


@pytest.mark.parametrize("part", ["id", "generation", "switching", "slots", "code"])
@pytest.mark.parametrize("value", ["", "AAAA", None, 0, True, [], [{}], [{"kind": "password"}]])
def test_each_damaged_part_of_a_header_is_refused(tmp_path: Path, part: str, value: object) -> None:
    made(tmp_path)
    change(tmp_path, lambda header: header.update({part: value}))
    with pytest.raises(VaultError):
        made(tmp_path)


@pytest.mark.parametrize("part", ["kind", "salt", "memory_kib", "passes", "lanes", "proof", "nonce", "key"])
@pytest.mark.parametrize("value", ["", "AAAA", "AAAAAAAAAAAAAAAA", None, 0, 7, 10**9, True])
def test_each_damaged_part_of_a_slot_is_refused(tmp_path: Path, part: str, value: object) -> None:
    made(tmp_path)
    change(tmp_path, lambda header: header["slots"][0].update({part: value}))
    with pytest.raises(VaultError):
        made(tmp_path)


def test_a_changed_wrap_is_told_from_a_wrong_passphrase(tmp_path: Path) -> None:
    made(tmp_path)
    change(tmp_path, lambda header: header["slots"][0].update(nonce="AAAAAAAAAAAAAAAA"))
    with pytest.raises(VaultError, match="says about a password was changed"):
        made(tmp_path)


def change(home: Path, how: Callable[[Any], object]) -> None:
    header = json.loads((home / HEADER).read_text())
    how(header)
    (home / HEADER).write_text(json.dumps(header))


def test_a_header_of_a_newer_klapp_or_none_beside_a_log_is_left_alone(tmp_path: Path) -> None:
    made(tmp_path)
    change(tmp_path, lambda header: header.update(version=99))
    with pytest.raises(VaultError, match="newer"):
        made(tmp_path)
    change(tmp_path, lambda header: header.update(version=1))
    with pytest.raises(VaultError, match="before its first release"):
        made(tmp_path)
    (tmp_path / HEADER).unlink()
    (tmp_path / "klapp.db").write_bytes(b"x")
    with pytest.raises(VaultError, match="missing"):
        made(tmp_path)


class Memory(KeyringBackend):
    """A keyring that keeps what it is given, or, as its class is told, loses or exchanges it."""

    priority = 5  # type: ignore[assignment]
    lies = ""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.lies != "loses":
            self.kept[service, username] = password[::-1] if self.lies == "exchanges" else password

    def get_password(self, service: str, username: str) -> str | None:
        if self.lies == "is locked":
            raise keyring.errors.KeyringLocked("locked")
        if self.lies == "hangs":
            threading.Event().wait()
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def memory() -> Memory:
    backend = Memory()
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_a_keyring_holds_the_key_and_the_header_does_not(tmp_path: Path, memory: Memory) -> None:
    vault = open_vault(tmp_path, None)
    [kept] = memory.kept.values()
    assert kept not in (tmp_path / HEADER).read_text()
    assert open_vault(tmp_path, None).key("x") == vault.key("x")
    memory.lies = "is locked"
    with pytest.raises(VaultError, match="locked"):
        open_vault(tmp_path, None)
    memory.lies = ""
    memory.kept.clear()
    with pytest.raises(VaultError, match="does not hold it"):
        open_vault(tmp_path, None)


@pytest.mark.parametrize("lie", ["loses", "exchanges", "is locked", "hangs"])
def test_a_keyring_that_lies_is_not_relied_upon(
    tmp_path: Path, memory: Memory, lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring, "PATIENCE", 0.2)
    memory.lies = lie
    with pytest.raises(VaultError, match="no passphrase"):
        open_vault(tmp_path, None)
    open_vault(tmp_path, lambda _: PASSPHRASE, cost=CHEAP)
    assert json.loads((tmp_path / HEADER).read_text())["slots"][0]["kind"] == "password"


def test_a_keyring_in_the_clear_is_not_used(tmp_path: Path) -> None:
    class PlaintextKeyring(Memory):
        """As keyrings.alt's: a file that everybody can read."""

    before = keyring.get_keyring()
    keyring.set_keyring(PlaintextKeyring())
    try:
        with pytest.raises(VaultError, match="no passphrase"):
            open_vault(tmp_path, None)
    finally:
        keyring.set_keyring(before)


# -- sealed streams ---------------------------------------------------------------------------------------------------


def sealed_bytes(content: bytes, role: bytes = b"role") -> bytes:
    out = io.BytesIO()
    seal(b"k" * 32, role, io.BytesIO(content), out)
    return out.getvalue()


def unsealed(data: bytes, role: bytes = b"role", key: bytes = b"k" * 32) -> bytes:
    out = io.BytesIO()
    unseal(key, role, io.BytesIO(data), out)
    return out.getvalue()


@given(st.integers(0, 3), st.integers(-2, 2))
def test_what_is_sealed_comes_back(chunks: int, more: int) -> None:
    content = os.urandom(max(0, chunks * CHUNK + more))
    assert unsealed(sealed_bytes(content)) == content
    assert content[:64] not in sealed_bytes(content) or len(content) < 8


@given(st.integers(0, 3), st.integers(-2, 2))
def test_what_is_sealed_anew_comes_back_with_the_new_key_alone(chunks: int, more: int) -> None:
    content, goal = os.urandom(max(0, chunks * CHUNK + more)), io.BytesIO()
    reseal(b"k" * 32, b"n" * 32, b"role", io.BytesIO(sealed_bytes(content)), goal)
    assert unsealed(goal.getvalue(), key=b"n" * 32) == content
    with pytest.raises(Tampered):
        unsealed(goal.getvalue())


@given(st.binary(max_size=200), st.data())
def test_each_changed_byte_is_found(content: bytes, data: st.DataObject) -> None:
    whole = bytearray(sealed_bytes(content))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Tampered):
        unsealed(bytes(whole))


def test_chunks_can_be_neither_cut_off_nor_moved_nor_mixed() -> None:
    whole = sealed_bytes(b"a" * CHUNK + b"b" * CHUNK + b"c")
    head, step = len(MAGIC) + SALT, CHUNK + TAG
    first, second, third = whole[head : head + step], whole[head + step : head + 2 * step], whole[head + 2 * step :]
    other = sealed_bytes(b"a" * CHUNK + b"b" * CHUNK + b"c")
    for changed in (
        whole[: head + step],
        whole[: head + 2 * step],
        whole[:head] + second + first + third,
        whole[:head] + first + first + third,
        whole[:head] + first + other[head + step : head + 2 * step] + third,
        whole + whole[head:],
        whole[:10],
        b"",
    ):
        with pytest.raises(Tampered):
            unsealed(changed)
    for role, key in ((b"other", b"k" * 32), (b"role", b"K" * 32)):
        with pytest.raises(Tampered):
            unsealed(whole, role, key)


def test_streams_of_the_same_content_differ() -> None:
    assert sealed_bytes(b"same") != sealed_bytes(b"same")
    assert sealed.MAGIC == MAGIC
