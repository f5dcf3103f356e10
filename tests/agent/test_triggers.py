"""Files that really arrive, change and leave on a real disk, as triggers see them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time as clock
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.triggers.arrivals import Settling, is_partial
from klapp.triggers.folders import Change, FolderWatch
from klapp.triggers.mounts import kind_of_disk, tells_all
from klapp.triggers.seen import Seen, SeenInDatabase, SeenInMemory
from tests.agent.house import until

QUIET = timedelta(milliseconds=150)


class Watched:
    """A watch on folders, and what it told."""

    def __init__(self, *folders: tuple[Path, bool], seen: Seen | None = None) -> None:
        self.changes: list[Change] = []
        self.troubles: list[str] = []
        self.watch = FolderWatch(
            [(str(f), r) for f, r in folders], self.came, quiet=QUIET, trouble=self.troubles.append, seen=seen
        )
        self.watch.start()

    def came(self, changes: list[Change]) -> None:
        self.changes.extend(changes)
        self.watch.done(changes)

    @property
    def arrived(self) -> list[str]:
        return [change.path for change in self.changes if change.kind in ("file arrives", "file changes")]

    def told(self) -> list[tuple[str, str]]:
        return [(change.kind, os.path.basename(change.path.rstrip("/"))) for change in self.changes]

    def names(self) -> list[bytes]:
        return sorted(os.path.basename(os.fsencode(path)) for path in self.arrived)


@pytest.fixture
def watching() -> Iterator[Callable[..., Watched]]:
    started: list[Watched] = []

    def begin(*folders: tuple[Path, bool]) -> Watched:
        started.append(Watched(*folders))
        return started[-1]

    yield begin
    for one in started:
        one.watch.stop()


def test_a_file_arrives_once_when_it_is_written_closed_and_quiet(
    tmp_path: Path, watching: Callable[..., Watched]
) -> None:
    (tmp_path / "there before").touch()
    seen = watching((tmp_path, False))
    slow = (tmp_path / "slow").open("w")
    slow.write("x")
    slow.flush()
    for name in (b"a\nb", b"\xff", b"-x", "ü".encode()):
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_text("x")
    (tmp_path / "half.crdownload").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "deeper").touch()
    os.symlink(tmp_path / "there before", tmp_path / "link")
    until(lambda: len(seen.arrived) >= 4)
    assert seen.names() == sorted([b"a\nb", b"\xff", b"-x", "ü".encode()])
    slow.close()
    (tmp_path / "half.crdownload").rename(tmp_path / "whole.pdf")
    until(lambda: len(seen.arrived) >= 6)
    clock.sleep(2 * QUIET.total_seconds())
    assert seen.names() == sorted([b"a\nb", b"\xff", b"-x", "ü".encode(), b"slow", b"whole.pdf"])


def test_a_burst_is_told_whole(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    seen = watching((tmp_path, False))
    for number in range(2000):
        (tmp_path / f"{number}").write_text("x")
    until(lambda: len(seen.arrived) >= 2000)
    assert sorted(map(int, seen.names())) == list(range(2000))


def test_folders_below_count_where_they_should(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    seen = watching((tmp_path, True))
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "deep").write_text("x")
    until(lambda: seen.names() == [b"deep"])


def test_a_folder_that_is_not_there_is_waited_for_and_told(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    seen = watching((tmp_path / "later" / "on", False))
    assert "not there" in seen.troubles[0]
    (tmp_path / "beside").touch()
    (tmp_path / "later").mkdir()
    clock.sleep(0.1)
    (tmp_path / "later" / "on").mkdir()
    (tmp_path / "later" / "on" / "a").write_text("x")
    until(lambda: seen.names() == [b"a"])
    os.rename(tmp_path / "later" / "on", tmp_path / "later" / "off")
    clock.sleep(0.2)
    (tmp_path / "later" / "on").mkdir()
    clock.sleep(0.2)
    (tmp_path / "later" / "on" / "b").write_text("x")
    until(lambda: seen.names() == [b"a", b"b"])


def test_what_changes_and_leaves_is_told_apart(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    (tmp_path / "old").write_text("x")
    seen = watching((tmp_path, False))
    (tmp_path / "new").write_text("x")
    until(lambda: seen.told() == [("file arrives", "new")])
    (tmp_path / "old").write_text("longer")
    until(lambda: seen.told()[1:] == [("file changes", "old")])
    (tmp_path / "draft").write_text("saved as editors do")
    (tmp_path / "draft").rename(tmp_path / "new")
    until(lambda: seen.told()[2:] == [("file changes", "new")])
    (tmp_path / "old").unlink()
    (tmp_path / "new").rename(tmp_path.parent / f"{tmp_path.name} elsewhere")
    until(lambda: sorted(seen.told()[3:]) == [("file leaves", "new"), ("file leaves", "old")])
    (tmp_path / "old").write_text("another")
    until(lambda: seen.told()[5:] == [("file arrives", "old")])
    assert all(change.version is not None for change in seen.changes)


def test_a_folder_arrives_once_when_all_that_is_below_it_is_quiet(
    tmp_path: Path, watching: Callable[..., Watched]
) -> None:
    (tmp_path / "old").mkdir()
    seen = watching((tmp_path, False))
    (tmp_path / "old" / "x").touch()
    (tmp_path / "new" / "deep").mkdir(parents=True)
    for number in range(5):
        (tmp_path / "new" / "deep" / f"{number}").write_text("x")
        clock.sleep(QUIET.total_seconds() / 2)
        assert seen.told() == []
    until(lambda: seen.told() == [("folder arrives", "new")])
    (tmp_path / "new" / "later").touch()
    (tmp_path / "new").rename(tmp_path / "named anew")
    until(lambda: seen.told()[1:] == [("folder arrives", "named anew")])


def test_what_changed_and_left_while_nobody_watched_is_told(tmp_path: Path) -> None:
    for name in ("stays", "changes", "leaves"):
        (tmp_path / name).write_text("x")
    (tmp_path / "folder").mkdir()
    memory = SeenInMemory()
    first = Watched((tmp_path, False), seen=memory)
    first.watch.stop()
    (tmp_path / "changes").write_text("other")
    (tmp_path / "leaves").unlink()
    (tmp_path / "comes").write_text("x")
    (tmp_path / "another").mkdir()
    second = Watched((tmp_path, False), seen=memory)
    try:
        expected = [
            ("file arrives", "comes"), ("file changes", "changes"), ("file leaves", "leaves"), ("folder arrives", "another"),
        ]  # fmt: skip
        until(lambda: sorted(second.told()) == expected)
    finally:
        second.watch.stop()
    third = Watched((tmp_path, False), seen=memory)
    clock.sleep(3 * QUIET.total_seconds())
    third.watch.stop()
    assert third.told() == []


def test_files_below_a_folder_that_is_moved_away_leave_and_those_of_a_disk_taken_out_do_not(tmp_path: Path) -> None:
    root, disk = tmp_path / "root", tmp_path / "root" / "disk"
    disk.mkdir(parents=True)
    (disk / "a").write_text("x")
    deep, on_disk = Watched((root, True)), Watched((disk, False))
    disk.rename(tmp_path / "taken out")
    until(lambda: ("file leaves", "a") in deep.told())
    disk.mkdir()  # as an empty mount point
    clock.sleep(4 * QUIET.total_seconds())
    deep.watch.stop()
    on_disk.watch.stop()
    assert on_disk.told() == []


def test_other_folders_from_now_on(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    seen = watching((tmp_path / "one", False))
    (tmp_path / "two" / "old").touch()
    seen.watch.set_folders([(str(tmp_path / "two"), False)])
    (tmp_path / "one" / "a").write_text("x")
    (tmp_path / "two" / "b").write_text("x")
    until(lambda: seen.names() == [b"b"])
    clock.sleep(2 * QUIET.total_seconds())
    assert seen.names() == [b"b"]


def test_a_folder_above_a_watched_one_is_watched_from_now_on(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    (tmp_path / "in").mkdir()
    seen = watching((tmp_path / "in", False))
    seen.watch.set_folders([(str(tmp_path), False), (str(tmp_path / "in"), False)])
    (tmp_path / "a").write_text("x")
    (tmp_path / "in" / "b").write_text("x")
    until(lambda: seen.names() == [b"a", b"b"])
    seen.watch.set_folders([(str(tmp_path / "in"), False)])
    (tmp_path / "c").write_text("x")
    (tmp_path / "in" / "d").write_text("x")
    until(lambda: len(seen.arrived) >= 3)
    clock.sleep(2 * QUIET.total_seconds())
    assert seen.names() == [b"a", b"b", b"d"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has leases")
def test_folders_change_while_much_happens_in_them(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    watched = watching((one, False))
    over = threading.Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            number += 1
            (one / str(number % 50)).write_text(str(number))
            (other / str(number % 50)).write_text(str(number))

    def change() -> None:
        for _ in range(100):
            watched.watch.set_folders([(str(one), False), (str(other), False)])
            watched.watch.set_folders([(str(other), False)])

    writer, changer = threading.Thread(target=write), threading.Thread(target=change, daemon=True)
    writer.start()
    changer.start()
    changer.join(60)
    over.set()
    writer.join()
    assert not changer.is_alive(), "who is told of files and who asks for folders wait for each other"


def test_a_look_whether_a_file_is_open_disturbs_nobody(tmp_path: Path) -> None:
    """Programs that open the file while klapp looks are neither refused nor is klapp told by a signal that ends it."""
    file = tmp_path / "busy"
    file.write_text("x")
    code = (
        "import os, sys, threading\n"
        "from klapp.triggers.arrivals import is_being_written\n"
        "def look():\n"
        "    for _ in range(20_000): is_being_written(sys.argv[1])\n"
        "looker = threading.Thread(target=look); looker.start()\n"
        "while looker.is_alive():\n"
        "    with open(sys.argv[1], 'a'): pass\n"
        "print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"alive\n", b"")


def test_nothing_is_missed_when_the_system_loses_count(tmp_path: Path, watching: Callable[..., Watched]) -> None:
    """Where the kernel's queue overflows, for real: it is made short, and many files come at once."""
    most = Path("/proc/sys/fs/inotify/max_queued_events")
    if not os.access(most, os.W_OK):
        pytest.skip("only root can shorten the kernel's queue")
    (tmp_path / "old").write_text("x")
    before = most.read_text()
    most.write_text("16")
    try:
        seen = watching((tmp_path, True))
    finally:
        most.write_text(before)
    source = seen.watch._observer._inotify_fd
    with source._lock:  # nobody takes events out meanwhile
        for number in range(3000):
            (tmp_path / f"{number}").write_text("x")
    until(lambda: len(seen.arrived) >= 3000)
    clock.sleep(3 * QUIET.total_seconds())
    assert sorted(map(int, seen.names())) == list(range(3000))


