"""What the world does to files and disks: whatever it is, nothing is lost, and what can be kept of a file is kept."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from klapp.files.guarded import GuardedFiles
from klapp.files.kept import Keeper
from klapp.files.protocol import FileError
from klapp.files.trash import Trash
from klapp.lane import Lane

pytestmark = pytest.mark.skipif(os.name != "posix", reason="these wounds are of POSIX systems")
PERMISSIONS = ("read", "write", "remove")


def mounted(path: Path, size: str) -> bool:
    """Mount a small file system of its own, where this may."""
    path.mkdir()
    if not shutil.which("mount") or os.geteuid() != 0:
        return False
    return (
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "klapp", path], capture_output=True).returncode
        == 0
    )


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Another disk, of 2 MB."""
    path = tmp_path / "disk"
    if not mounted(path, "2m"):
        pytest.skip("mounting a file system takes root")
    yield path
    subprocess.run(["umount", "-l", path], capture_output=True)


@pytest.fixture
def files(tmp_path: Path) -> GuardedFiles:
    """Everything below the test's folder."""
    lane = Lane.of([(one, f"{tmp_path}/**") for one in PERMISSIONS], str(tmp_path))
    return GuardedFiles(lane, Keeper(tmp_path / "kept", b"k" * 32), trash=Trash(tmp_path / "share/Trash"))


def moved(files: GuardedFiles, source: Path, goal: Path) -> None:
    value = files.look(str(source))
    assert value is not None
    files.move(str(source), str(goal), value.identity)


def test_a_full_disk_is_said_and_leaves_the_file_and_the_disk_as_they_were(
    tmp_path: Path, disk: Path, files: GuardedFiles
) -> None:
    source = tmp_path / "large"
    source.write_bytes(os.urandom(3 << 20))
    with pytest.raises(FileError) as refused:
        moved(files, source, disk / "large")
    assert refused.value.kind == "full"
    assert list(disk.iterdir()) == []
    with pytest.raises(FileError) as refused:
        files.create(str(disk / "new"), bytes(3 << 20))
    assert (refused.value.kind, list(disk.iterdir())) == ("full", [])
    log = disk / "log"
    log.write_bytes(bytes((1 << 20) + (1 << 19)))
    value = files.look(str(log))
    assert value is not None
    with pytest.raises(FileError):
        files.append(str(log), os.urandom(1 << 20), value.identity)
    assert files.look(str(log)) == value, "an addition that did not fit is taken out again"
    assert source.stat().st_size == 3 << 20


def test_a_disk_that_vanishes_is_said_and_what_was_to_go_there_stays(
    tmp_path: Path, disk: Path, files: GuardedFiles
) -> None:
    (disk / "Out").mkdir()
    (source := tmp_path / "a").write_bytes(b"content")
    assert files.kind_at(str(disk / "Out")) == "folder"
    (there := disk / "Out/b").write_bytes(b"there")
    value = files.look(str(there))
    assert value is not None
    subprocess.run(["umount", "-l", disk], check=True)
    time.sleep(0.3)  # longer than a handle is kept
    with pytest.raises(FileError) as refused:
        moved(files, source, disk / "Out/a")
    assert refused.value.kind == "missing"
    with pytest.raises(FileError):
        files.move(str(there), str(tmp_path / "b"), value.identity)
    assert source.read_bytes() == b"content"
    assert list(disk.iterdir()) == []


def test_a_disk_that_became_read_only_is_said(tmp_path: Path, disk: Path, files: GuardedFiles) -> None:
    (source := tmp_path / "a").write_bytes(b"content")
    (there := disk / "b").write_bytes(b"there")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for come, go in ((source, disk / "a"), (there, tmp_path / "b")):
        with pytest.raises(FileError) as refused:
            moved(files, come, go)
        assert refused.value.kind == "readonly"
        assert come.exists()
    assert source.read_bytes() == b"content"
    assert there.read_bytes() == b"there"


def test_to_another_disk_and_back_a_file_keeps_all_that_it_has(tmp_path: Path, disk: Path, files: GuardedFiles) -> None:
    source = tmp_path / "a"
    source.write_bytes(content := os.urandom(100_000))
    os.chown(source, 1234, 5678)
    os.chmod(source, 0o640)
    os.setxattr(source, "trusted.klapp", b"\0value")
    os.utime(source, ns=(1_234_567_890_123_456_789, 987_654_321_987_654_321))
    before = source.stat()
    moved(files, source, disk / "a")
    moved(files, disk / "a", source)
    after = source.stat()
    for trait in ("st_mode", "st_uid", "st_gid", "st_mtime_ns", "st_atime_ns", "st_size"):
        assert getattr(after, trait) == getattr(before, trait), trait
    assert os.getxattr(source, "trusted.klapp") == b"\0value"
    assert source.read_bytes() == content
    assert list(disk.iterdir()) == []


