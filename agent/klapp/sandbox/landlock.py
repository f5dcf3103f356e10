"""Landlock: the Linux kernel's sandbox for files, TCP, signals and sockets, from a process that needs no privilege.

See landlock(7). What this kernel does not know is left out; ``restrict`` tells which version did the work.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Mapping
from functools import cache

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION_FLAG, _PATH_BENEATH = 1, 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_DIR, MAKE_REG = 1 << 7, 1 << 8
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
READ = READ_FILE | READ_DIR
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""The rights that can be given for a single file; the others are about folders."""


@cache
def version() -> int:
    """The version of Landlock's interface that this kernel has; 0 where it has none."""
    if not sys.platform.startswith("linux"):
        return 0
    found = _syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    return max(found, 0)


def restrict(places: Mapping[str, int]) -> int:
    """From now on this process has these rights to these files and folders (and what is below them), and no others.

    There is no way back, no TCP, and no signal or abstract socket reaches a process that is not so restricted. Returns
    the version that was used, 0 where there is none; raises OSError where it failed.
    """
    known = version()
    if known == 0:
        return 0
    handled = _rights(known)
    attributes = struct.pack("QQQ", handled, 3 if known >= 4 else 0, 3 if known >= 6 else 0)
    size = 8 if known < 4 else 16 if known < 6 else 24
    ruleset = _checked(_syscall(_CREATE_RULESET, attributes, size, 0))
    try:
        for path, rights in places.items():
            _allow(ruleset, path, rights & handled)
        _no_new_privileges()
        _checked(_syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return known


def _rights(known: int) -> int:
    """Every right over files that this version can take away."""
    rights = (1 << 13) - 1
    for since, right in ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV)):
        if known >= since:
            rights |= right
    return rights


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no permission
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _OF_FILES
        if rights:
            _checked(_syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, place), 0))
    finally:
        os.close(place)


def _no_new_privileges() -> None:
    _checked(_libc().prctl(38, 1, 0, 0, 0))  # PR_SET_NO_NEW_PRIVS


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *arguments: bytes | int | None) -> int:
    result: int = _libc().syscall(number, *arguments)
    return result


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the sandbox can not be set up: {os.strerror(number)}")
    return result
