"""Moving a file from one open folder to another, whichever file systems they lie on."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from klapp.files.drafts import Draft, copy_into, identity
from klapp.files.handles import Folder
from klapp.files.protocol import Identity


class Changed(OSError):
    """A file is not the one that it should be."""


def check(info: os.stat_result, expect: Identity) -> None:
    """Raise FileExistsError for anything but a regular file, Changed where it is not the expected version."""
    if not stat.S_ISREG(info.st_mode):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    if identity(info) != expect:
        raise Changed


@contextmanager
def opened(folder: Folder, name: str, flags: int) -> Iterator[tuple[int, os.stat_result]]:
    """Open a regular file, not through a link, and tell what it is. FileExistsError where it is something else."""
    try:
        file = folder.open(name, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:  # the name itself is a link
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        raise
    try:
        info = os.fstat(file)
        if not stat.S_ISREG(info.st_mode):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        yield file, info
    finally:
        os.close(file)


def transfer(source: Folder, name: str, goal: Folder, goal_name: str, expect: Identity) -> Identity:
    """Move a file of this identity onto a free name. Raises OSError; Changed where it is another file."""
    check(source.stat(name), expect)
    try:
        source.rename(name, goal, goal_name)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return _carry(source, name, goal, goal_name, expect, replacing=False)
    return expect


def supplant(
    source: Folder, name: str, goal: Folder, goal_name: str, expect: Identity, replacing: Identity
) -> Identity:
    """As ``transfer``, in place of the file of identity ``replacing``."""
    check(source.stat(name), expect)
    check(goal.stat(goal_name), replacing)
    try:
        source.replace(name, goal, goal_name)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return _carry(source, name, goal, goal_name, expect, replacing=True)
    return expect


def _carry(source: Folder, name: str, goal: Folder, goal_name: str, expect: Identity, *, replacing: bool) -> Identity:
    """Copy across file systems, make the copy durable under its name, and only then remove the original."""
    with opened(source, name, os.O_RDONLY) as (file, info), Draft(goal) as draft:
        check(info, expect)
        copy_into(draft, file)
        check(os.fstat(file), expect)
        arrived = draft.supplant(goal_name) if replacing else draft.publish(goal_name)
    goal.sync()
    if identity(source.stat(name)) == expect:
        source.unlink(name)
    elif not replacing:
        goal.unlink(goal_name)
        raise Changed
    return arrived


def duplicate(source: Folder, name: str, goal: Folder, goal_name: str, expect: Identity) -> Identity:
    """Copy a file of this identity with its traits onto a free name. Raises OSError; Changed for another file."""
    with opened(source, name, os.O_RDONLY) as (file, info), Draft(goal) as draft:
        check(info, expect)
        copy_into(draft, file)
        check(os.fstat(file), expect)
        return draft.publish(goal_name)
