"""The disk and the overlay do the same: random operations on both, and every failure of the disk in plain words."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import tempfile
import tracemalloc
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klapp.files import drafts, handles
from klapp.files.guarded import GuardedFiles
from klapp.files.kept import Keeper
from klapp.files.overlay import Overlay
from klapp.files.protocol import FileError, Files
from klapp.files.trash import Trash
from klapp.lane import Lane
from klapp.verbs import ALL
from klr.values import FileValue

NOW = datetime(2026, 11, 20, 9, 30)
VERBS = {verb.name: verb for verb in ALL if verb.plan}


class Place:
    """A folder on the disk with a guarded store for all of it."""

    def __init__(self, root: Path, openat2: bool | None = None) -> None:
        self.root = root / "place"
        self.root.mkdir(parents=True)
        self.keeper = Keeper(root / "kept", b"k" * 32)
        self.trash = Trash(root / "trash")
        self.files = self.within(f"{self.root}/**", openat2)

    def within(self, pattern: str, openat2: bool | None = None) -> GuardedFiles:
        lane = Lane.of([(permission, pattern) for permission in ("read", "write", "remove")], str(self.root))
        return GuardedFiles(lane, self.keeper, trash=self.trash, openat2=openat2)

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def put(self, name: str, content: bytes = b"x") -> FileValue:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        found = self.files.look(str(path))
        assert found is not None
        return found


@pytest.fixture(params=["openat2", "walk", "as on macOS", "by paths"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place that is reached as Linux does, in both ways, or as systems do that have less."""
    if request.param in ("as on macOS", "by paths"):
        monkeypatch.setattr(handles, "_libc", lambda name: None)
        monkeypatch.setattr(handles, "has_openat2", lambda: False)
        monkeypatch.setattr(handles, "_FOLDER", os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        monkeypatch.setattr(handles, "HAS_HANDLES", request.param == "as on macOS")
        monkeypatch.setattr(drafts, "_ANONYMOUS", 0)
    return Place(tmp_path.resolve(), None if request.param == "openat2" else False)


def contents(files: Files, root: Path) -> dict[str, bytes]:
    """Every file by its path below ``root``; that it is hashed a block at a time as at once is looked at, too."""
    found = {}
    for value in files.list(f"{root}/**"):
        found[value.path.removeprefix(str(root))] = content = files.read(value.path, value.size)
        for limit in (len(content) // 2, len(content) + 1):
            assert files.hashed(value.path, limit).digest() == hashlib.sha256(content[:limit]).digest()
    return found


NAMES = st.sampled_from(("a", "b.txt", "b (2).txt", "c/d", "c/e.txt", "c", "-x", "\udcff", "f/g/h"))
ACTS = st.tuples(st.sampled_from(("move", "copy", "rename", "trash", "write", "append", "make folder")), NAMES, NAMES, st.sampled_from(("rename", "skip", "replace", "fail")))  # fmt: skip


@pytest.mark.fuzz
@given(st.lists(NAMES, min_size=1, max_size=4), st.lists(ACTS, min_size=1, max_size=6))
def test_a_plan_on_an_overlay_is_what_the_disk_becomes(names: list[str], acts: list[tuple[str, str, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        disk, mirror = (Place(Path(scratch).resolve() / name) for name in ("disk", "mirror"))
        for name in names:
            if not any(
                os.path.exists(disk.path(other)) for other in (name, *(p for p in ("c", "f") if name.startswith(p)))
            ):
                for place in (disk, mirror):
                    place.put(name, name.encode("utf-8", "surrogateescape"))
        overlay = Overlay(mirror.files, mirror.files.lane, NOW)
        for act in acts:
            assert attempt(overlay, mirror, act) == attempt(disk.files, disk, act), act
            assert contents(overlay, mirror.root) == contents(disk.files, disk.root), act


class _World:
    def __init__(self, files: Files) -> None:
        self.files = files

    def notify(self, text: str) -> None:
        pass


def attempt(files: Files, place: Place, act: tuple[str, str, str, str]) -> str:
    """Do an act on a store; "" or the kind of the refusal."""
    verb, source, goal, policy = act
    arguments: tuple[object, ...]
    try:
        if verb in ("move", "copy", "rename", "trash"):
            file = files.look(place.path(source))
            if file is None:
                return "no file"
            to = goal.rpartition("/")[2] if verb == "rename" else place.path(goal)
            arguments = (file,) if verb == "trash" else (file, to, policy)
        elif verb == "write":
            arguments = (source, place.path(goal), policy)
        else:
            arguments = (source, place.path(goal)) if verb == "append" else (place.path(goal),)
        plan = VERBS[verb].plan
        assert plan is not None
        for operation in plan(files, arguments, NOW).operations:
            operation.apply(_World(files))
    except FileError as error:
        return error.kind
    return ""


@pytest.mark.parametrize("place", ["openat2"], indirect=True)
def test_a_large_file_is_hashed_in_little_memory(place: Place) -> None:
    large = place.put("large")
    os.truncate(large.path, size := 200 << 20)
    overlay = Overlay(place.files, place.files.lane, NOW)
    tracemalloc.start()
    try:
        found = overlay.hashed(large.path, size).hexdigest()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    expected = hashlib.sha256(b"x")
    for length in (size - 1 - (199 << 20), *[1 << 20] * 199):
        expected.update(bytes(length))
    assert found == expected.hexdigest()
    assert most < 8 << 20


def test_a_store_that_is_forgotten_leaves_no_handle_open(place: Place) -> None:
    file = place.put("in/a")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        assert place.within(f"{place.root}/**").look(file.path) is not None
    assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_a_link_is_never_followed_out(place: Place) -> None:
    outside = place.root.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    os.symlink(outside, place.path("door"))
    os.symlink(outside / "secret", place.path("link"))
    file = place.put("a")
    for act in (
        lambda: place.files.read(place.path("door/secret"), 10),
        lambda: place.files.look(place.path("door/secret")),
        lambda: place.files.create(place.path("door/new"), b"x"),
        lambda: place.files.move(file.path, place.path("door/a"), file.identity),
        lambda: place.files.make_folder(place.path("door/folder")),
        lambda: place.files.read(place.path("link"), 10),
        lambda: place.files.append(place.path("link"), b"x", file.identity),
        lambda: place.files.copy(place.path("link"), place.path("b"), file.identity),
        lambda: place.files.move(place.path("link"), place.path("b"), file.identity),
    ):
        with pytest.raises(FileError):
            act()
    assert [value.path for value in place.files.list(f"{place.root}/**")] == [file.path]
    assert sorted(os.listdir(outside)) == ["secret"]
    assert (outside / "secret").read_text() == "secret"


def test_a_folder_that_becomes_a_link_on_the_way_is_noticed(place: Place) -> None:
    file = place.put("in/a", b"mine")
    outside = place.root.parent / "outside"
    outside.mkdir()
    (outside / "a").write_bytes(b"theirs")
    os.rename(place.path("in"), place.path("was"))
    os.symlink(outside, place.path("in"))
    place.files.sync()
    with pytest.raises(FileError):
        place.files.move(file.path, place.path("b"), file.identity)
    assert (outside / "a").read_bytes() == b"theirs"


def test_what_is_outside_of_the_lane_is_denied(place: Place) -> None:
    file = place.put("in/a")
    narrow = place.within(f"{place.root}/in/*.txt")
    for act in (
        lambda: narrow.look(file.path),
        lambda: narrow.read(file.path, 1),
        lambda: narrow.trash(file.path, file.identity, narrow.new_trash_token(file.path)),
        lambda: narrow.create(place.path("b.txt"), b""),
        lambda: narrow.create(place.path("in/../b.txt"), b""),
        lambda: narrow.create(place.path("in/x/b.txt"), b""),
        lambda: narrow.make_folder(place.path("other")),
    ):
        with pytest.raises(FileError) as caught:
            act()
        assert caught.value.kind == "denied"
    narrow.create(place.path("in/b.txt"), b"")


def test_nothing_is_ever_overwritten_unasked(place: Place) -> None:
    one, two = place.put("one", b"1"), place.put("two", b"2")
    for act in (
        lambda: place.files.move(one.path, two.path, one.identity),
        lambda: place.files.copy(one.path, two.path, one.identity),
        lambda: place.files.create(two.path, b"3"),
        lambda: place.files.make_folder(two.path),
    ):
        with pytest.raises(FileError) as caught:
            act()
        assert caught.value.kind == "taken"
    assert contents(place.files, place.root) == {"/one": b"1", "/two": b"2"}


def test_a_file_that_changed_since_it_was_seen_is_left_alone(place: Place) -> None:
    seen = place.put("a", b"old")
    Path(seen.path).write_bytes(b"newer")
    for act in (
        lambda: place.files.move(seen.path, place.path("b"), seen.identity),
        lambda: place.files.copy(seen.path, place.path("b"), seen.identity),
        lambda: place.files.append(seen.path, b"x", seen.identity),
        lambda: place.files.overwrite(seen.path, b"x", seen.identity),
        lambda: place.files.trash(seen.path, seen.identity, place.files.new_trash_token(seen.path)),
        lambda: place.files.keep(seen.path, seen.identity, "0" * 32),
    ):
        with pytest.raises(FileError) as caught:
            act()
        assert caught.value.kind == "changed"
    assert Path(seen.path).read_bytes() == b"newer"


def test_the_trash_is_that_of_the_desktop_and_gives_back(place: Place) -> None:
    file = place.put("a b\udcff.txt", b"content")
    token = place.files.new_trash_token(file.path)
    place.files.trash(file.path, file.identity, token)
    [info] = (place.root.parent / "trash" / "info").iterdir()
    assert f"Path={place.root}/a%20b%FF.txt\n" in info.read_text()
    assert place.files.in_trash(token) is not None
    place.files.restore(token, file.path)
    assert Path(file.path).read_bytes() == b"content"
    assert place.files.in_trash(token) is None
    assert not info.exists()
    with pytest.raises(FileError):
        place.files.restore(token, place.path("other"))


def test_a_token_of_the_trash_that_leads_elsewhere_is_refused(place: Place) -> None:
    for token in ('["/etc", "", "passwd"]', '["", "", "../x"]', "[]", "x"):
        with pytest.raises((ValueError, FileError)):
            place.files.in_trash(token)


# -- other disks ------------------------------------------------------------------------------------------------------


@pytest.fixture
def other_disk() -> Iterator[Path]:
    """A folder on another file system: the one in memory that every Linux has."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture
def little_room() -> Iterator[None]:
    """The system refuses to let any file grow beyond 64 KiB, as a full disk or a quota would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


def both(*folders: Path, trash: Path) -> GuardedFiles:
    grants = [(permission, f"{folder}/**") for permission in ("read", "write", "remove") for folder in folders]
    return GuardedFiles(Lane.of(grants, "/"), None, trash=Trash(trash))  # type: ignore[arg-type]


def test_a_file_moves_to_another_disk_whole_with_its_traits(place: Place, other_disk: Path, tmp_path: Path) -> None:
    file = place.put("a", b"x" * 100_000)
    assert os.stat(other_disk).st_dev != file.device
    os.chmod(file.path, 0o640)
    os.utime(file.path, (1, 2))
    files = both(place.root, other_disk, trash=tmp_path / "trash")
    seen = files.look(file.path)
    assert seen is not None
    files.move(file.path, f"{other_disk}/b", seen.identity)
    moved = os.stat(other_disk / "b")
    assert (moved.st_size, moved.st_mtime, moved.st_mode & 0o777) == (100_000, 2, 0o640)
    assert not os.path.exists(file.path)
    back = files.look(f"{other_disk}/b")
    assert back is not None
    files.move(back.path, file.path, back.identity)
    assert Path(file.path).read_bytes() == b"x" * 100_000


def test_a_full_disk_changes_nothing_and_is_named(
    place: Place, other_disk: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    file = place.put("a", b"x" * 1_000_000)
    (other_disk / "list").write_bytes(b"y")
    files = both(place.root, other_disk, trash=tmp_path / "trash")
    old = files.look(f"{other_disk}/list")
    assert old is not None
    request.getfixturevalue("little_room")
    for act in (
        lambda: files.move(file.path, f"{other_disk}/b", file.identity),
        lambda: files.copy(file.path, f"{other_disk}/b", file.identity),
        lambda: files.create(f"{other_disk}/c", b"x" * 1_000_000),
        lambda: files.append(old.path, b"x" * 1_000_000, old.identity),
        lambda: files.overwrite(old.path, b"x" * 1_000_000, files.look(old.path).identity),  # type: ignore[union-attr]
    ):
        with pytest.raises(FileError) as caught:
            act()
        assert caught.value.kind == "full", caught.value.message
        assert str(other_disk) in caught.value.message
    assert sorted(os.listdir(other_disk)) == ["list"]
    assert (other_disk / "list").read_bytes() == b"y"
    assert os.path.getsize(file.path) == 1_000_000


def test_a_disk_that_can_not_be_written_is_named(place: Place, tmp_path: Path) -> None:
    file = place.put("a")
    files = both(place.root, Path("/sys/kernel"), trash=tmp_path / "trash")
    for act in (
        lambda: files.copy(file.path, "/sys/kernel/b", file.identity),
        lambda: files.create("/sys/kernel/b", b"x"),
        lambda: files.make_folder("/sys/kernel/b"),
    ):
        with pytest.raises(FileError) as caught:
            act()
        assert caught.value.kind == "readonly", caught.value.message
        assert "/sys/kernel/b" in caught.value.message
    assert os.path.exists(file.path)


def test_a_folder_that_vanishes_is_missing(place: Place) -> None:
    file = place.put("in/a")
    with pytest.raises(FileError) as caught:
        place.files.move(file.path, place.path("gone/b"), file.identity)
    assert caught.value.kind == "missing"
    assert "gone" in caught.value.message
    place.files.kind_at(place.path("in/b"))
    os.unlink(file.path)
    os.rmdir(place.path("in"))
    assert place.files.look(file.path) is None
