"""Every change of what the log has stored is found, and told for what it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlcipher3.dbapi2 import IntegrityError

from klapp.audit.entry import leaf_of
from klapp.audit.events import Approved
from klapp.audit.log import Entry, Log, LogError, digest
from klapp.audit.merkle import Frontier, leaf_hash
from klapp.audit.verify import Problem, verify
from klapp.audit.witness import Witnesses
from klapp.vault.database import connect

KEY = bytes(range(32))
PAGE = 4096
COLUMNS = "seq, at, mono, run, kind, owner, who, origin, outcome, key, public, sealed"


def fill(path: Path, runs: int = 3) -> None:
    with Log.open(path, KEY) as log:
        first = log.reserve(runs)
        text = "the rules"
        for n in range(first, first + runs):
            body = {"batch": first, "coworker": "c", "file": f"/in/{n}.txt", "uses": [digest(text.encode())]}
            log.append([Entry(n, "intent", body, owner="c", subject=f"/in/{n}.txt")], [text.encode()])
            log.append([Entry(n, "outcome", {"outcome": "done", "reason": ""})])
        log.record(Approved("c", ["read ~/In/*"]))


def verified(path: Path, witnesses: list[tuple[str, str]] | None = None) -> Problem | None:
    with Log.open(path, KEY) as log:
        return log.verify(witnesses or [])


def change(path: Path, act: Callable[[Any], object]) -> None:
    connection = connect(path, KEY)
    connection.executescript("DROP TRIGGER IF EXISTS entries_stay; DROP TRIGGER IF EXISTS entries_remain")
    act(connection)
    connection.close()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "log.db"
    fill(path, 2)
    assert verified(path) is None
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 1,301 entries, with inner nodes and more than one checkpoint."""
    path = tmp_path_factory.mktemp("large") / "log.db"
    with Log.open(path, KEY) as log:
        for start in range(0, 1300, 130):
            log.append([Entry(None, "note", {"n": n, "text": f"text {n}"}) for n in range(start, start + 130)])
        log.append([Entry(None, "note", {"last": True})])
        assert log.verify() is None
        assert log.connection.execute("SELECT count(*) FROM checkpoints").fetchone() == (2,)
    return path


def test_every_byte_of_every_stored_row(small: Path, tmp_path: Path) -> None:
    """Each bit pattern of each field: texts and blobs byte by byte, numbers by one."""
    path = tmp_path / "log.db"
    shutil.copy(small, path)
    tables = ("entries", "leaves", "checkpoints", "keys", "contents")
    connection = connect(path, KEY)
    connection.executescript("DROP TRIGGER entries_stay; DROP TRIGGER entries_remain")
    with Log.open(path, KEY) as log:
        changed = 0
        for table in tables:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            for row in connection.execute(f"SELECT rowid, * FROM {table}").fetchall():
                for column, value in zip(columns, row[1:], strict=True):
                    rowid = row[0]
                    for other in bent(value):
                        connection.execute("BEGIN")
                        try:
                            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (other, rowid))
                        except IntegrityError:  # the database itself refuses it
                            connection.execute("ROLLBACK")
                            continue
                        connection.execute("COMMIT")
                        found = log.verify()
                        assert found is not None, (table, column, value, other)
                        changed += 1
                        where = other if column == columns[0] else rowid  # the first one is the number of the row
                        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, where))
        assert changed > 800
        assert log.verify() is None
    connection.close()


def bent(value: Any) -> list[Any]:
    if value is None:
        return [1]
    if isinstance(value, int):
        return [value + 1, value + 100, value - 1]
    if isinstance(value, bytes):
        return [value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :] for at in range(len(value))] + [value + b"x"]
    return [value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :] for at in range(len(value))] + [value + "x"]


def rows_of(connection: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(f"SELECT {COLUMNS} FROM entries ORDER BY seq")]


def rewrite(rows: list[tuple[Any, ...]]) -> Callable[[Any], None]:
    def act(connection: Any) -> None:
        connection.execute("BEGIN")
        connection.execute("DELETE FROM entries")
        connection.executemany(f"INSERT INTO entries VALUES ({','.join('?' * 12)})", rows)
        connection.execute("COMMIT")

    return act


HOW = ["delete", "delete and move up", "swap", "duplicate", "copy over", "replace", "insert", "truncate"]