def test_five_sparse_gigabytes_go_to_a_small_disk_in_little_memory(
    tmp_path: Path, disk: Path, files: GuardedFiles
) -> None:
    source = tmp_path / "image"
    with source.open("wb") as file:
        file.write(b"begin")
        file.seek(3 << 30)
        file.write(b"middle")
        file.truncate(5 << 30)
    if source.stat().st_blocks * 512 > 1 << 20:
        pytest.skip("this file system has no holes")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    moved(files, source, disk / "image")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10, "in KiB"
    arrived = disk / "image"
    assert (arrived.stat().st_size, source.exists()) == (5 << 30, False)
    assert arrived.stat().st_blocks * 512 < 1 << 20
    with arrived.open("rb") as file:
        assert file.read(5) == b"begin"
        file.seek(3 << 30)
        assert file.read(7) == b"middle\0"


def test_hard_links_stay_where_a_file_stays_on_its_disk_and_lose_nothing_elsewhere(
    tmp_path: Path, disk: Path, files: GuardedFiles
) -> None:
    (source := tmp_path / "a").write_bytes(b"content")
    os.link(source, tmp_path / "other")
    moved(files, source, tmp_path / "b")
    assert (tmp_path / "b").stat().st_nlink == 2
    moved(files, tmp_path / "b", disk / "b")
    assert (tmp_path / "other").read_bytes() == b"content"
    assert (disk / "b").read_bytes() == b"content"


def test_a_link_is_never_followed_nor_taken_for_a_file(tmp_path: Path, files: GuardedFiles) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "link").symlink_to("secret")
    (tmp_path / "a").write_bytes(b"a")
    assert files.kind_at(str(tmp_path / "link")) == "link"
    with pytest.raises(FileError):
        files.look(str(tmp_path / "link"))
    with pytest.raises(FileError) as refused:
        moved(files, tmp_path / "a", tmp_path / "link")
    assert refused.value.kind == "taken"
    assert os.readlink(tmp_path / "link") == "secret"


def test_what_changed_between_the_look_and_the_act_is_left_alone(tmp_path: Path, files: GuardedFiles) -> None:
    (source := tmp_path / "a").write_bytes(b"one")
    value = files.look(str(source))
    assert value is not None
    source.write_bytes(b"longer")
    for act in (
        lambda: files.move(str(source), str(tmp_path / "b"), value.identity),
        lambda: files.overwrite(str(source), b"mine", value.identity),
        lambda: files.trash(str(source), value.identity, files.new_trash_token(str(source))),
    ):
        with pytest.raises(FileError) as refused:
            act()
        assert refused.value.kind == "changed"
    assert source.read_bytes() == b"longer"


def test_of_two_who_want_one_file_one_gets_it(tmp_path: Path, files: GuardedFiles) -> None:
    (source := tmp_path / "a").write_bytes(b"one")
    value = files.look(str(source))
    assert value is not None
    files.move(str(source), str(tmp_path / "first"), value.identity)
    with pytest.raises(FileError) as refused:
        files.move(str(source), str(tmp_path / "second"), value.identity)
    assert refused.value.kind == "missing"
    assert (tmp_path / "first").read_bytes() == b"one"
    assert not (tmp_path / "second").exists()


def test_the_trash_of_another_disk_is_its_own_and_file_managers_see_it(
    tmp_path: Path, disk: Path, files: GuardedFiles
) -> None:
    (path := disk / "a b%ü.txt").write_bytes(b"content")
    value = files.look(str(path))
    assert value is not None
    token = files.new_trash_token(str(path))
    files.trash(str(path), value.identity, token)
    trash = disk / f".Trash-{os.getuid()}"
    (info,) = (trash / "info").iterdir()
    assert "Path=a%20b%25%C3%BC.txt" in info.read_text()
    assert (trash / "files" / info.stem).read_bytes() == b"content"
    assert not (trash / "directorysizes").exists(), "which is for folders alone, and klapp trashes files"
    files.restore(token, str(path))
    assert path.read_bytes() == b"content"
    assert list((trash / "info").iterdir()) == []


@pytest.mark.skipif(not shutil.which("gio"), reason="GLib's gio is not installed")
def test_gio_lists_and_restores_what_klapp_trashed(tmp_path: Path, files: GuardedFiles) -> None:
    (path := tmp_path / "a b%.txt").write_bytes(b"content")  # gio shows others escaped
    value = files.look(str(path))
    assert value is not None
    files.trash(str(path), value.identity, files.new_trash_token(str(path)))
    environment = os.environ | {"XDG_DATA_HOME": str(tmp_path / "share"), "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    listing = ["dbus-run-session", "--", "gio", "trash", "--list"]
    if not shutil.which("dbus-run-session"):
        pytest.skip("gio needs a session bus")
    listed = subprocess.run(listing, capture_output=True, env=environment, text=True, timeout=60)
    if "not supported" in listed.stderr:
        pytest.skip("gvfs, which serves the trash to gio, is not installed")
    assert str(path) in listed.stdout, listed
    uri = listed.stdout.split("\t")[0]
    subprocess.run(
        ["dbus-run-session", "--", "gio", "trash", "--restore", uri], check=True, env=environment, timeout=60
    )
    assert path.read_bytes() == b"content"
