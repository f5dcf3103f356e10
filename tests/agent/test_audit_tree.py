"""Merkle trees, checkpoints and proofs: published vectors, laws, and the stand-alone checker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.audit import proofs
from klapp.audit.log import Entry, Log, LogError
from klapp.audit.merkle import (
    EMPTY,
    Frontier,
    consistency_proof,
    frontier_of,
    inclusion_proof,
    leaf_hash,
    node_hash,
    proves_consistency,
    proves_inclusion,
)
from klapp.audit.notes import Signer, parse
from klapp.signednote import BadNote

CHECKER = Path(__file__).parents[2] / "docs" / "check_proof.py"
LEAVES = [bytes.fromhex(x) for x in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""The leaves and roots that the tests of Certificate Transparency (RFC 6962) have published."""
PATHS = {
    (0, 8): ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"],
    (5, 8): ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
}  # fmt: skip


def nodes_of(leaves: list[bytes]):  # type: ignore[no-untyped-def]
    def node(level: int, position: int) -> bytes:
        part = leaves[position << level : (position + 1) << level]
        assert len(part) == 1 << level
        while len(part) > 1:
            part = [node_hash(part[at], part[at + 1]) for at in range(0, len(part), 2)]
        return part[0]

    return node


def root_of(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word by word."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else EMPTY
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(root_of(leaves[:k]), root_of(leaves[k:]))


def test_the_published_vectors() -> None:
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    frontier = Frontier()
    hashes = [leaf_hash(leaf) for leaf in LEAVES]
    for leaf, root in zip(hashes, ROOTS, strict=True):
        frontier.add(leaf)
        assert frontier.root().hex() == root
    for (index, size), path in PATHS.items():
        assert [hash.hex() for hash in inclusion_proof(index, size, nodes_of(hashes))] == path


@given(st.integers(1, 70), st.data())
def test_proofs_prove_what_is_so_and_nothing_else(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(size)]
    node, root = nodes_of(leaves), root_of(leaves)
    assert frontier_of(size, node).root() == root
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(index, size, node)
    assert proves_inclusion(index, size, leaves[index], path, root)
    old = data.draw(st.integers(1, size))
    proof = consistency_proof(old, size, node)
    older = root_of(leaves[:old])
    assert proves_consistency(old, size, older, root, proof)
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index or size == 1))
    if other != index:
        assert not proves_inclusion(other, size, leaves[index], path, root)
        assert not proves_inclusion(index, size, leaves[other], path, root)
    for proven in (path, proof):
        for at in range(len(proven)):
            bent = [*proven[:at], bytes([proven[at][0] ^ 1]) + proven[at][1:], *proven[at + 1 :]]
            if proven is path:
                assert not proves_inclusion(index, size, leaves[index], bent, root)
            else:
                assert not proves_consistency(old, size, older, root, bent)
    assert not proves_inclusion(index, size, leaves[index], [*path, EMPTY], root)
    assert not proves_consistency(old, size, older, root, [*proof, EMPTY])


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_a_frontier_goes_on_from_its_bytes(parts: list[int]) -> None:
    frontier, leaves = Frontier(), []
    for part in parts:
        for _ in range(part):
            leaves.append(leaf_hash(bytes([len(leaves)])))
            frontier.add(leaves[-1])
        frontier = Frontier.of_bytes(frontier.size, frontier.to_bytes())
    assert frontier.root() == root_of(leaves)


def test_checkpoints_are_signed_notes() -> None:
    signer = Signer("example.com/log", bytes(range(32)))
    note = signer.sign(3, leaf_hash(b""))
    assert note.split("\n")[:2] == ["example.com/log", "3"]
    assert note.endswith("\n")
    assert signer.open(note).size == 3
    with pytest.raises(BadNote):
        Signer("example.com/log", bytes(32)).open(note)
    with pytest.raises(BadNote):
        Signer("example.com/other", bytes(range(32))).open(note)
    for at in range(len(note)):
        changed = note[:at] + ("A" if note[at] != "A" else "B") + note[at + 1 :]
        with pytest.raises(BadNote):
            signer.open(changed)
    assert parse("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n")[0].size == 20852163  # fmt: skip


@given(st.text())
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        parse(text)


def checked(proof: dict[str, object], folder: Path, key: str | None = None) -> tuple[int, str]:
    path = folder / "proof.json"
    path.write_text(json.dumps(proof))
    done = subprocess.run(
        [sys.executable, "-I", str(CHECKER), str(path), *([key] if key else [])], capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def test_proofs_of_a_log_are_checked_without_klapp(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db", bytes(range(32))) as log:
        log.append([Entry(None, "note", {"secret": f"Müller {n}"}) for n in range(300)])
        older = log.checkpoint()
        log.append([Entry(None, "note", {"n": n}) for n in range(500)])
        proof = proofs.inclusion(log, 257)
        assert "Müller" not in json.dumps(proof, ensure_ascii=False)
        key = log.signer.verifier
        assert checked(proof, tmp_path, key) == (0, "Entry 257 is in the log of 800 entries.\n")
        grown = proofs.consistency(log, older)
        assert checked(grown, tmp_path) == (0, "The log of 800 entries continues that of 300.\n")
        assert checked(proof | {"entry": 258}, tmp_path)[0] == 1
        assert checked(proof | {"text": proof["text"] + "x"}, tmp_path)[0] == 1
        assert checked(grown | {"proof": grown["proof"][1:]}, tmp_path)[0] == 1
        other = Signer(log.signer.origin, bytes(32))
        assert "not signed by this key" in checked(proof, tmp_path, other.verifier)[1]
        assert checked(proof | {"checkpoint": other.sign(800, EMPTY)}, tmp_path)[0] == 1
        log.connection.execute("UPDATE leaves SET hash = zeroblob(32) WHERE seq = 258")
        with pytest.raises(LogError, match="can not be proved"):
            proofs.inclusion(log, 257)
        with pytest.raises(LogError, match="no entry 801"):
            proofs.inclusion(log, 801)
        with pytest.raises(LogError, match="of another log"):
            proofs.consistency(log, Signer("x", bytes(32)).sign(1, EMPTY))
    assert len(CHECKER.read_text().splitlines()) < 150
    assert "klapp." not in CHECKER.read_text().replace("klapp.`", "")