def changed_rows(before: list[tuple[Any, ...]], at: int, other: int, how: str) -> tuple[list[Any], tuple[str, int]]:
    """The rows of a log of which one was changed, and the problem that is to be named; ``other`` differs from ``at``."""
    rows, newest = list(before), len(before)
    low, high = sorted((at, other))
    moved = lambda row, seq: (seq, *row[1:])  # noqa: E731
    if how == "delete":
        del rows[at - 1]
        return rows, ("truncated" if at == newest else "deleted", at)
    if how == "delete and move up":
        rows = [moved(row, n) for n, row in enumerate([*rows[: at - 1], *rows[at:]], 1)]
        return rows, ("truncated" if at == newest else "deleted", at)
    if how == "swap":
        rows[low - 1], rows[high - 1] = moved(before[high - 1], low), moved(before[low - 1], high)
        return rows, ("reordered", low)
    if how == "duplicate":
        rows = [moved(row, n) for n, row in enumerate([*rows[:at], rows[at - 1], *rows[at:]], 1)]
        return rows, ("duplicated", at + 1)
    if how == "copy over":
        rows[at - 1] = moved(before[other - 1], at)
        return rows, ("duplicated", at)
    if how == "replace":
        row = before[at - 1]
        rows[at - 1] = (*row[:10], '{"n":-1}', row[11])
        return rows, ("changed", at)
    if how == "insert":
        new = (0, 1, 1, None, "note", "", "", "", "", None, '{"n":0}', None)
        return [moved(row, n) for n, row in enumerate([*rows[: at - 1], new, *rows[at - 1 :]], 1)], ("added", at)
    return rows[: at - 1], ("truncated", at)


@given(st.integers(1, 1301), st.integers(1, 1301), st.sampled_from(HOW))
def test_every_change_of_a_larger_log_is_told_for_what_it_is(large: Path, at: int, other: int, how: str) -> None:
    path = large.with_name("changed.db")
    shutil.copy(large, path)
    connection = connect(path, KEY)
    before = rows_of(connection)
    connection.close()
    rows, expected = changed_rows(before, at, other if other != at else at % 1301 + 1, how)
    change(path, rewrite(rows))
    found = verified(path)
    assert found is not None
    assert (found.kind, found.entry) == expected


class Within:
    """A log as it is within a transaction that has changed it, to be verified before that is rolled back."""

    def __init__(self, log: Log) -> None:
        self.log, self.lock, self.flush, self.signer = log, log.lock, log.flush, log.signer

    @contextmanager
    def reader(self) -> Iterator[Any]:
        yield self.log.connection


def test_every_record_is_missed_where_it_was(tmp_path: Path) -> None:
    """Of a log that has inner nodes, each record is changed in each way; so is the log set back to each of its states."""
    with Log.open(tmp_path / "log.db", KEY) as log:
        notes = []
        for n in range(1, 271):
            log.append([Entry(None, "note", {"n": n, "text": f"text {n}"})])
            notes.append(log.checkpoint())
        run = log.connection.execute
        for name in ("entries_stay", "entries_remain"):
            run(f"DROP TRIGGER {name}")
        before, within = rows_of(log.connection), cast(Log, Within(log))
        for at in range(1, 271):
            for how in HOW:
                rows, expected = changed_rows(before, at, at % 270 + 1, how)
                run("BEGIN")
                same = next(
                    (n for n, (row, old) in enumerate(zip(rows, before, strict=False)) if row != old),
                    min(len(rows), len(before)),
                )
                run("DELETE FROM entries WHERE seq > ?", (same,))
                put(log, rows[same:])
                found = verify(within)
                run("ROLLBACK")
                assert found is not None
                assert (found.kind, found.entry) == expected, (at, how)
            run("BEGIN")
            if at < 270:
                for table in ("entries", "leaves"):
                    run(f"DELETE FROM {table} WHERE seq > ?", (at,))
                run("DELETE FROM nodes")
                run("DELETE FROM checkpoints")
                run(
                    "INSERT INTO checkpoints (size, note, peaks) VALUES (?, ?, ?)",
                    (at, notes[at - 1], peaks(before, at)),
                )
                if at >= 256:
                    run("INSERT INTO nodes VALUES (8, 0, ?)", (peaks(before, 256)[-32:],))
                assert verify(within) is None, "an older state is sound in itself"
                found = verify(within, [("a place of mine", notes[-1])])
                assert found is not None
                assert (found.kind, found.entry) == ("rolled back", at + 1)
            run("ROLLBACK")
        assert log.verify() is None


def put(log: Log, rows: list[Any]) -> None:
    log.connection.executemany(f"INSERT INTO entries VALUES ({','.join('?' * 12)})", rows)


