"""What this system does not enforce, in plain words: for the approval of a coworker, and for ``klapp doctor``."""

from __future__ import annotations

import platform
import sys

from klapp.sandbox import landlock, seccomp

GUARD = "There, klapp's proof and its guard hold a coworker, and nothing behind them."


def not_enforced() -> tuple[str, ...]:
    """A sentence for each thing that the sandbox should stop and this system can not; none where all is well."""
    if not sys.platform.startswith("linux"):
        return ("klapp has a sandbox for coworkers on Linux only, so far. " + GUARD,)
    return tuple(_on_linux(landlock.version(), seccomp.is_known()))


def _on_linux(version: int, calls: bool) -> list[str]:
    told = []
    if version == 0:
        told.append(
            "This Linux does not hold a coworker to its folders: Landlock is missing (it needs Linux 5.13, and to be "
            "switched on; containers may hide it). " + GUARD
        )
    elif version < 3:
        told.append("This Linux can not keep a coworker from cutting files short (it needs 6.2). " + GUARD)
    if not calls:
        told.append(
            f"klapp has no list of system calls for this machine ({platform.machine()}): the network"
            f"{'' if version >= 4 else ', TCP included,'} and other programs are not closed to a coworker by the system."
        )
    return told
