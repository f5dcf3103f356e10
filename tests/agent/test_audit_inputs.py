"""The identity of what started a run is in the log: name, size and the hash of the content, taken by the agent itself."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.agent import Agent
from klapp.files.guarded import GuardedFiles
from klapp.files.protocol import FileError
from klapp.lane import Lane
from tests.agent.house import House, reports

COWORKER = """coworker "Filer"
may read "~/In/*"
may remove "~/In/*"
may write "~/Out/**"

when file arrives in "~/In"
  move file to "~/Out/"
end

when asked
  skip "nothing to do"
end
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.coworker(COWORKER)
    with house.agent() as agent:
        agent.approve("filer")
    return house


def ran(agent: Agent, path: Path | None) -> dict[str, Any]:
    """What is told of the input of the one run that a file (None: a person) starts."""
    (report,) = reports(agent.run("filer", [str(path)] if path else None))
    return agent.explain(report["run"])


@pytest.mark.parametrize("sandboxed", [True, False])
def test_name_size_and_hash_are_there(house: House, sandboxed: bool) -> None:
    content = os.urandom(3000)
    path = house.file("In/letter.bin", content)
    with house.agent(sandboxed=sandboxed) as agent:
        told = ran(agent, path)
        assert told["outcome"] == "done"
        assert told["input"] == {"name": str(path), "size": 3000, "sha256": hashlib.sha256(content).hexdigest()}
        assert ran(agent, None)["input"] is None
        (found,) = [item for item in agent.audit("show", wanted={"text": told["input"]["sha256"]}) if "entry" in item]
        assert found["entry"]["file"] == str(path)
        list(agent.audit("erase", coworker="Filer", do=True))
        (entry,) = agent.log_store.select("e.kind = 'intent' AND e.run = ?", (told["run"],))
        assert entry.erased
        assert "input" not in entry.body


def test_the_limit_is_a_setting_that_the_log_knows(house: House) -> None:
    with house.agent() as agent:
        assert agent.audit("inputs") == {"megabytes": 100.0}
        agent.audit("inputs", megabytes=0.001, change=True)
        assert "sha256" in ran(agent, house.file("In/as large.bin", bytes(1000)))["input"]
        assert ran(agent, house.file("In/larger.bin", bytes(1001)))["input"]["unhashed"]
        agent.audit("inputs", megabytes=None, change=True)
        assert "sha256" in ran(agent, house.file("In/any.bin", bytes(2000)))["input"]
        agent.audit("inputs", megabytes=0, change=True)
        assert "unhashed" in ran(agent, house.file("In/none.bin", b"x"))["input"]
        with pytest.raises(ValueError, match="from 0"):
            agent.audit("inputs", megabytes=-1, change=True)
        changes = [entry.body for entry in agent.log_store.select("e.kind = 'setting changed' ORDER BY e.seq")]
    assert [(one["before"], one["after"]) for one in changes] == [
        ("100 MB", "0.001 MB"),
        ("0.001 MB", "any size"),
        ("any size", "0 MB"),
    ]


def store(root: Path) -> GuardedFiles:
    return GuardedFiles(Lane.of([("read", "~/*")], str(root)), None)


@given(content=st.binary(max_size=5000))
def test_the_hash_is_that_of_the_content(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("files")
    (root / "x").write_bytes(content)
    files = store(root)
    file = files.look(str(root / "x"))
    assert file is not None
    assert files.sha256(file.path, file.identity) == hashlib.sha256(content).hexdigest()


def test_what_is_another_file_by_now_is_not_hashed(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"as it was")
    files = store(tmp_path)
    file = files.look(str(path))
    assert file is not None
    path.write_bytes(b"as it is now")
    with pytest.raises(FileError):
        files.sha256(file.path, file.identity)
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(FileError):
        files.sha256(file.path, file.identity)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileError):  # and nobody waits for a writer
        files.sha256(file.path, file.identity)


def test_a_large_file_is_not_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    os.truncate(path, 64 << 20)
    files = store(tmp_path)
    file = files.look(str(path))
    assert file is not None
    tracemalloc.start()
    try:
        files.sha256(file.path, file.identity)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20
