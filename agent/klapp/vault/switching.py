"""The last step of a renewal: renewed files, which lie complete beside the old ones, take their places.

It needs no key, can be cut short at any instruction, and is done again from the start until the header says that it is
over. What is renewed is a fixed list of names within the state folder.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from klapp.vault.errors import VaultError
from klapp.vault.header import Header, sync_folder

RENEWED = ("klapp.db", "kept")
NEXT, FORMER = ".next", ".former"
_BESIDE = ("-wal", "-shm", "-journal")


def finish(home: Path, header: Header, key: bytes) -> Header:
    """Put what was renewed in its place; gives the header that says so. Raises VaultError."""
    try:
        for name in RENEWED:
            _exchange(home / name)
        sync_folder(home)
        after = header.changed(key, header.slots)
        after.write(home)
    except OSError as error:
        raise VaultError(
            f"The renewal of what is stored in {home} can not be finished: {error.strerror}. Nothing is lost; make room "
            "or make the folder writable, and start klapp again."
        ) from error
    clear(home)
    return after


def clear(home: Path) -> None:
    """Remove what a renewal that is over, or was never decided, left behind."""
    for name in RENEWED:
        for ending in (NEXT, FORMER):
            remove(home / (name + ending))


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _exchange(place: Path) -> None:
    following, former = place.with_name(place.name + NEXT), place.with_name(place.name + FORMER)
    if not following.exists():
        return  # done before we were cut short
    for ending in _BESIDE:
        place.with_name(place.name + ending).unlink(missing_ok=True)
    if place.is_dir():
        # A folder can not be replaced by another in one step.
        remove(former)
        place.rename(former)
    following.replace(place)
