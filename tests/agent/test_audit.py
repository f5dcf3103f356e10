"""The log: append-only, durable, and such that each change inside it shows."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import zlib
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
    body = {"batch": first, "coworker": "c", "uses": [digest(b"blob")]}
    log.append([Entry(first + n, "intent", body | {"n": n}, owner="c") for n in range(count)], [b"blob"])
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
        assert log.reserve(2) == 1
        with pytest.raises(TypeError):
            log.append([Entry(1, "note", {}), Entry(2, "note", {"x": object()})])
        assert log.entries(1) == []
        log.append([Entry(1, "note", {})])
        assert log.verify() is None


def test_an_earlier_form_is_taken_over(tmp_path: Path) -> None:
    for number, broken in enumerate((False, True)):
        path = tmp_path / f"{number}.db"
        earlier(path, broken)
        with Log.open(path, KEY) as log:
            assert [e.body.get("n") for run in log.runs(coworker="c") for e in run if e.kind == "intent"] == [0, 1, 2]
            assert log.blob(digest(b"blob")) == b"blob"
            assert log.unfinished() == [3]
            assert log.reserve(1) == 4
            assert log.verify() is None
            entry = log.select("e.kind = 'taken over'")[0]
            assert entry.body["entries"] == 5
            assert bool(entry.body["problem"]) is broken
        with Log.open(path, KEY) as log:
            assert log.count() == 7
            with pytest.raises(Exception, match="append only"):
                log.connection.execute("DELETE FROM entries")
        for data in stored(tmp_path):
            assert b"blob" not in data


def earlier(path: Path, broken: bool) -> None:
    """A log as klapp wrote it before it had a tree."""
    connection = connect(path, KEY)
    connection.executescript(
        """
        CREATE TABLE entries (
            seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, run INTEGER, kind TEXT NOT NULL, coworker TEXT,
            body TEXT NOT NULL, chain BLOB NOT NULL
        ) STRICT;
        CREATE INDEX entries_by_run ON entries (run);
        CREATE INDEX entries_by_coworker ON entries (coworker, run) WHERE coworker IS NOT NULL;
        CREATE TABLE blobs (digest BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT;
        CREATE TABLE open_runs (run INTEGER PRIMARY KEY) STRICT;
        CREATE TABLE numbers (last_run INTEGER NOT NULL) STRICT;
        CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT raise(ABORT, 'append only'); END;
        CREATE TRIGGER entries_remain BEFORE DELETE ON entries BEGIN SELECT raise(ABORT, 'append only'); END;
        INSERT INTO numbers VALUES (3);
        INSERT INTO open_runs VALUES (3);
        """
    )
    name = digest(b"blob")
    connection.execute("INSERT INTO blobs VALUES (?, ?)", (bytes.fromhex(name), zlib.compress(b"blob")))
    bodies: list[tuple[int, str, dict[str, object]]] = []
    for n in range(3):
        intent = {"batch": 1, "coworker": "c", "n": n, "program": name, "file": {"f": [f"/{n}", 1]}, "effects": []}
        bodies.append((n + 1, "intent", intent))
    bodies += [(1, "outcome", {"outcome": "done", "reason": ""}), (2, "outcome", {"outcome": "done", "reason": ""})]
    chain = b""
    for seq, (run, kind, body) in enumerate(bodies, 1):
        text = json.dumps(body, separators=(",", ":"))
        chain = hashlib.sha256(chain + f"{seq}\0{seq}\0{run}\0{kind}\0{text}".encode()).digest()
        row = (
            seq,
            seq,
            run,
            kind,
            "c" if kind == "intent" else None,
            text,
            bytes(32) if broken and seq == 2 else chain,
        )
        connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.close()


def stored(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir() if path.is_file()]


def test_a_log_of_a_newer_klapp_is_left_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.connection.execute("PRAGMA user_version = 99")
    with pytest.raises(LogError, match="newer klapp"):
        opened(tmp_path)


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
