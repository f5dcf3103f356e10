"""Confines the process that calls it: files, network, system calls, memory, time. There is no way back out."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from klapp.sandbox import landlock, seatbelt, seccomp

MEMORY = 1 << 30
"""Bytes of address space."""
_KEPT_CAPABILITIES = 0b1111
"""Of a person who is root: to own, read and write files whoever they belong to (capabilities(7), numbers 0 to 3)."""


@dataclass(frozen=True, slots=True)
class Confined:
    """What holds a process: ``landlock`` is the version in force (0 for none), ``seccomp`` whether calls are filtered,
    ``seatbelt`` whether the sandbox of macOS is on."""

    landlock: int = 0
    seccomp: bool = False
    seatbelt: bool = False

    def told(self) -> dict[str, int]:
        """The same as data, of this system's kind."""
        if sys.platform == "darwin":
            return {"seatbelt": self.seatbelt}
        if sys.platform == "win32":
            return {}  # whoever started this process has seen to it, and looked
        return {"landlock": self.landlock, "seccomp": self.seccomp}


def confine(
    places: Mapping[str, int] | None = None,
    *,
    files: str = "",
    memory: int = MEMORY,
    seconds: int = 600,
    handles: int = 64,
) -> Confined:
    """Let this process have these rights to these places, and else compute and speak over its open handles.

    The rights are Landlock's; other systems have their own words for them.

    ``files`` is what it has to do with a person's files: "" for nothing, "read" or "change". ``memory`` is in bytes,
    ``seconds`` of processor time. Raises OSError where the system has a sandbox and it fails; where it has none, the
    limits alone hold, and the answer says so.
    """
    _limits(memory, seconds, handles, writes=files == "change")
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: nobody looks into its memory
        _drop_capabilities(libc)
    if sys.platform == "darwin":
        seatbelt.deny_debuggers()
        return Confined(seatbelt=seatbelt.restrict(places or {}))
    return Confined(landlock.restrict(places or {}), seccomp.restrict(files=files))


def readable(paths: Iterable[str]) -> dict[str, int]:
    """The rights to read these files and folders, and to load code from them."""
    return dict.fromkeys(paths, landlock.READ | seatbelt.LOAD)


def _limits(memory: int, seconds: int, handles: int, *, writes: bool) -> None:
    if os.name != "posix":
        return
    import resource

    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, handles), (resource.RLIMIT_CPU, seconds)]
    if not writes:
        limits.append((resource.RLIMIT_FSIZE, 0))
    if sys.platform.startswith("linux"):  # macOS counts its shared libraries as address space
        limits.append((resource.RLIMIT_AS, memory))
    limits.append((resource.RLIMIT_NPROC, 0))
    for which, most in limits:
        _, hard = resource.getrlimit(which)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Where the person is root: keep what files take, and nothing of what else root may do. See capset(2), version 3."""
    header = struct.pack("Ii", 0x20080522, 0)
    data = ctypes.create_string_buffer(24)
    if libc.capget(header, data) != 0:
        return
    effective, permitted, _, *_ = struct.unpack("6I", data.raw)
    kept = struct.pack("6I", effective & _KEPT_CAPABILITIES, permitted & _KEPT_CAPABILITIES, 0, 0, 0, 0)
    libc.capset(header, kept)
