"""Opens a file in an app: exactly that program, no shell, nothing inherited, and apart from the agent."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping

KEPT = ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "HOME", "LANG", "LC_ALL", "LOGNAME", "USER", "WAYLAND_DISPLAY",
        "XAUTHORITY", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME", "XDG_CURRENT_DESKTOP", "XDG_DATA_DIRS", "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR", "XDG_SESSION_TYPE")  # fmt: skip
"""What an app needs of the environment to be seen on the screen; everything else stays here."""
OPENERS = ("/usr/bin/gio", "/usr/bin/xdg-open")


class AppError(Exception):
    """An app could not be started; the message is a sentence for a person."""


KEPT_ON_WINDOWS = ("APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "SYSTEMROOT",
                   "TEMP", "TMP", "USERNAME", "USERPROFILE")  # fmt: skip
RUN_BY_OPENING = frozenset((".app", ".command", ".fileloc", ".inetloc", ".jar", ".mobileconfig", ".mpkg", ".pkg", ".scpt",
                            ".terminal", ".tool", ".url", ".webloc", ".workflow"))  # fmt: skip
"""Files that macOS runs, or follows elsewhere, when they are opened in what it has for them."""
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def open_with(path: str, app: str, environment: Mapping[str, str] = os.environ) -> None:
    """Open the file at an absolute path with a program, or, for "", with the one that the person uses for such files.

    It gets the path as its only argument, which begins with ``/`` (on Windows: with a drive) and so can not be an
    option. Raises AppError.
    """
    command = [app, path] if app else _default(path)
    program = command[0]
    if sys.platform == "win32":
        _check_on_windows(program, path)
    elif not path.startswith("/"):
        raise AppError("Only a file with its whole path can be opened.")
    elif not (os.path.isfile(program) and os.access(program, os.X_OK)):
        raise AppError(f"There is no program {program}.")
    kept = KEPT_ON_WINDOWS if sys.platform == "win32" else KEPT
    searched = {} if sys.platform == "win32" else {"PATH": "/usr/bin:/bin"}
    try:
        process = subprocess.Popen(
            command,
            executable=program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=True,
            start_new_session=True,
            cwd="/" if os.name == "posix" else None,
            env=searched | {name: environment[name] for name in kept if name in environment},
        )
    except OSError as error:
        raise AppError(f"{program} could not be started: {error.strerror}.") from None
    # The app lives on by itself; Python is told so, and does not warn that nobody waits for it.
    process.returncode = 0


def _check_on_windows(program: str, path: str) -> None:
    """A program by its whole name, and none that is a text for the command processor: that would read a part of the
    file's name, such as ``&``, as a command of its own. Raises AppError."""
    if not (_DRIVE.match(path) and _DRIVE.match(program)):
        raise AppError("Only a file with its whole path can be opened, in a program with its whole path.")
    if not program.lower().endswith(".exe"):
        raise AppError(f"{program} can not be used to open files: on Windows that takes a program that ends in .exe.")


def _default(path: str) -> list[str]:
    if sys.platform == "darwin":
        ending = os.path.splitext(path)[1].lower()
        if ending in RUN_BY_OPENING:
            raise AppError(f"A file that ends in {ending} would be run. Name the app to look at it with.")
        return ["/usr/bin/open", path]
    for opener in OPENERS:
        if os.access(opener, os.X_OK):
            return [opener, "open", path] if opener.endswith("/gio") else [opener, path]
    raise AppError('This system does not say which app opens such files. Name one: open file with "/usr/bin/..."')
