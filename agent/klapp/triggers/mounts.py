"""What kind of disk a folder is on: some tell of no changes that others make, some number their files anew each time."""

from __future__ import annotations

import os
import re
import sys

REMOTE = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "davfs", "glusterfs", "fuse.sshfs", "fuse.rclone", "fuse.davfs2", "fuse.glusterfs", "fuse.gvfsd-fuse")
)  # fmt: skip
"""File systems on which the kernel tells of what happens on this machine only."""
UNNUMBERED = frozenset(("vfat", "msdos", "exfat"))
"""File systems whose files have other inode numbers each time they are mounted."""
_ESCAPED = re.compile(rb"\\([0-7]{3})")


def kind_of_disk(path: str) -> str:
    """The type of the file system that holds a path, as Linux names it; "" where that is not known."""
    if not sys.platform.startswith("linux"):
        return ""
    real = os.fsencode(os.path.realpath(path))
    found, length = b"", -1
    try:
        with open("/proc/self/mountinfo", "rb") as mounts:
            for line in mounts:
                before, _, after = line.partition(b" - ")
                point = _ESCAPED.sub(lambda code: bytes([int(code[1], 8)]), before.split(b" ")[4])
                within = real == point or real.startswith(point.rstrip(b"/") + b"/")
                # Of two mounts at one place the later one covers the other.
                if within and len(point) >= length:
                    found, length = after.split(b" ")[0], len(point)
    except (OSError, IndexError):
        return ""
    return found.decode("ascii", "replace")


def tells_all(path: str) -> bool:
    """Whether the system tells of all changes in a folder, whoever makes them."""
    return kind_of_disk(path) not in REMOTE


def numbers_last(path: str) -> bool:
    """Whether a file keeps its inode number when its disk is taken out and put in again."""
    return kind_of_disk(path) not in REMOTE | UNNUMBERED
