"""Confines the process that calls it: files, network, system calls, memory, time. There is no way back out."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from klapp.sandbox import landlock, seccomp

MEMORY = 1 << 30
"""Bytes of address space."""


@dataclass(frozen=True, slots=True)
class Confined:
    """What holds a process: ``landlock`` is the version in force (0 for none), ``seccomp`` whether calls are filtered."""

    landlock: int
    seccomp: bool


def confine(read: Iterable[str] = (), *, memory: int = MEMORY, seconds: int = 600) -> Confined:
    """Let this process read these files and folders, and do nothing else but compute and speak over its open handles.

    ``memory`` is in bytes, ``seconds`` of processor time. Raises OSError where the system has a sandbox and it fails;
    where it has none, the limits alone hold, and the answer says so.
    """
    _limits(memory, seconds)
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: nobody looks into its memory
    return Confined(landlock.restrict(read), seccomp.restrict())


def _limits(memory: int, seconds: int) -> None:
    if os.name != "posix":
        return
    import resource

    limits = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CPU, seconds),
    ]
    if sys.platform.startswith("linux"):  # macOS counts its shared libraries as address space
        limits.append((resource.RLIMIT_AS, memory))
        limits.append((resource.RLIMIT_NPROC, 0))
    for which, most in limits:
        _, hard = resource.getrlimit(which)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))