def peaks(rows: list[tuple[Any, ...]], size: int) -> bytes:
    edge = Frontier()
    for row in rows[:size]:
        edge.add(leaf_hash(leaf_of(row)))
    return edge.to_bytes()


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("DELETE FROM checkpoints WHERE size > 1100", "truncated"),
        ("UPDATE checkpoints SET note = replace(note, '1301', '1300')", "forged checkpoint"),
        ("DELETE FROM leaves WHERE seq = 700", "changed tree"),
        ("DELETE FROM leaves WHERE seq > 900", "changed tree"),
        ("DELETE FROM nodes WHERE position = 1", "changed tree"),
        ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 8 AND position = 2", "changed tree"),
        ("INSERT INTO nodes VALUES (30, 0, zeroblob(32))", "added"),
        ("DELETE FROM keys WHERE id = 5", "deleted"),
        ("UPDATE keys SET secret = zeroblob(32) WHERE id = 5", "changed key"),
        ("INSERT INTO open_runs VALUES (9)", "changed"),
        ("UPDATE numbers SET last_key = 1", "changed"),
        ("UPDATE numbers SET last_run = -1", "changed"),
        ("UPDATE traits SET value = 'klapp.invalid/log/0' WHERE name = 'origin'", "forged checkpoint"),
        ("INSERT INTO entries SELECT -1, at, mono, run, kind, owner, who, origin, outcome, key, public, sealed FROM entries WHERE seq = 9", "added"),
    ],
)  # fmt: skip
def test_changes_of_the_tree_and_of_what_goes_with_it(large: Path, tmp_path: Path, sql: str, kind: str) -> None:
    path = tmp_path / "log.db"
    shutil.copy(large, path)
    change(path, lambda connection: connection.execute(sql))
    found = verified(path)
    assert found is not None
    assert found.kind == kind, found


def test_an_entry_that_was_changed_with_its_leaf_is_found(large: Path, tmp_path: Path) -> None:

    path = tmp_path / "log.db"
    shutil.copy(large, path)

    def act(connection: Any) -> None:
        connection.execute("UPDATE entries SET public = '{\"n\":-1}' WHERE seq = 1290")
        row = next(row for row in rows_of(connection) if row[0] == 1290)
        connection.execute("UPDATE leaves SET hash = ? WHERE seq = 1290", (leaf_hash(leaf_of(row)),))

    change(path, act)
    found = verified(path)
    assert found is not None
    assert (found.kind, found.entry) == ("changed", 1025)
    assert "1025 to 1301" in found.sentence


def test_a_file_of_which_a_byte_was_changed_is_not_taken_for_sound(small: Path, tmp_path: Path) -> None:
    """Each page of the file, those that hold no entry and those that nothing uses, too, at its begin, within it, and in the
    vector and the code that go with it; so is its very first byte, and its last."""
    path, data = tmp_path / "log.db", small.read_bytes()
    assert len(data) % PAGE == 0
    for page in range(0, len(data), PAGE):
        for at in (0, 15, 16, 100, 1500, 3000, 4015, 4016, 4031, 4032, PAGE - 1):
            path.write_bytes(data[: page + at] + bytes([data[page + at] ^ 1]) + data[page + at + 1 :])
            try:
                found = verified(path)
            except LogError as error:
                assert "damaged" in str(error)  # noqa: PT017
            else:
                assert found is not None, (page, at)
                assert found.kind == "unreadable"
                assert "file was changed" in found.sentence
            for ending in ("-wal", "-shm"):
                path.with_name(path.name + ending).unlink(missing_ok=True)


class Pocket:
    """A keyring of one's own."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, note: str) -> str | None:
        return self.kept.get(note)

    def put(self, note: str, text: str) -> bool:
        self.kept[note] = text
        return True


def test_setting_the_whole_folder_back_shows_and_is_not_covered_up(tmp_path: Path) -> None:
    path, old, file, ring = tmp_path / "log.db", tmp_path / "old.db", tmp_path / "elsewhere" / "note", Pocket()
    file.parent.mkdir()
    fill(path)
    with Log.open(path, KEY) as log:
        witnesses = Witnesses(log, ring)
        witnesses.choose(str(file))
        witnesses.close()
    shutil.copy(path, old)
    fill(path)
    with Log.open(path, KEY) as log:
        witnesses = Witnesses(log, ring)
        assert witnesses.trouble() is None
        log.append([Entry(None, "note", {})])
        witnesses.close()
    newest = file.read_text()
    assert newest == ring.kept["checkpoint"]

    for name in ("log.db-wal", "log.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(old, path)
    with Log.open(path, KEY) as log:
        witnesses = Witnesses(log, ring)
        found = log.verify(witnesses.known())
        assert found is not None
        assert found.kind == "rolled back"
        assert found.entry == 10
        assert "does not continue" in str(witnesses.trouble())
        # It goes on for longer than the log was: still another log, and still told.
        for n in range(30):
            log.append([Entry(None, "note", {"n": n})])
        witnesses.close()
    assert file.read_text() == ring.kept["checkpoint"] == newest
    with Log.open(path, KEY) as log:
        found = log.verify(Witnesses(log, ring).known())
    assert found is not None
    assert found.kind == "rolled back"
    assert found.entry == 17


def test_checkpoints_elsewhere_that_are_forged_or_of_others_are_told(tmp_path: Path) -> None:
    fill(tmp_path / "log.db")
    fill(tmp_path / "other.db")
    with Log.open(tmp_path / "other.db", KEY) as other:
        note = other.checkpoint()
    for wrong in (note, "nonsense", note.replace("\n7\n", "\n8\n")):
        found = verified(tmp_path / "log.db", [("a file", wrong)])
        assert found is not None
        assert found.kind == "forged checkpoint"
        assert "a file" in found.sentence
