"""The log: append-only, durable, and such that each change inside it shows."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.audit.log import Entry, Log, LogError, digest
from klapp.vault.database import connect
from klapp.vault.shelf import Shelf

KEY = bytes(range(32))


def opened(folder: Path) -> Log:
    return Log.open(folder / "log.db", KEY)


def filled(log: Log, count: int = 5) -> int:
    first = log.reserve(count)
    log.append([Entry(first + n, "intent", {"batch": first, "coworker": "c", "n": n}) for n in range(count)], [b"blob"])
    log.append([Entry(first + n, "outcome", {"outcome": "done"}) for n in range(count)])
    return first


def test_what_is_appended_is_read_back_grouped_by_run(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        assert filled(log) == 1
        assert filled(log, 2) == 6
        assert [[e.kind for e in run] for run in log.runs(newest=2)] == [["intent", "outcome"]] * 2
        assert [run[0].run for run in log.runs(first=3, last=4)] == [3, 4]
        assert list(log.runs(coworker="other")) == []
        assert log.last_batch() == (6, 7)
        assert log.blob(digest(b"blob")) == b"blob"
        assert log.unfinished() == []
        log.append([Entry(log.reserve(1), "intent", {"batch": 8, "coworker": "c"})])
        assert log.unfinished() == [8]
        assert log.verify() is None
        with pytest.raises(LogError):
            log.blob(digest(b"nothing"))
    with opened(tmp_path) as log:
        assert log.reserve(1) == 9


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.booleans()), max_size=4))
def test_bodies_come_back_as_they_were(body: dict[str, object]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as log:
        log.append([Entry(1, "note", dict(body))])
        assert log.entries(1)[0].body == body


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        with pytest.raises(TypeError):
            log.append([Entry(1, "note", {}), Entry(2, "note", {"x": object()})])
        assert log.entries(1) == []
        log.append([Entry(1, "note", {})])
        assert log.verify() is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entries SET body = '{}' WHERE seq = 3",
        "UPDATE entries SET kind = 'x' WHERE seq = 4",
        "UPDATE entries SET run = 9 WHERE seq = 4",
        "UPDATE entries SET at = at + 1 WHERE seq = 1",
        "DELETE FROM entries WHERE seq = 2",
        "UPDATE entries SET seq = 100 WHERE seq = 5",
        "UPDATE entries SET chain = zeroblob(32) WHERE seq = 10",
    ],
)
def test_each_change_inside_is_found_and_named(tmp_path: Path, change: str) -> None:
    with opened(tmp_path) as log:
        filled(log)
    connection = connect(tmp_path / "log.db", KEY)
    with pytest.raises(Exception, match="append only"):
        connection.execute(change)
    connection.executescript("DROP TRIGGER entries_stay; DROP TRIGGER entries_remain")
    connection.execute(change)
    connection.close()
    with opened(tmp_path) as log:
        found = log.verify()
    assert found is not None
    assert "Entry" in found


def test_a_wrong_key_and_foreign_files_are_named_and_left_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        filled(log)
    with pytest.raises(LogError, match="not a log of this klapp"):
        Log.open(tmp_path / "log.db", bytes(32))
    for content in (b"x" * 10_000, b"SQLite format 3\0" + b"\0" * 5000):
        (tmp_path / "foreign.db").write_bytes(content)
        with pytest.raises(LogError, match=r"foreign\.db is not a log") as caught:
            Log.open(tmp_path / "foreign.db", KEY)
        assert KEY.hex() not in repr(caught.value)
        assert (tmp_path / "foreign.db").read_bytes() == content
    with pytest.raises(LogError):
        Log.open(tmp_path / "no" / "such" / "folder.db", KEY)


def test_a_kill_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        log = opened(tmp_path)
        while True:
            os.write(writing, filled(log).to_bytes(4, "big"))
    os.close(writing)
    committed = 0
    while committed < 20:
        committed = int.from_bytes(os.read(reading, 4), "big")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while data := os.read(reading, 4):
        committed = int.from_bytes(data, "big")
    with opened(tmp_path) as log:
        assert len(list(log.runs(last=committed + 4))) == committed + 4
        assert log.verify() is None


def test_two_processes_never_get_the_same_run(tmp_path: Path) -> None:
    with opened(tmp_path) as one, opened(tmp_path) as two:
        taken = [log.reserve(2) for _ in range(3) for log in (one, two)]
        assert taken == [1, 3, 5, 7, 9, 11]
        filled(one)
        filled(two)
        assert one.verify() is None


def test_the_shelf_keeps_values_by_name(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        shelf = Shelf(log.connection, log.lock)
        shelf.put("a:1", {"x": [1, None]})
        shelf.put("a:2", "two")
        shelf.put("b", 3)
    with opened(tmp_path) as log:
        shelf = Shelf(log.connection, log.lock)
        assert shelf.items("a:") == {"a:1": {"x": [1, None]}, "a:2": "two"}
        shelf.delete("b")
        shelf.delete("b")
        assert shelf.get("b") is None
