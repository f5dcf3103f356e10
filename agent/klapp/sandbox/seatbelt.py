"""Seatbelt: the sandbox of macOS, from a process that confines itself for good. It has never been run.

See sandbox_init(3) and sandbox(7). A profile names what is allowed; all else is denied. The texts of people never
become part of it: folders are its parameters, so that no name of a folder, whatever it holds, can say anything to it.

The functions are called deprecated in favour of entitlements, which belong to an app as a whole and know no folder that
is chosen while it runs. Browsers and build systems confine their processes by these very functions.
"""

from __future__ import annotations

import ctypes
import os
import posixpath
import sys
from collections.abc import Mapping
from typing import Any

from klapp.sandbox import landlock

LOAD, NAMES = 1 << 40, 1 << 41
"""The rights to load code from a file, and to list a folder and nothing in it: Landlock's have none of that name."""

_HEAD = """(version 1)
(deny default)
(allow process-info* (target self))
(allow signal (target self))
(allow sysctl-read)
(allow file-read* (literal "/dev/null") (literal "/dev/random") (literal "/dev/urandom"))
(allow file-write-data (literal "/dev/null"))
(allow file-read* file-map-executable (subpath "/usr/lib") (subpath "/System/Library") (subpath "/System/Volumes/Preboot"))
"""
_CHANGES = "file-write-data file-write-mode file-write-owner file-write-times file-write-xattr file-link"
_RULES: tuple[tuple[int, str, str], ...] = (
    (landlock.READ_FILE, "file-read*", ""),
    (LOAD, "file-map-executable", ""),
    (landlock.WRITE_FILE, _CHANGES, ""),
    (landlock.REMOVE_FILE, "file-write-unlink", "REGULAR-FILE"),
    (landlock.REMOVE_DIR, "file-write-unlink", "DIRECTORY"),
    (landlock.MAKE_REG, "file-write-create", "REGULAR-FILE"),
    (landlock.MAKE_DIR, "file-write-create", "DIRECTORY"),
)
"""For each right what it allows, and for what kind of file alone."""


def is_there() -> bool:
    """Whether this system has it."""
    return sys.platform == "darwin" and hasattr(_library(), "sandbox_init_with_parameters")


def profile(places: Mapping[str, int]) -> tuple[str, dict[str, str]]:
    """(the profile, its parameters) that allow these rights below these places, and nothing else of anybody's.

    Places are absolute paths with no link in them, ``/``-separated; the rights are Landlock's, and ``LOAD``. What is
    above a place can be seen to be there, and nothing of it. A place whose name this system can not have (bytes that
    are no text) is left out. Raises ValueError where a path is not absolute and plain.
    """
    rules: list[str] = []
    parameters: dict[str, str] = {}
    above: set[str] = set()
    for path, rights in sorted(places.items()):
        if not path.startswith("/") or posixpath.normpath(path) != path or path.startswith("//") or "\0" in path:
            raise ValueError(f"no place for a sandbox: {path!r}")
        if not _is_text(path):
            continue
        name = f"PLACE{len(parameters)}"
        parameters[name] = path
        where = f'(subpath (param "{name}"))'
        rules.extend(_rule(allowed, where, kind) for right, allowed, kind in _RULES if rights & right)
        if rights & NAMES:
            rules.append(f'(allow file-read-data file-read-metadata (literal (param "{name}")))')
        above.update(_folders_above(path))
    for path in sorted(above):
        name = f"ABOVE{len(parameters)}"
        parameters[name] = path
        rules.append(f'(allow file-read-metadata (literal (param "{name}")))')
    return _HEAD + "".join(f"{rule}\n" for rule in rules), parameters


def restrict(places: Mapping[str, int], library: Any = None) -> bool:
    """Confine this process to these places; False where the system has no Seatbelt. Raises OSError where it failed."""
    if library is None:
        if not is_there():
            return False
        library = _library()
    text, parameters = profile(_there(places))
    given = [part.encode("utf-8") for pair in parameters.items() for part in pair]
    array = (ctypes.c_char_p * (len(given) + 1))(*given, None)
    complaint = ctypes.c_char_p()
    if library.sandbox_init_with_parameters(text.encode("ascii"), ctypes.c_uint64(0), array, ctypes.byref(complaint)):
        why = (complaint.value or b"no reason given").decode("utf-8", "replace")
        raise OSError(0, f"the sandbox can not be set up: {why}")
    return True


def _there(places: Mapping[str, int]) -> dict[str, int]:
    """The places that are there, without a link in them; and the folder that each lies in, or the nearest above what is
    not there yet. The guard opens that folder to see what stands there, and macOS has no handle that takes less."""
    real: dict[str, int] = {}

    def add(path: str, rights: int) -> None:
        place = os.path.realpath(path)
        real[place] = real.get(place, 0) | rights

    for path, rights in places.items():
        if os.path.exists(path):
            add(path, rights)
        if not rights & LOAD:
            above = posixpath.dirname(path)
            while len(above) > 1 and not os.path.exists(above):
                above = posixpath.dirname(above)
            add(above, NAMES)
    return real


def deny_debuggers(library: Any = None) -> None:
    """Nobody traces this process from now on: ptrace(2), PT_DENY_ATTACH."""
    (library or _library()).ptrace(31, 0, None, 0)


def _library() -> Any:
    return ctypes.CDLL("/usr/lib/libSystem.dylib", use_errno=True)


def _rule(allowed: str, where: str, kind: str) -> str:
    return f"(allow {allowed} (require-all {where} (vnode-type {kind})))" if kind else f"(allow {allowed} {where})"


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _folders_above(path: str) -> set[str]:
    found = set()
    while path != "/":
        path = posixpath.dirname(path)
        found.add(path)
    return found