def test_a_folder_that_can_not_be_watched_is_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("klapp.triggers.folders.POLL", 0.1)
    monkeypatch.setattr("klapp.triggers.folders.tells_all", lambda _: False)
    monkeypatch.setattr("klapp.triggers.folders._file_events", list)  # as if another machine changed it
    (tmp_path / "old").write_text("x")
    seen = Watched((tmp_path, False))
    try:
        assert "looks through it" in seen.troubles[0]
        (tmp_path / "new").write_text("x")
        until(lambda: seen.names() == [b"new"])
        clock.sleep(0.5)
        assert seen.names() == [b"new"]
    finally:
        seen.watch.stop()


def test_disks_are_told_apart(tmp_path: Path) -> None:
    assert kind_of_disk("/proc/self") in ("proc", "")
    assert tells_all(str(tmp_path))
    assert kind_of_disk("/nowhere/at/all") == kind_of_disk("/")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 2**64 - 1)), max_size=10))
def test_both_memories_say_the_same(looks: list[tuple[str, int, int]]) -> None:
    from klapp.vault.database import connect

    with tempfile.TemporaryDirectory() as folder:
        connection = connect(Path(folder) / "x.db", b"k" * 32)
        kept, passing = SeenInDatabase(connection, threading.RLock()), SeenInMemory()
        assert not kept.has(folder)
        for memory in (kept, passing):
            memory.begin(folder, [(f"{folder}/old", (1, 2, 3, 4))])
        for name, size, inode in looks:
            look = (f"{folder}/{name}\udcff", (1, inode, 5, size))
            assert kept.unknown(folder, [look]) == passing.unknown(folder, [look])
            kept.told([look])
            passing.told([look])
            assert kept.unknown(folder, [look]) == passing.unknown(folder, [look]) == []
        assert kept.has(folder)
        kept.keep_only([])
        assert not kept.has(folder)
        kept.forget(today=10**6)
        assert kept.unknown(folder, [(f"{folder}/old", (1, 2, 3, 4))]) == [f"{folder}/old"]
        connection.close()


@pytest.mark.parametrize(
    "name", ["a.crdownload", "A.PART", "x.partial", "~$letter.docx", ".~lock.a.odt#", "a.tmp", ".goutputstream-X", "b~"]
)
def test_names_of_what_is_not_whole(name: str) -> None:
    assert is_partial(name)
    assert not is_partial(name.replace("~", "").replace(".", "").strip("$#"))


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=8))
def test_nothing_settles_before_it_was_quiet(steps: list[tuple[float, bool]]) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.close()
        Path(file.name).write_text("x")
        settling, now, touched = Settling(1.0), 0.0, None
        for wait, touch in steps:
            now += wait
            if touch:
                settling.touched(file.name, now)
                touched = now
            found = settling.rested(now)
            assert found == [] or (touched is not None and now - touched >= 1.0)
        os.unlink(file.name)
