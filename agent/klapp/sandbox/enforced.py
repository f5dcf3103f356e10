"""What this system does not enforce, in plain words: for the approval of a coworker, and for ``klapp doctor``."""

from __future__ import annotations

import platform
import sys

from klapp.sandbox import landlock, seatbelt, seccomp

GUARD = "There, klapp's proof and its guard hold a coworker, and nothing behind them."
UNTRIED = "klapp's sandbox was made without a {} at hand, and only tried in parts; klapp doctor tries it on this one."


def not_enforced() -> tuple[str, ...]:
    """A sentence for each thing that the sandbox should stop and this system can not; none where all is well."""
    if sys.platform.startswith("linux"):
        return tuple(_on_linux(landlock.version(), seccomp.is_known()))
    if sys.platform == "darwin":
        return tuple(_on_macos(seatbelt.is_there()))
    if sys.platform == "win32":
        return ()
    return (f"klapp has no sandbox for coworkers on this system ({sys.platform}). " + GUARD,)


def less_enforced() -> tuple[str, ...]:
    """A sentence for each thing that this kind of system does not hold as tightly as Linux does."""
    return _LESS.get(sys.platform, ())


_LESS = {
    "darwin": (
        "macOS limits neither the memory of a coworker's process nor its threads; its time, and all else, it does.",
        UNTRIED.format("Mac"),
    ),
    "win32": (
        "Windows keeps a coworker's process from every file, and klapp itself does what that process plans. So at work, "
        "klapp's proof and its guard hold a coworker to its folders, and nothing behind them.",
        UNTRIED.format("Windows"),
    ),
}


def _on_macos(there: bool) -> list[str]:
    if there:
        return []
    return [f"This macOS ({platform.mac_ver()[0]}) has no Seatbelt that klapp can use. " + GUARD]


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
